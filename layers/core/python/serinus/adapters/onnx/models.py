"""`Models` for ONNX files."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.domain.gates import MAXIMUM_MODEL_BYTES
from serinus.domain.signature import Signature
from serinus.use_cases.ports.models import Model

# A parsed model takes up to 240 times its bytes where it is made of empty messages (measured). Up to this size that
# is bearable; a larger file is read by a process of its own, which has a limit.
_READ_HERE_BYTES = 1_000_000


class OnnxModels:
    """`Models`: checks files with `onnx`, loads them with ONNX Runtime; each is imported when it is needed."""

    def check(self, model: bytes, signature: Signature) -> Sequence[str]:
        """Return everything that stands against serving the file, each as one sentence; nothing where it is fine."""
        if len(model) > MAXIMUM_MODEL_BYTES:
            return [
                f"the model weighs {len(model):,} bytes, above the limit of {MAXIMUM_MODEL_BYTES:,} (a function and "
                "its "
                "layers may unzip to 250 MB): make it smaller, for instance with fewer trees"
            ]
        if len(model) > _READ_HERE_BYTES:
            from serinus.adapters.onnx.isolation import faults_apart

            return faults_apart(model, signature)
        from serinus.adapters.onnx.checker import faults

        return faults(model, signature)

    def load(self, model: bytes, signature: Signature) -> Model:
        """Make a session with one thread.

        Raises:
            ModelRefused: ONNX Runtime cannot load it.
        """
        from serinus.adapters.onnx.session import PythonSession

        return PythonSession(model, signature)
