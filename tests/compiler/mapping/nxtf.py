"""Input axons and words of a convolution as NxTF counts them, for comparison.

NxTF (``nxsdk_modules_ncl``, ``dnn/src/dnn_layers.py`` and ``utils.py``; what it does, not how it is
written) gives a column of a source channel one input axon, with a list of synapses for each of its
rows. Columns of output neurons form groups, such that a source column reaches two groups at most;
neurons are counted group by group in turn, so that columns which lie alike to their groups can
share lists. Positive and negative weights are stored apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.encodings import SynapseLists, entry_bits, whole_words
from snnc.compiler.mapping.hardware import Encoding

Reach: TypeAlias = dict[int, list[tuple[int, int]]]
"""For each place of a source the places of a core that it reaches, and through which tap."""
Synapse: TypeAlias = tuple[int, int, tuple[int, ...]]
"""Which group a neuron is in, counted from the axon's first; its place there; its weight."""


@dataclass(frozen=True)
class Layer:
    """A convolution with as many kernels in both directions, cut into cores.

    Attributes:
        source: Rows, columns and channels.
        kernel: Extent.
        stride: Of both axes.
        same: Padded so that only the stride makes it smaller.
        core: Rows and columns of a core.
        filters: Output channels, all on each core.
    """

    source: tuple[int, int, int]
    kernel: int
    stride: int
    same: bool
    core: tuple[int, int]
    filters: int = 2

    def cores(self) -> Iterator[tuple[int, Reach, Reach]]:
        """Give the rows of each core, and how source rows and columns lie to it."""
        for at in product(*(range(0, self._out(a), self.core[a]) for a in (0, 1))):
            end = [min(self._out(a), at[a] + self.core[a]) for a in (0, 1)]
            yield end[0] - at[0], self._reach(0, at[0], end[0]), self._reach(1, at[1], end[1])

    def _out(self, axis: int) -> int:
        n = self.source[axis]
        return -(-n // self.stride) if self.same else (n - self.kernel) // self.stride + 1

    def _reach(self, axis: int, begin: int, end: int) -> Reach:
        n = self.source[axis]
        missing = (self._out(axis) - 1) * self.stride + self.kernel - n
        before = max(missing, 0) // 2 if self.same else 0
        reach: Reach = {}
        for place, tap in product(range(begin, end), range(self.kernel)):
            element = place * self.stride - before + tap
            if 0 <= element < n:
                reach.setdefault(element, []).append((place - begin, tap))
        return reach


@dataclass(frozen=True)
class Cost:
    """What all cores of a layer need."""

    axons: int
    synapses: int
    entries: int
    words: int


def cost(layer: Layer, encoding: Encoding, weights: npt.NDArray[Any]) -> Cost:
    """Count; ``weights`` have the shape ``[c_in, c_out, kernel, kernel]``."""
    axons = synapses = entries = words = 0
    for height, rows, columns in layer.cores():
        lists = _source_groups(layer, height, rows, columns)
        axons += len(lists)
        for of_rows in dict.fromkeys(lists):
            counts = [_counted(row, encoding, weights) for row in of_rows]
            synapses += sum(n for n, _, _ in counts)
            entries += sum(e for _, e, _ in counts)
            words += max(w for _, _, w in counts) * len(counts)
    return Cost(axons, synapses, entries, words)


def _destination_groups(layer: Layer, columns: Reach) -> tuple[list[tuple[int, int]], list[int]]:
    """Give the columns of each group, and the first group that each source column reaches."""
    groups: list[tuple[int, int]] = []
    base: list[int] = []
    end, latest = 0, -1
    for element in range(layer.source[1]):
        reached = [place for place, _ in columns.get(element, [])]
        if reached and reached[0] == end:
            groups.append((end, reached[-1] + 1))
            end, latest = reached[-1] + 1, latest + 1
        elif reached and element == layer.source[1] - 1 and reached[-1] >= end:
            groups.append((end, reached[-1] + 1))
        base.append(latest)
    return groups, base


def _source_groups(
    layer: Layer, height: int, rows: Reach, columns: Reach
) -> list[tuple[tuple[Synapse, ...], ...]]:
    """Give for each axon the synapses of each of its rows."""
    groups, base = _destination_groups(layer, columns)
    group_of = {c: g for g, (b, e) in enumerate(groups) for c in range(b, e)}
    largest = height * max(e - b for b, e in groups)
    found: list[tuple[tuple[Synapse, ...], ...]] = []
    for element, channel in product(sorted(columns), range(layer.source[2])):
        of_rows: list[tuple[Synapse, ...]] = []
        for row in sorted(rows):
            synapses: list[Synapse] = []
            for f, (c, x), (r, y) in product(range(layer.filters), columns[element], rows[row]):
                group = group_of[c]
                place = (c - groups[group][0]) * height + r + f * largest
                synapses.append((group - base[element], place, (channel, f, y, x)))
            of_rows.append(tuple(sorted(synapses)))
        found.append(tuple(of_rows))
    return found


def _counted(
    row: tuple[Synapse, ...], encoding: Encoding, weights: npt.NDArray[Any]
) -> tuple[int, int, int]:
    """Give the synapses, entries and words of the list of a row."""
    parts = [
        [place for g, place, at in row if g == group and (weights[at] < 0) == negative]
        for group, negative in product((0, 1), (False, True))
    ]
    begin = np.cumsum([0, *map(len, parts)])
    index = np.array([place for part in parts for place in part], np.int64)
    lists = SynapseLists(begin, index, np.ones(len(parts), np.int64))
    found = entry_bits(encoding, lists, 8, 1024)
    assert found is not None
    bits, owner = found
    words = whole_words(encoding, bits, np.zeros_like(owner), 1)
    return len(row), bits.size, int(words[0])
