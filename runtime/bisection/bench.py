"""Runs cases, and says which of them show a difference, which do not, and which cannot be run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import EnvironmentFault, InputError, SnncError, TimeLimitExceeded
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Trace
from snnc.runtime.bisection.beside import beside, of_each
from snnc.runtime.bisection.cases import Case, Ints, Mark
from snnc.runtime.bisection.found import Unresolved
from snnc.runtime.bisection.held import synapses_in
from snnc.runtime.bisection.seen import Seen, first_of_each
from snnc.runtime.bisection.sides import Pair, Side
from snnc.runtime.stages import Stages, silent

CELLS = 2**24
"""Most values of inputs that are run at once, of all tries that differ in them alone."""
SYNAPSES = 2**20
"""Most synapses of cases that are run side by side; a larger case is run by itself."""
TIMEOUTS = 3
"""Runs of parts that may reach their time limit before the search is ended by it."""
Flags = npt.NDArray[np.bool_]


@dataclass
class _Stage:
    """What was tried in a stage, and what one execution could not run."""

    tried: int = 0
    refused: dict[str, list[SnncError]] = field(default_factory=dict[str, list[SnncError]])


@dataclass(eq=False)
class Bench:
    """Runs cases and keeps what came of it.

    Attributes:
        pair: Who executes them.
        mark: What is looked for.
        told: Of each stage.
    """

    pair: Pair
    mark: Mark
    told: Stages = silent
    _stages: dict[str, _Stage] = field(default_factory=dict[str, _Stage])
    _stage: _Stage = field(default_factory=_Stage)
    _known: WeakKeyDictionary[FixedNetwork, dict[bytes, Seen | None]] = field(
        default_factory=WeakKeyDictionary[FixedNetwork, dict[bytes, "Seen | None"]]
    )

    _refused: WeakSet[FixedNetwork] = field(default_factory=WeakSet[FixedNetwork])

    def begin(self, stage: str) -> None:
        """Begin a stage; what cannot be run is told with it."""
        self.told(stage)
        self._stage = self._stages.setdefault(stage, _Stage())

    @property
    def tried(self) -> int:
        """Cases that were run: of networks or of their inputs."""
        return sum(stage.tried for stage in self._stages.values())

    def unresolved(self) -> Iterator[Unresolved]:
        """Yield what could not be run, stage by stage."""
        for name, stage in self._stages.items():
            for side, errors in stage.refused.items():
                first = errors[0].diagnostics[0]
                yield Unresolved(
                    stage=name,
                    execution=side,
                    tried=stage.tried,
                    unresolved=len(errors),
                    rule=first.rule.code,
                    found=first.found,
                )

    def refused(self, case: Case) -> bool:
        """Say whether an execution could not run a case that was tried."""
        return case.parts[0].network in self._refused

    # --- what shows the difference ------------------------------------------------------------

    def shows(self, case: Case) -> bool:
        """Say whether a case shows the difference."""
        return self._is_it(case, self.seen(case))

    def show(self, case: Case, tries: Iterable[Ints]) -> Flags:
        """Say which of several inputs show it; each is a sample of one run.

        Args:
            case: Its networks are run.
            tries: Values in the place of the case's, each of shape ``[steps, lines]``.
        """
        at_once, left = max(1, CELLS // max(case.values.size, 1)), iter(tries)
        found: list[bool] = []
        while some := list(islice(left, at_once)):
            found += [self._is_it(case, seen) for seen in self._seen(case, some)]
        return np.array(found, np.bool_)

    def show_each(self, cases: Iterable[Case | None]) -> Flags:
        """Say which of several cases show it, side by side in few runs.

        A run of several networks says what each of them shows only if the execution keeps them
        apart, so what is to be kept is to be run by itself. Behind the first run in which any
        shows it, nothing is run, and the others are said not to.

        Args:
            cases: None shows nothing.
        """
        found: list[bool] = []
        for some in _by_size(cases):
            if any(found):
                found += [False] * len(some)
                continue
            seen = iter(self._seen_beside([case for case in some if case is not None]))
            found += [case is not None and self._is_it(case, next(seen)) for case in some]
        return np.array(found, np.bool_)

    def seen(self, case: Case) -> Seen | None:
        """Give the first difference of a case; None also where it cannot be run."""
        return self._seen(case, [case.values])[0]

    def _is_it(self, case: Case, seen: Seen | None) -> bool:
        if seen is None or seen.divergence.population != self.mark.population:
            return False
        neuron = int(case.parts[0].neurons[self.mark.population][seen.neuron])
        return neuron == self.mark.neuron and seen.kind == self.mark.kind

    # --- runs ---------------------------------------------------------------------------------

    def traces(self, case: Case, values: npt.NDArray[np.int32]) -> tuple[Trace, Trace] | None:
        """Run both networks of a case; None where an execution cannot.

        Args:
            case: Its networks.
            values: Shape ``[tries, steps, lines]``; each try is a sample.

        Raises:
            TimeLimitExceeded: Too many runs took too long.
        """
        self._stage.tried += len(values)
        made: list[Trace] = []
        for side, part in zip(self.pair.sides, case.parts, strict=True):
            try:
                made.append(side.run_part(part.network, case.shaped(values)))
            except (InputError, EnvironmentFault, TimeLimitExceeded) as error:
                self._refused.add(case.parts[0].network)
                self._count(side, [error] * len(values))
                return None
        return made[0], made[1]

    def _count(self, side: Side, errors: list[SnncError]) -> None:
        self._stage.refused.setdefault(side.name, []).extend(errors)
        late = {
            id(e): e
            for stage in self._stages.values()
            for e in stage.refused.get(side.name, ())
            if isinstance(e, TimeLimitExceeded)
        }
        if len(late) >= TIMEOUTS:
            raise errors[0]

    def _seen(self, case: Case, tries: Sequence[Ints]) -> list[Seen | None]:
        """Give the first difference of each try; what was run before is known."""
        known = self._known.setdefault(case.parts[0].network, {})
        keys = [_key(values) for values in tries]
        fresh = {key: x for key, x in zip(keys, tries, strict=True) if key not in known}
        if fresh:
            traces = self.traces(case, np.stack(list(fresh.values())))
            seen = [None] * len(fresh) if traces is None else first_of_each(*traces)
            known.update(zip(fresh, seen, strict=True))
        return [known[key] for key in keys]

    def _seen_beside(self, cases: Sequence[Case]) -> list[Seen | None]:
        """Give the first difference of each case; each by itself where they cannot be run so."""
        if len(cases) < 2:
            return [self.seen(case) for case in cases]
        stage, self._stage = self._stage, _Stage()  # refused is what is refused by itself
        try:
            joined = beside(cases)
            traces = self.traces(joined, joined.values[np.newaxis])
        finally:
            self._stage = stage
        if traces is None:
            return [self.seen(case) for case in cases]
        stage.tried += len(cases)
        both = zip(*(of_each(trace, cases) for trace in traces), strict=True)
        return [first_of_each(*pair)[0] for pair in both]


def _key(values: Ints) -> bytes:
    return hashlib.sha256(values.tobytes() + str(values.shape).encode()).digest()


def _by_size(cases: Iterable[Case | None]) -> Iterator[list[Case | None]]:
    """Yield cases in groups that are run at once."""
    some: list[Case | None] = []
    synapses = 0
    for case in cases:
        own = 0 if case is None else synapses_in(case.parts[0].network)
        if some and synapses + own > SYNAPSES:
            yield some
            some, synapses = [], 0
        some.append(case)
        synapses += own
    if some:
        yield some
