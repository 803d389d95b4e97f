"""What quantizing costs as weights grow: ``python -m tests.benchmarks.quantize [COUNT ...]``.

One dense layer of so many weights, 1, 10 and 100 million unless told otherwise. The unit of time is
one pass over its data in NumPy, ``np.rint(w * s).astype(np.int8)``, in the same process; that of
memory is the data themselves, 4 bytes a weight. Seconds are of the processor, one thread; memory is
what a process takes at its peak beyond what it had before, which is the network.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc import compile as snnc_compile
from snnc.compiler.network import Integration
from snnc.compiler.quantization.quantize import quantize
from tests.builders import affine, chain, lif, network, population, projection

COUNTS = (10**6, 10**7, 10**8)
REPEATS = 3
"""Runs of each, of which the fastest counts: the others waited for memory or for other work."""


def weights(count: int) -> npt.NDArray[np.float32]:
    """Give a square matrix of about so many weights."""
    n = isqrt(count)
    values = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
    values /= np.float32(n**0.5)
    return values


def a_quantization(w: npt.NDArray[np.float32], **fields: Any) -> Callable[[], object]:
    """Give what quantizes one layer."""
    net = network([population("lif", len(w), **fields)], [projection("x", "lif", w)])
    return lambda: quantize(net)


def a_compilation(w: npt.NDArray[np.float32]) -> Callable[[], object]:
    """Give what compiles one layer: from NIR to integers, checked, with an account."""
    n = len(w)
    graph = chain(affine(w, np.zeros(n)), lif(n), n=n)
    return lambda: snnc_compile(graph, "integer", dt=1e-3, dialect="nir", reset="zero")


KINDS: dict[str, Callable[[npt.NDArray[np.float32]], Callable[[], object]]] = {
    "quantize": lambda w: a_quantization(w, decay=0.9),
    "quantize, with a gain": lambda w: a_quantization(w, integration=Integration.EULER),
    "compile": a_compilation,
}


def fastest(work: Callable[[], object]) -> float:
    """Give the least seconds of the processor that ``work`` took."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def measure(kind: str, count: int) -> tuple[float, float, float]:
    """Give seconds, passes that take as long, and memory as a multiple of the data.

    Args:
        kind: One of ``KINDS``.
        count: Weights.
    """
    KINDS[kind](weights(100))()  # loads what is imported late
    w = weights(count)
    work = KINDS[kind](w)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = fastest(work)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    one_pass = fastest(lambda: np.rint(w * np.float32(100)).astype(np.int8))
    return seconds, seconds / one_pass, (after - before) * 1024 / w.nbytes


def main(arguments: list[str]) -> None:
    """Measure each kind and count in a process of its own."""
    if arguments[:1] == ["--child"]:
        kind, count = arguments[1], int(arguments[2])
        seconds, passes, memory = measure(kind, count)
        print(
            f"{kind:22} {count / 1e6:6g} M weights: {seconds:6.2f} s, "
            f"{passes:5.1f} passes, {memory:4.2f} of the data"
        )
        return
    for kind in KINDS:
        for count in map(int, arguments or COUNTS):
            command = [sys.executable, "-m", "tests.benchmarks.quantize", "--child", kind]
            alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            subprocess.run([*command, str(count)], env=alone, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
