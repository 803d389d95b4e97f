"""Run random networks on the engine, bit by bit: ``python -m tests.fuzz_engine 10000 --seed 1``.

Whatever ``tests/targets/cpu/equality.py`` lists as an executor is compared with the reference.
Where one differs the network is made as small as can be, and printed with the command that finds it
again. The exit code is then 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from hypothesis import HealthCheck, given, seed, settings

from snnc.compiler.fixed import FixedNetwork
from tests.drawn.features import features, happenings
from tests.targets.cpu.equality import Array, assert_equal, integer_runs

CHUNK = 250
"""Networks that are drawn from one seed."""
Result = tuple[int, int, Counter[str], str]
"""Seed, networks that were asked for, how many there were of each kind, and what differs."""


def compare(number: int, count: int) -> Result:
    """Compare the first ``count`` networks of a seed with the reference."""
    seen = Counter[str]()

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
        seen.update(["networks", *ways])
        seen.update(features(drawn[0]) | set(happenings(drawn[0], wanted)))
        seen["values"] += len(ways) * sum(a.size for s in wanted.values() for a in s.values())

    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        return number, count, seen, "".join(traceback.format_exception(error)).strip()
    return number, count, seen, ""


def results(count: int, first: int, jobs: int) -> Iterator[Result]:
    """Compare ``count`` networks, ``jobs`` chunks at a time; end with the first that differs."""
    numbers = random.Random(first)
    parts = [min(CHUNK, count - done) for done in range(0, count, CHUNK)]
    seeds = [first, *(numbers.randrange(2**32) for _ in parts[1:])]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = [pool.submit(compare, n, part) for n, part in zip(seeds, parts, strict=True)]
        for future in as_completed(futures):
            yield future.result()
            if future.result()[-1]:
                pool.shutdown(cancel_futures=True)
                return


def main(arguments: list[str] | None = None) -> int:
    """Compare, tell what was seen, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=300, help="networks in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first chunk")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside each other")
    options = parser.parse_args(arguments)
    print(f"{options.count} networks from seed {options.seed} on", flush=True)
    begin, seen = time.monotonic(), Counter[str]()
    for number, count, counts, failure in results(options.count, options.seed, options.jobs):
        if failure:
            print(f"\n{failure}\n\nAgain: python -m tests.fuzz_engine {count} --seed {number}")
            return 1
        seen += counts
        done = f"{seen['networks']:7} networks, {seen['values']:13,} values, 0 differ"
        print(f"{done}, {time.monotonic() - begin:5.0f} s", flush=True)
    for name, number in sorted(seen.items(), key=lambda item: -item[1]):
        print(f"{number:13,} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
