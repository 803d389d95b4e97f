"""How long a chain of 10,000 nodes takes to load: ``python -m tests.benchmarks.nir_chain``.

It should stay under 10 s and 300 MiB, the process that reads the file counted by itself.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nir
import numpy as np

from snnc.frontends.nir.file import read_nir, write_nir
from tests.frontends.graphs import chain, input_of, lif, output_of, reals

NODES = 10_000
SIZE = 4
"""Neurons of each population."""


def long_chain(count: int) -> nir.NIRGraph:
    """A chain of ``count`` nodes, weights and neurons in turn."""
    nodes: list[tuple[str, nir.NIRNode]] = [("input", input_of(SIZE))]
    for number in range(count // 2):
        weight = np.eye(SIZE, dtype=np.float32)
        nodes.append((f"fc{number}", nir.Affine(weight=weight, bias=reals(SIZE))))
        nodes.append((f"lif{number}", lif(SIZE)))
    return chain(*nodes, ("output", output_of(SIZE)))


def _read(path: str, *, trust: bool) -> None:
    started = time.perf_counter()
    nodes = len(read_nir(path, trust=trust).nodes)
    seconds = time.perf_counter() - started
    here, child = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    busy = here.ru_utime + here.ru_stime + child.ru_utime + child.ru_stime
    how = "in this process" if trust else f"child {child.ru_maxrss >> 10} MiB"
    print(
        f"{nodes} nodes, {Path(path).stat().st_size >> 20} MiB: {seconds:.1f} s, "
        f"{busy:.1f} s of processor time, {here.ru_maxrss >> 10} MiB, {how}"
    )


def main() -> None:
    """Measure each way in a process of its own."""
    if len(sys.argv) == 3:
        _read(sys.argv[1], trust=sys.argv[2] == "trust")
        return
    graph = long_chain(NODES)
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = Path(directory) / "snnc.nir", Path(directory) / "nir.nir"
        started = time.perf_counter()
        write_nir(graph, ours)
        print(f"written in {time.perf_counter() - started:.1f} s")
        nir.write(theirs, graph)
        for path in (ours, theirs):
            for how in ("child", "trust"):
                command = [sys.executable, "-m", "tests.benchmarks.nir_chain", str(path), how]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
