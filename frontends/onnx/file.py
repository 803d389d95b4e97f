"""Read ONNX models without trusting them: nothing outside their folder, nothing without a limit.

``onnx.load`` opens whatever path a tensor names (CVE-2024-27318, CVE-2026-27489), and has set
attributes of Python objects by names in a file (CVE-2026-34445). Here the message is parsed and
nothing more; every field is fetched by a name that stands in this module.
"""
# onnx's messages have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, Rule, raise_all
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.onnx.model import (
    Array,
    Attribute,
    OnnxInput,
    OnnxModel,
    OnnxNode,
    number_problem,
)
from snnc.frontends.onnx.scan import Scan, ScanError, TooMuchError
from snnc.frontends.onnx.schema import schema_problems
from snnc.frontends.packages import missing_framework

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto

MAX_FILE_BYTES = 2**30
"""Of a model, and of all the tensors of one; protobuf itself ends at 2 GiB."""
MAX_NODES = 20_000
AGAIN = "export the model again"
MAX_AXES = 8
OPSETS = range(6, 29)
"""Versions of ONNX's operators that are known: of onnx 1.0 (2017) to 1.23."""
OWN_DOMAINS = ("", "ai.onnx")
TYPES = {
    1: "<f4",
    2: "u1",
    3: "i1",
    4: "<u2",
    5: "<i2",
    6: "<i4",
    7: "<i8",
    9: "?",
    11: "<f8",
    12: "<u4",
    13: "<u8",
}
"""``TensorProto.DataType`` and how ``raw_data`` holds it (onnx.proto, message TensorProto)."""
TYPED_FIELDS = {
    **dict.fromkeys((2, 3, 4, 5, 6, 9), "int32_data"),
    **dict.fromkeys((12, 13), "uint64_data"),
    1: "float_data",
    7: "int64_data",
    11: "double_data",
}
"""Where the numbers of a type are if not in ``raw_data`` (the same)."""


class FileError(ValueError):
    """A part of the model cannot be used.

    Attributes:
        found: What it is like.
        limit: What it should be like.
        rule: The rule broken.
        remedy: What the user can do.
    """

    def __init__(
        self, found: str, limit: str, rule: Rule = rules.ONNX_FORM, remedy: str = AGAIN
    ) -> None:
        super().__init__(found)
        self.found, self.limit, self.rule, self.remedy = found, limit, rule, remedy

    def at(self, place: str) -> Diagnostic:
        """Give the diagnostic of this error at a place."""
        found, remedy = printable(self.found), printable(self.remedy)
        return Diagnostic(self.rule, printable(place), found, self.limit, remedy)


def read_onnx(model: str | os.PathLike[str] | ModelProto) -> OnnxModel:
    """Read a model, and check all that can be checked without running it.

    Args:
        model: A file, or a model in memory. The weights of one in memory have to be in it.

    Raises:
        InputError: SNN001, SNN105, SNN140 or SNN141: all that is wrong, at once.
        EnvironmentFault: SNN501, onnx is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise (missing_framework(error, "onnx") or error) from error
    if isinstance(model, onnx.ModelProto):
        return _Reader("the model", None).model(model)
    path = Path(model)
    try:
        proto = _parse(path, onnx.ModelProto)
    except FileError as error:
        raise InputError([error.at(str(path))]) from error
    return _Reader(str(path), path.parent).model(proto)


def _parse(path: Path, message: Any) -> ModelProto:
    decode_error: type[Exception] = import_module("google.protobuf.message").DecodeError
    descriptor = _open(path)
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            raise FileError("an empty file", "a model of ONNX")
        _check_size(size)
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            Scan(data).message(message.DESCRIPTOR)
            parsed: ModelProto = message.FromString(data[:])
            return parsed
    except TooMuchError as error:
        raise FileError(str(error), "what a model of ONNX has", rules.ONNX_SAFE) from error
    except (ScanError, decode_error) as error:
        found = str(error) if isinstance(error, ScanError) else "not a message of protobuf"
        raise FileError(found, "a model of ONNX") from error
    finally:
        os.close(descriptor)


def _open(path: Path, *, beneath: bool = False) -> int:
    """Open a regular file; with ``beneath``, no link."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe does not make us wait
    flags |= getattr(os, "O_NOFOLLOW", 0) if beneath else 0
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(path, reason, beneath=beneath) from error
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unreadable(path, "not a regular file", beneath=beneath)
    return descriptor


def _unreadable(path: Path, reason: str, *, beneath: bool) -> FileError:
    found = f"its numbers are in {path.name}: {reason}" if beneath else reason
    remedy = f"keep {path.name} beside the model" if beneath else "check the path"
    return FileError(found, "a file that can be read", rules.INPUT_READABLE, remedy)


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES:,} bytes"
        raise FileError(f"{size:,} bytes", limit, rules.ONNX_SAFE)


class _Reader:
    """Turns messages into our own form, and gathers what is wrong.

    Args:
        place: The file, for messages.
        folder: Where external data may lie; None where there is no file.
    """

    def __init__(self, place: str, folder: Path | None) -> None:
        self._place = place
        self._folder = folder
        self._left = MAX_FILE_BYTES
        self._problems: list[Diagnostic] = []

    def model(self, proto: ModelProto) -> OnnxModel:
        graph = proto.graph
        opset = self._opset(proto)
        if len(graph.node) > MAX_NODES:
            limit = f"{MAX_NODES:,} nodes"
            error = FileError(f"{len(graph.node):,} nodes", limit, rules.ONNX_SAFE)
            raise InputError([error.at(self._place)])
        constants: dict[str, Array] = {}
        for tensor in graph.initializer:
            self._take(f"{tensor.name} (initializer)", constants, tensor)
        if len(graph.sparse_initializer) > 0:
            self._refuse("", FileError("sparse initializers", "dense ones"))
        inputs = [i for value in graph.input if (i := self._input(value, constants)) is not None]
        nodes = tuple(self._nodes(graph, opset))
        outputs = tuple(str(value.name) for value in graph.output)
        known = {str(value.name) for value in (*graph.input, *graph.initializer)}
        self._problems += _order_problems(self._place, known, nodes, outputs)
        raise_all(self._problems)
        return OnnxModel(
            place=self._place,
            opset=opset,
            producer=f"{proto.producer_name} {proto.producer_version}".strip(),
            inputs=tuple(inputs),
            outputs=outputs,
            nodes=nodes,
            constants=constants,
        )

    def _refuse(self, part: str, error: FileError) -> None:
        self._problems.append(error.at(f"{self._place}: {part}" if part else self._place))

    def _opset(self, proto: ModelProto) -> int:
        versions = [int(o.version) for o in proto.opset_import if o.domain in OWN_DOMAINS]
        limit = f"one of {OPSETS[0]} to {OPSETS[-1]}"
        if len(versions) != 1:
            self._refuse("", FileError(f"{len(versions)} versions of the operators", limit))
        elif versions[0] not in OPSETS:
            self._refuse("", FileError(f"version {versions[0]} of the operators (opset)", limit))
        else:
            return versions[0]
        return OPSETS[-1]

    def _take(self, place: str, constants: dict[str, Array], tensor: TensorProto) -> None:
        if tensor.name in constants:
            self._refuse(place, FileError("a name that stands twice", "each value is made once"))
            return
        try:
            constants[str(tensor.name)] = self._tensor(tensor)
        except FileError as error:
            self._refuse(place, error)

    def _tensor(self, tensor: TensorProto) -> Array:
        """Give the numbers of a tensor, after its declared size has been checked."""
        shape = tuple(int(n) for n in tensor.dims)
        if tensor.data_type not in TYPES or tensor.HasField("segment"):
            raise FileError(f"numbers of type {tensor.data_type}", "float32 or float64, integers")
        dtype = np.dtype(TYPES[tensor.data_type])
        if len(shape) > MAX_AXES or any(n < 0 for n in shape):
            raise FileError(f"shape {list(shape)}", f"{MAX_AXES} axes, of 0 or more")
        size = prod(shape) * dtype.itemsize
        self._left -= size
        if self._left < 0:
            limit = f"{MAX_FILE_BYTES:,} bytes in all tensors together"
            raise FileError(f"a tensor of {size:,} bytes", limit, rules.ONNX_SAFE)
        if tensor.data_location == tensor.EXTERNAL:
            values = np.frombuffer(self._external(tensor, size), dtype)
        elif tensor.HasField("raw_data"):
            if len(tensor.raw_data) != size:
                found = f"{len(tensor.raw_data):,} bytes for shape {list(shape)}"
                raise FileError(found, f"{size:,} bytes")
            values = np.frombuffer(tensor.raw_data, dtype)
        else:
            values = self._typed(tensor, dtype, prod(shape))
        problem = number_problem(values)
        if problem:
            raise FileError(problem, "finite numbers", rules.NUMBER_USABLE)
        return values.reshape(shape).astype(dtype.newbyteorder("="))

    def _typed(self, tensor: TensorProto, dtype: np.dtype[Any], size: int) -> Array:
        given = getattr(tensor, TYPED_FIELDS[tensor.data_type])
        if len(given) != size:
            found = f"{len(given):,} numbers for shape {[int(n) for n in tensor.dims]}"
            raise FileError(found, f"{size:,} numbers")
        values = np.array(given)
        if dtype.kind in "iu" and size > 0:
            info = np.iinfo(dtype)
            if int(values.min()) < info.min or int(values.max()) > info.max:
                raise FileError(f"a number that is no {dtype}", f"{info.min} to {info.max}")
        return values.astype(dtype)

    def _external(self, tensor: TensorProto, size: int) -> bytes:
        entries = {e.key: e.value for e in tensor.external_data}
        path = self._external_path(entries.get("location", ""))
        offset = _whole(entries.get("offset", "0"))
        if _whole(entries.get("length", str(size))) != size:
            raise FileError(f"length = {entries['length']}", f"{size}, for its shape")
        descriptor = _open(path, beneath=True)
        with os.fdopen(descriptor, "rb") as stream:
            available = os.fstat(descriptor).st_size - offset
            if available < size:
                found = f"{max(available, 0):,} bytes in {path.name} from byte {offset:,} on"
                raise FileError(found, f"{size:,} bytes, for its shape")
            stream.seek(offset)
            return stream.read(size)

    def _external_path(self, location: str) -> Path:
        """Give the file of external data, whose real path has to be in the model's folder."""
        limit = "a file in the folder of the model, and no link"
        found = f"its numbers are in {location!r}"
        if self._folder is None:
            raise FileError(found, "a model in memory has all its numbers in it", rules.ONNX_SAFE)
        parts = Path(location).parts
        plain = location and "\0" not in location and "\\" not in location
        if not plain or Path(location).is_absolute() or ".." in parts:
            raise FileError(found, limit, rules.ONNX_SAFE)
        folder = self._folder.resolve()
        path = folder.joinpath(location)
        with suppress(OSError):
            if path.resolve() == path:  # no part of it is a link
                return path
        raise FileError(found, limit, rules.ONNX_SAFE)

    def _input(self, value: ValueInfoProto, constants: dict[str, Array]) -> OnnxInput | None:
        if value.name in constants:
            return None  # opset 9 and older name their weights among the inputs
        kind = value.type.tensor_type
        shape = tuple(
            int(d.dim_value) if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in kind.shape.dim
        )
        if kind.elem_type not in TYPES or len(shape) > MAX_AXES:
            found = f"numbers of type {kind.elem_type}, {len(shape)} axes"
            limit = f"float32 or float64, integers; up to {MAX_AXES} axes"
            self._refuse(f"{value.name} (input)", FileError(found, limit))
            return None
        return OnnxInput(str(value.name), np.dtype(TYPES[kind.elem_type]).name, shape)

    def _nodes(self, graph: GraphProto, opset: int) -> Iterator[OnnxNode]:
        for number, node in enumerate(graph.node):
            own = node.domain in OWN_DOMAINS
            op = str(node.op_type) if own else f"{node.domain}:{node.op_type}"
            name = str(node.name) or f"node {number}"
            outputs = tuple(str(o) for o in node.output)
            attributes: dict[str, Attribute] = {}
            made = OnnxNode(name, op, tuple(str(i) for i in node.input), outputs, attributes)
            kinds = {str(a.name): int(a.type or _kind_of(a)) for a in node.attribute}
            for attribute in node.attribute:
                try:
                    attributes[str(attribute.name)] = self._attribute(attribute)
                except FileError as error:
                    self._refuse(made.place, error)
            for found, limit in schema_problems(made, kinds, opset):
                self._refuse(made.place, FileError(found, limit))
            yield made

    def _attribute(self, attribute: AttributeProto) -> Attribute:
        kind = attribute.type or _kind_of(attribute)
        if kind == attribute.TENSOR:
            return self._tensor(attribute.t)
        if kind == attribute.FLOAT:
            return float(attribute.f)
        if kind == attribute.INT:
            return int(attribute.i)
        if kind == attribute.STRING:
            return bytes(attribute.s).decode("utf-8", "backslashreplace")
        if kind == attribute.FLOATS:
            return tuple(float(f) for f in attribute.floats)
        if kind == attribute.INTS:
            return tuple(int(i) for i in attribute.ints)
        limit = "numbers, text and tensors: no subgraphs"
        raise FileError(f"attribute {attribute.name} of type {kind}", limit)


def _kind_of(attribute: AttributeProto) -> int:
    """Give the type of an attribute that does not name it, as the first models did not."""
    for name, kind in (("f", attribute.FLOAT), ("i", attribute.INT), ("s", attribute.STRING)):
        if attribute.HasField(name):
            return int(kind)
    if attribute.HasField("t"):
        return int(attribute.TENSOR)
    return int(attribute.INTS if len(attribute.ints) else attribute.FLOATS)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FileError(f"{text!r:.40} bytes", "a whole number", rules.ONNX_SAFE)
    return int(text)


def _order_problems(
    place: str,
    known: set[str],
    nodes: Iterable[OnnxNode],
    outputs: Iterable[str],
) -> Iterator[Diagnostic]:
    """Tell of values that are used before they are made, or made twice."""
    limit = "each value is made once, before it is used"
    made = known | {""}
    for node in nodes:
        for name in node.inputs:
            if name not in made:
                error = FileError(f"the value {name!r} is not there", limit)
                yield error.at(f"{place}: {node.place}")
        for name in node.outputs:
            if name and name in made:
                yield FileError(f"the value {name!r} is made again", limit).at(
                    f"{place}: {node.place}"
                )
        made |= {*node.outputs, *node.inputs}
    for name in outputs:
        if name not in made:
            yield FileError(f"the output {name!r} is not there", limit).at(place)
