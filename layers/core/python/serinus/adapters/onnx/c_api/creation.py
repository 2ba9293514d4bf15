"""Makes sessions of the runtime, with their options."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_void_p
from enum import IntEnum
from typing import NamedTuple

from serinus.adapters.onnx.c_api.library import Library
from serinus.adapters.onnx.c_api.metadata import refused

_FATAL_ONLY = 4  # the rest is raised as errors; printed, it would stand between the prediction records
_NO_SPINNING = {"session.intra_op.allow_spinning": "0"}  # waiting is charged, and throttled
_BORROWS_MODEL = "session.use_ort_model_bytes"  # with such an entry, the runtime reads our bytes as long as it lives


class Optimisation(IntEnum):
    """How much of the graph the runtime rewrites while it loads it; more takes longer to load."""

    NONE = 0
    BASIC = 1
    EXTENDED = 2
    ALL = 99


class Options(NamedTuple):
    """How a session is made.

    Attributes:
        threads: that share one operator's work.
        optimisation: of the graph.
        config: entries as in `onnxruntime_session_options_config_keys.h`.
    """

    threads: int
    optimisation: Optimisation
    config: Mapping[str, str]

    @property
    def borrow_model(self) -> bool:
        """Whether the model's bytes must outlive the session."""
        return any(key.startswith(_BORROWS_MODEL) for key in self.config)


def create(library: Library, model: bytes, options: Options) -> c_void_p:
    """Return a new session, which is the caller's to release.

    Raises:
        ModelRefused: the runtime cannot load the model.
    """
    told, session = c_void_p(), c_void_p()
    try:
        library.check(library.create_session_options(byref(told)), refused)
        _set(library, told, options)
        library.check(
            library.create_session_from_array(library.environment, model, len(model), told, byref(session)), refused
        )
    finally:
        if told.value:
            library.release_session_options(told)
    return session


def _set(library: Library, told: c_void_p, options: Options) -> None:
    library.check(library.set_session_log_severity_level(told, _FATAL_ONLY), refused)
    library.check(library.set_intra_op_num_threads(told, options.threads), refused)
    library.check(library.set_inter_op_num_threads(told, 1), refused)
    library.check(library.set_session_graph_optimization_level(told, options.optimisation), refused)
    for key, value in {**_NO_SPINNING, **options.config}.items():
        library.check(library.add_session_config_entry(told, key.encode(), value.encode()), refused)
