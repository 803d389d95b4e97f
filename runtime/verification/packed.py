"""Arrays in records: as JSON that gives the same bits back."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import PlainSerializer, PlainValidator


def packed(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Give an array of numbers as JSON values: type, shape, and its bytes compressed."""
    content = zlib.compress(np.ascontiguousarray(values).tobytes(), 1)
    return {
        "dtype": values.dtype.str,
        "shape": list(values.shape),
        "zlib": b64encode(content).decode("ascii"),
    }


def unpacked(value: object) -> npt.NDArray[Any]:
    """Give the array of ``packed``; an array stays as it is.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, np.ndarray):
        return cast("npt.NDArray[Any]", value)
    if not isinstance(value, Mapping):
        raise ValueError("neither an array nor a packed one")  # noqa: TRY004 pydantic expects it
    told = cast("Mapping[str, Any]", value)
    try:
        kind = np.dtype(str(told["dtype"]))
        content = zlib.decompress(b64decode(told["zlib"], validate=True))
        return np.frombuffer(content, kind).reshape(told["shape"])
    except (KeyError, TypeError, zlib.error) as error:
        raise ValueError("a damaged array") from error


Packed = Annotated[npt.NDArray[Any], PlainValidator(unpacked), PlainSerializer(packed)]
"""An array as a field of a ``Record``."""
