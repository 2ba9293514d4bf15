"""The quickest way to a session that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serinus.domain.signature import Signature

if TYPE_CHECKING:
    from serinus.use_cases.infer import Runner


def load_runner(model: bytes, signature: Signature, *, threads: int = 1) -> Runner:
    """Make a session over the C API, or where that cannot be driven, over the ordinary binding.

    Raises:
        ModelRefused: ONNX Runtime cannot load the model.
    """
    try:
        from serinus.adapters.onnx.c_api.session import CApiSession

        return CApiSession(model, signature, threads=threads)
    except ImportError:
        from serinus.adapters.onnx.array_runner import ArrayRunner
        from serinus.adapters.onnx.session import PythonSession

        return ArrayRunner(PythonSession(model, signature, threads=threads))
