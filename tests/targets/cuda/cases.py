"""For each kernel something to compute, with its extremes, and what the reference makes of it.

The kernels' own headers tell what their arguments are. Expected values are those of
``targets/integer/reference.py``, which is plain NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedPopulation, FixedReset
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    Window,
)
from snnc.targets.integer.reference import neuron_step, operated
from tests.builders import fixed_population
from tests.targets.cuda.device import Device, Kernel

Array = npt.NDArray[Any]
STATES = {"narrow": np.int32, "wide": np.int64}
WEIGHTS = {"i8": (np.int8, -128, 127), "i16": (np.int16, -256, 255)}
VALUES = {"bits": (0, 1), "bytes": (-128, 127), "words": (-(2**15), 2**15)}
"""What a source sends; every sum stays below 2**31."""
BLOCK = 256
NARROW = 2**18
"""Largest synaptic input where states have 32 bits (``targets/native/arithmetic.h``)."""


@dataclass(frozen=True)
class Given:
    """An argument of a kernel, and what it is afterwards.

    Attributes:
        value: An array, or an integer.
        after: What the array holds then; None where it does not change.
        poison: Whether the kernel is given memory that nobody has written.
    """

    value: Array | int
    after: Array | None = None
    poison: bool = False


@dataclass(frozen=True)
class Case:
    """A launch.

    Attributes:
        kernel: Its name.
        arguments: In their order.
        block: Threads along each axis.
        grids: Shapes that all give the same.
    """

    kernel: str
    arguments: tuple[Given, ...]
    block: tuple[int, ...]
    grids: tuple[tuple[int, ...], ...]


def wrong(case: Case, kernel: Kernel, grid: Sequence[int], order: str, seed: int = 0) -> list[str]:
    """Launch a kernel, and say what is not as it should be."""
    device = Device()
    try:
        given: list[Array | int] = []
        for argument in case.arguments:
            value = argument.value
            if isinstance(value, np.ndarray):
                made = device.empty(value.shape, value.dtype.type) if argument.poison else None
                given.append(device.array(value) if made is None else made)
            else:
                given.append(value)
        device.run(kernel, grid, case.block, *given, order=order, seed=seed)
        found = list(device.faults)
        for k, (argument, value) in enumerate(zip(case.arguments, given, strict=True)):
            if isinstance(value, np.ndarray):
                after = argument.value if argument.after is None else argument.after
                if differing := int((value != after).sum()):
                    found.append(f"{case.kernel}: {differing} values of argument {k} differ")
        return found
    finally:
        device.close()


def case(kernel: str, seed: int) -> Case:
    """Draw something to compute for a kernel."""
    rng = np.random.default_rng([seed, *kernel.encode()])
    for pattern, make in FAMILIES.items():
        if found := re.fullmatch(pattern, kernel):
            return make(kernel, found.groupdict(), rng)
    raise LookupError(f"no case for {kernel}")


# --- what is drawn -------------------------------------------------------------------------------


def extremes(rng: np.random.Generator, low: int, high: int, *shape: int) -> Array:
    """Draw integers, every third one the lowest or the highest."""
    drawn = rng.integers(low, high + 1, shape)
    at_end = rng.random(shape) < 0.33
    return np.where(at_end, rng.choice([low, high], shape), drawn)


def packed(kind: str, x: Array, spare: int) -> tuple[Array, int]:
    """Give rows of values as words, and how many words a row has."""
    rows, n = x.shape
    each = {"bits": 32, "bytes": 4, "words": 1}[kind]
    pitch = -(-n // each) + spare
    if kind == "words":
        words = np.zeros((rows, pitch), np.int32)
        words[:, :n] = x
        return words.view(np.uint32), pitch
    padded = np.zeros((rows, pitch * each), np.int8)
    padded[:, :n] = x
    if kind == "bytes":
        return padded.view(np.uint32), pitch
    bits = np.packbits(padded.astype(np.uint8), axis=1, bitorder="little")
    return np.ascontiguousarray(bits).view(np.uint32), pitch


def source(rng: np.random.Generator, kind: str, rows: int, n: int) -> tuple[Array, Given, int]:
    """Draw what a source sent: the integers, the words, the pitch."""
    low, high = VALUES[kind]
    x = extremes(rng, low, high, rows, n)
    x[rng.random((rows, n)) < rng.choice([0.0, 0.7])] = 0
    words, pitch = packed(kind, x, int(rng.integers(0, 2)))
    return x, Given(words), pitch


def deposited(
    rng: np.random.Generator, width: str, y: Array
) -> tuple[Given, tuple[Given, Given, Given]]:
    """Draw an exponent, and give where a sum goes: with what was there before, or to poison."""
    kind = STATES[width]
    largest = max(1, int(np.abs(y).max()))
    room = (30 if width == "narrow" else 44) - largest.bit_length()
    up, down = (int(rng.integers(0, max(1, min(room, 14) + 1))), 0)
    if rng.random() < 0.4:
        up, down = 0, int(rng.integers(0, 15))
    value = y << up if up else y >> down
    add = int(rng.integers(0, 2))
    before = extremes(rng, -(2**18), 2**18, *y.shape).astype(kind)
    after = (before * add + value).astype(kind)
    return Given(before, after, poison=not add), (Given(up), Given(down), Given(add))


def stride_grids(rng: np.random.Generator, rows: int, n: int) -> tuple[tuple[int, ...], ...]:
    """Give a grid that covers all, one of a single block, and another one."""
    return (-(-n // BLOCK), rows), (1, 1), (int(rng.integers(1, 3)), int(rng.integers(1, 4)))


# --- the families --------------------------------------------------------------------------------


def _dense(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind, low, high = WEIGHTS[of["w"]]
    rows, n_in, n_out = (int(n) for n in rng.integers(1, (90, 75, 90)))
    x, words, pitch = source(rng, of["x"], rows, n_in)
    weight = extremes(rng, low, high, n_out, n_in).astype(kind)
    w_pitch = -(-n_in // 4) * 4 + 4 * int(rng.integers(0, 2))
    held = np.zeros((n_out, w_pitch), kind)
    held[:, :n_in] = weight
    y = operated(FixedDense(weight=weight), x)
    a, exponents = deposited(rng, of["width"], y)
    sizes = (rows, n_in, n_out, pitch, w_pitch)
    columns = -(-n_out // 64)
    return Case(
        name,
        (words, Given(held), a, *map(Given, sizes), *exponents),
        (16, 16),
        ((columns, -(-rows // 64)), (columns, 1), (columns, 3)),
    )


def _scaling(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind, low, high = WEIGHTS[of["w"]]
    rows, n = (int(k) for k in rng.integers(1, (20, 60)))
    x, words, pitch = source(rng, of["x"], rows, n)
    weight = extremes(rng, low, high, n).astype(kind)
    a, exponents = deposited(rng, of["width"], operated(FixedScaling(weight=weight), x))
    return Case(
        name,
        (words, Given(weight), a, *map(Given, (rows, n, pitch)), *exponents),
        (BLOCK,),
        stride_grids(rng, rows, n),
    )


def _shift(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    y = extremes(rng, -(2**17), 2**17, int(rng.integers(1, 5)), int(rng.integers(1, 300)))
    a, exponents = deposited(rng, of["width"], y)
    given = (Given(y.astype(np.int32)), a, *map(Given, y.shape), *exponents)
    return Case(name, given, (BLOCK,), stride_grids(rng, *y.shape))


def _events(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind, low, high = WEIGHTS[of["w"]]
    rows = int(rng.integers(1, 5))
    n_in, n_out = (int(rng.choice([1, 3, 40, 255, 256, 257, 300])) for _ in "io")
    x, words, pitch = source(rng, of["x"], rows, n_in)
    weight = extremes(rng, low, high, n_in, n_out).astype(kind)
    up = int(rng.integers(0, 3))
    before = extremes(rng, -999, 999, rows, n_out).astype(np.int32)
    tail = map(Given, (rows, n_in, n_out, pitch, up))
    blocks = -(-n_in // BLOCK)
    if of["family"] == "rows":
        y = operated(FixedDense(weight=weight.T), x) << up
        sums = Given(before, (before + y).astype(np.int32))
        grids = tuple((blocks, k, -(-n_out // BLOCK)) for k in (rows, 1, 2))
        return Case(name, (words, Given(weight), sums, *tail), (BLOCK,), grids)
    weight[rng.random(weight.shape) < 0.8] = 0
    y = operated(FixedDense(weight=weight.T), x) << up
    sums = Given(before, (before + y).astype(np.int32))
    source_of, target = np.nonzero(weight)
    begin = np.searchsorted(source_of, np.arange(n_in + 1)).astype(np.int64)
    kept = weight[source_of, target] if target.size else np.zeros(1, kind)
    targets = target.astype(np.int32) if target.size else np.zeros(1, np.int32)
    given = (words, Given(kept), Given(targets), Given(begin), sums, *tail)
    return Case(name, given, (BLOCK,), tuple((blocks, k) for k in (rows, 1, 2)))


def _window(rng: np.random.Generator, shape: Sequence[int]) -> Window:
    kernel = tuple(int(rng.integers(1, min(n, 3) + 1)) for n in shape)
    dilation = tuple(
        int(rng.integers(1, 3)) if (k - 1) * 2 < n else 1
        for k, n in zip(kernel, shape, strict=True)
    )
    reach = tuple((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
    padding = tuple((int(rng.integers(0, r + 1)), int(rng.integers(0, r + 1))) for r in reach)
    return Window(kernel, tuple(int(n) for n in rng.integers(1, 3, 2)), padding, dilation)


def _record(
    window: Window, shape: Sequence[int], channels: int, groups: int
) -> tuple[Array, tuple[int, ...]]:
    """Give the words of a window, and the extent of what it gives."""
    out = window.positions(tuple(shape[1:]))
    before = [pair[0] for pair in window.padding]
    words = [*shape, channels, *out, *window.kernel, *window.stride, *before, *window.dilation]
    return np.array([*words, groups], np.int32), tuple(out)


def _convolution(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind, low, high = WEIGHTS[of["w"]]
    rows, groups = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    extent = tuple(int(n) for n in rng.integers(2, 7, 2))
    shape = (groups * int(rng.integers(1, 3)), *extent)
    channels = groups * int(rng.integers(1, 3))
    window = _window(rng, extent)
    weight = extremes(rng, low, high, channels, shape[0] // groups, *window.kernel).astype(kind)
    operator = FixedConvolution(weight=weight, window=window, groups=groups)
    x, words, pitch = source(rng, of["x"], rows, prod(shape))
    y = operated(operator, x.reshape(rows, *shape)).reshape(rows, -1)
    a, exponents = deposited(rng, of["width"], y)
    record, _ = _record(window, shape, channels, groups)
    given = (words, Given(weight), Given(record), a, Given(rows), Given(pitch), *exponents)
    return Case(name, given, (BLOCK,), stride_grids(rng, *y.shape))


def _pooling(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    rows = int(rng.integers(1, 4))
    shape = tuple(int(n) for n in rng.integers(1, 7, 3))
    window = _window(rng, shape[1:])
    operator: FixedOperator = (SumPooling if of["kind"] == "sum" else MaxPooling)(window=window)
    x, words, pitch = source(rng, of["x"], rows, prod(shape))
    y = operated(operator, x.reshape(rows, *shape)).reshape(rows, -1)
    record, _ = _record(window, shape, shape[0], 1)
    result = Given(np.zeros(y.shape, np.int32), np.maximum(y, -(2**31)).astype(np.int32), True)
    given = (words, Given(record), result, Given(rows), Given(pitch))
    return Case(name, given, (BLOCK,), stride_grids(rng, *y.shape))


def _neurons(of: Mapping[str, str], rng: np.random.Generator, n: int) -> FixedPopulation:
    spiking = of["reset"] != "readout"
    reset = FixedReset(of["reset"].replace("_", "-")) if spiking else FixedReset.NONE
    return fixed_population(
        "p",
        n,
        reset=reset,
        spiking=spiking,
        du=rng.choice([0, 1, 2048, 4094, 4095], n),
        dv=rng.choice([0, 1, 2048, 4095, 4096], n),
        threshold=rng.choice([0, 1, 100, 2**17 - 1], n),
        bias_mant=rng.choice([0, 1, -4095, 4095], n),
        bias_exp=rng.choice([0, 3, 7], n),
        refractory=int(rng.choice([0, 1, 3])) if spiking else 0,
    )


def _scan(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind = STATES[of["width"]]
    steps, batch = (int(k) for k in rng.integers(1, (9, 4)))
    n = int(rng.choice([1, 31, 32, 33, 100, 300, 600]))
    p = _neurons(of, rng, n)
    begin = int(rng.integers(0, 3))
    active = np.array([begin + rng.integers(-1, 2), begin + steps + rng.integers(-1, 2)], np.int32)
    largest = NARROW if of["width"] == "narrow" else 2**23
    a = extremes(rng, -largest, largest, steps, batch, n)
    u = extremes(rng, 1 - 2**23, 2**23, batch, n)
    v = extremes(rng, 1 - 2**23, 2**23 - 1, batch, n)
    pause = rng.integers(0, 3, (batch, n)) if p.refractory else np.zeros((batch, n), np.int64)
    pitch = -(-n // 32)
    spikes = np.zeros((begin + steps, batch, pitch * 32), np.uint8)
    kept = {s: extremes(rng, -9, 9, begin + steps, batch, n).astype(np.int32) for s in "uv"}
    after = {s: kept[s].copy() for s in "uv"}
    states = (u, v, pause)
    for t in range(max(begin, int(active[0])), min(begin + steps, int(active[1]))):
        step = neuron_step(p, *states, a[t - begin])
        states = (step.u, step.v, step.rho)
        spikes[t, :, :n] = step.spikes
        after["u"][t], after["v"][t] = step.u, step.v
    words = np.packbits(spikes, axis=2, bitorder="little").view(np.int32)
    bias = p.bias_mant.astype(np.int64) << p.bias_exp
    parameters = (
        4095 - p.du.astype(int),
        4096 - p.dv.astype(int),
        p.threshold.astype(int) << 6,
        bias,
    )
    record = rng.random() < 0.7
    end = begin + steps
    given = (
        Given(a.astype(kind)),
        *(Given(s.astype(kind), r.astype(kind)) for s, r in zip((u, v), states, strict=False)),
        Given(pause.astype(np.int32), states[2].astype(np.int32)),
        *(Given(values.astype(np.int32)) for values in parameters),
        Given(np.zeros_like(words), words),
        *(Given(kept[s], after[s]) if record else Given(0) for s in "uv"),
        Given(active),
        *map(Given, (begin, end, batch, n, pitch, p.refractory)),
    )
    return Case(name, given, (BLOCK,), stride_grids(rng, batch, n))


def _rest(name: str, of: Mapping[str, str], rng: np.random.Generator) -> Case:
    kind = STATES[of["width"]]
    batch, n = int(rng.integers(1, 9)), int(rng.integers(1, 100))
    initial = extremes(rng, 1 - 2**23, 2**23 - 1, n).astype(np.int32)
    zero = np.zeros((batch, n), np.int64)
    given = (
        Given(initial),
        Given(zero.astype(kind), zero.astype(kind), True),
        Given(zero.astype(kind), (zero + initial).astype(kind), True),
        Given(zero.astype(np.int32), zero.astype(np.int32), True),
        Given(batch),
        Given(n),
    )
    return Case(name, given, (BLOCK,), stride_grids(rng, batch, n))


X, W, WIDTH = r"(?P<x>bits|bytes|words)", r"(?P<w>i8|i16)", r"(?P<width>narrow|wide)"
Make = Callable[[str, Mapping[str, str], np.random.Generator], Case]
FAMILIES: dict[str, Make] = {
    rf"dense_{X}_{W}_{WIDTH}": _dense,
    rf"scaling_{X}_{W}_{WIDTH}": _scaling,
    rf"shift_{WIDTH}": _shift,
    rf"(?P<family>sparse|rows)_{X}_{W}": _events,
    rf"convolution_{X}_{W}_{WIDTH}": _convolution,
    rf"pool_(?P<kind>sum|max)_{X}": _pooling,
    rf"scan_(?P<reset>\w+)_{WIDTH}": _scan,
    rf"rest_{WIDTH}": _rest,
}
"""How a case is made for the kernels whose names fit."""
