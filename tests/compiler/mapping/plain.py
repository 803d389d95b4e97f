"""Synapses and words, one by one and with loops: slow, and nothing of the code that is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil, prod
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.linear import apply, as_steps
from snnc.compiler.mapping.hardware import Encoding, Layout
from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.operators import FixedConvolution, FixedOperator, FixedScaling

Lists = list[list[int]]


def plain_lists(network: FixedNetwork, projection: FixedProjection, neurons: Neurons) -> Lists:
    """Give for each element of the source which of ``neurons`` it reaches, ascending."""
    shape = network.shapes[projection.source]
    operators = tuple(_counted(o) for o in projection.operators)
    n = prod(shape)
    values = np.eye(n).reshape(n, *shape)
    for step in as_steps(operators, shape):
        values = apply(step, values)
    reached = values.reshape(n, -1)[:, neurons] != 0
    return [np.flatnonzero(row).tolist() for row in reached]


def _counted(operator: FixedOperator) -> FixedOperator:
    """Replace weights by what counts as a synapse."""
    match operator:
        case FixedConvolution():
            used = operator.weight.any(axis=tuple(range(2, operator.weight.ndim)), keepdims=True)
            return replace(operator, weight=np.broadcast_to(used, operator.weight.shape) * _ONE)
        case FixedScaling():
            return replace(operator, weight=np.ones_like(operator.weight))
        case _ if hasattr(operator, "weight"):
            weighted: Any = operator
            counted: FixedOperator = replace(weighted, weight=(weighted.weight != 0) * _ONE)
            return counted
        case _:
            return operator


_ONE = np.int8(1)


def plain_words(encoding: Encoding, reached: Sequence[int], bits: int) -> int:
    """Give the words of one axon."""
    entries = [_entry_bits(encoding, e, bits) for e in _entries(encoding, reached)]
    if encoding.align == "entry":
        return sum(ceil((e + encoding.spare_bits) / encoding.word_bits) for e in entries)
    total = sum(entries)
    words = ceil(total / encoding.word_bits)
    return words + (words * encoding.word_bits - total < encoding.spare_bits)


def _entries(encoding: Encoding, reached: Sequence[int]) -> Lists:
    most = encoding.entry_synapses or 10**9
    entries: Lists = []
    for neuron in reached:
        fresh = not entries
        if not fresh and encoding.layout is Layout.DENSE:
            fresh = neuron - entries[-1][0] >= most
        elif not fresh:
            gap = neuron - entries[-1][-1]
            too_far = encoding.layout is Layout.RUN_LENGTH and not _fits(encoding.skip_bits, gap)
            fresh = too_far or len(entries[-1]) == most
        if fresh:
            entries.append([])
        entries[-1].append(neuron)
    return entries


def _fits(widths: Sequence[int], way: int) -> bool:
    return way == 1 or way.bit_length() <= widths[-1]


def _entry_bits(encoding: Encoding, entry: Sequence[int], bits: int) -> int:
    index = _width(encoding.index_bits, max(entry))
    first = _width(encoding.index_bits, entry[0])
    ways = [b - a for a, b in pairwise(entry)]
    match encoding.layout:
        case Layout.DENSE:
            return encoding.header_bits + first + (entry[-1] - entry[0] + 1) * bits
        case Layout.SPARSE:
            return encoding.header_bits + len(entry) * (bits + index)
        case _:
            skip = _width(encoding.skip_bits, max((w for w in ways if w > 1), default=0))
            return encoding.header_bits + first + len(entry) * (bits + skip)


def _width(widths: Sequence[int], value: int) -> int:
    return next((w for w in widths if value.bit_length() <= w), 0)
