"""Put faults into an executor, one at a time, and count what is said of them.

``python -m tests.mutations`` prints each of the list, where it was found and which cause was named,
and how many are right; ``--random 300 --seed 5000`` does so with random ones in random networks.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.runtime.compare import compare
from snnc.runtime.divergence.causes import classify
from snnc.runtime.divergence.explanation import Candidate, Cause
from tests.runtime.divergence.drawn import drawn
from tests.runtime.divergence.faults import MUTATIONS
from tests.runtime.divergence.machine import Fault, Machine
from tests.runtime.divergence.mutations import Mutation, inputs, network


@dataclass(frozen=True)
class Finding:
    """What was found of a mutation.

    Attributes:
        name: What was done.
        cause: Its class.
        place: Population and step that were found.
        shown: Population and step in which it showed first.
        candidates: Causes, the best first.
    """

    name: str
    cause: Cause
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
        return self.candidates[0].cause is self.cause


def find(mutation: Mutation) -> Finding:
    """Run a network without and with a fault of the list, and tell the two apart.

    Raises:
        ValueError: The fault does not show.
    """
    fixed, x = network(mutation.network), inputs(mutation.network)
    found = _found(str(mutation), mutation.cause, fixed, x, mutation.fault, mutation.population)
    if found is None:
        raise ValueError(f"{mutation}: nothing differs")
    return found


def _found(
    name: str,
    cause: Cause,
    fixed: FixedNetwork,
    x: dict[str, npt.NDArray[np.int32]],
    fault: Fault,
    population: str,
) -> Finding | None:
    faulty = Machine(fixed, fault)
    right, other = Machine(fixed).run(x), faulty.run(x)
    first = compare(right, other, ("spikes", "u", "v")).first
    if first is None:
        return None
    given = {i.name: x[i.name].reshape(*x[i.name].shape[:2], *i.shape) for i in fixed.inputs}
    candidates = classify(fixed, given, other, first)
    place, shown = (first.population, first.step), (population, faulty.shown)
    return Finding(name, cause, place, shown, candidates)


def at_random(seeds: range) -> Iterator[Finding]:
    """Find random faults in random networks, those that show."""
    for seed in seeds:
        d = drawn(seed)
        name = f"seed {seed}: {d.fault.part} ({d.fault.where})"
        found = _found(name, d.cause, d.network, d.inputs, d.fault, d.population)
        if found is not None:
            yield found


def main() -> int:
    """Find all, and give 1 where a place is wrong or more than 5 % of the classes are."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--random", type=int, metavar="N", help="N random faults")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: Iterable[Finding] = map(find, MUTATIONS)
    if options.random is not None:
        found = at_random(range(options.seed, options.seed + options.random))
    findings: list[Finding] = []
    for f in found:
        findings.append(f)
        mark = "ok   " if f.placed and f.classified else "WRONG"
        best = f.candidates[0]
        print(f"{mark} {f.cause}: {f.name}")
        print(f"      {f.place[0]}, step {f.place[1]}: {best.cause}: {best.what}", flush=True)
    placed, right = sum(f.placed for f in findings), sum(f.classified for f in findings)
    for cause, n in Counter(f.cause for f in findings).items():
        print(f"{n:4} {cause}, right {sum(f.classified for f in findings if f.cause is cause)}")
    print(f"population and step: {placed} of {len(findings)}")
    print(f"class: {right} of {len(findings)}, {right / len(findings):.1%}")
    return int(placed < len(findings) or right < 0.95 * len(findings))


if __name__ == "__main__":
    sys.exit(main())
