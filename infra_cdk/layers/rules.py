"""What each layer keeps of the packages it installs: the one place to change when a layer grows too large.

Patterns are those of the shell, matched against paths below the layer's `python` folder; `*` crosses folders.
`tests/layers` holds the rules to the code: every handler imports, `infer` answers, and every recipe trains and
converts, from the trimmed layers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

CORE = "core"
PYTHON_VERSION = "3.13"
PLATFORM = "x86_64-manylinux_2_28"

_FOR_BUILDING = (
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.pxi",
    "*.hpp",
    "*.h",
    "*.cc",
    "*.cmake",
    "*.a",
    "*.lib",
    "*.proto",
    "*.tp",
)
_FOR_INSTALLING = (  # METADATA stays: lineage asks for versions; licences stay: they must travel along
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
    "*.dist-info/sboms/*",
    "*.dist-info/*.json",
    ".lock",
    "bin/*",
)
_FOR_TESTING = ("*/tests/*", "*/test/*", "*/conftest.py", "*/_pyinstaller/*")
EVERYWHERE = (*_FOR_BUILDING, *_FOR_INSTALLING, *_FOR_TESTING, "*/include/*", "*/__pycache__/*")

_NUMPY = ("numpy/_core/_simd.*", "numpy/_core/_*_tests.*", "numpy/_core/lib/*")
_ONNX_RUNTIME = tuple(
    f"onnxruntime/{name}/*" for name in ("backend", "datasets", "quantization", "tools", "transformers")
)
_LIBRARY = "onnxruntime/capi/libonnxruntime.so*"  # for its C API; the Python binding links all of it in once more
_LICENCES = ("onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt", "onnxruntime-*.dist-info/*")
_ONNX = ("onnx/backend/*", "onnx/bin/*", "onnx/fuzz/*", "onnx/reference/*")


@dataclass(frozen=True)
class Rule:
    """How a layer is made of what its requirements install.

    Attributes:
        keep: only what matches is kept; everything, where there is no pattern.
        drop: what matches is dropped, besides what is dropped of every layer.
        strip: libraries that lose their symbol tables. Never those of a `<package>.libs` folder: auditwheel has moved
            their sections, and `strip` breaks them (numpy then fails to import).
        sources: whether modules are shipped as source and compiled, so that tracebacks show their lines, or compiled
            only, at half the size.
    """

    keep: Sequence[str] = ()
    drop: Sequence[str] = ()
    strip: Sequence[str] = ()
    sources: bool = True

    def keeps(self, path: str) -> bool:
        """Whether the layer holds the file at this path."""
        if _matches(path, (*EVERYWHERE, *self.drop)):
            return False
        return not self.keep or _matches(path, self.keep)

    def strips(self, path: str) -> bool:
        """Whether the file at this path is a library that loses its symbol table."""
        return _matches(path, self.strip) and not _matches(path, ("*.libs/*",))


RULES = {
    CORE: Rule(drop=("serinus/cli/*", "serinus/local_cloud/*")),
    "data": Rule(
        drop=(
            # Clients and formats we have no use for; objects are read through boto3.
            *(
                f"pyarrow/*{name}*"
                for name in ("flight", "gcsfs", "azurefs", "hdfs", "_orc", "cuda", "s3fs", "arrow_s3")
            ),
            *(f"pyarrow/*{name}*" for name in ("_encryption", "_feather", "_cpp_tests")),
            "pyarrow/libarrow_python.so",  # copies of the one that is linked to
            "pyarrow/libarrow_python.so.*.*.*",
        ),
        strip=("pyarrow/*.so*",),
    ),
    "handlers": Rule(
        drop=(
            *_NUMPY,
            "aws_lambda_powertools/event_handler/openapi/swagger_ui/*",
            "pydantic/v1/*",
            "pydantic/mypy.py",
        ),
        strip=("numpy/*.so",),
    ),
    # `infer` reaches ONNX Runtime through its C API alone.
    "inference": Rule(keep=(_LIBRARY, *_LICENCES, "orjson*", "pybase64*"), drop=("pybase64/_fallback.py",)),
    "joins": Rule(drop=("adbc_driver_duckdb/*", "duckdb/experimental/*"), strip=("_duckdb*.so",)),
    "models": Rule(drop=(*_ONNX, *_ONNX_RUNTIME, _LIBRARY), strip=("onnxruntime/*.so",)),
    "training": Rule(
        drop=(
            *_ONNX,
            *(f"narwhals/_{engine}/*" for engine in ("dask", "duckdb", "ibis", "spark_like")),
            *(f"scipy/{name}/*" for name in ("cluster", "datasets", "fftpack", "io", "misc", "odr", "signal")),
            "scipy/_external/cobyqa/*",
            "scipy/special/_precompute/*",
            "scipy/special/_test_internal.*",
            "scipy/stats/_sobol_direction_numbers.npz",
            "scipy/stats/_unuran/*",
            "skl2onnx/tutorial/*",
            "sklearn/datasets/*",
            "sklearn/svm/src/*",
            "sklearn/utils/_test_common/*",
            "sklearn/utils/estimator_checks.py",
        ),
        strip=("scipy/*.so", "sklearn/*.so"),
        sources=False,
    ),
}


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
