"""Sums that are divided over relay neurons, exactly: each group of synapses is sent in binary.

A neuron sends 0 or 1, and a partial sum is a larger number. So a group of the synapses of a neuron
that have one sign goes to as many relay neurons as its sum has binary digits. The relay of digit
``k`` adds up the whole group, takes away the digits above, and spikes where ``2**k`` or more is
left, as an analog-to-digital converter does by successive approximation. The neuron then adds up
digits: ``sum_k 2**k s_k`` of each group, the very integer that it added up before.

What is shifted down, ``y >> -e``, is rounded once for all groups: their digits below ``2**-e`` come
in one projection with that exponent, and all others are whole numbers behind the shift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    MAX_WEIGHT_BITS,
    MAX_WEIGHT_EXP,
    FixedPopulation,
    FixedProjection,
    SignMode,
)
from snnc.compiler.mapping.matrices import Sparse, scipy_sparse
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    Shape,
)
from snnc.compiler.relays import memoryless

Ints = npt.NDArray[np.int64]
WIDE = MAX_WEIGHT_BITS
HIGHEST = 2 * MAX_WEIGHT_EXP - 1
"""Largest power of two that a weight of both signs can stand for: 64 with an exponent of 7."""
MOST_DIGITS = HIGHEST + 2
"""Digits of a sum: the highest is taken away from others with a weight of one sign, 128."""
MOST_DENSE = 2**20
"""Weights of a matrix that is kept whole."""
WEIGHTED = FixedDense | FixedSparse | FixedConvolution | FixedScaling


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of a projection, by neuron.

    Attributes:
        neuron: Of each; shape ``[m]``.
        source: The element that it starts from; shape ``[m]``.
        weight: Not 0; shape ``[m]``.
        n: Neurons.
        sources: Elements.
    """

    neuron: Ints
    source: Ints
    weight: Ints
    n: int
    sources: int


@dataclass(frozen=True, eq=False)
class Groups:
    """How the synapses of a projection are divided.

    Attributes:
        of: The group of each synapse; shape ``[m]``.
        neuron: Of each group; shape ``[groups]``.
        sign: 1 or -1, that of all its weights; shape ``[groups]``.
        digits: Binary digits that the largest sum has.
    """

    of: Ints
    neuron: Ints
    sign: Ints
    digits: int

    @property
    def fan_in(self) -> int:
        """Synapses of a neuron afterwards, at most: the digits of its groups."""
        return int(np.bincount(self.neuron).max(initial=0)) * self.digits


def is_sum(projection: FixedProjection) -> bool:
    """Tell whether it adds up weights of spikes, and nothing is pooled."""
    (operator, *more) = projection.operators
    return not more and isinstance(operator, WEIGHTED)


def synapses_of(projection: FixedProjection, shape: Shape) -> Synapses:
    """Give the synapses of a projection, which is a sum, from a source of ``shape``."""
    matrix = _matrix(projection.operators[0], shape).tocoo()
    order = np.lexsort((matrix.col, matrix.row))
    row, column = (np.asarray(a, np.int64)[order] for a in (matrix.row, matrix.col))
    n, sources = matrix.shape
    return Synapses(row, column, np.asarray(matrix.data, np.int64)[order], n, sources)


def _matrix(operator: FixedOperator, shape: Shape) -> Sparse:
    """Give the weights as a matrix ``[neurons, elements]``, without zeros."""
    sparse = scipy_sparse()
    match operator:
        case FixedDense():
            matrix = sparse.csr_array(operator.weight.astype(np.int64))
        case FixedSparse():
            lists = (operator.weight.astype(np.int64), operator.target, operator.begin)
            matrix = sparse.csc_array(lists, shape=operator.shape).tocsr()
        case FixedScaling():
            matrix = sparse.diags_array(operator.weight.astype(np.int64), dtype=np.int64).tocsr()
        case FixedConvolution():
            matrix = _convolution(operator, shape)
        case _:
            raise TypeError(f"{type(operator).__name__} has no weights")
    matrix.eliminate_zeros()
    return matrix


def _convolution(operator: FixedConvolution, shape: Shape) -> Sparse:
    """Add up, over the places of the kernel, the product of the channels and of every axis."""
    sparse, window = scipy_sparse(), operator.window
    extents = window.positions(shape[1:])
    total: Sparse = sparse.csr_array(
        (operator.weight.shape[0] * prod(extents), prod(shape)), dtype=np.int64
    )
    kernels = operator.weight.reshape(*operator.weight.shape[:2], -1).astype(np.int64)
    for k, place in enumerate(product(*map(range, window.kernel))):
        weight = kernels[:, :, k]
        part: Sparse = sparse.block_diag(
            [sparse.coo_array(w) for w in np.split(weight, operator.groups)], format="csr"
        )
        for axis, count in enumerate(extents):
            first = np.arange(count) * window.stride[axis] - window.padding[axis][0]
            under = first + place[axis] * window.dilation[axis]
            row = np.flatnonzero((under >= 0) & (under < shape[1 + axis]))
            ones = np.ones(row.size, np.int64)
            one = sparse.coo_array((ones, (row, under[row])), (count, shape[1 + axis]))
            part = sparse.kron(part, one, format="csr")
        total = total + part
    return total


def grouped(synapses: Synapses, weight_exp: int, most: int) -> Groups | None:
    """Divide the synapses of each neuron so that it has fewest digits to add up.

    Args:
        synapses: Of a projection.
        weight_exp: Of the projection: digit ``k`` stands for ``2**(weight_exp + k)``.
        most: Synapses that a relay may have, the digits above its own among them.

    Returns:
        The groups, None where not one synapse has room in a relay.
    """
    largest = int(np.abs(synapses.weight).max(initial=1))
    possible = range(largest.bit_length(), min(MOST_DIGITS, HIGHEST + 1 - weight_exp) + 1)
    found: list[Groups] = []
    for digits in possible:
        size = min(most - (digits - 1), (2**digits - 1) // largest)
        if size >= 1:
            found.append(_of_size(synapses, size))
    return min(found, key=lambda groups: groups.fan_in, default=None)


def _of_size(synapses: Synapses, size: int) -> Groups:
    """Put ``size`` synapses of one neuron and one sign into each group."""
    sign = np.sign(synapses.weight)
    order = np.lexsort((synapses.source, sign, synapses.neuron))
    row = synapses.neuron[order] * 2 + (sign[order] > 0)
    new = np.flatnonzero(np.diff(row, prepend=-1))
    rank = np.arange(row.size) - np.repeat(new, np.diff(np.append(new, row.size)))
    start = np.flatnonzero(rank % size == 0)
    group = np.cumsum(rank % size == 0) - 1
    of = np.empty(row.size, np.int64)
    of[order] = group
    sums = np.bincount(of, np.abs(synapses.weight), start.size)
    digits = int(sums.max(initial=1)).bit_length()
    return Groups(of, synapses.neuron[order][start], sign[order][start], digits)


def divided(
    q: FixedProjection, synapses: Synapses, groups: Groups, prefix: str
) -> tuple[tuple[FixedPopulation, ...], tuple[FixedProjection, ...]]:
    """Give the relays of a projection, and all projections that take its place.

    Args:
        q: Not retimed.
        synapses: Its own.
        groups: How they are divided.
        prefix: What the names of relays begin with.

    Returns:
        Populations in an order of evaluation, to stand before the target; projections.
    """
    n, digits = groups.neuron.size, groups.digits
    names = [f"{prefix}.digit{k}" for k in range(digits)]
    populations = [
        memoryless(names[k], q.origin, (n,), threshold=2**k - 1) for k in reversed(range(digits))
    ]
    weight = np.abs(synapses.weight)
    adds = _matrix_of(weight, groups.of, synapses.source, (n, synapses.sources))
    links = [
        _projection(q, q.source, name, adds, int(weight.max()).bit_length(), 0, delay=q.delay)
        for name in names
    ]
    for i in range(digits):
        exponent = _exponent(i)
        minus = FixedScaling(weight=np.full(n, -(2 ** (i - exponent)), np.int16))
        links += [_projection(q, names[i], name, minus, WIDE, exponent) for name in names[:i]]
    low = min(digits, max(0, -q.weight_exp))
    if low:
        populations.append(memoryless(f"{prefix}.low", q.origin, (n * low,)))
        links += list(_lowest(q, synapses.n, groups, names[:low], f"{prefix}.low"))
    for k in range(low, digits):
        exponent = _exponent(q.weight_exp + k)
        weight = groups.sign * 2 ** (q.weight_exp + k - exponent)
        operator = _matrix_of(weight, groups.neuron, np.arange(n), (synapses.n, n))
        links.append(_projection(q, names[k], q.target, operator, WIDE, exponent))
    return tuple(populations), tuple(links)


def _exponent(place: int) -> int:
    """Give the exponent of a weight that stands for ``2**place``: one of two, for few formats."""
    return 0 if place < MAX_WEIGHT_EXP else MAX_WEIGHT_EXP


def _lowest(
    q: FixedProjection, neurons: int, groups: Groups, names: list[str], target: str
) -> Iterator[FixedProjection]:
    """Bring the digits that are shifted away together, to be rounded down once."""
    n, low = groups.neuron.size, len(names)
    group = np.arange(n)
    for k, name in enumerate(names):
        operator = _matrix_of(np.ones(n, np.int64), group * low + k, group, (n * low, n))
        yield _projection(q, name, target, operator, 1, 0)
    of, place = np.repeat(group, low), np.tile(np.arange(low), n)
    weight = groups.sign[of] * 2**place
    operator = _matrix_of(weight, groups.neuron[of], np.arange(n * low), (neurons, n * low))
    yield _projection(q, target, q.target, operator, WIDE, q.weight_exp)


def _matrix_of(
    weight: Ints, neuron: Ints, source: Ints, shape: tuple[int, int]
) -> FixedDense | FixedSparse:
    """Give synapses as an operator: small ones dense, which partitioning cuts row by row."""
    narrow = np.int8 if weight.max(initial=0) < 128 else np.int16
    if prod(shape) <= MOST_DENSE:
        matrix = np.zeros(shape, narrow)
        matrix[neuron, source] = weight
        return FixedDense(weight=matrix)
    order = np.lexsort((neuron, source))
    begin = np.zeros(shape[1] + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=shape[1]), out=begin[1:])
    return FixedSparse(
        weight=weight[order].astype(narrow),
        target=neuron[order].astype(np.int32),
        begin=begin,
        n_out=shape[0],
    )


def _projection(
    q: FixedProjection,
    source: str,
    target: str,
    operator: FixedDense | FixedSparse | FixedScaling,
    bits: int,
    exponent: int,
    *,
    delay: int = 0,
) -> FixedProjection:
    low = int(operator.weight.min(initial=0))
    mode = SignMode.EXCITATORY if low >= 0 else SignMode.MIXED
    if target != q.target and low < 0:
        mode = SignMode.INHIBITORY
    elif target == q.target:
        mode = SignMode.MIXED
    return replace(
        q,
        name=f"{q.name}: {source}->{target}",
        source=source,
        target=target,
        operators=(operator,),
        weight_bits=bits,
        sign_mode=mode,
        weight_exp=exponent,
        delay=delay,
    )
