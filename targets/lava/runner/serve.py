"""The command as snnc starts it: arrays by file, events as lines of JSON."""

from __future__ import annotations

import json
import os
import select
import shutil
from pathlib import Path

import numpy as np

from . import compat
from .arrays import save_array
from .faults import Abandoned, NoRoom, ProcessFault
from .network import Progress, simulate
from .orphans import clearing_up, end_with_parent, name_shared_memory
from .program import read_program

PATIENCE = 2.0
"""Seconds in which all threads of a process that was killed have ended."""


def serve(directory: Path) -> int:
    """Run the program in ``directory``, and give the exit code.

    It holds ``request.json``, the three files of the program and, for each source, ``ID.npy``.
    For each process that records, ``ID.SIGNAL.npy`` is added. Standard output carries events,
    ``{"done": 3, "total": 9}``, ``{"fault": "why", "full": true}`` where ``full`` is of shared
    memory, or ``{"refused": "why"}`` where the directory cannot be written. Standard input is a
    pipe that snnc keeps open: when it closes, snnc is gone, and the directory is removed here.
    """
    events = os.dup(1)
    os.dup2(2, 1)  # whatever Lava prints is no event

    def tell(**event: object) -> None:
        os.write(events, json.dumps(event).encode() + b"\n")

    end_with_parent()
    patience = 0.0
    try:
        _check_parent()
        _run(directory, lambda done, total: tell(done=done, total=total))
    except ProcessFault as error:
        tell(fault=str(error), full=isinstance(error, NoRoom))
        return 3
    except OSError as error:
        tell(refused=error.strerror or str(error))
        return 3
    except (Abandoned, KeyboardInterrupt):
        return 130
    except SystemExit:
        patience = PATIENCE  # Linux tells that a thread of snnc has ended: its pipe ends with all
        raise
    finally:
        if _parent_is_gone(patience):
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def _run(directory: Path, progress: Progress) -> None:
    request = json.loads((directory / "request.json").read_text(encoding="utf-8"))
    name_shared_memory(request["shared_memory"])
    program = read_program(directory)
    sources = [p for p in program.processes if p.role == "input"]
    inputs = {p.of: np.load(directory / f"{p.id}.npy", mmap_mode="r") for p in sources}
    compat.install()
    recording = simulate(program, inputs, tuple(request["record"]), _check_parent, progress)
    for identifier, signals in recording.items():
        for signal, array in signals.items():
            save_array(directory / f"{identifier}.{signal}.npy", array)


def _check_parent() -> None:
    if _parent_is_gone() and not clearing_up():
        raise Abandoned


def _parent_is_gone(patience: float = 0.0) -> bool:
    readable, _, _ = select.select([0], [], [], patience)
    return bool(readable) and not os.read(0, 1)
