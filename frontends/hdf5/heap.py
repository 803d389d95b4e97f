"""Read the strings of an HDF5 file without HDF5, which on a damaged one runs for ever.

A data set of strings holds references of 16 bytes: length, address of a collection, number of
the object in it. A collection is 16 bytes of head, then objects one after the other (HDF5 file
format, section III.E "Global Heap"). HDF5 2.0.0 goes from object to object by the size that the
file states and never ends where that is 0, and allocates whatever length a reference states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap

SIGNATURE = b"GCOL\x01"
"""First bytes of a collection: its signature and version."""
HEAD = 16
"""Bytes before the first object, and before the data of each."""
ALIGNMENT = 8
"""Objects are padded to this."""
REFERENCE = 16
"""Bytes of a reference."""
MAX_STRING = 2**16
"""Bytes of one string."""


@dataclass
class StringHeap:
    """The strings of one file.

    Attributes:
        content: The whole file.
    """

    content: mmap | bytes
    _collections: dict[int, dict[int, tuple[int, int]]] = field(
        default_factory=dict[int, "dict[int, tuple[int, int]]"]
    )
    _texts: dict[bytes, str] = field(default_factory=dict[bytes, str])

    def strings(self, start: int, count: int) -> list[str]:
        """Give the ``count`` strings whose references begin at byte ``start``.

        Raises:
            ValueError: The file is damaged; the text says how.
        """
        end = start + count * REFERENCE
        if end > len(self.content):
            raise ValueError("references to strings end behind the file")
        return [
            self._string(self.content[at : at + REFERENCE]) for at in range(start, end, REFERENCE)
        ]

    def _string(self, reference: bytes) -> str:
        if reference not in self._texts:
            self._texts[reference] = self._text(reference).decode("utf-8")
        return self._texts[reference]

    def _text(self, reference: bytes) -> bytes:
        length, address = _number(reference, 0, 4), _number(reference, 4, 8)
        if length == 0:
            return b""
        start, size = self._object(address, _number(reference, 12, 4))
        if length > min(size, MAX_STRING):
            raise ValueError(f"a string states {length} bytes and has {size}")
        return self.content[start : start + length].partition(b"\0")[0]

    def _object(self, address: int, index: int) -> tuple[int, int]:
        if address not in self._collections:
            self._collections[address] = self._collection(address)
        if index not in self._collections[address]:
            raise ValueError(f"a string is missing in the heap at byte {address}")
        return self._collections[address][index]

    def _collection(self, start: int) -> dict[int, tuple[int, int]]:
        """Give start and size of each object of a collection by its number."""
        head = self.content[start : start + HEAD]
        end = start + _number(head, 8, 8)
        if len(head) < HEAD or not head.startswith(SIGNATURE) or end > len(self.content):
            raise ValueError(f"no string heap at byte {start}")
        objects: dict[int, tuple[int, int]] = {}
        place = start + HEAD
        while place + HEAD <= end:
            head = self.content[place : place + HEAD]
            index, size = _number(head, 0, 2), _number(head, 8, 8)
            if index == 0:  # the free space at the end
                break
            place += HEAD
            objects[index] = place, min(size, end - place)
            place += -(-size // ALIGNMENT) * ALIGNMENT
        return objects


def _number(content: bytes, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "little")
