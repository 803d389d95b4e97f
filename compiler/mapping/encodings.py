"""Words of synapse memory that axons take, by encoding.

The synapses of an axon lie in *entries*. An entry has a header, the place where it begins (unless
each synapse has its own), and its synapses, each with a weight, a delay where there is one, and
what its layout adds:

* dense: every neuron from the first to the last of the entry, zeros in between;
* sparse: the neuron's index;
* run-length: how far it is to the next neuron. Width 0 stands for the very next one.

The rules are those of public code, with figures to compare (``docs/hardware.md``): nengo-loihi's
``bits_per_axon`` fills whole words with each entry, NxTF's ``SynapseGroup`` with each axon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen
from snnc.compiler.mapping.hardware import Encoding, Layout

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SynapseLists(Frozen):
    """Neurons that axons reach, by kinds of axons that reach as many in the same way.

    Attributes:
        begin: Where the list of each kind begins; shape ``[kinds + 1]``.
        index: Neurons of a part, ascending in a list; shape ``[begin[-1]]``.
        axons: How many axons there are of each kind; shape ``[kinds]``.
    """

    begin: Counts
    index: Counts
    axons: Counts

    @property
    def lengths(self) -> Counts:
        """Synapses of an axon of each kind; shape ``[kinds]``."""
        return np.diff(self.begin)

    @property
    def synapses(self) -> int:
        """Synapses of all axons."""
        return int(self.lengths @ self.axons)


@dataclass(frozen=True, eq=False)
class _Entries:
    """Entries of all lists, one behind the other.

    Attributes:
        owner: The list of each.
        first: Index of its first neuron.
        last: Index of its last neuron.
        size: Synapses that are stored.
        skip: Longest way from one to the next.
    """

    owner: Counts
    first: Counts
    last: Counts
    size: Counts
    skip: Counts


def width_for(widths: Sequence[int], value: int) -> int | None:
    """Give the smallest of ascending ``widths`` that holds ``value``, or None."""
    return next((w for w in widths if value < 2**w), None)


def words(
    encoding: Encoding, lists: SynapseLists, synapse_bits: int, neurons: int
) -> Counts | None:
    """Give the words of an axon of each kind, shape ``[kinds]``.

    Args:
        encoding: Any but a shared one.
        lists: What the axons reach.
        synapse_bits: Of weight and delay.
        neurons: Of a core. What reaches farther does not fit anyway, and is counted as if it did.

    Returns:
        None where the encoding has no index as wide as it takes.
    """
    found = entry_bits(encoding, lists, synapse_bits, neurons)
    return None if found is None else whole_words(encoding, *found, lists.axons.size)


def entry_bits(
    encoding: Encoding, lists: SynapseLists, synapse_bits: int, neurons: int
) -> tuple[Counts, Counts] | None:
    """Give the bits of each entry, and the kind of axons that it belongs to; see ``words``."""
    entries = _entries(encoding, lists)
    place = entries.last if encoding.layout is Layout.SPARSE else entries.first
    index = _widths(encoding.index_bits, np.minimum(place, neurons - 1))
    skip = _widths(encoding.skip_bits, np.where(entries.skip > 1, entries.skip, 0))
    if index is None or skip is None:
        return None
    once, each = (0, index) if encoding.layout is Layout.SPARSE else (index, skip)
    return encoding.header_bits + once + entries.size * (synapse_bits + each), entries.owner


def whole_words(encoding: Encoding, bits: Counts, owner: Counts, owners: int) -> Counts:
    """Give the words that the entries of each owner fill, shape ``[owners]``."""
    if encoding.align == "entry":
        each = -(-(bits + encoding.spare_bits) // encoding.word_bits)
        return np.bincount(owner, each, owners).astype(np.int64)
    total = np.bincount(owner, bits, owners).astype(np.int64)
    filled = -(-(total + encoding.spare_bits) // encoding.word_bits)
    return np.where(total > 0, filled, 0)


def _widths(widths: Sequence[int], values: Counts) -> Counts | None:
    """Give the width that holds each value, 0 where there are no widths, None where none does."""
    if not widths or not values.size:
        return np.zeros(values.size, np.int64)
    if values.max() >= 2 ** widths[-1]:
        return None
    place = np.searchsorted([2**w for w in widths], values, side="right")
    return np.asarray(widths, np.int64)[place]


def _entries(encoding: Encoding, lists: SynapseLists) -> _Entries:
    owner = np.repeat(np.arange(lists.axons.size), lists.lengths)
    most = encoding.entry_synapses or max(lists.index.size, 1)
    if encoding.layout is Layout.DENSE:
        reach = encoding.entry_synapses or int(lists.index.max(initial=0)) + 1
        starts = _spans(lists, owner, reach)
    else:
        longest = None if encoding.layout is Layout.SPARSE else max(encoding.skip_bits)
        starts = _runs(lists, owner, most, longest)
    return _measured(lists, owner, starts, dense=encoding.layout is Layout.DENSE)


def _runs(lists: SynapseLists, owner: Counts, most: int, skip_bits: int | None) -> Counts:
    """Give where entries begin that are cut at long ways and after ``most`` synapses."""
    fresh = np.ones(owner.size, np.bool_)
    fresh[1:] = owner[1:] != owner[:-1]
    if skip_bits is not None:
        fresh[1:] |= np.diff(lists.index) > max(2**skip_bits - 1, 1)
    begins = np.flatnonzero(fresh)
    place = np.arange(owner.size) - np.repeat(begins, np.diff(np.append(begins, owner.size)))
    return np.flatnonzero(place % most == 0)


def _spans(lists: SynapseLists, owner: Counts, reach: int) -> Counts:
    """Give where entries begin that hold all neurons up to ``reach`` behind their first."""
    stride = int(lists.index.max(initial=0)) + reach + 1
    key = owner * stride + lists.index
    starts = [lists.begin[:-1][lists.lengths > 0]]
    while starts[-1].size:
        here = starts[-1]
        following = np.searchsorted(key, key[here] + reach)
        starts.append(following[following < lists.begin[owner[here] + 1]])
    return np.sort(np.concatenate(starts))


def _measured(lists: SynapseLists, owner: Counts, starts: Counts, *, dense: bool) -> _Entries:
    ends = np.append(starts, owner.size)[1:]
    first, last = lists.index[starts], lists.index[ends - 1]
    way = np.diff(lists.index, prepend=0)
    way[starts] = 0
    skip = np.maximum.reduceat(way, starts) if starts.size else starts
    size = last - first + 1 if dense else ends - starts
    return _Entries(owner[starts], first, last, size, skip)
