"""Bound what a protobuf message will take of memory, before it is parsed.

A parser makes an object for every field that it meets: a file of 100 MB can hold 50 million empty
nodes, or numbers of one byte each that take eight in memory. The fields are counted on the wire
first, which takes no memory at all (protobuf.dev, "Encoding").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_FIELDS = 500_000
"""Fields of a model: a node with its attributes has some 20, so 20,000 nodes have 400,000."""
MAX_PACKED = 2**24
"""Numbers that are packed one after the other, of a byte or more each."""
MAX_DEPTH = 32
"""Messages in messages; a model without subgraphs has 6."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
SKIPS = {FIXED64: 8, FIXED32: 4}
VARINT_TYPES = frozenset({3, 4, 5, 8, 13, 14, 17, 18})
"""``FieldDescriptor.TYPE_*`` of what is a varint on the wire: int64 ... sint64."""


class Bytes(Protocol):
    """What is scanned: ``bytes`` or a mapped file."""

    def __getitem__(self, index: int, /) -> int: ...
    def __len__(self) -> int: ...


class ScanError(ValueError):
    """The bytes are no such message; the text says why."""


class TooMuchError(ScanError):
    """The message is over a limit; the text says which."""


@dataclass
class Scan:
    """The walk over one message.

    Attributes:
        data: The bytes.
        fields: Fields met so far.
        packed: Bytes of packed numbers met so far.
    """

    data: Bytes
    fields: int = 0
    packed: int = 0
    _known: dict[int, Mapping[int, Any]] = field(default_factory=dict[int, Mapping[int, Any]])

    def message(self, descriptor: Any) -> None:
        """Walk over the message and all that is in it.

        Args:
            descriptor: The ``DESCRIPTOR`` of its class.

        Raises:
            ScanError: It is cut off or not protobuf.
            TooMuchError: It is over a limit.
        """
        waiting = [(0, len(self.data), descriptor, 1)]
        while waiting:
            start, stop, kind, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise TooMuchError(f"messages nested deeper than {MAX_DEPTH}")
            for number, begin, end in self._fields(start, stop):
                known = self._fields_of(kind).get(number)
                if known is None:
                    continue
                if known.message_type is not None:
                    waiting.append((begin, end, known.message_type, depth + 1))
                elif known.type in VARINT_TYPES:
                    self._count_packed(end - begin)

    def _fields_of(self, kind: Any) -> Mapping[int, Any]:
        """``fields_by_number`` of a descriptor is made anew at every access."""
        if id(kind) not in self._known:
            self._known[id(kind)] = dict(kind.fields_by_number)
        return self._known[id(kind)]

    def _count_packed(self, size: int) -> None:
        self.packed += size
        if self.packed > MAX_PACKED:
            raise TooMuchError(f"more than {MAX_PACKED:,} bytes of packed numbers")

    def _fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield number, start and end of every field that has a length."""
        while at < stop:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise TooMuchError(f"more than {MAX_FIELDS:,} fields")
            tag, at = self._varint(at, stop)
            if tag >> 3 == 0:
                raise ScanError("a field of number 0")
            begin, at = self._content(tag & 7, at, stop)
            if at > stop:
                raise ScanError("a field that ends behind its message")
            if tag & 7 == BYTES:
                yield tag >> 3, begin, at

    def _content(self, wire: int, at: int, stop: int) -> tuple[int, int]:
        """Give start and end of what a field holds."""
        if wire == VARINT:
            return at, self._varint(at, stop)[1]
        if wire == BYTES:
            size, at = self._varint(at, stop)
            return at, at + size
        if wire in SKIPS:
            return at, at + SKIPS[wire]
        raise ScanError(f"a field of wire type {wire}")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        value = shift = 0
        while at < stop and shift < 64:
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
        raise ScanError("a number that does not end")
