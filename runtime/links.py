"""The links of the chain from the trained network to the target, and how each is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import SnncError
from snnc.compiler.trace import Trace
from snnc.runtime.compare import Comparison, compare, count_error
from snnc.runtime.report import Link, Statistics, Status
from snnc.runtime.statistics import Paired, paired
from snnc.runtime.text import count
from snnc.targets.float.replay import TIE_ULP, Replay

Labels = npt.NDArray[np.integer]
LISTED = 100
"""Ties that a report lists one by one; all are counted."""
NOTHING = Comparison((), None, ())
"""What there is to compare of networks of read-outs alone: they have no spikes."""
Run = Trace | SnncError | str
"""A run that was done, one that failed, or why there is none to be had."""


@dataclass(frozen=True)
class Judge:
    """What the links are judged by.

    Attributes:
        labels: The true class of each sample, shape ``[n]``, or None.
        max_drop: Accuracy in points of percent that the integers may lose.
    """

    labels: Labels | None
    max_drop: float

    def exact(self, names: tuple[str, str], runs: tuple[Run, Run], signals: Sequence[str]) -> Link:
        """Judge a link that promises the same bits."""
        promise = f"the same {_listed(signals)}, bit for bit"
        missing = _missing(names, runs, promise)
        if missing is not None:
            return missing
        comparison, link = self._measured(names, runs, promise, signals)
        if comparison.first is not None:
            found = f"{comparison.differing:,} of {count(comparison.values, 'value')} differ"
            return link.model_copy(update={"status": Status.BROKEN, "reason": found})
        if comparison.uncompared:
            found = f"only one of the two recorded {', '.join(comparison.uncompared)}"
            return link.model_copy(update={"status": Status.NOT_RUN, "reason": found})
        found = f"all {comparison.values:,} values are equal"
        return link.model_copy(update={"status": Status.HELD, "reason": found})

    def framework(
        self, names: tuple[str, str], runs: tuple[Run, Run], replayed: Replay | None
    ) -> Link:
        """Judge whether the float network computes what the framework does.

        Where spikes differ, only ties excuse it: then every step, begun from the framework's own
        states, gives the framework's spikes but for those that the order of a sum decides, and so
        is the first difference of each sample.

        Args:
            names: Of the two executions.
            runs: The two.
            replayed: The framework's run, repeated step by step; None where it could not be.
        """
        link = self._spikes(names, runs)
        if replayed is None or (link.status is Status.NOT_RUN and link.values):
            return link
        ties = replayed.ties
        link = link.model_copy(update={"ties": ties[:LISTED], "n_ties": len(ties)})
        if replayed.strangers:
            found = f"v of {', '.join(replayed.strangers)} differs by more than rounding"
            return link.model_copy(update={"status": Status.BROKEN, "reason": found})
        if not link.values:
            found = "v of every read-out is equal but for rounding"
            return link.model_copy(update={"status": Status.HELD, "reason": found})
        if link.status is Status.HELD or not ties or len(ties) < len(replayed.mismatches):
            return link
        found = (
            f"{link.reason}, all of them behind {count(len(ties), 'tie')}: potentials that the "
            f"order of a float32 sum puts within {TIE_ULP} ulp of the threshold"
        )
        kept = {"status": Status.HELD, "reason": found, "first_divergence": None}
        return link.model_copy(update=kept)

    def converted(self, names: tuple[str, str], runs: tuple[Run, Run]) -> Link:
        """Judge what is left of a network of ReLUs whose activations became rates of spikes.

        There is no spike to compare: the classes are, and by labels the accuracy.
        """
        promise = f"accuracy falls by at most {self.max_drop:g} points"
        missing = _missing(names, runs, promise)
        if missing is not None:
            return missing
        reference, other = _traces(runs)
        same = reference.predictions == other.predictions
        link = Link(
            reference=names[0],
            other=names[1],
            promise=promise,
            status=Status.MEASURED,
            reason=f"{same.sum():,} of {count(same.size, 'sample')} get the same class; not "
            "judged, since no labels were given",
            signals=("classes",),
            values=same.size,
            differing=int(same.size - same.sum()),
            agreement=float(same.mean()),
        )
        if self.labels is None:
            return link
        statistics = _statistics(self.labels, runs)
        kept = statistics.drop_points <= self.max_drop
        judged = {
            "status": Status.HELD if kept else Status.BROKEN,
            "reason": self._cost(statistics),
            "statistics": statistics,
        }
        return link.model_copy(update=judged)

    def _spikes(self, names: tuple[str, str], runs: tuple[Run, Run]) -> Link:
        """Judge whether all spikes are the same; of read-outs alone there are none."""
        if all(isinstance(run, Trace) and not run.spikes for run in runs):
            return Link(
                reference=names[0],
                other=names[1],
                promise="the same potentials but for rounding",
                status=Status.NOT_RUN,
                reason="no population spikes",
            )
        return self.exact(names, runs, ("spikes",))

    def budget(self, names: tuple[str, str], runs: tuple[Run, Run]) -> Link:
        """Judge a link that may cost accuracy, up to a limit."""
        promise = f"accuracy falls by at most {self.max_drop:g} points"
        missing = _missing(names, runs, promise)
        if missing is not None:
            return missing
        comparison, link = self._measured(names, runs, promise, ("spikes",))
        statistics = None
        if self.labels is not None:
            statistics = _statistics(self.labels, runs)
            kept = statistics.drop_points <= self.max_drop
            status, found = Status.HELD if kept else Status.BROKEN, self._cost(statistics)
        elif not comparison.values:
            status, found = Status.MEASURED, "no population spikes, and no labels were given"
        elif comparison.differing == 0 and not comparison.uncompared:
            status, found = Status.HELD, f"all {comparison.values:,} values are equal"
        else:
            status = Status.MEASURED
            found = (
                f"{comparison.differing:,} of {comparison.values:,} values differ; not judged, "
                "since no labels were given"
            )
        return link.model_copy(update={"status": status, "reason": found, "statistics": statistics})

    def _cost(self, statistics: Statistics) -> str:
        drop, bound = statistics.drop_points, statistics.drop_bound_points
        found = "accuracy is the same"
        if drop:
            found = f"accuracy {'falls' if drop > 0 else 'rises'} by {abs(drop):.2f} points"
        found += f"; with 95 % confidence it falls by less than {bound:.2f}"
        if drop <= self.max_drop < bound:
            found += f", and {statistics.n:,} samples are too few to promise less"
        return found

    def _measured(
        self, names: tuple[str, str], runs: tuple[Run, Run], promise: str, signals: Sequence[str]
    ) -> tuple[Comparison, Link]:
        reference, other = _traces(runs)
        silent = not (reference.spikes or other.spikes)
        nothing = silent and signals == ("spikes",)
        comparison = NOTHING if nothing else compare(reference, other, signals)
        return comparison, Link(
            reference=names[0],
            other=names[1],
            promise=promise,
            status=Status.MEASURED,
            reason="",
            signals=tuple(signals),
            values=comparison.values,
            differing=comparison.differing,
            differences=comparison.differences,
            uncompared=comparison.uncompared,
            first_divergence=comparison.first,
            count_error=None if silent else count_error(reference, other),
            agreement=float((reference.predictions == other.predictions).mean()),
        )


def _missing(names: tuple[str, str], runs: tuple[Run, Run], promise: str) -> Link | None:
    """Give the link as not run where one of its ends is missing."""
    for name, run in zip(names, runs, strict=True):
        if isinstance(run, Trace):
            continue
        failed = isinstance(run, SnncError)
        why = f"{name}: {run.diagnostics[0].found}" if isinstance(run, SnncError) else run
        return Link(
            reference=names[0],
            other=names[1],
            promise=promise,
            status=Status.NOT_RUN,
            reason=why,
            asked=failed,
        )
    return None


def _traces(runs: tuple[Run, Run]) -> tuple[Trace, Trace]:
    reference, other = (run for run in runs if isinstance(run, Trace))
    return reference, other


def _statistics(labels: Labels, runs: tuple[Run, Run]) -> Statistics:
    reference, other = _traces(runs)
    return statistics_of(paired(labels, reference.predictions, other.predictions))


def statistics_of(pair: Paired) -> Statistics:
    """Give what a report tells of two classifiers."""
    return Statistics(
        n=pair.n,
        accuracy_reference=pair.correct_reference / pair.n,
        accuracy_other=pair.correct_other / pair.n,
        only_reference=pair.only_reference,
        only_other=pair.only_other,
        drop_points=pair.drop,
        drop_bound_points=pair.drop_bound,
        mcnemar_p=pair.mcnemar_p,
    )


def _listed(signals: Sequence[str]) -> str:
    return signals[0] if len(signals) == 1 else f"{', '.join(signals[:-1])} and {signals[-1]}"
