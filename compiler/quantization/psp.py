"""What weights act on: the traces that spikes leave in a membrane potential.

A spike acts on ``v`` long after it arrived: through the memory of the current (``alpha`` a step)
and of the potential (``beta`` a step). What a weight adds to ``v`` is the weight times the trace

    u(t) = alpha u(t - 1) + x(t),    trace(t) = beta trace(t - 1) + u(t)

of what the source sends, so an error ``e`` of a row of weights costs ``e H e`` on average over
time, with ``H = E[trace trace']``: the mean square of the error of ``v``, resets apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import DECAY_BITS
from snnc.compiler.linear import Doubles, Kernels, apply
from snnc.compiler.operators import SumPooling
from snnc.compiler.quantization.lower import weights_of
from snnc.compiler.quantization.paths import Path
from snnc.compiler.sliding import elements, padded

Sent = Mapping[str, npt.NDArray[Any]]
"""What each source sends in the units of its integers, shape ``[steps, batch, n]``."""

COLUMNS = 2048
"""Most columns whose products are taken; wider rows are cut into blocks of as many."""
FILTERS = 8
"""Most different filters of a population; neurons of similar decays share that of their median."""
WORK = 2**36
"""Multiplications that the products of one filter may take, beyond those that they need."""
ROWS = 4
"""Observations for each column that the products need at least."""
CHUNK = 2**22
"""Numbers in memory at a time."""


def filters(
    du: npt.NDArray[np.integer], dv: npt.NDArray[np.integer]
) -> Iterator[tuple[npt.NDArray[np.intp], float, float]]:
    """Yield rows that share a filter, with its ``alpha`` and ``beta``.

    Rows of equal decays share theirs, as long as there are no more than ``FILTERS`` of them; else
    rows are put into as many parts by how long they remember, and share the median's.

    Args:
        du: Decay of the current of each row, shape ``[rows]``.
        dv: Of the potential.
    """
    pairs, labels = np.unique(np.stack((du, dv), axis=1), axis=0, return_inverse=True)
    one = 2.0**DECAY_BITS
    memory = one / (pairs[:, 0] + 1) + one / np.maximum(pairs[:, 1], 1)
    order = np.argsort(memory[labels.ravel()], kind="stable")
    if len(pairs) <= FILTERS:
        parts = [np.flatnonzero(labels.ravel() == k) for k in range(len(pairs))]
    else:
        parts = np.array_split(order, FILTERS)
    for rows in parts:
        middle = rows[len(rows) // 2]
        alpha, beta = 1 - (float(du[middle]) + 1) / one, 1 - float(dv[middle]) / one
        yield np.sort(rows), alpha, beta


def products(paths: Sequence[Path], sent: Sent, alpha: float, beta: float) -> tuple[Doubles, ...]:
    """Give ``H`` of the columns of ``paths``: of each ``COLUMNS`` of them ``[groups, m, m]``.

    Args:
        paths: One of kernels, or some of matrices, whose columns then stand side by side.
        sent: By source; a source that is not there sends 1 in every step.
        alpha: Factor of the current a step.
        beta: Factor of the potential a step.
    """
    groups, _, m = _layout(paths)
    parts = [slice(start, min(start + COLUMNS, m)) for start in range(0, m, COLUMNS)]
    totals = [np.zeros((groups, c.stop - c.start, c.stop - c.start)) for c in parts]
    count = 0
    for traces in _observed(paths, sent, alpha, beta):
        for total, c in zip(totals, parts, strict=True):
            np.add(total, np.swapaxes(traces[:, :, c], 1, 2) @ traces[:, :, c], out=total)
        count += traces.shape[1]
    return tuple(total / count for total in totals)


def _observed(paths: Sequence[Path], sent: Sent, alpha: float, beta: float) -> Iterator[Doubles]:
    """Yield traces of some steps of one sample, shape ``[groups, observations, m]``."""
    steps, batch = next(iter(sent.values())).shape[:2]
    size = [prod(_shape_before(path)) for path in paths]
    (groups, positions, m) = _layout(paths)
    jointly = min(m, COLUMNS)
    wanted = max(WORK / (groups * m * jointly), ROWS * jointly)
    stride = min(steps, max(1, int(steps * batch * positions / wanted)))
    at_once = max(1, CHUNK // (steps * sum(size)))
    for start in range(0, batch, at_once):
        chosen = slice(start, start + at_once)
        traces = [_traces(path, sent, chosen, alpha, beta) for path in paths]
        every = np.concatenate([t.reshape(*t.shape[:2], -1) for t in traces], axis=2)
        for k in range(every.shape[1]):
            few = every[(start + k) % stride :: stride, k]
            pieces = ceil(few.shape[0] * positions * groups * m / CHUNK)
            for piece in np.array_split(few, max(1, pieces)):
                if len(piece):
                    yield _under_weights(paths, piece)


def _traces(path: Path, sent: Sent, chosen: slice, alpha: float, beta: float) -> Doubles:
    """Give the traces of what arrives at the weights of ``path``, ``[steps, batch, *shape]``."""
    steps, batch = next(iter(sent.values()))[:, chosen].shape[:2]
    x = sent[path.source][:, chosen] if path.source in sent else np.ones((steps, batch, 1))
    y = x.reshape(-1, *path.shape).astype(np.float64)
    for step in path.steps:
        if step is weights_of(path):
            break
        y = apply(step, y)
    y = y.reshape(steps, batch, *y.shape[1:])
    arrived = np.zeros_like(y)
    arrived[path.delay :] = y[: max(steps - path.delay, 0)]
    return filtered(arrived, alpha, beta)


def filtered(x: Doubles, alpha: float, beta: float) -> Doubles:
    """Give the trace of ``x`` in a potential, the first axis being time."""
    traces = np.empty_like(x)
    u = v = np.zeros(x.shape[1:])
    for t, arriving in enumerate(x):
        u = alpha * u + arriving
        v = beta * v + u
        traces[t] = v
    return traces


def _shape_before(path: Path) -> tuple[int, ...]:
    """Give the shape of what arrives at the weights of ``path``."""
    shape = path.shape
    for step in path.steps:
        if step is weights_of(path):
            break
        shape = step.result_shape(shape)
    return shape


def _layout(paths: Sequence[Path]) -> tuple[int, int, int]:
    """Give groups of channels, observations in a step, and columns."""
    weight = weights_of(paths[0])
    if isinstance(weight, Kernels):
        positions = weight.window.positions(_shape_before(paths[0])[1:])
        return weight.groups, prod(positions), prod(weight.weight.shape[1:])
    return 1, 1, sum(prod(_shape_before(path)) for path in paths)


def _under_weights(paths: Sequence[Path], traces: Doubles) -> Doubles:
    """Give what each weight of a row sees, at all positions: ``[groups, observations, m]``.

    Sums behind a kernel are taken over its positions; a largest element behind it is any of them.

    Args:
        paths: See ``products``.
        traces: Of what arrives at the weights, shape ``[steps, n]``.
    """
    weight = weights_of(paths[0])
    if not isinstance(weight, Kernels):
        return traces[None]
    x = traces.reshape(-1, *_shape_before(paths[0]))
    under = np.stack(list(elements(padded(x, weight.window), weight.window)), axis=2)
    for step in paths[0].steps[paths[0].steps.index(weight) + 1 :]:
        if isinstance(step, SumPooling):
            values = under.reshape(x.shape[0], -1, *under.shape[3:])
            values = apply(step, values)
            under = values.reshape(*under.shape[:3], *values.shape[2:])
        else:
            break
    observed = under.reshape(x.shape[0], weight.groups, -1, prod(under.shape[3:]))
    m = observed.shape[2]
    return observed.transpose(1, 0, 3, 2).reshape(weight.groups, -1, m)
