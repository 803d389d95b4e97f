"""Lay random networks out over cores of random hardware: ``python -m tests.fuzz_mapping 1000``.

The checker, which counts every limit anew, finds none broken, and what the parts compute on the
engine is what the reference computes of the whole network, bit by bit. What fails is made as small
as can be, and printed with the command that finds it again. The exit code is then 1.
"""

from __future__ import annotations

import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from hypothesis import HealthCheck, given, seed, settings

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.checker import check_mapped
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.join import joined
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import integers_for
from tests.drawn.laid_out import laid_out, pairs
from tests.drawn.numbers import SEEDS
from tests.fuzzing import Chunk, Nightly
from tests.targets.cpu.equality import SIGNALS


def mapped_as_it_should_be(fixed: FixedNetwork, hardware: Hardware, number: int) -> tuple[int, int]:
    """Lay a network out, check it and run its parts.

    Args:
        fixed: The network.
        hardware: What it is laid out on.
        number: Seed of what enters.

    Returns:
        Cores, none where it does not fit, and values that were compared.

    Raises:
        AssertionError: A limit is broken, or a value differs.
    """
    mapped = laid_out(fixed, hardware)
    if mapped is None:
        return 0, 0
    assert [*map(str, check_mapped(mapped))] == []
    parts = cut(mapped)
    longest = max((q.delay for q in fixed.projections), default=1)
    x = integers_for(fixed, steps=4 + longest, batch=1, seed=number)
    whole = execute(fixed, x)
    record = dict.fromkeys(SIGNALS, tuple(p.name for p in parts.populations))
    found = Engine(parts).run(x, record, 1, no_progress)
    values = 0
    for signal in SIGNALS:
        together = joined(found[signal], mapped)
        for name, wanted in getattr(whole, signal).items():
            assert np.array_equal(together[name].reshape(wanted.shape), wanted), (signal, name)
            values += wanted.size
    return len(mapped.cores), values


def compare(number: int, count: int) -> Chunk:
    """Lay out the first ``count`` networks of a seed."""
    chunk = Chunk(number, count)

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(pairs(), SEEDS)
    def check(pair: tuple[FixedNetwork, Hardware], number: int) -> None:
        cores, values = mapped_as_it_should_be(*pair, number)
        cored = f"on {cores} cores" if 0 < cores < 5 else "on 5 cores or more"
        chunk.seen.update(["networks", cored if cores else "do not fit"])
        chunk.seen["values"] += values

    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        chunk.failure = "".join(traceback.format_exception(error)).strip()
    return chunk


NIGHTLY = Nightly(
    "tests.fuzz_mapping",
    __doc__,
    compare,
    100,
    lambda jobs: ProcessPoolExecutor(jobs, get_context("spawn")),
)

if __name__ == "__main__":
    sys.exit(NIGHTLY.main())
