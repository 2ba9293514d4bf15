"""What an inference function is told of its policy."""

from __future__ import annotations

import json

from serinus.domain.policy import Policy
from serinus.settings import InferSettings


def infer_settings(policy: Policy) -> InferSettings:
    """Return the settings of the policy's inference function; both deploys and rollouts set them."""
    serving = policy.serving
    return InferSettings(
        endpoint=policy.endpoint,
        log_inputs=serving.log_inputs.value,
        log_share=json.dumps(serving.log_share),
        personal=json.dumps(list(serving.personal)),
        id_column=json.dumps(policy.labels.id_column),
    )
