"""Properties that ministack's CloudFormation leaves out are set as well.

AWS: a template's ``DeadLetterConfig`` and ``ReservedConcurrentExecutions`` of a function and
``TimeToLiveSpecification`` of a table take effect.

Stock: they are dropped without a word.

Mended: set on the resource right after it was created or updated.
"""

from __future__ import annotations

from typing import Any

from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

from serinus.local_cloud.errors import MendRefused


def _set_on_function(name: str, properties: dict[str, Any]) -> None:
    func = lambda_svc._functions.get(name)
    if func is None:
        return
    reserved = properties.get("ReservedConcurrentExecutions")
    func["concurrency"] = None if reserved is None else int(reserved)
    dead_letters = properties.get("DeadLetterConfig")
    if dead_letters and dead_letters.get("TargetArn"):
        func["config"]["DeadLetterConfig"] = dead_letters
    else:
        func["config"].pop("DeadLetterConfig", None)


def _set_on_table(name: str, properties: dict[str, Any]) -> None:
    specification = properties.get("TimeToLiveSpecification")
    if specification:
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification})


_SETTERS = {
    "AWS::Lambda::Function": _set_on_function,
    "AWS::DynamoDB::Table": _set_on_table,
    "AWS::DynamoDB::GlobalTable": _set_on_table,
}


def _creator(set_properties: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def make(original: Any) -> Any:  # noqa: ANN401
        def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:  # noqa: ANN401
            physical_id, attributes = original(logical_id, properties, stack_name)
            set_properties(physical_id, properties)
            return physical_id, attributes

        return create

    return make


def _updater(set_properties: Any) -> Any:  # noqa: ANN401
    def make(original: Any) -> Any:  # noqa: ANN401
        def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any) -> Any:  # noqa: ANN401
            new_id, attributes = original(physical_id, old, new, *rest, **named)
            set_properties(new_id, new)
            return new_id, attributes

        return update

    return make


def apply() -> None:
    """Apply the mend."""
    for resource_type, set_properties in _SETTERS.items():
        handlers = provisioners._RESOURCE_HANDLERS.get(resource_type)
        if handlers is None or not {"create", "update"} <= handlers.keys():
            raise MendRefused(f"CloudFormation has no handlers for {resource_type}")
        handlers["create"] = _creator(set_properties)(handlers["create"])
        handlers["update"] = _updater(set_properties)(handlers["update"])
