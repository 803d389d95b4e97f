"""One neuron twice, in the real numbers it was trained with and in the integers it became.

Both are in counts of the integers' potential, so that each item of one can take the place of the
same item of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.network import Network
from snnc.compiler.quantization.decays import (
    Decays,
    lost_of_current,
    lost_of_potential,
    lowered_for,
)
from snnc.compiler.quantization.lower import Lowered, lower
from snnc.compiler.retime import unretimed
from snnc.compiler.trace import Array
from snnc.runtime.divergence.carriers import UNIT, Carrier
from snnc.runtime.divergence.one_neuron import Neuron

ONE = 2**DECAY_BITS


@dataclass(frozen=True, eq=False, kw_only=True)
class Twins:
    """A neuron in real numbers and in integers.

    Attributes:
        real: In real numbers.
        rounded: In integers.
        carriers: What arrives, projection by projection.
        count: Counts of the integers' potential for 1 of the real one.
        offset: The real potential where the integers' is 0.
        unmatched: Projections that only one of the two has.
    """

    real: Neuron
    rounded: Neuron
    carriers: tuple[Carrier, ...]
    count: float
    offset: float
    unmatched: tuple[str, ...]


def twins(
    network: Network,
    fixed: FixedNetwork,
    decays: Decays,
    population: str,
    neuron: int,
    sent: Mapping[str, Array],
) -> Twins:
    """Give a neuron in both forms.

    Args:
        network: The float network.
        fixed: What became of it, retimed or not.
        decays: What was kept of decays as they were rounded.
        population: Name of the population.
        neuron: Index there, in C order.
        sent: What inputs and populations of ``network`` sent, ``[steps, *shape]`` of each.

    Raises:
        InputError: The network cannot be lowered.
    """
    (n,) = (n for n in lowered_for(network, decays) if n.population.name == population)
    p, plain = fixed.population(population), unretimed(fixed)
    counts = float(p.scale[neuron] * n.unit[neuron])  # of the potential for 1 of the lowered one
    integers = {q.name: q for q in plain.incoming(population)}
    steps = len(next(iter(sent.values())))
    inputs = {i.name: i.step for i in fixed.inputs}
    carriers = list[Carrier]()
    for path in n.arriving:
        if path.name not in integers:
            continue
        q = integers.pop(path.name)
        step = inputs.get(path.source, 1.0)
        carriers.append(
            Carrier(
                path=path,
                q=replace(q, delay=_delay(q, plain, sent)),
                factor=counts / UNIT * step / 2.0**q.weight_exp,
                step=step,
                neuron=neuron,
                sent=sent.get(path.source, np.ones((steps, *path.shape))),
            )
        )
    missing = {path.name for path in n.arriving} - {c.path.name for c in carriers}
    return Twins(
        real=_real(n, neuron, counts, *_made_up(network, n, p, decays, neuron)),
        rounded=_rounded(p, neuron),
        carriers=tuple(carriers),
        count=float(p.scale[neuron]),
        offset=float(p.offset[neuron]),
        unmatched=tuple(sorted({*missing, *integers})),
    )


def _made_up(
    network: Network, n: Lowered, q: FixedPopulation, decays: Decays, i: int
) -> tuple[float, float]:
    """Give by what input and bias make up for rounded decays (see ``decays.matched``); else 1."""
    if decays is not Decays.GAIN:
        return 1.0, 1.0
    (plain,) = (m for m in lower(network) if m.population.name == n.population.name)
    lost, rounded = float(lost_of_potential(n.population)[i]), int(q.dv[i]) / ONE
    of_bias = rounded / lost if lost and rounded else 1.0
    return float(n.unit[i] / plain.unit[i]), of_bias


def _real(n: Lowered, i: int, counts: float, of_input: float, of_bias: float) -> Neuron:
    p = n.population
    return Neuron(
        keeps_u=float(1 - lost_of_current(p)[i]),
        keeps_v=float(1 - lost_of_potential(p)[i]),
        truncates_u=False,
        truncates_v=False,
        takes=1 / of_input,
        bias=float(counts * n.bias[i]),
        bias_takes=1 / of_bias,
        initial=float(counts * n.initial[i]),
        threshold=float(counts * n.threshold[i]),
        inclusive=p.inclusive,
        reset=n.reset,
        refractory=p.refractory,
        wraps=False,
        saturates=False,
    )


def _rounded(p: FixedPopulation, i: int) -> Neuron:
    return Neuron(
        keeps_u=(ONE - (int(p.du[i]) + 1)) / ONE,
        keeps_v=(ONE - int(p.dv[i])) / ONE,
        truncates_u=True,
        truncates_v=True,
        takes=1.0,
        bias=float(int(p.bias_mant[i]) << int(p.bias_exp[i])),
        bias_takes=1.0,
        initial=float(p.initial[i]),
        threshold=float(int(p.threshold[i]) << ALIGN_BITS),
        inclusive=False,
        reset=p.reset,
        refractory=p.refractory,
        wraps=True,
        saturates=True,
    )


def _delay(q: FixedProjection, plain: FixedNetwork, known: Mapping[str, Array]) -> int:
    """Give the delay from the source in the model: relays stand between it and ``q``."""
    delay, source = q.delay, q.source
    while source not in known and (before := tuple(plain.incoming(source))):
        delay, source = delay + before[0].delay, before[0].source
    return delay
