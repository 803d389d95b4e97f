"""What each population does wrong by itself: fed with what the reference sends (teacher forcing).

Williams and Zipser 1989, A Learning Algorithm for Continually Running Fully Recurrent Neural
Networks, Neural Computation 1:270.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from snnc.compiler.align import aligned_trace
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.cut import cut, homes
from snnc.compiler.mapping.join import joined_trace
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.network import Network
from snnc.compiler.retime import unretimed
from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.runtime.apart import apart
from snnc.runtime.compare import Comparison, Divergence, compare
from snnc.runtime.divergence.explanation import LocalError
from snnc.targets import get_target
from snnc.targets.artifact import Artifact
from snnc.targets.float import executor as real
from snnc.targets.inputs import integer_inputs, real_inputs
from snnc.targets.integer import reference as integers
from snnc.targets.running import Inputs, RunOptions


def run_separated(artifact: Artifact, inputs: Inputs, reference: Trace) -> Trace:
    """Run every population on the artifact's target, each fed with what the reference sent.

    Args:
        artifact: Of a target that executes integers; where it is cut over cores, populations run
            as a whole.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        reference: Spikes of every population that sends, of the same samples.

    Raises:
        KeyError: Spikes are missing.
        EnvironmentFault: The target cannot run here.
        TimeLimitExceeded: It took longer than the target allows.
    """
    fixed = artifact.required_fixed
    part = apart(fixed, {p.name for p in fixed.populations}, forced=True)
    sent: dict[str, Array] = {**integer_inputs(fixed, inputs), **reference.spikes}
    given = {
        i.name: x.reshape(*x.shape[:2], *i.shape)
        for i in part.network.inputs
        for x in (sent[part.lines[i.name].source],)
    }
    alone = replace(artifact, fixed=part.network, mapped=None)
    return get_target(artifact.target).run(alone, given, RunOptions(record=SIGNALS))


def run_forced_integers(artifact: Artifact, inputs: Inputs, reference: Trace) -> Trace:
    """Run the integers of every population, each fed with the spikes of the float network.

    Relays and the neurons of biases are not in ``reference``: they go on to send themselves.
    """
    fixed = unretimed(artifact.required_fixed)
    return _forced(fixed, inputs, {n: _flat(spikes) for n, spikes in reference.spikes.items()})


def run_forced_parts(mapped: MappedNetwork, inputs: Inputs, reference: Trace) -> Trace:
    """Run the parts of every population on its cores, each fed with the spikes of the reference."""
    found, shapes = homes(mapped), mapped.fixed.shapes
    forced = {
        at.names[core]: _flat(reference.spikes[name])[:, :, region.indices(shapes[name])]
        for name, at in found.items()
        if name in reference.spikes
        for core, region in at.regions.items()
    }
    return joined_trace(_forced(unretimed(cut(mapped)), inputs, forced), mapped)


def _forced(fixed: FixedNetwork, inputs: Inputs, forced: Mapping[str, Array]) -> Trace:
    """Run integers that are not retimed, with spikes ``[steps, batch, n]`` that are given."""
    x = integer_inputs(fixed, inputs)
    recorded = integers.execute(fixed, x, forced=forced)
    return aligned_trace(
        fixed,
        {"spikes": recorded.spikes, "u": recorded.u, "v": recorded.v},
        executor="integer",
        steps=len(next(iter(x.values()))),
        record=SIGNALS,
        raw_time=False,
        seconds=0.0,
    )


def run_forced_reals(network: Network, inputs: Inputs, reference: Trace) -> Trace:
    """Run the float network with every population fed with the spikes of the framework.

    A read-out sends nothing; the signals of the trace are those of ``SIGNALS``.
    """
    forced = {name: _flat(spikes) for name, spikes in reference.spikes.items()}
    recorded = real.execute(network, real_inputs(network, inputs), forced=forced)
    shapes = {p.name: p.shape for p in network.populations}

    def shaped(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {n: a.reshape(*a.shape[:2], *shapes[n]) for n, a in arrays.items()}

    spikes, v = shaped(recorded.spikes), shaped(recorded.v)
    given = {p.name: spikes[p.name] if p.spiking else v[p.name] for p in network.populations}
    return Trace(
        executor="float",
        outputs={o.name: given[o.source] for o in network.outputs},
        spikes=spikes,
        u=shaped(recorded.u),
        v=v,
    )


def local_errors(
    reference: Trace, forced: Trace, signals: Sequence[str], samples: Sequence[int]
) -> tuple[LocalError, ...]:
    """Compare what each population did by itself with the reference.

    Args:
        reference: What should be.
        forced: What each population makes of what the reference sends.
        signals: Of ``spikes``, ``u`` and ``v`` those to compare.
        samples: Index of each sample of the two in the data of the verification.
    """
    if not any(reference.signal(s) and forced.signal(s) for s in signals):
        return ()
    return tuple(_errors(compare(reference, forced, signals), reference, forced, samples))


def _errors(
    comparison: Comparison, reference: Trace, forced: Trace, samples: Sequence[int]
) -> Iterator[LocalError]:
    for d in comparison.differences:
        a, b = (trace.signal(d.signal)[d.population] for trace in (reference, forced))
        yield LocalError(
            population=d.population,
            signal=d.signal,
            values=d.values,
            differing=d.differing,
            samples=len(samples),
            first=_first(d.population, d.signal, a, b, samples) if d.differing else None,
        )


def _first(population: str, signal: str, a: Array, b: Array, samples: Sequence[int]) -> Divergence:
    index = tuple(map(int, np.unravel_index(int((a != b).argmax()), a.shape)))
    step, sample, *neuron = index
    values = a[index].item(), b[index].item()
    return Divergence(step, samples[sample], population, tuple(neuron), signal, *values)


def _flat(values: Array) -> Array:
    return values.reshape(*values.shape[:2], prod(values.shape[2:]))
