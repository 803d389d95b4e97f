"""Which Lava process every part of a network runs on: the content of ``lava.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import (
    MAX_DELAY,
    FixedAxons,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.operators import FixedDense, FixedSparse
from snnc.targets.lava.bounds import (
    STOCK_LIMIT,
    early,
    largest_input,
    longest_own_delays,
    own_delays,
)
from snnc.targets.lava.forms import Form
from snnc.targets.lava.stock import pays_sparse, stock_processes

FORMAT = 4
"""Version of ``lava.json``."""


LAVAS_OWN = frozenset(
    (
        "SourceRingBuffer",
        "SinkRingBuffer",
        "LIFReset",
        "Dense",
        "DelayDense",
        "Sparse",
        "DelaySparse",
        "Conv",
        "Probe",
    )
)
"""Kinds of processes that are Lava's; all others are ours. A probe reads one, and is none."""
LARGE_INPUT = 2**12
"""Values of an input that is not sent to each core as a whole: a channel of Lava holds 64 messages
(lava 0.10.0, ``lava/magma/compiler/compiler.py:102``), of this size a megabyte."""
LAVAS = "Lava's"
"""Whose these are, in tables."""


@dataclass(frozen=True)
class Row:
    """What a node of a network runs on.

    Attributes:
        id: A name for files and for Lava.
        role: ``input``, ``population``, ``axons``, ``projection`` or ``output``.
        process: Kind of Lava process.
        of: Name of the node.
        core: Index of the core that it lies on; None outside of all cores.
    """

    id: str
    role: str
    process: str
    of: str
    core: int | None = None


@dataclass(frozen=True)
class Plan:
    """The Lava processes of a network.

    Attributes:
        form: Which processes there are.
        processes: A row for each node of the network.
        gap: Hardware steps from the last step of a sample to the first step of the next.
        cut: Whether the network is one of parts, in ``cut.json`` and not in ``program.json``.
    """

    form: Form
    processes: tuple[Row, ...]
    gap: int
    cut: bool = False

    def to_bytes(self) -> bytes:
        """Give ``lava.json``; names from the user's model stand in it as data only."""
        rows = [asdict(row) for row in self.processes]
        data = asdict(replace(self, processes=())) | {"format": FORMAT, "processes": rows}
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def whose(kind: str) -> str:
    """Say whose process ``kind`` is."""
    return LAVAS if kind in LAVAS_OWN else "ours"


def make_plan(network: FixedNetwork, form: Form = Form.MIXED) -> Plan:
    """Choose a Lava process for every node of ``network``, whose sums fit Lava's 32-bit ports.

    ``compiler/check.py`` holds that of every network that is compiled or loaded.

    Raises:
        InternalError: A projection has delay 0, so the network is not retimed.
    """
    for projection in network.projections:
        if projection.delay < 1:
            raise InternalError(f"{projection.name}: a projection of delay 0 cannot run on Lava")
    nodes = stock_processes(network) if form is Form.STOCK else _mixed_processes(network)
    if form is Form.FUSED:
        nodes = [(role, "Fused", name) for role, _, name in nodes]
    rows = tuple(Row(f"n{index:04d}", *node) for index, node in enumerate(nodes, 1))
    return Plan(form, rows, _gap(network))


def _mixed_processes(network: FixedNetwork) -> list[tuple[str, str, str]]:
    """Give role, process and name of every node: Lava's own process where it computes the same."""
    own = longest_own_delays(network)
    late = frozenset(name for name in early(network) if own[name])
    return [
        *(("input", "Source", i.name) for i in network.inputs),
        *(("population", _neuron_process(network, p, late), p.name) for p in network.populations),
        *(("axons", _axons_process(network, a), a.name) for a in network.axons),
        *(("projection", _synapse_process(p), p.name) for p in network.projections),
        *(("output", "Sink", o.name) for o in network.outputs),
    ]


def _axons_process(network: FixedNetwork, axons: FixedAxons) -> str:
    """Give ``Source`` for values of one large input: they enter where they are heard."""
    large = [(i.name,) for i in network.inputs if i.size > LARGE_INPUT]
    return "Source" if axons.sources in large else "Axons"


def _synapse_process(projection: FixedProjection) -> str:
    match projection.operators:
        case (FixedDense() | FixedSparse() as weights,) if projection.delay <= MAX_DELAY:
            kind = "Sparse" if pays_sparse(weights) else "Dense"
            return kind if projection.delay == 1 else f"Delay{kind}"
        case _:
            return "Synapse"


def _neuron_process(
    network: FixedNetwork, population: FixedPopulation, late: frozenset[str]
) -> str:
    """Give ``LIFReset``, Lava's own, wherever it computes the same.

    It starts at zero, resets to zero only, and cannot be kept from spiking before the first step
    of a sample. Where it might, its spikes may only go where they arrive before the next reset:
    where a projection, apart from the lags of its ends, has no delay.

    Args:
        network: Of the population.
        population: One of it.
        late: Names of those that might, and whose spikes may arrive later.
    """
    stock = (
        population.spiking
        and population.reset is FixedReset.ZERO
        and not population.refractory
        and not population.initial.any()
        and population.name not in late
        and largest_input(network, population) <= STOCK_LIMIT
    )
    return "LIFReset" if stock else "Population"


def _gap(network: FixedNetwork) -> int:
    """Give the steps of silence that keep two samples apart.

    Every population must end a sample (its lag), and a spike of the last step must arrive before
    its target begins the next (the delay).
    """
    return max(network.latency, *own_delays(network).values(), 0)
