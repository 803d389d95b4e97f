"""How long ``snnc --help`` takes: ``python -m tests.benchmarks.start``.

It should stay under 0.3 s on a machine with two cores that does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import time

REPEATS = 10


def measure(*arguments: str) -> list[float]:
    """Give the seconds of each of ``REPEATS`` runs, shortest first."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)


if __name__ == "__main__":
    commands = {"python -c pass": ("-c", "pass"), "snnc --help": ("-m", "snnc", "--help")}
    for name, arguments in commands.items():
        times = measure(*arguments)
        print(f"{name:15} {times[0]:.3f} s at best, {times[REPEATS // 2]:.3f} s in the middle")
