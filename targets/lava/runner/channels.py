"""Channels of Lava without threads: what a port waits for is a semaphore, and nothing else.

In Lava a port is served by a thread, which takes each token from a semaphore that two processes
share and hands it on to the process by a lock of Python's. So every message wakes two threads that
take turns at one interpreter. Here the process takes the token itself.

It is the same channel. A ring of slots in shared memory has one producer and one consumer, each
with an index of its own. ``ack`` counts slots that were freed and ``req`` slots that were filled,
as in Lava. A producer starts with all slots free, takes one before it writes, and gives ``req`` a
token after it has written; a consumer takes that token before it reads, and gives ``ack`` one
after. So no slot is ever written and read at once, messages arrive in the order in which they were
sent, and what was written before a token was given is seen by whoever takes it (POSIX.1-2017, base
definitions 4.12). A call waits exactly where Lava's waits, for as many tokens are in the same
hands; where the other end is dead it waits for ever, as Lava's does, and ``guard`` ends it.

Only for networks that ``guard`` runs: Lava's ``Injector``, ``Extractor`` and ``VarWire`` look into
the queue that a port no longer has.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from lava.magma.compiler.channels.pypychannel import (
    CspRecvPort,
    CspSelector,
    CspSendPort,
    PyPyChannel,
)
from lava.magma.core.model.py import model as py_model
from lava.magma.runtime.message_infrastructure import multiprocessing as infrastructure
from lava.magma.runtime.runtime_services import runtime_service

from .window import Array

SHORTEST_PAUSE, LONGEST_PAUSE = 1e-5, 1e-3
"""Seconds between two looks at several channels."""


class SendPort(CspSendPort):
    """The end that writes.

    Attributes:
        free: Slots known to be free, beyond those that ``ack`` has tokens for.
    """

    def start(self) -> None:
        """Begin in the process that sends."""
        self._array, self._idx = _slots(self), 0
        self.free: int = self._size

    def probe(self) -> bool:
        """Tell whether ``send`` would not wait."""
        if not self.free and self._ack.acquire(False):
            self.free = 1
        return bool(self.free)

    def send(self, data: Array) -> None:
        """Write into the next slot, once it is free."""
        if data.shape != self._shape:
            raise ValueError(f"{self._name}: shape {data.shape} in place of {self._shape}")
        if self.free:
            self.free -= 1
        else:
            self._ack.acquire()
        self._array[self._idx][...] = data
        self._idx = (self._idx + 1) % self._size
        self._req.release()


class RecvPort(CspRecvPort):
    """The end that reads.

    Attributes:
        filled: Slots known to be filled, beyond those that ``req`` has tokens for: 0 or 1.
    """

    def start(self) -> None:
        """Begin in the process that receives."""
        self._array, self._idx = _slots(self), 0
        self.filled: int = 0

    def probe(self) -> bool:
        """Tell whether ``recv`` would not wait."""
        if not self.filled and self._req.acquire(False):
            self.filled = 1
        return bool(self.filled)

    def wait(self) -> None:
        """Return once ``recv`` would not wait."""
        if not self.filled:
            self._req.acquire()
            self.filled = 1

    def peek(self) -> Array:
        """Read the next slot, once it is filled, and leave it filled."""
        self.wait()
        data: Array = self._array[self._idx].copy()
        return data

    def recv(self) -> Array:
        """Read the next slot, once it is filled, and free it."""
        self.wait()
        self.filled = 0
        data: Array = self._array[self._idx].copy()
        self._idx = (self._idx + 1) % self._size
        self._ack.release()
        return data


def _slots(port: Any) -> list[Array]:
    buffer, size = port._shm.buf, port._nbytes
    return [np.ndarray(port._shape, port._dtype, buffer, int(size * i)) for i in range(port._size)]


class Channel(PyPyChannel):
    """Lava's channel, whose ends have no threads."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._src_port.__class__ = SendPort
        self._dst_port.__class__ = RecvPort


class Selector(CspSelector):
    """Waits for one of several ports that receive."""

    def select(self, *channel_actions: tuple[RecvPort, Callable[[], Any]]) -> Any:
        """Give what the action of the first port with a message gives."""
        if len(channel_actions) == 1:
            port, action = channel_actions[0]
            port.wait()
            return action()
        pause = SHORTEST_PAUSE
        while True:
            for port, action in channel_actions:
                if port.probe():
                    return action()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def without_threads() -> Generator[None]:
    """Let Lava build these channels, and its own again afterwards."""
    places = [
        (infrastructure, "PyPyChannel", Channel),
        (py_model, "CspSelector", Selector),
        (runtime_service, "CspSelector", Selector),
    ]
    originals = [getattr(module, name) for module, name, _ in places]
    for module, name, ours in places:
        setattr(module, name, ours)
    try:
        yield
    finally:
        for (module, name, _), original in zip(places, originals, strict=True):
            setattr(module, name, original)
