"""An alias with two versions splits its invocations by weight, on every path.

AWS: each invocation of an alias runs its additional version with the probability in ``RoutingConfig``, else its
``FunctionVersion``, whether it comes through Invoke, an HTTP API, Step Functions or EventBridge. The handler's
``invoked_function_arn`` is the alias's; reserved concurrency counts over all versions. An alias may weight one
further, published, existing version between 0 and 1.

Stock: weights are stored and never honoured, only the Invoke API remembers that an alias was called, reserved
concurrency is not looked up for published versions, and any version and weight is accepted.

Mended: the version is drawn where an alias is resolved, except to describe it.
"""

from __future__ import annotations

import contextvars
import random
from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc

from serinus.local_cloud.mends.replacing import replace

_described: contextvars.ContextVar[bool] = contextvars.ContextVar("serinus_described", default=False)
_called_alias: contextvars.ContextVar[str | None] = contextvars.ContextVar("serinus_called_alias", default=None)


def drawn_version(alias: Mapping[str, Any]) -> str:
    """The version that one invocation of an alias runs."""
    weights: Mapping[str, float] = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    point = random.random()  # noqa: S311 - traffic is split, nothing is kept secret
    for version, weight in weights.items():
        if point < float(weight):
            return version
        point -= float(weight)
    return str(alias.get("FunctionVersion", "$LATEST"))


def _resolve(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def resolve(func: dict[str, Any] | None, qualifier: str | None) -> tuple[Any, Any]:
        alias = (func or {}).get("aliases", {}).get(qualifier)
        if func is None or alias is None or _described.get():
            answer: tuple[Any, Any] = original(func, qualifier)
            return answer
        record, config = original(func, drawn_version(alias))
        if record is None:
            return None, None
        config = config | {"FunctionArn": alias["AliasArn"]}
        return record | {"config": config}, config

    return resolve


def _describe(original: Any) -> Any:  # noqa: ANN401
    def describe(name: str, qualifier: str | None = None) -> Any:  # noqa: ANN401
        token = _described.set(True)
        try:
            return original(name, qualifier)
        finally:
            _described.reset(token)

    return describe


def _invoke(original: Any) -> Any:  # noqa: ANN401
    async def invoke(
        name: str,
        event: object,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        qualifier = (
            path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or headers.get("x-amz-qualifier")
        )
        alias = (lambda_svc._functions.get(name) or {}).get("aliases", {}).get(qualifier)
        if alias is None:
            return await original(name, event, headers, path_qualifier, query_params)
        token = _called_alias.set(alias["AliasArn"])
        try:
            return await original(name, event, headers, drawn_version(alias), {})
        finally:
            _called_alias.reset(token)

    return invoke


def _execute(original: Any) -> Any:  # noqa: ANN401
    def execute(func: dict[str, Any], event: object) -> dict[str, Any]:
        alias_arn = _called_alias.get()
        if alias_arn is not None:
            _called_alias.set(None)  # this thread runs in a copy of the request's context
            func = func | {"config": (func.get("config") or func) | {"FunctionArn": alias_arn}}
        answer: dict[str, Any] = original(func, event)
        return answer

    return execute


def _reserved(original: Any) -> Any:  # noqa: ANN401
    def reserved(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        whole = lambda_svc._functions.get(config.get("FunctionName"))
        answer: int | None = original(whole or func, config)
        return answer

    return reserved


def _refusal(name: str, data: dict[str, Any], current: dict[str, Any]) -> tuple[Any, ...] | None:
    """Why AWS would refuse an alias; None when it would not."""
    func = lambda_svc._functions.get(name)
    if func is None:
        return None
    primary = data.get("FunctionVersion", current.get("FunctionVersion", "$LATEST"))
    routing = data.get("RoutingConfig", current.get("RoutingConfig")) or {}
    weights: dict[str, float] = routing.get("AdditionalVersionWeights") or {}
    for version in (primary, *weights):
        if version != "$LATEST" and version not in func["versions"]:
            answer: tuple[Any, ...] = lambda_svc._function_qualifier_not_found(name, version)
            return answer
    problem = None
    if len(weights) > 1:
        problem = "Number of items in AdditionalVersionWeights cannot be greater than 1."
    elif weights and "$LATEST" in {primary, *weights}:
        problem = "$LATEST is not supported for an alias pointing to more than 1 version."
    elif primary in weights:
        problem = (
            f"Invalid function version {primary}. "
            f"Function version {primary} is already included in routing configuration."
        )
    elif any(not 0 <= float(weight) <= 1 for weight in weights.values()):
        problem = "Weights must be between 0.0 and 1.0."
    if problem is None:
        return None
    refused: tuple[Any, ...] = lambda_svc.error_response_json("InvalidParameterValueException", problem, 400)
    return refused


def _create_alias(original: Any) -> Any:  # noqa: ANN401
    def create(func_name: str, data: dict[str, Any]) -> Any:  # noqa: ANN401
        return _refusal(func_name, data, {}) or original(func_name, data)

    return create


def _update_alias(original: Any) -> Any:  # noqa: ANN401
    def update(func_name: str, alias_name: str, data: dict[str, Any]) -> Any:  # noqa: ANN401
        current = (lambda_svc._functions.get(func_name) or {}).get("aliases", {}).get(alias_name, {})
        return _refusal(func_name, data, current) or original(func_name, alias_name, data)

    return update


def apply() -> None:
    """Apply the mend."""
    replace(lambda_svc, "_effective_func_record_for_qualifier", _resolve)
    replace(lambda_svc, "_get_function", _describe)
    replace(lambda_svc, "_get_function_config", _describe)
    replace(lambda_svc, "_invoke", _invoke)
    replace(lambda_svc, "_execute_function", _execute)
    replace(lambda_svc, "_reserved_concurrency", _reserved)
    replace(lambda_svc, "_create_alias", _create_alias)
    replace(lambda_svc, "_update_alias", _update_alias)
