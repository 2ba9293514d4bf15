"""Changing a function is asynchronous, guarded by revisions, and one change at a time.

AWS: while an update is in progress, further updates and PublishVersion answer ``ResourceConflictException``; the
function's ``RevisionId`` changes once more when the update completes; PublishVersion refuses a stale ``RevisionId``
(``PreconditionFailedException``) and a ``CodeSha256`` that is not the code's.

Stock: updates and publishing are accepted at any time, the revision stays when an update completes, and
PublishVersion ignores both guards.

Mended: as AWS, for calls through the API; CloudFormation, which waits by itself, is left alone.
"""

from __future__ import annotations

import contextvars
import threading
import time
from typing import Any

from ministack.services import lambda_svc

from serinus.local_cloud.mends.replacing import replace

UPDATE_SECONDS = 0.2

_through_api: contextvars.ContextVar[bool] = contextvars.ContextVar("serinus_through_api", default=False)


def _handle(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    async def handle(*arguments: object, **options: object) -> Any:  # noqa: ANN401
        token = _through_api.set(True)
        try:
            return await original(*arguments, **options)
        finally:
            _through_api.reset(token)

    return handle


def _in_progress(name: str) -> tuple[Any, ...] | None:
    config = (lambda_svc._functions.get(name) or {}).get("config", {})
    if not _through_api.get() or config.get("LastUpdateStatus") != "InProgress":
        return None
    refused: tuple[Any, ...] = lambda_svc.error_response_json(
        "ResourceConflictException",
        "The operation cannot be performed at this time. "
        f"An update is in progress for resource: {config['FunctionArn']}",
        409,
    )
    return refused


def _one_at_a_time(original: Any) -> Any:  # noqa: ANN401
    def update(name: str, data: dict[str, Any]) -> Any:  # noqa: ANN401
        return _in_progress(name) or original(name, data)

    return update


def _publish(original: Any) -> Any:  # noqa: ANN401
    def publish(name: str, data: dict[str, Any]) -> Any:  # noqa: ANN401
        config = (lambda_svc._functions.get(name) or {}).get("config", {})
        stale = lambda_svc._check_revision(config, data) if config and data.get("RevisionId") else None
        wanted = data.get("CodeSha256")
        if config and wanted and wanted != config.get("CodeSha256"):
            stale = stale or lambda_svc.error_response_json(
                "InvalidParameterValueException",
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                f"({config.get('CodeSha256')}). Please try again with the CodeSHA256 in $LATEST.",
                400,
            )
        return _in_progress(name) or stale or original(name, data)

    return publish


def _complete_later(_original: Any) -> Any:  # noqa: ANN401
    def schedule(func_name: str, delay: float) -> None:
        def complete() -> None:
            time.sleep(delay)
            func = lambda_svc._functions.get(func_name)
            if func is not None:
                _complete(func)

        threading.Thread(target=contextvars.copy_context().run, args=(complete,), daemon=True).start()

    return schedule


def _complete(func: dict[str, Any]) -> None:
    """Mark what is pending as done; a SnapStart version's own provisioning decides about that version."""
    for config in (func["config"], *(version["config"] for version in func["versions"].values())):
        pending = config.get("State") == "Pending" or config.get("LastUpdateStatus") == "InProgress"
        snapshot = (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
        if not pending or (snapshot and config.get("Version") != "$LATEST"):
            continue
        config.update(
            State="Active",
            StateReason="",
            StateReasonCode="",
            LastUpdateStatus="Successful",
            LastUpdateStatusReason="",
            LastUpdateStatusReasonCode="",
            RevisionId=lambda_svc.new_uuid(),
        )


def apply() -> None:
    """Apply the mend."""
    replace(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", lambda _: UPDATE_SECONDS)
    replace(lambda_svc, "handle_request", _handle)
    replace(lambda_svc, "_update_code", _one_at_a_time)
    replace(lambda_svc, "_update_config", _one_at_a_time)
    replace(lambda_svc, "_publish_version", _publish)
    replace(lambda_svc, "_schedule_state_transition", _complete_later)
