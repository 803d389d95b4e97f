"""Two traces side by side: how much differs, and where it differs first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.trace import Array, Trace


@dataclass(frozen=True)
class Difference:
    """How much one signal of one population differs.

    Attributes:
        population: Its name.
        signal: ``spikes``, ``u`` or ``v``.
        values: Values compared: steps x batch x neurons.
        differing: Values that are not equal.
    """

    population: str
    signal: str
    values: int
    differing: int


@dataclass(frozen=True)
class Divergence:
    """The first value that differs.

    Attributes:
        step: Step of the input.
        sample: Index on the batch axis.
        population: Name of the population.
        neuron: Index in the population, one number for each of its axes.
        signal: ``spikes``, ``u`` or ``v``.
        reference: Value in the reference.
        other: Value in the other trace.
    """

    step: int
    sample: int
    population: str
    neuron: tuple[int, ...]
    signal: str
    reference: float
    other: float

    def __str__(self) -> str:
        neuron = ", ".join(map(str, self.neuron))
        return (
            f"step {self.step}, sample {self.sample}, population {self.population}, "
            f"neuron {neuron}: {self.signal} {self.reference:.9g} against {self.other:.9g}"
        )


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found.

    Attributes:
        differences: One for each population and signal compared, in the order of the network.
        first: Where the traces part, or None where they do not.
        uncompared: ``population.signal`` that only one of the two recorded.
    """

    differences: tuple[Difference, ...]
    first: Divergence | None
    uncompared: tuple[str, ...]

    @property
    def values(self) -> int:
        """Values compared in all."""
        return sum(d.values for d in self.differences)

    @property
    def differing(self) -> int:
        """Values that differ in all."""
        return sum(d.differing for d in self.differences)


def compare(reference: Trace, other: Trace, signals: Sequence[str] = ("spikes",)) -> Comparison:
    """Compare every value that both traces recorded, bit by bit.

    The first divergence is the one of the smallest step; within the step of the smallest sample,
    then of the first population of the network, the first signal, the first neuron.

    Args:
        reference: What should be.
        other: What is.
        signals: Of ``spikes``, ``u`` and ``v`` those to compare.

    Raises:
        InternalError: Nothing was recorded by both, or two arrays differ in shape: no comparison
            is no proof.
    """
    differences: list[Difference] = []
    places: list[tuple[tuple[int, ...], Divergence]] = []
    for rank, (population, signal, a, b) in enumerate(_pairs(reference, other, signals)):
        unequal = differs(a, b)
        differences.append(Difference(population, signal, a.size, int(unequal.sum())))
        if unequal.any():
            step, sample, *neuron = map(int, np.unravel_index(unequal.argmax(), unequal.shape))
            index = (step, sample, *neuron)
            found = Divergence(
                step, sample, population, tuple(neuron), signal, a[index].item(), b[index].item()
            )
            places.append(((step, sample, rank), found))
    if not differences:
        raise InternalError(f"{reference.executor} and {other.executor} recorded nothing in common")
    first = min(places, key=lambda place: place[0])[1] if places else None
    return Comparison(tuple(differences), first, _uncompared(reference, other, signals))


def count_difference(reference: Trace, other: Trace) -> tuple[int, int]:
    """Give ``sum |n_i - m_i|`` and ``sum n_i`` over the spike counts of all neurons and samples.

    Args:
        reference: Its counts are ``n``.
        other: Its counts are ``m``.
    """
    common = [name for name in reference.spikes if name in other.spikes]
    n, m = (
        np.concatenate([t.spikes[name].sum(axis=0, dtype=np.int64).ravel() for name in common])
        for t in (reference, other)
    )
    return int(np.abs(n - m).sum()), int(n.sum())


def _pairs(
    reference: Trace, other: Trace, signals: Sequence[str]
) -> Iterator[tuple[str, str, Array, Array]]:
    """Give what both recorded: population by population, each signal of it."""
    populations = dict.fromkeys(name for s in signals for name in reference.signal(s))
    for population in populations:
        for signal in signals:
            a = reference.signal(signal).get(population)
            b = other.signal(signal).get(population)
            if a is None or b is None:
                continue
            if a.shape != b.shape:
                raise InternalError(
                    f"{population}.{signal}: {reference.executor} gave shape {list(a.shape)}, "
                    f"{other.executor} {list(b.shape)}"
                )
            yield population, signal, a, b


def differs(a: Array, b: Array) -> npt.NDArray[np.bool_]:
    """Say where two arrays differ; what is no number in either is equal."""
    unequal = np.asarray(a != b)
    if a.dtype.kind == b.dtype.kind == "f":
        unequal &= ~(np.isnan(a) & np.isnan(b))
    return unequal


def _uncompared(reference: Trace, other: Trace, signals: Sequence[str]) -> tuple[str, ...]:
    one_only = (
        f"{name}.{s}" for s in signals for name in {*reference.signal(s)} ^ {*other.signal(s)}
    )
    return tuple(sorted(one_only))
