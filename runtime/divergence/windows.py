"""What is shown around a divergence: courses of potentials, and spikes of both executions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snnc.compiler.trace import Array, Trace
from snnc.runtime.divergence.explanation import Course, Operand, Raster
from snnc.runtime.divergence.states import course_of

BEFORE, AFTER = 24, 16
"""Steps that are shown before and after that of the divergence."""
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
ROWS = 16
"""Neurons of a raster."""
SOURCES = 4
"""Populations and inputs of which a raster is shown beside that of the population itself."""


def window(step: int, steps: int) -> range:
    """Give the steps around ``step``, of ``steps`` in all."""
    return range(max(0, step - BEFORE), min(steps, step + AFTER + 1))


def courses(
    traces: tuple[Trace, Trace],
    population: str,
    neuron: tuple[int, ...],
    place: int,
    shown: range,
    threshold: float | None,
) -> Iterator[Course]:
    """Yield ``u`` and ``v`` of a neuron, where both executions recorded them.

    Args:
        traces: Reference and other, of one sample, in the same units.
        population: Its name.
        neuron: An index for each axis.
        place: The same in C order.
        shown: The steps.
        threshold: That of ``v``, in the same units.
    """
    for signal in ("u", "v"):
        a, b = (course_of(trace, signal, population, place) for trace in traces)
        if a is None or b is None:
            continue
        yield Course(
            population=population,
            neuron=neuron,
            signal=signal,
            first_step=shown.start,
            reference=tuple(map(float, a[shown.start : shown.stop])),
            other=tuple(map(float, b[shown.start : shown.stop])),
            threshold=threshold if signal == "v" else None,
        )


def rasters(
    sent: tuple[Mapping[str, Array], Mapping[str, Array]],
    population: str,
    neuron: tuple[int, ...],
    delivered: Sequence[Operand],
    shown: range,
) -> Iterator[Raster]:
    """Yield the spikes of what feeds the neuron, and then of its population.

    Args:
        sent: By name what inputs and populations sent, ``[steps, *shape]``: of the reference, and
            of the other.
        population: Its name.
        neuron: The one that diverges; it has a row in any case.
        delivered: Synapses over which something arrived, the strongest first: their sources are
            shown, and the neurons there.
        shown: The steps.
    """
    sources = dict.fromkeys(o.source for o in delivered if o.source != population)
    for source in list(sources)[:SOURCES]:
        first = dict.fromkeys(o.neuron for o in delivered if o.source == source)
        yield _raster(sent, source, list(first)[:ROWS], shown)
    if population in sent[0]:
        yield _raster(sent, population, [neuron], shown)


def _raster(
    sent: tuple[Mapping[str, Array], Mapping[str, Array]],
    name: str,
    first: Sequence[tuple[int, ...]],
    shown: range,
) -> Raster:
    """Give ``first`` and other neurons: those that differ most, and then those that send most."""
    a: Flags = sent[0][name][shown.start : shown.stop] != 0
    b: Flags = sent[1].get(name, sent[0][name])[shown.start : shown.stop] != 0
    shape = a.shape[1:]
    differ: Numbers = (a != b).sum(axis=0).ravel()
    active: Numbers = (a | b).sum(axis=0).ravel()
    order = np.lexsort((np.arange(active.size), -active, -differ))
    rows = dict.fromkeys(first)
    for place in order:
        if len(rows) >= ROWS or not active[place]:
            break
        rows[tuple(map(int, np.unravel_index(int(place), shape)))] = None
    neurons = tuple(sorted(rows))
    return Raster(
        population=name,
        neurons=neurons,
        first_step=shown.start,
        steps=len(shown),
        reference=_spikes(a, neurons, shown.start),
        other=_spikes(b, neurons, shown.start),
    )


def _spikes(
    fired: Array, neurons: Sequence[tuple[int, ...]], start: int
) -> tuple[tuple[int, int], ...]:
    """Give step and row of each spike, step by step."""
    flat = fired.reshape(len(fired), -1)
    places = np.ravel_multi_index(tuple(zip(*neurons, strict=True)), fired.shape[1:])
    rows = flat[:, places]
    return tuple((start + int(t), int(row)) for t, row in np.argwhere(rows))
