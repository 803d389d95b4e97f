"""What lies in the memory of the device, and how many steps and samples fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from .faults import CudaFault, Lack
from .plan import Component, components, history, incoming, windows
from .records import Array, Program, Projection
from .weights import PARAMETERS, parameter_arrays, shapes, weight_arrays, window_array

Key = tuple[str | int, ...]
"""Names a piece of memory."""
FEW_ROWS = 32
"""Fewer rows than this at once, and dense weights are added source by source, not in tiles."""
ALIGNMENT = 512
"""Bytes to which the driver rounds an allocation up, at most."""
LARGEST_GRAPH = 8192
"""Launches in a graph, about: more make it slow to begin with."""
MOST_ROWS = 2**30
"""Steps times samples at once: kernels count rows in 32 bits."""
STAGED_BYTES = 2**28
"""Of inputs and results that a chunk moves between host and device, about."""
SHARE = 9
"""Tenths of the free memory that a run may take: the driver needs some for its own."""
AT_ONCE = ("FixedConvolution", "FixedScaling")
"""Operators whose kernels add to the synaptic input; so do those of dense weights in tiles."""
ARRAYS = {"weight", "target", "begin"}
"""Arrays of an operator."""
KINDS = {"bits": 32, "bytes": 4, "words": 1}
"""How values are kept: elements in a word of 32 bits."""


@dataclass(frozen=True)
class Task:
    """What is to be run, as far as memory depends on it.

    Attributes:
        program: The network.
        kinds: How the values of each input are kept.
        record: For each of ``spikes``, ``u`` and ``v`` the populations of which it is kept.
    """

    program: Program
    kinds: Mapping[str, str]
    record: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Chunk:
    """Samples side by side, and steps between two copies to the host."""

    batch: int
    steps: int


def pitch(kind: str, n: int) -> int:
    """Give the words of a row of ``n`` values."""
    return -(-n // KINDS[kind])


def kind_of(x: Array) -> str:
    """Give how the integers of an input are kept: in as few bits as hold them."""
    low, high = int(x.min(initial=0)), int(x.max(initial=0))
    if low >= 0 and high <= 1:
        return "bits"
    return "bytes" if low >= -128 and high <= 127 else "words"


def by_rows(task: Task, projection: Projection, batch: int) -> bool:
    """Say whether the dense weights of ``projection`` are added source by source."""
    stepwise = {p.name for c in components(task.program) if c.stepwise for p in c.populations}
    return projection.target in stepwise and batch < FEW_ROWS


def constants(task: Task, batch: int) -> Iterator[tuple[Key, Array]]:
    """Yield what a run reads and never changes."""
    for p in task.program.populations:
        for name, values in parameter_arrays(p.parameters).items():
            yield ("parameter", p.name, name), values
    for q in task.program.projections:
        found = shapes(task.program, q)
        for k, operator in enumerate(q.operators):
            if "weight" in operator:
                arrays = weight_arrays(operator, by_rows=by_rows(task, q, batch))
                for name, values in arrays.items():
                    yield (name, q.name), values
            if "window" in operator:
                yield ("window", q.name, k), window_array(operator, found[k], found[k + 1])


def sizes(task: Task, chunk: Chunk) -> dict[Key, int]:
    """Give the bytes of everything that a chunk changes."""
    program, rows = task.program, chunk.batch * chunk.steps
    state = 4 if program.narrow else 8
    found: dict[Key, int] = {("active",): 8 * max(len(program.populations), 1)}
    depths = history(program)
    inputs = {i.name: i.size for i in program.inputs}
    for name, delay in windows(program):
        found["input", name, delay] = 4 * rows * pitch(task.kinds[name], inputs[name])
    for p in program.populations:
        found["u", p.name] = found["v", p.name] = state * chunk.batch * p.size
        found["pause", p.name] = 4 * chunk.batch * p.size
        if p.spiking:
            steps = depths[p.name] + chunk.steps
            found["spikes", p.name] = 4 * chunk.batch * steps * pitch("bits", p.size)
        for signal in ("u", "v"):
            if p.name in task.record.get(signal, ()):
                found["kept", signal, p.name] = 4 * rows * p.size
    sums = scratch = 0
    for component in components(program):
        at_once = chunk.batch if component.stepwise else rows
        sums = max(sums, at_once * max(p.size for p in component.populations))
        scratch = max(scratch, at_once * _largest_between(program, component))
    found["sums",] = state * sums
    for k in range(2):
        found["scratch", k] = 4 * scratch
    return {key: size for key, size in found.items() if size}


def _largest_between(program: Program, component: Component) -> int:
    """Give the most values that lie between two launches for a projection, in a row."""
    largest = 0
    for p in component.populations:
        for q in incoming(program, p):
            results = [prod(shape) for shape in shapes(program, q)[1:]]
            kind = q.operators[-1]["kind"]
            if kind in AT_ONCE or (kind == "FixedDense" and not component.stepwise):
                results.pop()
            largest = max(largest, *results, 0)
    return largest


def staged(task: Task, chunk: Chunk) -> int:
    """Give the bytes that a chunk moves between host and device."""
    moved = sum(size for key, size in sizes(task, chunk).items() if key[0] in {"input", "kept"})
    for name in task.record.get("spikes", ()):
        n = task.program.population(name).size
        moved += 4 * chunk.batch * chunk.steps * pitch("bits", n)
    return moved


def launches_a_step(program: Program) -> int:
    """Give the launches that each step of a chunk adds to the graph, about."""
    count = 0
    for component in components(program):
        if component.stepwise:
            for p in component.populations:
                count += 1 + sum(1 + len(q.operators) for q in incoming(program, p))
    return count


def constant_bytes(task: Task) -> int:
    """Give the bytes of what ``constants`` yields, or a few more; without making any of it."""
    total = 0
    for p in task.program.populations:
        total += len(PARAMETERS) * _aligned(4 * p.size)
    for q in task.program.projections:
        for operator in q.operators:
            for name in ARRAYS & operator.keys():
                values: Array = operator[name]
                total += _aligned(values.nbytes + 4 * values.shape[0])
            total += ALIGNMENT  # of its window
    return total


def needed(task: Task, chunk: Chunk) -> int:
    """Give the bytes of device memory of a run, in all."""
    return constant_bytes(task) + sum(map(_aligned, sizes(task, chunk).values()))


def chosen_chunk(task: Task, batch: int, steps: int, free: int) -> Chunk:
    """Give the most samples, and then steps, that the device has room for at once.

    Args:
        task: What is run.
        batch: Samples in all.
        steps: Hardware steps of a sample.
        free: Bytes of device memory.

    Raises:
        CudaFault: Not even one sample fits.
    """
    room = free * SHARE // 10
    fewest = max(1, *history(task.program).values(), 0)  # what is kept moves to the front at once
    samples = batch
    while (least := needed(task, Chunk(samples, fewest))) > room:
        if samples == 1:
            raise CudaFault(
                Lack.MEMORY,
                f"{free} bytes free",
                f"{-(-10 * least // SHARE)} bytes for one sample, {fewest} steps at once",
            )
        samples = -(-samples // 2)
    most = max(fewest, min(steps, LARGEST_GRAPH // max(1, launches_a_step(task.program))))

    def fits(count: int) -> bool:
        chunk = Chunk(samples, count)
        if samples * count > MOST_ROWS or staged(task, chunk) > STAGED_BYTES:
            return False
        return needed(task, chunk) <= room

    low, high = fewest, most
    while low < high:  # the largest that fits; the fewest do
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return Chunk(samples, low)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def packed(x: Array, kind: str) -> Array:
    """Give values as the device keeps them.

    Args:
        x: Integers, shape ``[..., n]``.
        kind: One of ``KINDS``.

    Returns:
        Words, uint32, shape ``[..., pitch]``.
    """
    match kind:
        case "bits":
            flat = np.packbits(x != 0, axis=-1, bitorder="little")
            return _as_words(flat)
        case "bytes":
            return _as_words(x.astype(np.int8).view(np.uint8))
        case _:
            return np.ascontiguousarray(x, np.int32).view(np.uint32)


def unpacked(words: Array, n: int) -> Array:
    """Give spikes, 0 or 1, uint8, shape ``[..., n]``, of bits in words ``[..., pitch]``."""
    as_bytes = np.ascontiguousarray(words).view(np.uint8)
    return np.unpackbits(as_bytes, axis=-1, count=n, bitorder="little")


def _as_words(values: Array) -> Array:
    padding = [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % 4)]
    return np.pad(values, padding).view("<u4")
