"""Cases: parts of both networks with one input, and the difference that is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput
from snnc.runtime.apart import Part
from snnc.runtime.bisection.seen import Kind

Ints = npt.NDArray[np.int32]


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

    def shaped(self, values: npt.NDArray[np.int32]) -> dict[str, Ints]:
        """Give tries ``[tries, steps, lines]`` as the inputs of a run: each try is a sample."""
        by_input = self.by_input(values.transpose(1, 0, 2))
        return {
            i.name: by_input[i.name].reshape(*by_input[i.name].shape[:2], *i.shape)
            for i in self.inputs
        }


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
