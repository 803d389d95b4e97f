"""A run: chunk after chunk, with copies to and from the host while the device computes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .launches import Chunked
from .layout import (
    Chunk,
    Key,
    Task,
    chosen_chunk,
    constants,
    kind_of,
    packed,
    pitch,
    sizes,
    unpacked,
)
from .machine import Machine
from .plan import windows
from .records import Array, Program

Progress = Callable[[int, int], None]
"""Told the hardware steps done and in all."""
Record = Mapping[str, tuple[str, ...]]
"""For each of ``spikes``, ``u`` and ``v`` the populations of which it is kept."""
SIGNALS: dict[str, type[np.generic]] = {"spikes": np.uint8, "u": np.int32, "v": np.int32}
LOOK_SECONDS = 0.0005
"""Between two looks at whether the device is done."""
TELL_SECONDS = 0.05
"""Between two times that progress is told while nothing is done."""


@dataclass
class Stage:
    """Pinned memory of a chunk that is under way.

    Attributes:
        put: What goes to the device, as bytes.
        got: What comes back, as bytes.
        event: Done when all of it is there.
        first: Hardware step with which the chunk begins.
    """

    put: dict[Key, Array]
    got: dict[Key, Array]
    event: Any = None
    first: int = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of all samples, and where results go.

    Attributes:
        inputs: Integers of each input, shape ``[steps, batch, n]``.
        kept: For each signal and population an array ``[steps + latency, batch, n]``.
    """

    inputs: Mapping[str, Array]
    kept: Mapping[str, Mapping[str, Array]]

    @property
    def steps(self) -> int:
        """Steps of the input."""
        return int(next(iter(self.inputs.values())).shape[0])

    @property
    def samples(self) -> int:
        """Samples in all."""
        return int(next(iter(self.inputs.values())).shape[1])


def execute(
    device: Machine,
    program: Program,
    inputs: Mapping[str, Array],
    record: Record,
    progress: Progress,
    chunk: Chunk | None = None,
) -> dict[str, dict[str, Array]]:
    """Run a batch of samples, each from rest.

    Args:
        device: Has the kernels loaded.
        program: What to run.
        inputs: Integers of each input, shape ``[steps, batch, n]``.
        record: What is kept.
        progress: Told of the hardware steps done; what it raises ends the run.
        chunk: Samples and steps at once, or None for as many as the device has room for.

    Returns:
        For each signal and population an array ``[steps + latency, batch, n]`` in hardware time.

    Raises:
        CudaFault: The device has too little memory.
        MemoryError: The host has.
    """
    steps, samples = next(iter(inputs.values())).shape[:2]
    total = steps + program.latency
    kept: dict[str, dict[str, Array]] = {
        signal: {
            name: np.zeros((total, samples, program.population(name).size), kind)
            for name in record.get(signal, ())
        }
        for signal, kind in SIGNALS.items()
    }
    task = Task(program, {name: kind_of(x) for name, x in inputs.items()}, record)
    chosen = chunk or chosen_chunk(task, samples, total, device.free_memory())
    run = _Run(device, task, chosen, Batch(inputs, kept), progress)
    for first in range(0, samples, chosen.batch):
        run.samples_from(first)
    return kept


@dataclass
class _Run:
    """Memory and graph of a run, used for one group of samples after the other."""

    device: Machine
    task: Task
    chunk: Chunk
    batch: Batch
    progress: Progress
    address: dict[Key, int] = field(default_factory=dict[Key, int])
    first_sample: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        for key, values in constants(self.task, self.chunk.batch):
            self.address[key] = self.device.allocate(max(values.nbytes, 4))
            self.device.put(self.address[key], values)
        for key, size in sizes(self.task, self.chunk).items():
            self.address[key] = self.device.allocate(size)
        self.chunked = Chunked(self.task, self.chunk, self.address)
        self.graph = self.device.recorded(lambda: self.chunked.advance(self.device))
        self.stages = [self._stage() for _ in range(2)]

    def samples_from(self, first: int) -> None:
        """Run the samples from ``first`` on, as many as fit side by side."""
        self.first_sample = first
        self.chunked.rest(self.device)
        under_way: list[Stage] = []
        for number, step in enumerate(range(0, self._total, self.chunk.steps)):
            stage = self.stages[number % 2]
            if len(under_way) == 2:
                self._finish(under_way.pop(0))
            self._begin(stage, step)
            under_way.append(stage)
        for stage in under_way:
            self._finish(stage)

    @property
    def _total(self) -> int:
        return self.batch.steps + self.task.program.latency

    @property
    def _width(self) -> int:
        """Samples of this group; the others that fit beside them get zeros."""
        return min(self.chunk.batch, self.batch.samples - self.first_sample)

    def _stage(self) -> Stage:
        held = sizes(self.task, self.chunk)
        names = (("active",), *(("input", *w) for w in windows(self.task.program)))
        put: dict[Key, Array] = {key: self.device.pinned(held[key]) for key in names}
        got: dict[Key, Array] = {
            ("kept", signal, name): self.device.pinned(self._bytes(signal, name))
            for signal, names in self.batch.kept.items()
            for name in names
        }
        return Stage(put, got)

    def _bytes(self, signal: str, name: str) -> int:
        n = self.task.program.population(name).size
        words = pitch("bits", n) if signal == "spikes" else n
        return 4 * self.chunk.batch * self.chunk.steps * words

    def _begin(self, stage: Stage, step: int) -> None:
        """Queue the chunk that begins with hardware step ``step``."""
        self._tell()
        stage.first = step
        stage.put["active",].view(np.int32)[:] = self._active(step)
        for name, delay in windows(self.task.program):
            self._fill(stage.put["input", name, delay], name, step - delay)
        for key, pinned in stage.put.items():
            self.device.put_later(self.address[key], pinned)
        self.device.replay(self.graph)
        for (_, signal, kept), pinned in stage.got.items():
            self.device.get_later(pinned, self._kept_at(str(signal), str(kept)))
        stage.event = self.device.event()

    def _kept_at(self, signal: str, name: str) -> int:
        if signal != "spikes":
            return self.address["kept", signal, name]
        return self.chunked.spikes(self.task.program.population(name), 0)

    def _active(self, step: int) -> Array:
        """Give for each population the steps of the chunk in which it does not rest."""
        bounds = [
            (p.lag - step, p.lag + self.batch.steps - step) for p in self.task.program.populations
        ] or [(0, 0)]
        return np.clip(np.array(bounds, np.int64), 0, self.chunk.steps).astype(np.int32).ravel()

    def _fill(self, pinned: Array, name: str, begin: int) -> None:
        """Put steps ``begin`` to the end of a chunk of an input into pinned memory."""
        x, kind = self.batch.inputs[name], self.task.kinds[name]
        words = pitch(kind, x.shape[2])
        rows = pinned.view(np.uint32).reshape(self.chunk.steps, self.chunk.batch, words)
        rows[:] = 0
        low, high = max(begin, 0), min(begin + self.chunk.steps, x.shape[0])
        if low < high:
            samples = slice(self.first_sample, self.first_sample + self._width)
            rows[low - begin : high - begin, : self._width] = packed(x[low:high, samples], kind)

    def _finish(self, stage: Stage) -> None:
        """Wait for a chunk, and keep what it gave."""
        self._wait(stage.event)
        steps = min(self.chunk.steps, self._total - stage.first)
        for (_, signal, name), pinned in stage.got.items():
            self._keep(stage, str(signal), str(name), pinned, steps)
        self.done += steps * self._width
        self._tell()

    def _wait(self, event: Any) -> None:
        told = time.monotonic()
        while not self.device.is_done(event):
            time.sleep(LOOK_SECONDS)
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self._tell()

    def _tell(self) -> None:
        self.progress(self.done, self._total * self.batch.samples)

    def _keep(self, stage: Stage, signal: str, name: str, pinned: Array, steps: int) -> None:
        p = self.task.program.population(name)
        low = max(p.lag, stage.first)
        high = min(p.lag + self.batch.steps, stage.first + steps)
        if low >= high:
            return
        shape = self.chunk.steps, self.chunk.batch, -1
        here = slice(low - stage.first, high - stage.first)
        rows = pinned.view(np.uint32).reshape(shape)[here, : self._width]
        values = unpacked(rows, p.size) if signal == "spikes" else rows.view(np.int32)
        samples = slice(self.first_sample, self.first_sample + self._width)
        self.batch.kept[signal][name][low:high, samples] = values


def recorded_names(program: Program, record: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Give for each signal the populations of which it is kept: outputs, and what is asked for."""
    return {signal: tuple(dict.fromkeys(_names(program, record, signal))) for signal in SIGNALS}


def _names(program: Program, record: tuple[str, ...], signal: str) -> Iterator[str]:
    for name in program.outputs.values():
        if signal == ("spikes" if program.population(name).spiking else "v"):
            yield name
    if signal in record:
        for p in program.populations:
            if p.spiking or signal != "spikes":
                yield p.name
