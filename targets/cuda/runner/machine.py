"""What a run needs of a device: work in the order of one stream, memory, graphs."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_int32, c_void_p
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from .records import Array

Argument: TypeAlias = c_int32 | c_void_p
"""What a kernel takes: integers and addresses."""


@dataclass(frozen=True)
class Launch:
    """One kernel.

    Attributes:
        kernel: Name of its entry.
        grid: Blocks on three axes.
        block: Threads on two axes.
        arguments: Integers and addresses.
    """

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int]
    arguments: tuple[Argument, ...]


class Queue(Protocol):
    """What carries out work on the device, one piece after the other."""

    def launch(self, launch: Launch) -> None:
        """Launch a kernel."""
        ...

    def fill(self, address: int, size: int) -> None:
        """Set ``size`` bytes, a multiple of 4, to zero."""
        ...

    def copy(self, to: int, source: int, size: int) -> None:
        """Copy ``size`` bytes on the device; the two do not overlap."""
        ...


class Machine(Queue, Protocol):
    """A device, as ``driver.Device`` is one."""

    def free_memory(self) -> int:
        """Give the bytes of device memory that are free."""
        ...

    def allocate(self, size: int) -> int:
        """Give the address of ``size`` bytes of device memory."""
        ...

    def pinned(self, size: int) -> Array:
        """Give ``size`` bytes of host memory from which and to which the device copies, uint8."""
        ...

    def put(self, address: int, values: Array) -> None:
        """Copy an array to the device, and wait until it is there."""
        ...

    def put_later(self, address: int, pinned: Array) -> None:
        """Copy pinned memory to the device, in the order of the stream."""
        ...

    def get_later(self, pinned: Array, address: int) -> None:
        """Copy from the device to pinned memory, in the order of the stream."""
        ...

    def recorded(self, emit: Callable[[], None]) -> Any:
        """Give the work that ``emit`` queues as a graph, to be done again and again."""
        ...

    def replay(self, graph: Any) -> None:
        """Do the work of a graph."""
        ...

    def event(self) -> Any:
        """Give what is done when all work is that was queued before."""
        ...

    def is_done(self, event: Any) -> bool:
        """Say whether what came before ``event`` is done."""
        ...
