"""Synapses one by one, and what they take in memory: counted without the code that decides by it.

Nothing here is shared with what cuts and places (``pieces.py``, ``synapses.py``, ``encodings.py``):
it is a second reading of ``docs/hardware.md``, for ``checker.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.hardware import Encoding, Layout
from snnc.compiler.mapping.regions import Box, Region
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
)
from snnc.compiler.sliding import under

Places = npt.NDArray[np.int64]
Operators = tuple[FixedOperator, ...]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Synapses: a target and an element of the source, each pair once.

    Attributes:
        target: Place of the neuron among those that were asked for; shape ``[m]``.
        element: Of the source, in C order; shape ``[m]``.
    """

    target: Places
    element: Places


def unrolled(operators: Operators, shape: Shape, neurons: Places) -> Pairs:
    """Give the synapses of a projection into some neurons of its target.

    Weights of a matrix that are 0 are none, and neither are kernels of zeros from a channel to a
    channel. Elements under several windows on the way to a neuron have one synapse with it.

    Args:
        operators: Of the projection.
        shape: Of its source.
        neurons: In C order of the target; ascending.
    """
    shapes = [*accumulate(operators, lambda s, o: o.result_shape(s), initial=shape)]
    pairs = Pairs(np.arange(neurons.size), neurons)
    for operator, given in zip(operators[::-1], shapes[-2::-1], strict=True):
        pairs = _once(_before(operator, given, pairs))
    return pairs


def _once(pairs: Pairs) -> Pairs:
    """Leave each pair once, in the order of the elements and then of the targets."""
    order = np.lexsort((pairs.target, pairs.element))
    target, element = pairs.target[order], pairs.element[order]
    fresh = np.ones(order.size, np.bool_)
    fresh[1:] = (target[1:] != target[:-1]) | (element[1:] != element[:-1])
    return Pairs(target[fresh], element[fresh])


def _before(operator: FixedOperator, shape: Shape, pairs: Pairs) -> Pairs:
    """Give what reaches the targets in front of an operator on values of ``shape``."""
    match operator:
        case FixedDense():
            row, column = np.nonzero(operator.weight[pairs.element])
            return Pairs(pairs.target[row], column)
        case FixedSparse():
            return _listed(operator, pairs)
        case FixedScaling():
            return pairs
        case FixedConvolution():
            return _under(operator, shape, _used(operator), pairs)
        case SumPooling() | MaxPooling():
            return _under(operator, shape, np.eye(shape[0], dtype=np.bool_), pairs)


def _listed(operator: FixedSparse, pairs: Pairs) -> Pairs:
    there = np.flatnonzero(np.isin(operator.target, pairs.element) & (operator.weight != 0))
    order = np.argsort(pairs.element)
    row = np.searchsorted(pairs.element[order], operator.target[there])
    column = np.searchsorted(operator.begin, there, side="right") - 1
    return Pairs(pairs.target[order[row]], column)


def _used(operator: FixedConvolution) -> npt.NDArray[np.bool_]:
    """Give whether an input channel reaches an output channel, shape ``[c_out, c_in]``."""
    c_out, c_in = operator.weight.shape[:2]
    used = np.zeros((c_out, c_in * operator.groups), np.bool_)
    for c in range(c_out):
        first = c // (c_out // operator.groups) * c_in
        used[c, first : first + c_in] = operator.weight[c].reshape(c_in, -1).any(axis=1)
    return used


def _under(
    operator: FixedConvolution | SumPooling | MaxPooling,
    shape: Shape,
    used: npt.NDArray[np.bool_],
    pairs: Pairs,
) -> Pairs:
    """Follow each window to the elements under it, padding left out."""
    channel, *position = np.unravel_index(pairs.element, operator.result_shape(shape))
    which, _, at = under(operator.window, shape[1:], position)
    row, source = np.nonzero(used[channel[which]])
    area = int(np.prod(shape[1:]))
    return Pairs(pairs.target[which[row]], source * area + at[row])


# --- in memory ---------------------------------------------------------------------------------


def numbers(region: Region) -> Places:
    """Give the number of each neuron of a part: channels run fastest in a box; shape ``[size]``."""
    if not isinstance(region, Box) or len(region.shape) < 2:
        return np.arange(region.size)
    channel, place = np.divmod(np.arange(region.size), region.size // region.shape[0])
    return place * region.shape[0] + channel


def axon_words(
    encoding: Encoding, pairs: Pairs, number: Places, bits: int, neurons: int
) -> list[int] | None:
    """Give the words of each axon, None if the encoding has no index or way that is so long.

    Args:
        encoding: Any but a shared one.
        pairs: In the order of their elements.
        number: Of each target.
        bits: Of a weight and a delay.
        neurons: Of a core: those behind them count as the last.
    """
    known: dict[bytes, int | None] = {}
    words: list[int] = []
    for reached in _axons(pairs, number):
        key = reached.tobytes()
        if key not in known:
            known[key] = _words(encoding, reached.tolist(), bits, neurons)
        one = known[key]
        if one is None:
            return None
        words.append(one)
    return words


def _axons(pairs: Pairs, number: Places) -> Iterator[Places]:
    """Give the numbers of the neurons that each element reaches, ascending."""
    if pairs.element.size:
        cuts = np.flatnonzero(np.diff(pairs.element)) + 1
        yield from (np.sort(number[targets]) for targets in np.split(pairs.target, cuts))


def _words(encoding: Encoding, reached: Sequence[int], bits: int, neurons: int) -> int | None:
    sizes = list[int]()
    for entry in _entries(encoding, reached):
        size = _entry_bits(encoding, entry, bits, neurons)
        if size is None:
            return None
        sizes.append(size)
    if encoding.align == "axon":
        sizes = [sum(sizes)]
    return sum(-(-(size + encoding.spare_bits) // encoding.word_bits) for size in sizes)


def _entries(encoding: Encoding, reached: Sequence[int]) -> list[list[int]]:
    """Give the neurons of each entry of an axon."""
    entries: list[list[int]] = [[reached[0]]]
    most, farthest = encoding.entry_synapses, 2 ** max(encoding.skip_bits, default=0) - 1
    for before, neuron in pairwise(reached):
        entry = entries[-1]
        stored = neuron - entry[0] if encoding.layout is Layout.DENSE else len(entry)
        full = most is not None and stored >= most
        too_far = encoding.layout is Layout.RUN_LENGTH and neuron - before > max(farthest, 1)
        if full or too_far:
            entries.append([])
        entries[-1].append(neuron)
    return entries


def _entry_bits(encoding: Encoding, entry: list[int], bits: int, neurons: int) -> int | None:
    begins, ends = min(entry[0], neurons - 1), min(entry[-1], neurons - 1)
    ways = [b - a for a, b in pairwise(entry) if b - a > 1]
    place = _width(encoding.index_bits, ends if encoding.layout is Layout.SPARSE else begins)
    way = _width(encoding.skip_bits, max(ways, default=0))
    if place is None or way is None:
        return None
    match encoding.layout:
        case Layout.DENSE:
            return encoding.header_bits + place + (entry[-1] - entry[0] + 1) * bits
        case Layout.SPARSE:
            return encoding.header_bits + len(entry) * (bits + place)
        case _:
            return encoding.header_bits + place + len(entry) * (bits + way)


def _width(widths: Sequence[int], value: int) -> int | None:
    """Give the smallest width that holds ``value``, 0 if nothing is stored, None if none does."""
    return 0 if not widths else next((w for w in widths if value < 2**w), None)


def delay_bits(encoding: Encoding, delay: int) -> int | None:
    """Give the bits of a delay beyond the step that all synapses take, None if none are enough."""
    return _width(encoding.delay_bits, delay - 1)


def kernel_words(
    encoding: Encoding, pairs: Pairs, shapes: tuple[Shape, Box], stride: Sequence[int], bits: int
) -> list[int]:
    """Give the words of the kernels that all axons of a channel share, for each channel.

    A kernel has a weight for each output channel and each way from a neuron to an element.

    Args:
        encoding: A shared one.
        pairs: Into a box.
        shapes: Of the source, and the box.
        stride: From the elements of a neuron to those of the next, on each axis.
        bits: Of a weight and a delay.
    """
    channel, *element = np.unravel_index(pairs.element, shapes[0])
    target, *place = np.unravel_index(pairs.target, shapes[1].shape)
    ways = [e - p * s for e, p, s in zip(element, place, stride, strict=True)]
    weights: Any = np.unique(np.stack((channel, target, *ways)), axis=1)
    words: list[int] = []
    for size in np.unique(weights[0], return_counts=True)[1].tolist():
        entries = -(-size // encoding.entry_synapses) if encoding.entry_synapses else 1
        each = bits + (encoding.index_bits[0] if encoding.index_bits else 0)
        total = entries * encoding.header_bits + size * each + encoding.spare_bits
        words.append(-(-total // encoding.word_bits))
    return words
