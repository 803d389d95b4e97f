"""What the process that reads a file tells the one that asked: frames on a pipe, and no pickle.

A frame is a head in JSON, its length before it in 4 bytes, and the bytes of an array behind it.
The reader of the frames believes nothing that it has not checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from typing import IO, Any

import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.rules import all_rules
from snnc.frontends.hdf5.gate import MAX_BYTES, MAX_DEPTH, MAX_OBJECTS
from snnc.frontends.hdf5.read import Array, Entry

LENGTH = 4
"""Bytes of the length of a head."""
MAX_HEAD = 2**28
"""Bytes of a head; the longest holds all edges of a graph."""
KINDS = "biuf"
"""Kinds of arrays that come as bytes."""


def send_entry(pipe: IO[bytes], entry: Entry) -> None:
    """Write one group or data set."""
    depth, name, value = entry
    if value is None:
        _send(pipe, {"group": name, "depth": depth})
    elif isinstance(value, str):
        _send(pipe, {"text": value, "name": name, "depth": depth})
    elif value.dtype == object:
        texts = value.ravel().tolist()
        _send(pipe, {"texts": texts, "shape": value.shape, "name": name, "depth": depth})
    else:
        form = {"dtype": value.dtype.str, "shape": value.shape, "name": name, "depth": depth}
        _send(pipe, form)
        pipe.write(np.ascontiguousarray(value).data.cast("B") if value.nbytes else b"")


def send_end(pipe: IO[bytes], problems: tuple[Diagnostic, ...] = (), fault: str = "") -> None:
    """Write the last frame.

    Args:
        pipe: Flushed.
        problems: What is wrong with the file.
        fault: What is wrong with the process; empty where nothing is.
    """
    told = [[d.rule.code, d.node, d.found, d.limit, d.remedy] for d in problems]
    _send(pipe, {"end": told, "fault": fault})
    pipe.flush()


class Ended(Exception):
    """The last frame.

    Attributes:
        problems: What is wrong with the file.
        fault: What is wrong with the process that read it.
    """

    def __init__(self, problems: tuple[Diagnostic, ...], fault: str) -> None:
        super().__init__(fault)
        self.problems, self.fault = problems, fault


def receive(pipe: IO[bytes]) -> Iterator[Entry]:
    """Yield the entries of a file until the last frame.

    Raises:
        Ended: The last frame told of a problem or a fault.
        EOFError: The frames break off.
        ValueError: The frames make no sense.
    """
    objects, size, deepest = 0, 0, 0
    while True:
        head = _head(pipe)
        if "end" in head:
            problems = tuple(_problem(*told) for told in head["end"])
            if problems or head["fault"]:
                raise Ended(problems, str(head["fault"]))
            return
        objects, depth = objects + 1, int(head["depth"])
        size += _bytes_of(head)
        if not 0 <= depth <= min(deepest, MAX_DEPTH) or objects > MAX_OBJECTS or size > MAX_BYTES:
            raise ValueError(f"frame {objects} at depth {depth} with {size} bytes up to here")
        deepest = depth + 1 if "group" in head else depth
        yield depth, str(head["group" if "group" in head else "name"]), _value(pipe, head)


def _send(pipe: IO[bytes], head: dict[str, Any]) -> None:
    text = json.dumps(head).encode()
    pipe.write(len(text).to_bytes(LENGTH, "little"))
    pipe.write(text)


def _head(pipe: IO[bytes]) -> dict[str, Any]:
    length = int.from_bytes(_exactly(pipe, LENGTH), "little")
    if length > MAX_HEAD:
        raise ValueError(f"a head of {length} bytes")
    head = json.loads(_exactly(pipe, length))
    if not isinstance(head, dict) or not {"end", "depth"} & head.keys():
        raise ValueError("a head of another form")
    return head  # pyright: ignore[reportUnknownVariableType]


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    content = pipe.read(count)
    if len(content) < count:
        raise EOFError(f"{len(content)} of {count} bytes")
    return content


def _bytes_of(head: dict[str, Any]) -> int:
    if "dtype" not in head:
        return 0
    if np.dtype(head["dtype"]).kind not in KINDS or any(n < 0 for n in head["shape"]):
        raise ValueError(f"an array of {head['dtype']}")
    size: int = prod(head["shape"]) * np.dtype(head["dtype"]).itemsize
    return size


def _value(pipe: IO[bytes], head: dict[str, Any]) -> Array | str | None:
    if "group" in head:
        return None
    if "text" in head:
        return str(head["text"])
    if "texts" in head:
        return np.array(list(map(str, head["texts"])), object).reshape(head["shape"])
    array = np.empty(head["shape"], np.dtype(head["dtype"]))
    if array.nbytes and pipe.readinto(array.reshape(-1).data.cast("B")) < array.nbytes:  # type: ignore[attr-defined, unused-ignore]
        raise EOFError(f"less than {array.nbytes} bytes")
    return array


def _problem(code: str, *parts: str) -> Diagnostic:
    return Diagnostic(all_rules()[code], *map(str, parts))
