"""What it costs to refuse each malformed file: ``python -m tests.benchmarks.malformed [NAME]``.

Each should take 2 s and 256 MiB at most, the start of the process that reads included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from snnc.compiler.diagnostics import InputError
from snnc.frontends.nir.file import read_nir
from tests.frontends.nir.malformed import CASES, make_file


def measure(name: str, path: Path) -> str:
    """Read the file of a case that another process has made."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    code = "accepted"
    try:
        read_nir(path)
    except InputError as error:
        code = error.diagnostics[0].rule.code
    seconds = time.perf_counter() - started
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (
        f"{seconds:5.2f} s {here >> 10:4} MiB here {child >> 10:4} MiB in the child  {code}  {name}"
    )


def main() -> None:
    """Measure all, each in a process of its own."""
    if len(sys.argv) == 3:
        print(measure(sys.argv[1], Path(sys.argv[2])))
        return
    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "a.nir"
            make_file(name, path)
            command = [sys.executable, "-m", "tests.benchmarks.malformed", name, str(path)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
