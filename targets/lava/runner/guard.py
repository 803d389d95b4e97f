"""Lava started, stepped and ended so that nothing can make it wait for ever.

Lava waits without limit for each of its processes, so one that raises or is killed hangs all
others (``lava/magma/runtime/runtime_services/runtime_service.py:221-229``). Here nothing waits:
whatever Lava would wait for is asked for again and again, and between two questions every process
is looked at. What Lava keeps private is used freely: its last release will not change.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false
# pyright: reportPrivateUsage=false

from __future__ import annotations

import gc
import multiprocessing
import secrets
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from multiprocessing.managers import SharedMemoryManager
from typing import Any

from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.message_infrastructure import multiprocessing as infrastructure
from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal
from lava.magma.runtime.runtime import Runtime

from . import room
from .bursts import Bursts
from .channels import without_threads
from .faults import ProcessFault
from .program import Process

SHORTEST_PAUSE, LONGEST_PAUSE = 1e-4, 5e-3
"""Seconds between two looks at the processes."""
END_LIMIT = 5.0
"""Seconds that a killed process may take to be gone."""


class Worker(infrastructure.SystemProcess):
    """A process of Lava that tells, as text, what it failed of."""

    def run(self) -> None:
        """Run as the process of multiprocessing; send a traceback if it raises."""
        try:
            multiprocessing.Process.run(self)
        except Exception as error:
            self._cconn.send_bytes(traceback.format_exc().encode())
            raise SystemExit(1) from error

    def failure(self) -> str | None:
        """Say why the process is no longer able to run, or None."""
        code: int | None = self.exitcode  # before its last words are looked for, not after
        if self._pconn.poll():
            text = str(self._pconn.recv_bytes(), "utf-8")
            return "raised " + text.strip().splitlines()[-1]
        if not code:
            return None
        if code > 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"was ended by signal {-code} ({name}){room.of_signal(name)}"


class Memory(infrastructure.SharedMemoryManager):
    """Lava's shared memory, with its manager at an address that is no file.

    The path of a socket has at most 107 characters, which a file in a long TMPDIR exceeds, and a
    file stays behind when its process is killed. Linux' abstract addresses (``unix(7)``) have
    neither fault.
    """

    def __init__(self) -> None:
        super().__init__()
        address = f"\0snnc-{secrets.token_hex(16)}" if sys.platform == "linux" else None
        self._manager = SharedMemoryManager(address)

    def take_room(self, before: int | None) -> None:
        """Take the room of all segments, so that no process is killed for writing to one.

        Args:
            before: Bytes that were free before the run.

        Raises:
            NoRoom: There is not enough.
        """
        room.take(self._shared_memory_handles, before)


Advance = Callable[[int], None]


@contextmanager
def running(
    models: Mapping[Any, type], processes: Iterable[Process], check: Callable[[], None]
) -> Generator[Advance]:
    """Start Lava, give the function that advances it by some steps, and end it whatever happens.

    Args:
        models: Connected Lava processes with their models.
        processes: What they stand for, by name.
        check: Called between two looks at the processes; what it raises ends the run.

    Raises:
        ProcessFault: A Lava process failed or was ended.
    """
    infrastructure.SystemProcess = Worker
    infrastructure.SharedMemoryManager = Memory
    bursts = Bursts(models)
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=bursts.models)
    executable = next(iter(models)).compile(config)
    runtime = Runtime(executable, ActorType.MultiProcessing)
    titles = {p.id: f"{p.kind} {p.id} ({p.of})" for p in processes}
    labels = [titles[process.name] for process in executable.proc_builders]

    def wait(ready: Callable[[], bool]) -> None:
        pause = SHORTEST_PAUSE
        while not ready():
            _raise_failure(runtime, labels)
            check()
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)

    def advance(steps: int) -> None:
        runtime.start(RunSteps(num_steps=bursts.commands(steps), blocking=False))
        answers = runtime.service_to_runtime
        wait(lambda: all(port.probe() for port in answers))
        done = [enum_equal(port.recv(), MGMT_RESPONSE.DONE) for port in answers]
        if not all(done):
            wait(lambda: False)  # a process has failed, and is about to say why

    try:
        with without_threads():
            _start(runtime, wait)
        yield advance
    finally:
        _end(runtime)


def _start(runtime: Any, wait: Callable[[Callable[[], bool]], None]) -> None:
    """Do as ``Runtime.initialize`` does, without its unlimited wait for every process."""
    before = room.free()
    try:
        _start_processes(runtime, wait, before)
    except OSError as error:
        raise room.not_started(error, before) from error
    runtime._is_initialized = True


def _start_processes(
    runtime: Any, wait: Callable[[Callable[[], bool]], None], before: int | None
) -> None:
    runtime._build_watchdog_manager()
    try:
        runtime._build_message_infrastructure()
    except EOFError as error:
        raise ProcessFault(
            "the manager of shared memory did not start; its socket is in TMPDIR, "
            f"which may be too long a path: {tempfile.gettempdir()}"
        ) from error
    runtime._build_channels()
    runtime._build_sync_channels()
    runtime._messaging_infrastructure.smm.take_room(before)
    gc.freeze()  # or the collector would write to, and so copy, every page that a process inherits
    runtime._build_processes()
    runtime._build_runtime_services()
    gc.unfreeze()
    runtime._start_ports()
    wait(lambda: not any(queue.empty() for queue in runtime.exception_q))


def _raise_failure(runtime: Any, labels: list[str]) -> None:
    for index, worker in enumerate(runtime._messaging_infrastructure.actors):
        failure = worker.failure()
        if failure is not None:
            label = labels[index] if index < len(labels) else "Lava's runtime service"
            raise ProcessFault(f"{label} {failure}")


def _end(runtime: Any) -> None:
    """Kill every process of Lava and remove its shared memory.

    Nothing is lost: what was recorded is in memory of ours. The processes hold nothing that they
    would have to give back.
    """
    runtime._is_started = runtime._is_running = False
    messages = runtime._messaging_infrastructure
    if messages is None or messages.smm is None:
        return
    for worker in messages.actors:
        worker.kill()
    for worker in messages.actors:
        multiprocessing.Process.join(worker, END_LIMIT)
    if hasattr(messages.smm._manager, "shutdown"):  # only one that was started has it
        messages.smm._manager.shutdown()
