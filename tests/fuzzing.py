"""What the nightly commands share: chunks of random networks, counted, and what differs told."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field


@dataclass
class Chunk:
    """What came of the networks of one seed.

    Attributes:
        number: Of the seed.
        count: Networks that were asked for.
        seen: ``networks`` and ``values`` that were compared, and networks by what they hold, by
            what happened in them and by who executed them.
        failure: The smallest network that differs, and how; empty where none does.
    """

    number: int
    count: int
    seen: Counter[str] = field(default_factory=Counter[str])
    failure: str = ""


Compare = Callable[[int, int], Chunk]
"""Compares the first networks, so many, of a seed."""


@dataclass(frozen=True)
class Nightly:
    """A command that compares random networks.

    Attributes:
        module: Its name.
        summary: What ``--help`` says: the text of the module.
        compare: What it does.
        size: Networks that are drawn from one seed.
        pool: Makes what runs so many chunks beside each other.
    """

    module: str
    summary: str | None
    compare: Compare
    size: int
    pool: Callable[[int], Executor]

    def chunks(self, count: int, first: int, jobs: int) -> Iterator[Chunk]:
        """Compare ``count`` networks, ``jobs`` chunks at a time; end with the first that differs.

        Args:
            count: Networks in all.
            first: Seed of the first chunk, from which all others follow.
            jobs: Chunks beside each other.

        Yields:
            Each chunk as it is done.
        """
        numbers = random.Random(first)
        parts = [min(self.size, count - done) for done in range(0, count, self.size)]
        seeds = [first, *(numbers.randrange(2**32) for _ in parts[1:])]
        with self.pool(jobs) as pool:
            pairs = zip(seeds, parts, strict=True)
            futures = [pool.submit(self.compare, number, part) for number, part in pairs]
            for future in as_completed(futures):
                yield future.result()
                if future.result().failure:
                    pool.shutdown(cancel_futures=True)
                    return

    def main(self, arguments: list[str] | None = None) -> int:
        """Compare, tell what was seen, and give the exit code: 1 where anything differs."""
        parser = argparse.ArgumentParser(description=self.summary)
        add = parser.add_argument
        add("count", type=int, nargs="?", default=300, help="networks in all")
        add("--seed", type=int, default=int(time.time()), help="of the first chunk")
        add("--jobs", type=int, default=2, help="processes beside each other")
        options = parser.parse_args(arguments)
        print(f"{options.count} networks from seed {options.seed} on", flush=True)
        begin, seen = time.monotonic(), Counter[str]()
        for chunk in self.chunks(options.count, options.seed, options.jobs):
            if chunk.failure:
                again = f"python -m {self.module} {chunk.count} --seed {chunk.number} --jobs 1"
                print(f"\n{chunk.failure}\n\nAgain: {again}")
                return 1
            seen += chunk.seen
            done = f"{seen['networks']:7} networks, {seen['values']:13,} values, 0 differ"
            print(f"{done}, {time.monotonic() - begin:5.0f} s", flush=True)
        for name, number in sorted(seen.items(), key=lambda item: -item[1]):
            print(f"{number:13,} {name}")
        return 0
