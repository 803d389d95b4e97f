"""How near the engine comes to what the machine can do, measured by ``probes.cpp``.

For one step of one sample, with ``events`` the synapses that spikes reach and ``products`` the
weights of all layers, each limit is a time:

* ``adds``: events over the rate of ``row_adds``, or of ``pair_adds`` where all weights are so
  narrow that a sum of two fits a byte; where synapses are sparse, over that of ``scatter_adds``, or
  as whole rows, zeros among them, over one of those two: what is less;
* ``dots``: products over the rate of ``dot_products``, where layers are dense or convolutional;
* ``reads``: bytes of the weights of all events over the read bandwidth of the smallest memory that
  holds all weights; nothing for a batch, which can read them once for all samples;
* ``neurons``: neurons over the rate of ``neuron_steps``.

The least time is ``max(min(adds, dots), reads) + neurons``, and its inverse is the bound.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from math import inf, prod
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.networks import (
    INPUT,
    Convolution,
    Dense,
    Network,
    Sparse,
    Weights,
    network,
)
from tests.benchmarks.peers.rounds import Row
from tests.benchmarks.peers.simulators import ENGINE, REFERENCE

SOURCE = Path(__file__).with_name("probes.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-mprefer-vector-width=512")
USUAL = {"L1": "32K", "L2": "1024K", "L3": "32768K"}
DRAM_BYTES = 2**28
SPARSE_BYTES = 3
"""Of a synapse in a list: a target of 16 bits, and a weight."""

Limits = dict[str, float]


@dataclass(frozen=True)
class Bound:
    """What a network can reach.

    Attributes:
        events: Synapses that the spikes of a step reach.
        products: Weights of dense and convolutional layers, as often as they are multiplied.
        neurons: Neurons.
        seconds: Least time of a step of one sample, by part.
        steps_s: Steps of one sample a second, at most.
        by: The part that takes longest.
    """

    events: float
    products: int
    neurons: int
    seconds: dict[str, float]
    steps_s: float
    by: str


def compiled(folder: Path) -> Path:
    """Compile the probes into ``folder``, and give the program.

    Raises:
        OSError: There is no compiler.
        CalledProcessError: It failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "probes"
    command = ["g++", *FLAGS, str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True)
    return program


def probed(program: Path, caches: dict[str, str]) -> Limits:
    """Run the probes on blocks that fit each cache."""
    sizes = USUAL | caches
    blocks = [_bytes(sizes[level]) // part for level, part in (("L1", 2), ("L2", 2), ("L3", 4))]
    command = [str(program), *map(str, (*blocks, DRAM_BYTES))]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    limits: Limits = json.loads(said)
    return limits


def best(all_limits: list[Limits]) -> Limits:
    """Give the largest of each."""
    return {name: max(limits[name] for limits in all_limits) for name in all_limits[0]}


def _bytes(size: str) -> int:
    """Read a size as Linux writes it."""
    return int(size.rstrip("KM")) << {"K": 10, "M": 20}.get(size[-1], 0)


def connections(weights: Weights, shape: tuple[int, ...]) -> int:
    """Give the number of synapses, zeros among them; a convolution's as it is written."""
    match weights:
        case Dense(weight) | Sparse(_, weight):
            return int(weight.size)
        case Convolution(weight):
            k = int(weight.shape[2])
            return int(weight.size) * prod(extent - k + 1 for extent in shape[1:])


def bound_of(
    net: Network, batch: int, rates: dict[str, float], limits: Limits, caches: dict[str, str]
) -> Bound:
    """Give what ``net`` can reach where populations spike at ``rates``."""
    sources = [INPUT, *(p.name for p in net.populations)]
    if net.x is None:
        sources = sources[1:]
    counts = [connections(w, s) for w, s in zip(net.weights, net.shapes, strict=True)]
    events = sum(rates[name] * count for name, count in zip(sources, counts, strict=False))
    neurons = sum(p.size for p in net.populations)
    sparse = isinstance(net.weights[0], Sparse)
    near = min((1000, 10_000, 100_000), key=lambda n: abs(n - neurons))
    held = sum(_weight_bytes(w) for w in net.weights)
    dots = 0.0 if sparse else limits["dot_products"]
    row_adds = limits["pair_adds" if _is_narrow(net) else "row_adds"]
    adds, read = events / row_adds, events
    if sparse:
        spikes = sum(rates[name] * prod(s) for name, s in zip(sources, net.shapes, strict=False))
        in_rows = spikes * neurons
        adds = min(events / limits[f"scatter_adds_{near}"], in_rows / row_adds)
        read = min(events * SPARSE_BYTES, in_rows)
    seconds = {
        "adds": adds,
        "dots": sum(counts) / dots if dots else inf,
        "reads": 0.0
        if batch > 1 or isinstance(net.weights[0], Convolution)
        else read / limits[_place(held, caches)],
        "neurons": neurons / limits[f"neuron_steps_{near}"],
    }
    work = "adds" if seconds["adds"] <= seconds["dots"] else "dots"
    by = "reads" if seconds["reads"] > seconds[work] else work
    return Bound(
        events=events,
        products=0 if sparse else sum(counts),
        neurons=neurons,
        seconds=seconds,
        steps_s=1 / (seconds[by] + seconds["neurons"]),
        by="neurons" if seconds["neurons"] > seconds[by] else by,
    )


def _is_narrow(net: Network) -> bool:
    """Say whether a sum of two weights, each counted from the least of its layer, fits a byte."""
    return all(2 * (int(w.weight.max()) - int(w.weight.min())) <= 255 for w in net.weights)


def _weight_bytes(weights: Weights) -> int:
    return weights.weight.size * (SPARSE_BYTES if isinstance(weights, Sparse) else 1)


def _place(held: int, caches: dict[str, str]) -> str:
    """Name the read bandwidth of the smallest memory that holds so many bytes."""
    for level, size in (USUAL | caches).items():
        if held <= _bytes(size):
            return f"read_{level}"
    return "read_DRAM"


HEADER = ["network", "batch", "bound, steps/s", "by", "events", "dot products", "snnc", "share"]


def roofline(
    groups: list[list[Row]], limits: Limits, caches: dict[str, str]
) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """Set the engine of each network beside its bound: lines of a table, and records."""
    lines, records = [HEADER], list[dict[str, Any]]()
    for rows in groups:
        by_name = {row.simulator: row for row in rows if not row.reason}
        if not {ENGINE, REFERENCE} <= set(by_name):
            continue
        row = by_name[ENGINE]
        rates = by_name[REFERENCE].rates
        bound = bound_of(network(row.network), row.batch, rates, limits, caches)
        reached = (row.steps_s or 0.0) * row.batch
        lines.append(
            [
                row.network,
                str(row.batch),
                f"{bound.steps_s:,.0f}",
                bound.by,
                f"{bound.events:,.0f}",
                f"{bound.products:,}",
                f"{reached:,.0f}",
                f"{reached / bound.steps_s:.0%}",
            ]
        )
        own = {"network": row.network, "batch": row.batch, "reached_steps_s": reached}
        records.append(own | asdict(bound))
    return lines, records


def limit_lines(limits: Limits) -> list[list[str]]:
    """Give the measured limits as lines of a table."""
    return [["limit", "in 10^9 a second"], *([n, f"{v / 1e9:.3g}"] for n, v in limits.items())]
