"""Which Lava process every part of a network runs on: the content of ``lava.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import (
    MAX_WEIGHT_BITS,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.linear import as_steps, magnitude
from snnc.compiler.operators import FixedDense
from snnc.targets.lava.forms import Form

FORMAT = 3
"""Version of ``lava.json``."""
STOCK_LIMIT = 2**18
"""Largest synaptic input for which Lava's LIF, in int32, keeps ``u`` within 24 bits: then ``u``
before its wrap is below ``2**23 + 2**24``, and one wrap is enough."""


@dataclass(frozen=True)
class Row:
    """What a node of a network runs on.

    Attributes:
        id: A name for files and for Lava.
        role: ``input``, ``population``, ``projection`` or ``output``.
        process: Kind of Lava process.
        of: Name of the node.
    """

    id: str
    role: str
    process: str
    of: str


@dataclass(frozen=True)
class Plan:
    """The Lava processes of a network.

    Attributes:
        form: Which processes there are.
        processes: A row for each node of the network.
        gap: Hardware steps from the last step of a sample to the first step of the next.
    """

    form: Form
    processes: tuple[Row, ...]
    gap: int

    def to_bytes(self) -> bytes:
        """Give ``lava.json``; names from the user's model stand in it as data only."""
        rows = [asdict(row) for row in self.processes]
        data = {"format": FORMAT, "form": self.form, "gap": self.gap, "processes": rows}
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def make_plan(network: FixedNetwork, form: Form = Form.MIXED) -> Plan:
    """Choose a Lava process for every node of ``network``, whose sums fit Lava's 32-bit ports.

    ``compiler/check.py`` holds that of every network that is compiled or loaded.

    Raises:
        InternalError: A projection has delay 0, so the network is not retimed.
    """
    nodes = [
        *(("input", "Source", i.name) for i in network.inputs),
        *(("population", _neuron_process(network, p), p.name) for p in network.populations),
        *(("projection", _synapse_process(p), p.name) for p in network.projections),
        *(("output", "Sink", o.name) for o in network.outputs),
    ]
    if form is Form.FUSED:
        nodes = [(role, "Fused", name) for role, _, name in nodes]
    rows = tuple(Row(f"n{index:04d}", *node) for index, node in enumerate(nodes, 1))
    return Plan(form, rows, _gap(network))


def _synapse_process(projection: FixedProjection) -> str:
    if projection.delay < 1:
        raise InternalError(f"{projection.name}: a projection of delay 0 cannot run on Lava")
    match projection.operators:
        case (FixedDense(),):
            return "Dense" if projection.delay == 1 else "DelayDense"
        case _:
            return "Synapse"


def _neuron_process(network: FixedNetwork, population: FixedPopulation) -> str:
    """Give ``LIFReset``, Lava's own, wherever it computes the same.

    It starts at zero, resets to zero only, and between two samples it cannot be kept from spiking.
    So its spikes may only go where they arrive before the next reset: where a projection, apart
    from the lags of its ends, has no delay.
    """
    delays = [_own_delay(network, p) for p in network.projections if p.source == population.name]
    stock = (
        population.spiking
        and population.reset is FixedReset.ZERO
        and not population.refractory
        and not population.initial.any()
        and not any(delays)
        and largest_input(network, population) <= STOCK_LIMIT
    )
    return "LIFReset" if stock else "Population"


def _own_delay(network: FixedNetwork, projection: FixedProjection) -> int:
    """Give the steps from a spike to its effect, in the time of the network before retiming."""
    lags = {i.name: 0 for i in network.inputs} | {p.name: p.lag for p in network.populations}
    return projection.delay - (lags[projection.target] - lags[projection.source])


def _gap(network: FixedNetwork) -> int:
    """Give the steps of silence that keep two samples apart.

    Every population must end a sample (its lag), and a spike of the last step must arrive before
    its target begins the next (the delay).
    """
    return max(network.latency, *(_own_delay(network, p) for p in network.projections), 0)


def largest_input(network: FixedNetwork, population: FixedPopulation) -> float:
    """Bound ``|a|`` over every input that the population can get."""
    total = np.zeros(population.size)
    for projection in network.incoming(population.name):
        total += _largest_sums(network, projection)
    return float(total.max(initial=0))


def _largest_sums(network: FixedNetwork, projection: FixedProjection) -> npt.NDArray[np.float64]:
    """Bound ``|a|`` of a projection, shape ``[n_target]``."""
    shape = network.shapes[projection.source]
    sent = {i.name: i.max_abs for i in network.inputs}.get(projection.source, 1)
    largest = np.full((1, *shape), float(sent))
    for step in as_steps(projection.operators, shape):
        largest = magnitude(step, largest)
    in_dense = MAX_WEIGHT_BITS - projection.weight_bits + projection.sign_mode.sign_bits
    return largest.reshape(-1) * 2.0 ** max(projection.weight_exp, in_dense)  # it has W << in_dense
