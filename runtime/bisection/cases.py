"""Cases: parts of both networks with one input, and what comes of running them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.fixed import FixedInput
from snnc.compiler.trace import Trace
from snnc.runtime.bisection.parts import Part
from snnc.runtime.bisection.seen import Kind, Seen, first_of_each
from snnc.runtime.bisection.sides import Pair

Ints = npt.NDArray[np.int32]
CELLS = 2**24
"""Most values of inputs that are run at once, of all tries that differ in them alone."""


@dataclass(frozen=True, eq=False)
class Case:
    """One part of both networks, and one sample.

    Attributes:
        parts: Of the reference and of the other; they have the same inputs and neurons.
        values: Integers of the inputs side by side, shape ``[steps, lines]``.
        begin: Step of the whole that is step 0 here.
    """

    parts: tuple[Part, Part]
    values: Ints
    begin: int = 0

    @property
    def inputs(self) -> tuple[FixedInput, ...]:
        """Those of both networks."""
        return self.parts[0].network.inputs

    def by_input(self, values: npt.NDArray[np.int32]) -> dict[str, Ints]:
        """Cut values, lines on the last axis, into those of each input."""
        ends = np.cumsum([i.size for i in self.inputs])[:-1]
        cut = np.split(values, ends, axis=-1)
        return dict(zip((i.name for i in self.inputs), cut, strict=True))


@dataclass(frozen=True)
class Mark:
    """What has to come again for a case to be one of the same difference.

    Attributes:
        population: In which it is first seen.
        neuron: Index in the whole.
        kind: Of the difference.
    """

    population: str
    neuron: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Bench:
    """Runs cases, and says which of them show the difference that is looked for.

    Attributes:
        pair: Who executes them.
        mark: What is looked for.
    """

    pair: Pair
    mark: Mark

    def shows(self, case: Case) -> bool:
        """Say whether a case shows the difference."""
        return bool(self.show(case, [case.values])[0])

    def show(self, case: Case, tries: Iterable[Ints]) -> npt.NDArray[np.bool_]:
        """Say which of several inputs show it; each is a sample of one run.

        Args:
            case: Its networks are run.
            tries: Values in the place of the case's, each of shape ``[steps, lines]``.
        """
        at_once, left = max(1, CELLS // max(case.values.size, 1)), iter(tries)
        found: list[bool] = []
        while some := list(islice(left, at_once)):
            found += [self._is_it(case, seen) for seen in self._seen(case, np.stack(some))]
        return np.array(found, np.bool_)

    def seen(self, case: Case) -> Seen | None:
        """Give the first difference of a case."""
        return self._seen(case, case.values[np.newaxis])[0]

    def _seen(self, case: Case, values: npt.NDArray[np.int32]) -> list[Seen | None]:
        """Give the first difference of each try; None also of what a target cannot run."""
        try:
            traces = both(self.pair, case, values)
        except (InputError, EnvironmentFault):
            return [None] * len(values)
        return first_of_each(*traces)

    def _is_it(self, case: Case, seen: Seen | None) -> bool:
        if seen is None or seen.divergence.population != self.mark.population:
            return False
        neuron = int(case.parts[0].neurons[self.mark.population][seen.neuron])
        return neuron == self.mark.neuron and seen.kind == self.mark.kind


def both(pair: Pair, case: Case, values: npt.NDArray[np.int32]) -> tuple[Trace, Trace]:
    """Run both networks of a case.

    Args:
        pair: Who executes them.
        case: Its networks.
        values: Shape ``[tries, steps, lines]``; each try is a sample.

    Raises:
        InputError: A target cannot run them.
        EnvironmentFault: A target failed.
    """
    inputs = case.by_input(values.transpose(1, 0, 2))
    shaped = {
        i.name: inputs[i.name].reshape(*inputs[i.name].shape[:2], *i.shape) for i in case.inputs
    }
    reference, other = (
        side.run_part(part.network, shaped)
        for side, part in zip(pair.sides, case.parts, strict=True)
    )
    return reference, other


def with_parts(case: Case, parts: Sequence[Part], values: Mapping[str, Ints]) -> Case:
    """Give other parts with the values of each of their inputs, ``[steps, n]``."""
    reference, other = parts
    side_by_side = [values[i.name] for i in reference.network.inputs]
    return replace(case, parts=(reference, other), values=np.concatenate(side_by_side, axis=1))


def lines_of(case: Case) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Give the name of each input and the places of its lines among all."""
    begin = 0
    for i in case.inputs:
        yield i.name, np.arange(begin, begin + i.size)
        begin += i.size
