"""Run random networks on Lava, bit by bit against the oracle: ``python -m tests.fuzz_lava 10000``.

Networks are drawn anew with each seed, in chunks, one after the other. Where one differs it is made
as small as can be, and printed with the command that finds it again. The exit code is then 1.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from snnc.targets.lava.runner.orphans import PR_SET_PDEATHSIG
from tests.drawn.deployed import Run, runs
from tests.drawn.features import features, happenings
from tests.fuzzing import Chunk, Nightly
from tests.targets.lava.equality import assert_equal_somehow
from tests.targets.lava.forked import Forks


def compare(number: int, count: int) -> Chunk:
    """Compare the first ``count`` networks of a seed with the oracle."""
    chunk = Chunk(number, count)

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(runs(), st.data())
    def check(run: Run, data: st.DataObject) -> None:
        forms, wanted = assert_equal_somehow(run, data)
        values = len(forms) * sum(a.size for s in wanted.values() for a in s.values())
        chunk.seen.update(["networks", *(f"form {form}" for form in forms)])
        chunk.seen.update(features(run.network) | set(happenings(run.network, wanted)))
        chunk.seen["values"] += values

    with Forks() as forks, forks.installed():
        try:
            check()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
            chunk.failure = "".join(traceback.format_exception_only(error)).strip()
    return chunk


def _end_with_parent() -> None:
    """Let a worker end when this command is killed (prctl(2); Linux alone has it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), _end_with_parent)


NIGHTLY = Nightly("tests.fuzz_lava", __doc__, compare, 100, _pool)

if __name__ == "__main__":
    sys.exit(NIGHTLY.main())
