"""How many cores and how much traffic partitions have, and how time and memory grow.

    python -m tests.benchmarks.mapping [named] [sheet] [scale] [mtkahypar]

Without an argument the first three; each network of ``scale`` is one process, so that memory is its
own. ``mtkahypar`` compares who cuts the sheet, which takes minutes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.bounds import lower_bound
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.metis import cut_graph
from snnc.compiler.mapping.partition import partition
from snnc.compiler.mapping.partitioners import Partitioner, Way
from snnc.compiler.mapping.place import place
from snnc.compiler.mapping.regions import Listed
from snnc.compiler.mapping.traffic import flows, km1
from snnc.compiler.operators import FixedSparse
from snnc.targets.hardware.load import load_hardware
from tests.benchmarks.mapping.networks import convolutional, layered, mlp, oxford, pilotnet, sheet

SIZES = (100_000, 1_000_000, 10_000_000)
COLUMNS = ("network", "neurons", "cores", "at least", "flows", "partition s", "place s", "MiB")
"""Seconds are those of the processor."""
NEURONS = 128
"""Of a core, for the sheet: the rest is Loihi."""


@dataclass(frozen=True)
class _Core:
    parts: Sequence[Part]


def named() -> None:
    """Count the cores of networks that others have counted."""
    print(
        *(f"{name:>22}" for name in ("network", "hardware", "cores", "at least", "published", "s"))
    )
    for make, hardware, published in (
        (mlp, "loihi1", "3 (NxTF)"),
        (mlp, "loihi2-nxcompiler", "5 (Intel)"),
        (oxford, "loihi1", "2 (NxTF)"),
        (oxford, "loihi2-nxcompiler", "5 (Intel)"),
        (pilotnet, "loihi2-nxcompiler", "74 (Intel)"),
        (pilotnet, "loihi1", ""),
    ):
        network, described = make(), load_hardware(hardware)
        begin = time.perf_counter()
        cores = len(partition(network, described))
        taken = f"{time.perf_counter() - begin:.2f}"
        cells = (make.__name__, hardware, cores, lower_bound(network, described), published, taken)
        print(*(f"{cell:>22}" for cell in cells))


def sheet_rows() -> None:
    """Compare the traffic of 10,000 neurons with that of plain ways to cut them."""
    network, rates = sheet()
    (operator,) = network.projections[0].operators
    assert isinstance(operator, FixedSparse)
    n = rates.size
    print(f"pins {operator.weight.size + n}")
    described = load_hardware("loihi1")
    cores = Limit(NEURONS, "the benchmark", Certainty.CHOSEN)
    for hardware in (replace(described, neurons=cores), described):
        begin = time.perf_counter()
        ours = partition(network, hardware, rates={"sheet": rates})
        taken = time.perf_counter() - begin
        k, most = len(ours), hardware.neurons.value
        results = {
            "rows": _traffic(network, rates, np.arange(n) // most),
            "METIS alone": _traffic(network, rates, _metis(operator, rates, k, most)),
            "partition": km1(flows(network, ours, {"sheet": rates})),
        }
        least = lower_bound(network, hardware)
        print(f"{k} cores of {most} neurons (at least {least}), {taken:.2f} s")
        for name, value in results.items():
            print(f"{name:>14} {value:10.2f} {value / results['rows']:8.3f} of rows")


def partitioners() -> None:
    """Compare METIS with Mt-KaHyPar on the sheet."""
    network, rates = sheet()
    described = load_hardware("loihi1")
    hardware = replace(described, neurons=Limit(NEURONS, "the benchmark", Certainty.CHOSEN))
    rows = _traffic(network, rates, np.arange(rates.size) // NEURONS)
    print(*(f"{name:>12}" for name in ("who", "cores", "km1", "of rows", "CPU s")))
    for partitioner in Partitioner:
        begin = time.process_time()
        cores = partition(network, hardware, rates={"sheet": rates}, way=Way(0, partitioner))
        taken = time.process_time() - begin
        value = km1(flows(network, cores, {"sheet": rates}))
        row = (partitioner, len(cores), f"{value:.2f}", f"{value / rows:.3f}", f"{taken:.1f}")
        print(*(f"{cell:>12}" for cell in row), flush=True)


def _metis(
    operator: FixedSparse, rates: npt.NDArray[np.float64], k: int, most: int
) -> npt.NDArray[np.int64]:
    from scipy import sparse

    source, n = operator.source, rates.size
    graph: Any = sparse.csr_array((rates[source], (source, operator.target)), (n, n))
    return cut_graph((graph + graph.T).tocsr(), k, np.full(n, 1 / most), 0)


def _traffic(
    network: FixedNetwork, rates: npt.NDArray[np.float64], block: npt.NDArray[np.int64]
) -> float:
    groups = [np.flatnonzero(block == b) for b in np.unique(block)]
    cores = [_Core([Part("sheet", Listed(group))]) for group in groups]
    return km1(flows(network, cores, {"sheet": rates}))


def scale() -> None:
    """Partition and place larger and larger networks, each in a process of its own."""
    print(*(f"{name:>16}" for name in COLUMNS))
    for kind in ("convolutional", "layered"):
        for n in SIZES:
            command = [sys.executable, "-m", "tests.benchmarks.mapping", "one", kind, str(n)]
            subprocess.run(command, check=True)


def one(kind: str, n: int) -> None:
    """Partition and place one network and print a row; flows belong to the partition."""
    network = _network(kind, n)
    hardware = _large(load_hardware("loihi1"))
    before = _memory()
    begin = time.process_time()
    cores = partition(network, hardware)
    sent = flows(network, cores, {})
    middle = time.process_time()
    place(sent, len(cores), hardware, 0)
    end = time.process_time()
    neurons = sum(p.size for p in network.populations)
    cells = (kind, neurons, len(cores), lower_bound(network, hardware), sent.rate.size)
    times = (f"{middle - begin:.1f}", f"{end - middle:.1f}")
    row = (*cells, *times, f"{_memory() - before:.0f}")
    print(*(f"{cell:>16}" for cell in row), flush=True)


def _network(kind: str, n: int) -> FixedNetwork:
    """Give ``n`` neurons; layers have 1000, those of a convolution grow."""
    return convolutional(n) if kind == "convolutional" else layered([1000] * (n // 1000 + 1))


def _large(hardware: Hardware) -> Hardware:
    return replace(hardware, chips=Limit(10**6, "the benchmark", Certainty.CHOSEN))


def _memory() -> float:
    """Give the largest memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["one", kind, n]:
            one(kind, int(n))
        case names:
            for name, run in (("named", named), ("sheet", sheet_rows), ("scale", scale)):
                if not names or name in names:
                    run()
            if "mtkahypar" in names:
                partitioners()
