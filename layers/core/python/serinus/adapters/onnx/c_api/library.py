"""ONNX Runtime's shared library: found without running the package that ships it, loaded once a process."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from ctypes import CDLL, CFUNCTYPE, POINTER, byref, c_uint32, c_void_p, cast
from functools import cache

from serinus.adapters.onnx.c_api.functions import Functions
from serinus.errors import ModelFailed, SerinusError

_API_VERSION = 15  # the first one whose table has every function we call; each newer library has it, too
_FATAL_ONLY = 4  # the rest comes back as a status; printed, it would stand between the prediction records
_ARENA_ALLOCATOR, _DEFAULT_MEMORY = 1, 0
_LONGEST = 400  # characters of what the runtime says


def failed(said: str) -> SerinusError:
    """Return the error for what the runtime says of a run."""
    return ModelFailed(f"the model failed: {said}")


class Library(Functions):
    """The functions of the loaded library, and the three objects that every session of a process shares.

    They are never released: the process ends before they are of no use.
    """

    def __init__(self, path: str) -> None:
        """Load the library.

        Raises:
            ImportError: it is no ONNX Runtime that can be driven: absent, damaged, for another machine, or too old.
        """
        self.path = path
        super().__init__(_table(path))
        self.environment, self.memory, self.allocator = c_void_p(), c_void_p(), c_void_p()
        self.check(self.create_env(_FATAL_ONLY, b"serinus", byref(self.environment)), ImportError)
        self.check(self.create_cpu_memory_info(_ARENA_ALLOCATOR, _DEFAULT_MEMORY, byref(self.memory)), ImportError)
        self.check(self.get_allocator_with_default_options(byref(self.allocator)), ImportError)

    def check(self, status: int | None, error: Callable[[str], Exception] = failed) -> None:
        """Raise what a call returned, if that was an error, in the runtime's own words on one line."""
        if status:
            raise error(self.said(status))

    def said(self, status: int) -> str:
        """Return what an error says, and release it."""
        try:
            message: bytes = self.get_error_message(status) or b""
            code = self.get_error_code(status)
        finally:
            self.release_status(status)
        return " ".join(message.decode(errors="replace").split())[:_LONGEST] or f"error {code}"


@cache
def library() -> Library:
    """Return the library that the `onnxruntime` wheel holds; it is loaded by the first call.

    Raises:
        ImportError: there is none, or it cannot be driven: use the Python binding instead.
    """
    for path in _candidates():
        return Library(path)
    raise ImportError("there is no onnxruntime/capi/libonnxruntime.so on the path", name="onnxruntime")


def _candidates() -> Iterator[str]:
    """Yield the library wherever `import onnxruntime` would look; a folder without `__init__.py` will do.

    Without `pathlib`, which nothing else at start-up needs and which takes 3 ms to import.
    """
    try:
        spec = importlib.util.find_spec("onnxruntime")
    except ValueError:  # somebody has put a module without a spec there
        return
    for folder in (spec and spec.submodule_search_locations) or ():
        capi = f"{folder}/capi"
        names = os.listdir(capi) if os.path.isdir(capi) else ()  # noqa: PTH208, PTH112 - see above
        yield from (f"{capi}/{name}" for name in sorted(names) if name.startswith("libonnxruntime.so"))


def _table(path: str) -> list[int]:
    """Return the addresses of the API's functions, in the order that its contract has frozen."""
    try:
        loaded = CDLL(path)
        get_api_base = loaded.OrtGetApiBase
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} is no ONNX Runtime ({error})", name="onnxruntime", path=path) from error
    get_api_base.restype = c_void_p
    base = cast(get_api_base(), POINTER(c_void_p))
    get_api = CFUNCTYPE(c_void_p, c_uint32)(base[0] or 0)
    table = get_api(_API_VERSION)
    if not table:
        raise ImportError(f"{path} lacks version {_API_VERSION} of its API", name="onnxruntime", path=path)
    return cast(table, POINTER(c_void_p * Functions.COUNT)).contents[:]  # type: ignore[return-value]
