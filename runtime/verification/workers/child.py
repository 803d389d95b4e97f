"""A process that runs batches for another: work and batches come in on stdin, outcomes go out.

Each message is its length in 8 bytes and then as many bytes. What the trained module prints goes to
stderr. When stdin ends, so does the process, in the middle of a batch if need be.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from contextlib import suppress
from typing import IO, cast

from snnc.runtime.ending import Terminated, unwinding
from snnc.runtime.verification.plan import Batch
from snnc.runtime.verification.workers.work import runner

LENGTH = 8
"""Bytes of the length of a message."""


def main() -> None:
    """Run batches until there are none, and end the process at once.

    The thread that reads may hold the lock of stdin, for which the end of Python would wait.
    """
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, messages), daemon=True).start()
    with suppress(Terminated, KeyboardInterrupt, BrokenPipeError), unwinding():
        _serve(messages, out)
    os._exit(0)


def _serve(messages: queue.SimpleQueue[bytes], out: IO[bytes]) -> None:
    share = cast("set[int]", pickle.loads(messages.get()))  # noqa: S301 of the process that began us
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    run = runner(messages.get())
    while True:
        batch = cast("Batch", pickle.loads(messages.get()))  # noqa: S301
        send(out, run(batch).model_dump_json().encode())


def _read(stream: IO[bytes], messages: queue.SimpleQueue[bytes]) -> None:
    """Pass on messages; when there are no more, end the process as SIGTERM does."""
    while (message := receive(stream)) is not None:
        messages.put(message)
    os.kill(os.getpid(), signal.SIGTERM)


def send(stream: IO[bytes], message: bytes) -> None:
    """Write a message."""
    stream.write(len(message).to_bytes(LENGTH, "little") + message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read a message; None where the other side is gone."""
    length = stream.read(LENGTH)
    if len(length) < LENGTH:
        return None
    size = int.from_bytes(length, "little")
    message = stream.read(size)
    return message if len(message) == size else None


if __name__ == "__main__":
    main()
