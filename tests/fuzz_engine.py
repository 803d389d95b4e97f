"""Run random networks on the engine, bit by bit: ``python -m tests.fuzz_engine 10000 --seed 1``.

Whatever ``tests/targets/cpu/equality.py`` lists as an executor is compared with the reference.
Where one differs the network is made as small as can be, and printed with the command that finds it
again. The exit code is then 1.
"""

from __future__ import annotations

import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hypothesis import HealthCheck, given, seed, settings

from snnc.compiler.fixed import FixedNetwork
from tests.drawn.features import features, happenings
from tests.fuzzing import Chunk, Nightly
from tests.targets.cpu.equality import Array, assert_equal, integer_runs


def compare(number: int, count: int) -> Chunk:
    """Compare the first ``count`` networks of a seed with the reference."""
    chunk = Chunk(number, count)

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(integer_runs())
    def check(drawn: tuple[FixedNetwork, dict[str, Array]]) -> None:
        ways, wanted = assert_equal(*drawn)
        chunk.seen.update(["networks", *ways])
        chunk.seen.update(features(drawn[0]) | set(happenings(drawn[0], wanted)))
        chunk.seen["values"] += len(ways) * sum(a.size for s in wanted.values() for a in s.values())

    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        chunk.failure = "".join(traceback.format_exception(error)).strip()
    return chunk


NIGHTLY = Nightly(
    "tests.fuzz_engine",
    __doc__,
    compare,
    250,
    lambda jobs: ProcessPoolExecutor(jobs, get_context("spawn")),
)

if __name__ == "__main__":
    sys.exit(NIGHTLY.main())
