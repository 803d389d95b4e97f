"""The links of the chain from the trained network to the target, and how each is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError, SnncError
from snnc.runtime.findings import Link, Statistics, Status
from snnc.runtime.measures.answers import confusions, statistics_of
from snnc.runtime.measures.layers import disagreements
from snnc.runtime.statistics import paired
from snnc.runtime.text import count, drop_within, points
from snnc.runtime.verification.tally import LinkTally, Ran, ReplayTally
from snnc.targets.float.replay import TIE_ULP

Labels = npt.NDArray[np.integer]
End = Ran | SnncError | str
"""An execution that was done, one that failed, or why there is none to be had."""


@dataclass(frozen=True)
class Pair:
    """Two executions, and what they have of one another.

    Attributes:
        names: Of the reference and of the other.
        ends: The two.
        tally: Of all samples; None where one of the two was not done.
    """

    names: tuple[str, str]
    ends: tuple[End, End]
    tally: LinkTally | None

    @property
    def both_ran(self) -> bool:
        """Whether both were done, on all samples."""
        return all(isinstance(end, Ran) for end in self.ends)

    @property
    def done(self) -> tuple[Ran, Ran, LinkTally]:
        """Both, where both were done."""
        match (*self.ends, self.tally):
            case Ran() as reference, Ran() as other, LinkTally() as tally:
                return reference, other, tally
            case _:
                raise InternalError(f"{' -> '.join(self.names)} was not compared")


@dataclass(frozen=True)
class Judge:
    """What the links are judged by.

    Attributes:
        labels: The true class of each sample, shape ``[n]``, or None.
        max_drop: Accuracy in points of percent that the integers may lose.
    """

    labels: Labels | None
    max_drop: float

    def exact(self, pair: Pair, signals: Sequence[str]) -> Link:
        """Judge a link that promises the same bits."""
        promise = f"the same {_listed(signals)}, bit for bit"
        missing = _missing(pair, promise)
        if missing is not None:
            return missing
        link = _measured(pair, promise, signals)
        if link.first_divergence is not None:
            found = f"{link.differing:,} of {count(link.values, 'value')} differ"
            return link.model_copy(update={"status": Status.BROKEN, "reason": found})
        if link.uncompared:
            found = f"only one of the two recorded {', '.join(link.uncompared)}"
            return link.model_copy(update={"status": Status.NOT_RUN, "reason": found})
        found = f"all {link.values:,} values are equal"
        return link.model_copy(update={"status": Status.HELD, "reason": found})

    def framework(self, pair: Pair, replayed: ReplayTally | None) -> Link:
        """Judge whether the float network computes what the framework does.

        Where spikes differ, only ties excuse it: then every step, begun from the framework's own
        states, gives the framework's spikes but for those that the order of a sum decides, and so
        is the first difference of each sample.

        Args:
            pair: The two.
            replayed: The framework's run, repeated step by step, as far as there is one; None where
                it could not be.
        """
        link = self._spikes(pair)
        if replayed is None or not pair.both_ran or (link.status is Status.NOT_RUN and link.values):
            return link
        ties = replayed.n_ties
        link = link.model_copy(update={"ties": replayed.ties, "n_ties": ties})
        if replayed.strangers:
            found = f"off by more than rounding: {', '.join(replayed.strangers)}"
            return link.model_copy(update={"status": Status.BROKEN, "reason": found})
        if not link.values:
            found = "v of every read-out is equal but for rounding"
            return link.model_copy(update={"status": Status.HELD, "reason": found})
        if link.status is Status.HELD or not ties or ties < replayed.mismatches:
            return link
        found = (
            f"{link.reason}, all of them behind {count(ties, 'tie')}: potentials that the "
            f"order of a float32 sum puts within {TIE_ULP} ulp of the threshold"
        )
        kept = {"status": Status.HELD, "reason": found, "first_divergence": None}
        return link.model_copy(update=kept)

    def converted(self, pair: Pair) -> Link:
        """Judge what is left of a network of ReLUs whose activations became rates of spikes.

        There is no spike to compare: the classes are, and by labels the accuracy.
        """
        promise = f"accuracy falls by at most {points(self.max_drop)}"
        missing = _missing(pair, promise)
        if missing is not None:
            return missing
        reference, other, _ = pair.done
        same = reference.classes == other.classes
        link = Link(
            reference=pair.names[0],
            other=pair.names[1],
            promise=promise,
            status=Status.MEASURED,
            reason=f"{same.sum():,} of {count(same.size, 'sample')} get the same class; not "
            "judged, since no labels were given",
            signals=("classes",),
            values=same.size,
            differing=int(same.size - same.sum()),
            agreement=float(same.mean()),
            confusion=confusions(reference.classes, other.classes),
        )
        if self.labels is None:
            return link
        statistics = self._statistics(self.labels, pair)
        kept = statistics.drop_points <= self.max_drop
        judged = {
            "status": Status.HELD if kept else Status.BROKEN,
            "reason": self._cost(statistics),
            "statistics": statistics,
        }
        return link.model_copy(update=judged)

    def _spikes(self, pair: Pair) -> Link:
        """Judge whether all spikes are the same; of read-outs alone there are none."""
        if pair.tally is None or pair.tally.spiking:
            return self.exact(pair, ("spikes",))
        promise = "the same potentials but for rounding"
        return _missing(pair, promise) or Link(
            reference=pair.names[0],
            other=pair.names[1],
            promise=promise,
            status=Status.NOT_RUN,
            reason="no population spikes",
        )

    def budget(self, pair: Pair) -> Link:
        """Judge a link that may cost accuracy, up to a limit."""
        promise = f"accuracy falls by at most {points(self.max_drop)}"
        missing = _missing(pair, promise)
        if missing is not None:
            return missing
        link = _measured(pair, promise, ("spikes",))
        statistics = None
        if self.labels is not None:
            statistics = self._statistics(self.labels, pair)
            kept = statistics.drop_points <= self.max_drop
            status, found = Status.HELD if kept else Status.BROKEN, self._cost(statistics)
        elif not link.values:
            status, found = Status.MEASURED, "no population spikes, and no labels were given"
        elif link.differing == 0 and not link.uncompared:
            status, found = Status.HELD, f"all {link.values:,} values are equal"
        else:
            status = Status.MEASURED
            found = (
                f"{link.differing:,} of {link.values:,} values differ; not judged, "
                "since no labels were given"
            )
        return link.model_copy(update={"status": status, "reason": found, "statistics": statistics})

    def _statistics(self, labels: Labels, pair: Pair) -> Statistics:
        reference, other, _ = pair.done
        answers = paired(labels, reference.classes, other.classes)
        return statistics_of(answers, self.max_drop)

    def _cost(self, statistics: Statistics) -> str:
        drop, bound = statistics.drop_points, statistics.drop_bound_points
        found = "accuracy is the same"
        if drop:
            found = f"accuracy {'falls' if drop > 0 else 'rises'} by {abs(drop):.2f} points"
        found += f"; with 95 % confidence it {drop_within(bound)}"
        if drop <= self.max_drop < bound:
            found += f", and {statistics.n:,} samples are too few to promise less"
            if statistics.needed is not None and not statistics.enough:
                found += f": {statistics.needed:,} should do"
        return found


def _measured(pair: Pair, promise: str, signals: Sequence[str]) -> Link:
    """Give the link as it was measured, not judged yet."""
    reference, other, tally = pair.done
    return Link(
        reference=pair.names[0],
        other=pair.names[1],
        promise=promise,
        status=Status.MEASURED,
        reason="",
        signals=tuple(signals),
        values=tally.values,
        differing=tally.differing,
        differences=tally.differences,
        uncompared=tally.uncompared,
        first_divergence=tally.first,
        count_error=tally.count_error,
        agreement=float((reference.classes == other.classes).mean()),
        layers=tuple(layer.measures for layer in tally.layers),
        disagreement=disagreements(tally.layers),
        confusion=confusions(reference.classes, other.classes),
    )


def _missing(pair: Pair, promise: str) -> Link | None:
    """Give the link as not run where one of its ends is missing."""
    for name, end in zip(pair.names, pair.ends, strict=True):
        if isinstance(end, Ran):
            continue
        failed = isinstance(end, SnncError)
        why = f"{name}: {end.diagnostics[0].found}" if isinstance(end, SnncError) else end
        return Link(
            reference=pair.names[0],
            other=pair.names[1],
            promise=promise,
            status=Status.NOT_RUN,
            reason=why,
            asked=failed,
        )
    return None


def _listed(signals: Sequence[str]) -> str:
    return signals[0] if len(signals) == 1 else f"{', '.join(signals[:-1])} and {signals[-1]}"
