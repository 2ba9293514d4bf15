"""Where numpy meets the C API: the only module of this package that imports it.

Apart, because a caller who has plain Python values in hand (one row of a request) needs neither arrays nor the 100 ms
that it takes to import numpy; a caller with arrays has paid them already.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.c_api.library import failed
from serinus.adapters.onnx.datatypes import NUMPY
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor

_BY_KIND = {dtype.str: datatype for datatype, dtype in NUMPY.items() if datatype is not Datatype.BYTES}
_TEXTS = frozenset("OU")


def tensors_of(arrays: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Tensor]:
    """Return tensors over the memory of arrays; what is not contiguous and aligned is copied.

    Objects that are no texts are spelled out, as the Python binding does.

    Raises:
        ModelFailed: an array holds what the protocol has no name for.
    """
    return {name: _tensor(name, array) for name, array in arrays.items()}


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.generic]]:
    """Return writable arrays; texts as an array of `str` objects."""
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _tensor(name: str, array: npt.NDArray[np.generic]) -> Tensor:
    if array.dtype.kind in _TEXTS:
        return Tensor(Datatype.BYTES, array.shape, list(map(str, array.ravel().tolist())))
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    datatype = _BY_KIND.get(native.dtype.str)
    if datatype is None:
        raise failed(f"input {name!r} holds {array.dtype}, which is none of the protocol's datatypes")
    return Tensor(datatype, array.shape, np.require(native, requirements=["C", "A"]).data)


def _array(tensor: Tensor) -> npt.NDArray[np.generic]:
    if tensor.datatype is Datatype.BYTES:
        texts: npt.NDArray[np.object_] = np.empty(len(tensor.values()), dtype=object)
        texts[:] = tensor.values()
        return texts.reshape(tensor.shape)
    return np.ndarray(tensor.shape, NUMPY[tensor.datatype], bytearray(tensor.data))  # type: ignore[arg-type]
