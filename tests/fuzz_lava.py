"""Run random networks on Lava, bit by bit against the oracle: ``python -m tests.fuzz_lava 10000``.

Networks are drawn anew with each seed, in chunks, one after the other. Where one differs it is made
as small as can be, and printed with the command that finds it again. The exit code is then 1.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from snnc.targets.lava.runner.orphans import PR_SET_PDEATHSIG
from tests.drawn.deployed import Run, runs
from tests.drawn.features import features, happenings
from tests.targets.lava.equality import assert_equal_somehow
from tests.targets.lava.forked import Forks

CHUNK = 100
"""Networks that are drawn from one seed."""


@dataclass
class Chunk:
    """What came of the networks of one seed.

    Attributes:
        number: Of the seed.
        count: Networks that were asked for.
        networks: That were compared, those of shrinking not counted.
        counts: Networks by form, by what they hold and by what happened in them.
        values: Spikes, ``u`` and ``v`` that were compared.
        failure: The smallest network that differs, and how; empty where none does.
    """

    number: int
    count: int
    networks: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    values: int = 0
    failure: str = ""


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
        chunk.networks += 1
        chunk.counts.update(f"form {form}" for form in forms)
        chunk.counts.update(features(run.network) | set(happenings(run.network, wanted)))
        chunk.values += len(forms) * sum(a.size for s in wanted.values() for a in s.values())

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


def chunks(count: int, first: int, jobs: int) -> Iterator[Chunk]:
    """Compare ``count`` networks, ``jobs`` at a time; give each chunk as it is done."""
    numbers = random.Random(first)
    parts = [min(CHUNK, count - done) for done in range(0, count, CHUNK)]
    seeds = [first, *(numbers.randrange(2**32) for _ in parts[1:])]
    with ProcessPoolExecutor(jobs, get_context("spawn"), _end_with_parent) as pool:
        futures = [pool.submit(compare, n, part) for n, part in zip(seeds, parts, strict=True)]
        for future in as_completed(futures):
            yield future.result()
            if future.result().failure:
                pool.shutdown(cancel_futures=True)
                return


def main() -> int:
    """Compare, tell what was seen, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=300, help="networks in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first chunk")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside each other")
    options = parser.parse_args()
    print(f"{options.count} networks from seed {options.seed} on", flush=True)
    begin, seen = time.monotonic(), Chunk(options.seed, options.count)
    for chunk in chunks(options.count, options.seed, options.jobs):
        seen.networks += chunk.networks
        seen.values += chunk.values
        seen.counts += chunk.counts
        if chunk.failure:
            print(f"\n{chunk.failure}\n\nAgain: python -m tests.fuzz_lava {chunk.count}", end=" ")
            print(f"--seed {chunk.number} --jobs 1")
            return 1
        print(f"{seen.networks:7} networks, {seen.values:11,} values, 0 differ", end="")
        print(f", {time.monotonic() - begin:5.0f} s", flush=True)
    for name, number in sorted(seen.counts.items(), key=lambda item: -item[1]):
        print(f"{number:7} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
