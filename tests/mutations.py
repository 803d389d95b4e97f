"""Put faults into an executor, one at a time, and count what is said of them.

`python -m tests.mutations` prints each, where it was found and which cause was named, and how many
are right.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

from snnc.runtime.compare import compare
from snnc.runtime.divergence.causes import classify
from snnc.runtime.divergence.explanation import Candidate
from tests.runtime.divergence.faults import MUTATIONS
from tests.runtime.divergence.machine import Machine
from tests.runtime.divergence.mutations import Mutation, inputs, network


@dataclass(frozen=True)
class Finding:
    """What was found of a mutation.

    Attributes:
        mutation: What was done.
        place: Population and step that were found.
        shown: Population and step in which it showed first.
        candidates: Causes, the best first.
    """

    mutation: Mutation
    place: tuple[str, int]
    shown: tuple[str, int | None]
    candidates: tuple[Candidate, ...]

    @property
    def placed(self) -> bool:
        """Whether population and step are right."""
        return self.place == self.shown

    @property
    def classified(self) -> bool:
        """Whether the class is."""
        return self.candidates[0].cause is self.mutation.cause


def find(mutation: Mutation) -> Finding:
    """Run a network without and with a fault, and tell the two apart."""
    fixed, x = network(mutation.network), inputs(mutation.network)
    right = Machine(fixed).run(x)
    faulty = Machine(fixed, mutation.fault)
    other = faulty.run(x)
    first = compare(right, other, ("spikes", "u", "v")).first
    if first is None:
        raise ValueError(f"{mutation}: nothing differs")
    given = {i.name: x[i.name].reshape(*x[i.name].shape[:2], *i.shape) for i in fixed.inputs}
    return Finding(
        mutation,
        (first.population, first.step),
        (mutation.population, faulty.shown),
        classify(fixed, given, other, first),
    )


def main() -> int:
    """Find all, and give 1 where a place is wrong or more than 5 % of the classes are."""
    findings = [find(mutation) for mutation in MUTATIONS]
    for f in findings:
        mark = "ok   " if f.placed and f.classified else "WRONG"
        best = f.candidates[0]
        print(f"{mark} {f.mutation.cause}: {f.mutation}")
        print(f"      {f.place[0]}, step {f.place[1]}: {best.cause}: {best.what}")
    placed, right = sum(f.placed for f in findings), sum(f.classified for f in findings)
    classes = Counter(f.mutation.cause for f in findings)
    print(", ".join(f"{n} of {cause}" for cause, n in classes.items()))
    print(f"{placed} of {len(findings)} population and step, {right} of {len(findings)} class")
    return int(placed < len(findings) or right < 0.95 * len(findings))


if __name__ == "__main__":
    sys.exit(main())
