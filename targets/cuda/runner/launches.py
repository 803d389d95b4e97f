"""The launches of a chunk of steps, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import c_int32, c_void_p
from dataclasses import dataclass
from math import prod

from .layout import Chunk, Key, Task, by_rows, pitch
from .machine import Argument, Launch, Queue
from .plan import Component, components, history, incoming
from .records import Operator, Population, Projection
from .weights import POOLINGS, shapes

THREADS = 256
"""Of a block."""
TILE = 64
"""Rows, and sums, of a block of ``kernels/dense.h``."""
LARGEST_GRID = 65535
"""Blocks on the second and third axis of a grid (CUDA C++ Programming Guide, compute
capabilities)."""
MOST_BLOCKS = 2**20
"""Of a launch whose threads take several elements."""


@dataclass(frozen=True)
class Value:
    """What enters an operator: rows in the memory of the device.

    Attributes:
        kind: One of ``layout.KINDS``.
        address: Of the first row.
        pitch: Words of a row.
        size: Values of a row.
    """

    kind: str
    address: int
    pitch: int
    size: int


@dataclass(frozen=True)
class Sums:
    """Where the synaptic input of a population is summed up, and how many rows it has."""

    address: int
    rows: int
    size: int


class Chunked:
    """Gives the launches of a chunk to a queue."""

    def __init__(self, task: Task, chunk: Chunk, address: Mapping[Key, int]) -> None:
        self.task, self.chunk, self.address = task, chunk, address
        self.program = task.program
        self.width = "narrow" if task.program.narrow else "wide"
        self.state_bytes = 4 if task.program.narrow else 8
        self.depths = history(task.program)
        self.inputs = {i.name: i.size for i in task.program.inputs}
        self.populations = {p.name: p for p in task.program.populations}
        self.by_rows = {q.name: by_rows(task, q, chunk.batch) for q in task.program.projections}

    def rest(self, queue: Queue) -> None:
        """Bring all populations to rest, with nothing sent before."""
        for p in self.program.populations:
            arguments = (
                *_addresses(self.address["parameter", p.name, "initial"]),
                *_addresses(*(self.address[name, p.name] for name in ("u", "v", "pause"))),
                *_numbers(self.chunk.batch, p.size),
            )
            queue.launch(_over(f"rest_{self.width}", self.chunk.batch, p.size, arguments))
            if p.spiking:
                queue.fill(self.address["spikes", p.name], self._step_bytes(p) * self._steps(p))

    def advance(self, queue: Queue) -> None:
        """Compute all populations for the steps of a chunk."""
        for p in self.program.populations:
            if p.spiking:
                queue.fill(self.spikes(p, 0), self._step_bytes(p) * self.chunk.steps)
        for component in components(self.program):
            if component.stepwise:
                self._stepwise(queue, component)
            else:
                (population,) = component.populations
                self._population(queue, population, 0, self.chunk.steps)
        for p in self.program.populations:
            kept = self.depths[p.name]
            if p.spiking and kept:
                first = self.address["spikes", p.name]
                later = first + self._step_bytes(p) * self.chunk.steps
                queue.copy(first, later, self._step_bytes(p) * kept)

    def spikes(self, p: Population, step: int) -> int:
        """Give the address of what ``p`` sent at ``step`` of the chunk, which may be before it."""
        return self.address["spikes", p.name] + self._step_bytes(p) * (self.depths[p.name] + step)

    def _steps(self, p: Population) -> int:
        return self.depths[p.name] + self.chunk.steps

    def _step_bytes(self, p: Population) -> int:
        return 4 * self.chunk.batch * pitch("bits", p.size)

    def _stepwise(self, queue: Queue, component: Component) -> None:
        for step in range(self.chunk.steps):
            for p in component.populations:
                self._population(queue, p, step, step + 1)

    def _population(self, queue: Queue, p: Population, begin: int, end: int) -> None:
        """Compute steps ``begin`` to before ``end`` of the chunk."""
        rows = self.chunk.batch * (end - begin)
        sums = Sums(self.address["sums",], rows, p.size)
        first = True
        for q in incoming(self.program, p):
            if q.source in self.populations and not self.populations[q.source].spiking:
                continue  # a read-out sends nothing
            _Projected(self, q, queue, sums, first).add(self._sent(q, begin))
            first = False
        if first:
            queue.fill(sums.address, self.state_bytes * rows * p.size)
        self._scan(queue, p, begin, end)

    def _sent(self, q: Projection, begin: int) -> Value:
        """Give what arrives from step ``begin`` on."""
        if q.source in self.inputs:
            kind, n = self.task.kinds[q.source], self.inputs[q.source]
            words = pitch(kind, n)
            before = 4 * self.chunk.batch * words * begin
            return Value(kind, self.address["input", q.source, q.delay] + before, words, n)
        p = self.populations[q.source]
        return Value("bits", self.spikes(p, begin - q.delay), pitch("bits", p.size), p.size)

    def _scan(self, queue: Queue, p: Population, begin: int, end: int) -> None:
        at = self.address
        index = self.program.populations.index(p)
        reset = p.reset.replace("-", "_") if p.spiking else "readout"
        parameters = ("keep_u", "keep_v", "theta", "bias")
        pointers = (
            at["sums",],
            *(at[name, p.name] for name in ("u", "v", "pause")),
            *(at["parameter", p.name, name] for name in parameters),
            self.spikes(p, 0) if p.spiking else 0,
            at.get(("kept", "u", p.name), 0),
            at.get(("kept", "v", p.name), 0),
            at["active",] + 8 * index,
        )
        numbers = (begin, end, self.chunk.batch, p.size, pitch("bits", p.size), p.refractory)
        arguments = (*_addresses(*pointers), *_numbers(*numbers))
        queue.launch(_over(f"scan_{reset}_{self.width}", self.chunk.batch, p.size, arguments))


class _Projected:
    """The launches of one projection: its operators, and the exponent of what they give."""

    def __init__(
        self, chunked: Chunked, projection: Projection, queue: Queue, sums: Sums, first: bool
    ) -> None:
        self.chunked, self.projection, self.queue, self.sums = chunked, projection, queue, sums
        self.add_to = int(not first)
        self.up, self.down = max(projection.weight_exp, 0), max(-projection.weight_exp, 0)
        self.slot = 0

    def add(self, value: Value) -> None:
        """Add what the projection makes of ``value`` to the sums of its target."""
        found = shapes(self.chunked.program, self.projection)
        last = len(self.projection.operators) - 1
        for k, operator in enumerate(self.projection.operators):
            size = prod(found[k + 1])
            if operator["kind"] in POOLINGS:
                value = self._pooled(operator, k, value, size)
            elif k == last and self._added(operator, k, value, size):
                return
            else:
                value = self._between(operator, k, value, size)
        self._shift(value)

    def _between(self, operator: Operator, k: int, value: Value, size: int) -> Value:
        """Give weighted sums that are still to be pooled, or need a launch for their exponent."""
        if self._by_events(operator):
            return self._scattered(operator, value, size)
        into = self._scratch(size)
        self._deposit(operator, k, value, into.address, size, raw=True)
        return into

    def _added(self, operator: Operator, k: int, value: Value, size: int) -> bool:
        """Add weighted sums to those of the target, where a kernel does so at once."""
        if not self._by_events(operator):
            self._deposit(operator, k, value, self.sums.address, size, raw=False)
            return True
        if self.chunked.width == "wide" or self.down:
            return False
        if not self.add_to:
            self.queue.fill(self.sums.address, 4 * self.sums.rows * size)
        self._scatter(operator, value, self.sums.address, size, self.up)
        return True

    def _by_events(self, operator: Operator) -> bool:
        by_rows = self.chunked.by_rows[self.projection.name]
        return operator["kind"] == "FixedSparse" or (operator["kind"] == "FixedDense" and by_rows)

    def _scratch(self, size: int) -> Value:
        address = self.chunked.address["scratch", self.slot]
        self.slot = 1 - self.slot
        return Value("words", address, size, size)

    def _pooled(self, operator: Operator, k: int, value: Value, size: int) -> Value:
        into = self._scratch(size)
        arguments = (
            *_addresses(value.address, self.chunked.address["window", self.projection.name, k]),
            *_addresses(into.address),
            *_numbers(self.sums.rows, value.pitch),
        )
        kernel = f"{POOLINGS[operator['kind']]}_{value.kind}"
        self.queue.launch(_over(kernel, self.sums.rows, size, arguments))
        return into

    def _scattered(self, operator: Operator, value: Value, size: int) -> Value:
        into = self._scratch(size)
        self.queue.fill(into.address, 4 * self.sums.rows * size)
        self._scatter(operator, value, into.address, size, 0)
        return into

    def _scatter(self, operator: Operator, value: Value, y: int, size: int, up: int) -> None:
        """Launch the kernels of ``kernels/events.h``."""
        sparse = operator["kind"] == "FixedSparse"
        names = ("weight", "target", "begin") if sparse else ("weight",)
        pointers = (self.chunked.address[name, self.projection.name] for name in names)
        rows = self.sums.rows
        blocks = -(-value.size // THREADS)
        grid = blocks, min(rows, LARGEST_GRID), 1 if sparse else -(-size // THREADS)
        arguments = (
            *_addresses(value.address, *pointers, y),
            *_numbers(rows, value.size, size, value.pitch, up),
        )
        kernel = f"{'sparse' if sparse else 'rows'}_{value.kind}_{_width(operator)}"
        self.queue.launch(Launch(kernel, grid, (THREADS, 1), arguments))

    def _deposit(
        self, operator: Operator, k: int, value: Value, a: int, size: int, *, raw: bool
    ) -> None:
        """Launch the kernel of a layer of weights.

        Args:
            operator: The layer.
            k: Its place among the operators.
            value: What enters.
            a: Where the sums go.
            size: Sums of a row.
            raw: Write them as they are, in 32 bits, and not with the exponent.
        """
        weight = self.chunked.address["weight", self.projection.name]
        end = (0, 0, 0) if raw else (self.up, self.down, self.add_to)
        rows = self.sums.rows
        width = "narrow" if raw else self.chunked.width
        suffix = f"{value.kind}_{_width(operator)}_{width}"
        matrix = value.address, weight
        match operator["kind"]:
            case "FixedDense":
                w = operator["weight"]
                row = w.shape[1] + (-w.shape[1] % 4 if w.dtype.itemsize == 1 else 0)
                counts = _numbers(rows, value.size, size, value.pitch, row, *end)
                grid = -(-size // TILE), min(-(-rows // TILE), LARGEST_GRID), 1
                arguments = (*_addresses(*matrix, a), *counts)
                self.queue.launch(Launch(f"dense_{suffix}", grid, (16, 16), arguments))
            case "FixedScaling":
                counts = _numbers(rows, size, value.pitch, *end)
                arguments = (*_addresses(*matrix, a), *counts)
                self.queue.launch(_over(f"scaling_{suffix}", rows, size, arguments))
            case _:
                window = self.chunked.address["window", self.projection.name, k]
                pointers = _addresses(*matrix, window, a)
                arguments = (*pointers, *_numbers(rows, value.pitch, *end))
                self.queue.launch(_over(f"convolution_{suffix}", rows, size, arguments))

    def _shift(self, y: Value) -> None:
        """Add sums that lie in scratch memory, with the exponent."""
        rows, size = self.sums.rows, self.sums.size
        arguments = (
            *_addresses(y.address, self.sums.address),
            *_numbers(rows, size, self.up, self.down, self.add_to),
        )
        self.queue.launch(_over(f"shift_{self.chunked.width}", rows, size, arguments))


def _addresses(*values: int) -> tuple[Argument, ...]:
    return tuple(c_void_p(value) for value in values)


def _numbers(*values: int) -> tuple[Argument, ...]:
    return tuple(c_int32(value) for value in values)


def _width(operator: Operator) -> str:
    return "i8" if operator["weight"].dtype.itemsize == 1 else "i16"


def _over(kernel: str, rows: int, size: int, arguments: tuple[Argument, ...]) -> Launch:
    """Give a launch with a thread for each element of ``rows`` rows, or for several."""
    grid = min(-(-size // THREADS), MOST_BLOCKS), min(rows, LARGEST_GRID), 1
    return Launch(kernel, grid, (THREADS, 1), arguments)
