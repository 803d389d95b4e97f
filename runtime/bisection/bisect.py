"""``snnc.bisect``: two executions narrowed to the smallest part that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc import __version__
from snnc.runtime.bisection.cases import Case
from snnc.runtime.bisection.found import Bisection, Cut
from snnc.runtime.bisection.held import held_in, otherwise, synapses_in, synapses_of, weights_held
from snnc.runtime.bisection.search import Outcome, search
from snnc.runtime.bisection.sides import Pair, Program, pair_of
from snnc.runtime.data.source import Source, given_inputs
from snnc.runtime.stages import Stages, silent
from snnc.targets.running import Inputs


def bisect(
    model: Program,
    x: Inputs | npt.ArrayLike | Source,
    *,
    other: Program | None = None,
    targets: str | Sequence[str] | None = None,
    timeout: float | None = None,
    progress: Stages = silent,
) -> Bisection:
    """Run two executions side by side and narrow their first difference to what it takes.

    Args:
        model: The reference: an artifact, or the directory of one.
        x: Input data, ``[steps, batch, *shape]``, one such array for each input by name, or what
            ``read_data`` gives of a file.
        other: The other artifact, of the same topology; None for the same one on another target.
        targets: Of two artifacts one target for both, or one for each; None for their own. Of one
            artifact two, of which the first is the reference; one or None stand beside
            ``integer``.
        timeout: Seconds for each run, or None for the target's own limit.
        progress: Called with the name of each stage as it begins.

    Returns:
        The first difference, and the part of the network that shows it.

    Raises:
        InputError: SNN004, SNN621 or SNN622: there is no such pair; SNN502 or SNN503: the data do
            not fit.
        EnvironmentFault: A target cannot run here; SNN624: it does not give the same twice.
    """
    pair = pair_of(model, other, targets, timeout)
    inputs = given_inputs(pair.reference.artifact.network, x)
    return told_of(pair, inputs, search(pair, inputs, progress))


def told_of(pair: Pair, inputs: Inputs, outcome: Outcome | None) -> Bisection:
    """Give what is told of the outcome of a search.

    Args:
        pair: Of both executions.
        inputs: Of the whole networks.
        outcome: None where nothing differs.
    """
    steps, samples = next(iter(inputs.values())).shape[:2]
    base = Bisection(
        snnc=__version__,
        reference=pair.reference.name,
        other=pair.other.name,
        samples=samples,
        one_artifact=pair.one_artifact,
    )
    if outcome is None:
        return base
    d = outcome.found.seen.divergence
    network = pair.reference.network
    told: dict[str, Any] = {
        "divergence": d,
        "layer": " + ".join(network.population(d.population).origin),
        "alone": outcome.found.alone,
        "local": outcome.local,
        "causes": outcome.causes,
        "tried": outcome.bench.tried,
        "unresolved": tuple(outcome.bench.unresolved()),
    }
    networks = network, pair.other.network
    if not pair.one_artifact:
        told["otherwise"] = tuple(otherwise(networks))
    small = outcome.narrowed
    if small is None or small.case is None or small.wired is None:
        return base.model_copy(update=told)
    synapses = tuple(synapses_of(small.wired, networks))
    part = small.case.parts[0]
    mine = part.neurons[d.population]
    shape = network.population(d.population).shape
    told |= {
        "isolated": small.isolated,
        "narrowed": True,
        "populations": tuple(p.name for p in part.network.populations),
        "neurons": tuple(tuple(map(int, np.unravel_index(int(n), shape))) for n in mine),
        "first_step": small.case.begin,
        "cuts": tuple(_cuts(pair, (steps, samples), outcome, small.case)),
        "synapses": synapses,
        "held": (*held_in(small.wired, networks), *weights_held(synapses)),
    }
    return base.model_copy(update=told)


def _cuts(pair: Pair, of: tuple[int, int], outcome: Outcome, case: Case) -> Iterator[Cut]:
    whole, part = pair.reference.network, case.parts[0].network
    sent = sum(int(np.count_nonzero(x)) for x in outcome.found.sent.values())
    neurons = [sum(p.size for p in network.populations) for network in (whole, part)]
    yield Cut(what="samples", before=of[1], after=1)
    yield Cut(what="steps", before=of[0], after=len(case.values))
    yield Cut(what="populations", before=len(whole.populations), after=len(part.populations))
    yield Cut(what="neurons", before=neurons[0], after=neurons[1])
    yield Cut(what="synapses", before=synapses_in(whole), after=synapses_in(part))
    yield Cut(what="values", before=sent, after=int(np.count_nonzero(case.values)))
