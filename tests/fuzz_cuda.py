"""Run random networks on the emulated GPU, bit by bit: ``python -m tests.fuzz_cuda 10000``.

Each is computed by the reference, by the native engine, by the kernels as g++ builds them and by
the PTX that NVRTC makes of them, the last two through the whole host path on a stand-in for the
driver.
Where one differs the network is made as small as can be, and printed with the command that finds it
again. The exit code is then 1. Needs ``snnc[cuda]`` and g++, and no GPU.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.targets.cuda import driver

CHUNK = 250
"""Networks that are drawn from one seed, in a process of their own."""
Result = tuple[int, int, Counter[str], str]
"""Seed, networks that were asked for, how many there were of each kind, and what is wrong."""


def compare(number: int, count: int) -> Result:
    """Compare the first ``count`` networks of a seed with the reference."""
    module = "tests.targets.cuda.emulated"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module, str(count), "--seed", str(number)]
        ended = driver.run(command, Path(folder), driver.cached(), capability=75)
    if ended.code != 0 or ended.report is None:
        return number, count, Counter(), f"{ended.out}\n{ended.err}".strip()
    return number, count, Counter(json.loads(ended.out)["seen"]), "\n".join(ended.report.wrong)


def results(count: int, first: int, jobs: int) -> Iterator[Result]:
    """Compare ``count`` networks, ``jobs`` chunks at a time; end with the first that differs."""
    numbers = random.Random(first)
    parts = [min(CHUNK, count - done) for done in range(0, count, CHUNK)]
    seeds = [first, *(numbers.randrange(2**32) for _ in parts[1:])]
    with ThreadPoolExecutor(jobs) as pool:
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
            print(f"\n{failure}\n\nAgain: python -m tests.fuzz_cuda {count} --seed {number}")
            return 1
        seen += counts
        done = f"{seen['networks']:7} networks, {seen['values']:13,} values, 0 differ"
        print(f"{done}, {time.monotonic() - begin:5.0f} s", flush=True)
    for name, number in sorted(seen.items(), key=lambda item: -item[1]):
        print(f"{number:13,} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
