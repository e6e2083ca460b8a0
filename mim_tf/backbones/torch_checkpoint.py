"""Reads tensors saved by PyTorch, without PyTorch and without executing code from the file.

Such a file is a pickle, which can call arbitrary functions. This reader accepts three kinds of names and
rejects all others. It reads the format that `torch.save` wrote before version 1.6: four pickles (a magic
number, the protocol version, system information, the dictionary of tensors), a fifth with the keys of the storages,
and then the length and the raw values of each storage (source: `torch/serialization.py`, `_legacy_load`).
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mim_export.score.errors import MimError, explain

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_REMEDY = "install its package again"
_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


class _Storage(NamedTuple):
    """Key, dtype and length of a storage, whose values follow later in the file."""

    key: str
    dtype: np.dtype[Any]
    length: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides are in values, not in bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """An unpickler that creates only dictionaries, `_Storage` and `_Tensor`."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns the replacement of a permitted name; the replacement of a storage class is its dtype."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.tensor
        if module == "torch" and name in _DTYPES:
            return np.dtype(_DTYPES[name])
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not permitted")

    def persistent_load(self, pid: Any) -> _Storage:
        """Reads ("storage", class, key, device, length, view); PyTorch has not written storage views since 2017."""
        kind, dtype, key, _, length, view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or view is not None:
            raise pickle.UnpicklingError("it holds something other than whole storages")
        return _Storage(str(key), dtype, _count(length))

    @staticmethod
    def tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        """Replaces `torch._utils._rebuild_tensor_v2`; `requires_grad` and hooks are ignored."""
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("it holds a tensor without a storage")
        tensor = _Tensor(storage, _count(offset), tuple(map(_count, shape)), tuple(map(_count, strides)))
        if len(tensor.shape) != len(tensor.strides) or len(tensor.shape) > 8:
            raise pickle.UnpicklingError("it holds a tensor with inconsistent shape and strides")
        return tensor


def read_state_dict(path: str | os.PathLike[str], sha256: str) -> dict[str, NDArray[Any]]:
    """Reads a dictionary of tensors.

    Args:
        path: a file written by `torch.save(model.state_dict(), path)` with PyTorch before 1.6.
        sha256: expected SHA-256 of the file, 64 hexadecimal digits; a file with another hash is not parsed.

    Returns:
        Read-only arrays by name, in the order of the file, with the shape and dtype of the tensors.

    Raises:
        MimError: the file cannot be read, has another hash, contains a name that is not permitted, or is damaged.

    Example:
        `read_state_dict("efficientnet-lite0-57934424.pth", "57934424...")["_conv_stem.weight"].shape` is
        (32, 3, 3, 3).
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise explain(error, path) or error from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MimError("not the published file (its sha256 differs)", _REMEDY, path)
    try:
        return _parse(io.BytesIO(content))
    except Exception as error:  # a damaged pickle can raise any exception
        raise MimError(f"not a dictionary of tensors ({error or type(error).__name__})", _REMEDY, path) from error


def _parse(stream: io.BytesIO) -> dict[str, NDArray[Any]]:
    magic, protocol, system, tensors, keys = (_Reader(stream).load() for _ in range(5))
    if magic != _MAGIC or protocol != _PROTOCOL or system["little_endian"] is not True:
        raise ValueError("another format")
    if not all(isinstance(name, str) and isinstance(tensor, _Tensor) for name, tensor in tensors.items()):
        raise ValueError("it holds other objects than tensors")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(storages) != sorted(keys):
        raise ValueError("its list of storages differs from those of its tensors")
    values = {key: _values(stream, storages[key]) for key in keys}
    if stream.read(1):
        raise ValueError("it has extra bytes at the end")
    return {name: _view(values[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _values(stream: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    """Reads the length and the values of a storage."""
    length = int.from_bytes(stream.read(8), "little")
    raw = stream.read(storage.length * storage.dtype.itemsize)
    if length != storage.length or len(raw) != length * storage.dtype.itemsize:
        raise ValueError(f"storage {storage.key} is truncated")
    return np.frombuffer(raw, storage.dtype)


def _view(values: NDArray[Any], tensor: _Tensor) -> NDArray[Any]:
    """Returns a tensor as a view of its storage; checks the bounds, which `as_strided` does not."""
    extent = 0 if 0 in tensor.shape else 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if tensor.storage.dtype != values.dtype or tensor.offset + extent > len(values):
        raise ValueError("a tensor exceeds its storage")
    strides = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False)


def _count(number: Any) -> int:
    """Validates a size, an offset or a stride."""
    if type(number) is not int or not 0 <= number < 2**40:
        raise pickle.UnpicklingError("it holds an invalid size")
    return number
