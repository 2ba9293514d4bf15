"""A synthesised cloud assembly, read the way the infra tests ask about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra_cdk.app import build
from infra_cdk.local import FLAG
from serinus.adapters.schemas.policy import parse_policy
from serinus.adapters.schemas.policy_serving import OPEN_IN_WORDS
from serinus.domain.policy import Policy

OPEN = {"authorisation": "open", "open_to_everybody": OPEN_IN_WORDS}

Json = dict[str, Any]  # a CloudFormation template is data of any shape


@dataclass(frozen=True)
class Resource:
    """A resource of a template."""

    stack: str
    logical_id: str
    body: Json

    @property
    def properties(self) -> Json:
        """Its properties; empty where the template gives none."""
        found: Json = self.body.get("Properties", {})
        return found


@dataclass(frozen=True)
class Assembly:
    """Every template of a synth, by stack name."""

    directory: Path
    templates: dict[str, Json]

    def resources(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of these types, of every stack; all of them where no type is given."""
        for stack, template in self.templates.items():
            for logical_id, body in template["Resources"].items():
                if not types or body["Type"] in types:
                    yield Resource(stack, logical_id, body)

    def functions(self) -> dict[str, Resource]:
        """Return the Lambda functions by name."""
        return {function.properties["FunctionName"]: function for function in self.resources("AWS::Lambda::Function")}

    def statements(self, function_name: str) -> list[Json]:
        """Return the policy statements of a function's role."""
        function = self.functions()[function_name]
        role = function.properties["Role"]["Fn::GetAtt"][0]
        return [
            statement
            for policy in self.resources("AWS::IAM::Policy")
            if policy.stack == function.stack and {"Ref": role} in policy.properties["Roles"]
            for statement in policy.properties["PolicyDocument"]["Statement"]
        ]


def synthesise(directory: Path, *, layers: Path, policies: Sequence[Policy], local: bool = False) -> Assembly:
    """Synthesise the app into a directory."""
    context = {FLAG: True} if local else {}
    build(policies=tuple(policies), layers=layers, context=context, outdir=directory).synth()
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(directory.glob("*.template.json"))
    }
    return Assembly(directory, templates)


def a_policy(endpoint: str = "fraud", **fields: object) -> Policy:
    """Return a policy that says only what it must, and the fields given."""
    document = {"endpoint": endpoint, "owners": ["a@example.com"], "gates": [{"metric": "roc_auc", "minimum": 0.7}]}
    return parse_policy(document | fields, source=f"{endpoint}.toml")


def listed(value: object) -> list[Any]:
    """Return what a policy statement says of actions or resources as a list; one may stand without."""
    return value if isinstance(value, list) else [value]
