"""Networks as JSON and tensors, and back: the records of a stage are their own schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

Json = Any
Tensors = dict[str, npt.NDArray[Any]]
StageT = TypeVar("StageT")
KIND = "kind"
"""Names the class of a record where several may stand: of those that are ``tagged``."""


class StoreError(ValueError):
    """JSON or tensors do not hold the record that they should; the text says where."""


def to_json(record: object, prefix: str, tensors: Tensors) -> Json:
    """Give ``record`` as JSON; its arrays go into ``tensors`` under ``prefix.path``.

    Args:
        record: A dataclass of one of the stages.
        prefix: Start of the tensors' names.
        tensors: Added to.
    """
    match record:
        case np.ndarray():
            tensors[prefix] = cast("npt.NDArray[Any]", record)
            return {"tensor": prefix}
        case StrEnum():
            return record.value
        case tuple():
            items = cast("tuple[object, ...]", record)
            return [to_json(item, f"{prefix}.{i}", tensors) for i, item in enumerate(items)]
        case dict():
            fields = cast("dict[str, object]", record)
            return {str(k): to_json(v, f"{prefix}.{k}", tensors) for k, v in fields.items()}
        case None | str() | bool() | int() | float():
            return record
        case _ if dataclasses.is_dataclass(record):
            kind = {KIND: type(record).__name__} if getattr(record, "tagged", False) else {}
            return kind | {
                f.name: to_json(getattr(record, f.name), f"{prefix}.{f.name}", tensors)
                for f in dataclasses.fields(record)
            }
        case _:
            raise TypeError(f"{prefix}: a {type(record).__name__} cannot be stored")


def from_json(kind: type[StageT], data: Json, tensors: Mapping[str, npt.NDArray[Any]]) -> StageT:
    """Make the record of type ``kind`` that ``to_json`` wrote.

    Raises:
        StoreError: A field is missing, unknown or of the wrong type, or a tensor is.
    """
    return cast("StageT", _decode(kind, data, tensors, kind.__name__))


def _decode(kind: Any, data: Json, tensors: Mapping[str, npt.NDArray[Any]], path: str) -> object:
    origin = get_origin(kind)
    if hasattr(origin, "__value__"):  # npt.NDArray is a type alias from NumPy 2.5 on
        return _decode(origin.__value__[get_args(kind)], data, tensors, path)
    if origin is UnionType:
        return _decode_union(kind, data, tensors, path)
    if origin is np.ndarray:
        return _decode_array(kind, data, tensors, path)
    if origin is tuple:
        if not isinstance(data, list):
            raise StoreError(f"{path}: a list is expected, not {data!r:.60}")
        (item_kind, *_) = get_args(kind)
        items = cast("list[object]", data)
        return tuple(_decode(item_kind, d, tensors, f"{path}[{i}]") for i, d in enumerate(items))
    if origin is dict:
        return _decode_dict(kind, data, tensors, path)
    if dataclasses.is_dataclass(kind):
        return _decode_record(cast("type[object]", kind), data, tensors, path)
    return _decode_scalar(kind, data, path)


def _decode_union(
    kind: Any, data: Json, tensors: Mapping[str, npt.NDArray[Any]], path: str
) -> object:
    """Decode one of several tagged records, which says itself which it is, or what may be None."""
    if data is None and NoneType in get_args(kind):
        return None
    kinds = {k.__name__: k for k in get_args(kind) if k is not NoneType}
    if len(kinds) == 1:
        (inner,) = kinds.values()
        return _decode(inner, data, tensors, path)
    fields = cast("dict[str, Json]", data) if isinstance(data, dict) else {}
    name = fields.get(KIND)
    if not isinstance(name, str) or name not in kinds:
        raise StoreError(f"{path}: {name!r:.60} is none of {', '.join(kinds)}")
    return _decode(kinds[name], data, tensors, path)


def _decode_dict(
    kind: Any, data: Json, tensors: Mapping[str, npt.NDArray[Any]], path: str
) -> object:
    """Decode what stands under names; the names may be those of an enumeration."""
    if not isinstance(data, dict):
        raise StoreError(f"{path}: an object is expected, not {data!r:.60}")
    key_kind, value_kind = get_args(kind)
    return {
        _decode(key_kind, key, tensors, path): _decode(value_kind, value, tensors, f"{path}.{key}")
        for key, value in cast("dict[str, Json]", data).items()
    }


def _decode_record(
    kind: type[object], data: Json, tensors: Mapping[str, npt.NDArray[Any]], path: str
) -> object:
    names = [f.name for f in dataclasses.fields(cast("Any", kind))]
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name in names}
    if not isinstance(data, dict):
        raise StoreError(f"{path}: an object is expected, not {data!r:.60}")
    fields = dict(cast("dict[str, Json]", data))
    if getattr(kind, "tagged", False):
        fields.pop(KIND, None)
    for problem in _field_problems(set(hints), set(fields)):
        raise StoreError(f"{path}: {problem}")
    values = {n: _decode(hints[n], fields[n], tensors, f"{path}.{n}") for n in hints}
    try:
        return kind(**values)
    except ValueError as error:  # a record that checks itself
        raise StoreError(f"{path}: {error}") from error


def _field_problems(wanted: set[str], given: set[str]) -> Iterator[str]:
    if wanted - given:
        yield f"no {', '.join(sorted(wanted - given))}"
    if given - wanted:
        yield f"unknown {', '.join(sorted(given - wanted))}"


def _decode_array(
    kind: Any, data: Json, tensors: Mapping[str, npt.NDArray[Any]], path: str
) -> npt.NDArray[Any]:
    reference = cast("dict[str, Json]", data) if isinstance(data, dict) else {}
    name = reference.get("tensor")
    if not isinstance(name, str) or name not in tensors:
        raise StoreError(f"{path}: no tensor {name!r:.60}")
    (scalar,) = get_args(get_args(kind)[1])
    wanted = [np.dtype(k) for k in get_args(scalar) or (scalar,)]
    if tensors[name].dtype not in wanted:
        known = " or ".join(map(str, wanted))
        raise StoreError(f"{path}: the tensor is {tensors[name].dtype}, not {known}")
    return tensors[name]


def _decode_scalar(kind: Any, data: Json, path: str) -> object:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if data not in tuple(kind):
            raise StoreError(f"{path}: {data!r:.60} is none of {', '.join(kind)}")
        return kind(data)
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        raise StoreError(f"{path}: {kind.__name__} is expected, not {data!r:.60}")
    return cast("object", data)
