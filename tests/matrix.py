"""Run the tests of the core and of Lava on each Python and NumPy: ``make matrix``.

Each cell of the matrix has a virtual environment of its own, ``.venv-3.12-numpy2``. A Python that
is not on this machine is an error: what was not tried has not passed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.environment import ROOT

RESULTS = ROOT / "build" / "matrix"
CORE = "not (torch or norse or onnx or mnist or cuda)"
"""The tests that are run: those of the core and of Lava."""
BRIEF = f"{CORE} and not slow"
"""Those of them that are run where time is short, and each cell its share of them."""


@dataclass(frozen=True)
class Cell:
    """One Python with one NumPy.

    Attributes:
        python: Its version, as in ``python3.12``.
        numpy: The requirement that pip gets.
        name: How the cell is called in the table and on the command line.
    """

    python: str
    numpy: str
    name: str


CELLS = (
    Cell("3.11", "numpy==1.26.*", "3.11-numpy1.26"),
    Cell("3.12", "numpy==1.26.*", "3.12-numpy1.26"),
    Cell("3.12", "numpy>=2", "3.12-numpy2"),
    Cell("3.13", "numpy>=2", "3.13-numpy2"),  # NumPy 1.26 has no wheel for 3.13
)


@dataclass(frozen=True)
class Result:
    """What the tests of one cell said.

    Attributes:
        cell: Which cell.
        versions: Of Python and NumPy, in full.
        summary: How many tests passed, failed and were skipped.
        seconds: From nothing to the end of the tests.
        passed: At least one test ran and none failed.
    """

    cell: Cell
    versions: str
    summary: str
    seconds: float
    passed: bool


def find_python(version: str) -> str | None:
    """Give an interpreter of that version that runs and can make environments, or None."""
    return next((p for p in _candidates(f"python{version}") if _runs(p, version)), None)


def _candidates(name: str) -> Iterator[str]:
    for folder in os.get_exec_path():
        yield str(Path(folder) / name)
    try:
        found = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return
    for path in sorted(Path(found.stdout.strip(), "versions").glob(f"*/bin/{name}")):
        yield str(path)


def _runs(python: str, version: str) -> bool:
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == version


def run_cell(cell: Cell, python: str, lava: str, chosen: Sequence[str]) -> Result:
    """Make the environment of ``cell`` and run the tests in it that pytest's options choose."""
    started = time.monotonic()
    directory = f".venv-{cell.name}"
    installs = [f"-e .[lava,test] '{cell.numpy}'", lava]
    make = [python, "-m", "tests.environment", directory, *installs]
    if subprocess.run(make, cwd=ROOT, check=False).returncode != 0:
        return Result(cell, "", "cannot be installed", time.monotonic() - started, passed=False)
    own = str(ROOT / directory / "bin" / "python")
    code = "import sys, numpy; print(sys.version.split()[0], 'numpy', numpy.__version__)"
    versions = subprocess.run([own, "-c", code], capture_output=True, text=True, check=True).stdout
    print(f"==> {cell.name}: {versions}", end="", flush=True)
    record = RESULTS / f"{cell.name}.xml"
    record.unlink(missing_ok=True)
    tests = [own, "-m", "pytest", "--complete", "-q", f"--junit-xml={record}"]
    tests += ["-n", "auto", "--dist", "loadgroup", *chosen]
    code_of_tests = subprocess.run(tests, cwd=ROOT, check=False).returncode
    summary = summarize(record) if record.exists() else f"pytest ended with {code_of_tests}"
    seconds = time.monotonic() - started
    return Result(cell, versions.strip(), summary, seconds, passed=code_of_tests == 0)


def choice(number: int, cells: int, *, brief: bool) -> list[str]:
    """Give the options of pytest for one of so many cells."""
    if brief:
        return ["-m", BRIEF, f"--share={number}/{cells}"]
    return ["-m", CORE]


def summarize(record: Path) -> str:
    """Count the tests in a JUnit record."""
    suite = next(ET.parse(record).getroot().iter("testsuite"))
    tests, failures, errors, skipped = (
        int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")
    )
    passed = tests - failures - errors - skipped
    return f"{passed} passed, {failures + errors} failed, {skipped} skipped"


def table(results: Iterable[Result]) -> str:
    """Give the results as lines of a table."""
    rows = [("cell", "versions", "tests", "time", "")]
    rows += [
        (r.cell.name, r.versions, r.summary, f"{r.seconds:.0f} s", "ok" if r.passed else "FAILED")
        for r in results
    ]
    return aligned(rows)


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Give rows of text as lines with straight columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main() -> int:
    """Run the named cells, or all of them; give 1 unless every one passed."""
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    names = [cell.name for cell in CELLS]
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"some of {', '.join(names)}")
    parser.add_argument("--lava", required=True, help="arguments of pip install for Lava")
    parser.add_argument(
        "--brief",
        action="store_true",
        help="no slow tests, and each file but those of Lava in one of the cells only",
    )
    options = parser.parse_args()
    if unknown := set(options.cells) - set(names):
        parser.error(f"no such cell: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    cells = [cell for cell in CELLS if not options.cells or cell.name in options.cells]
    pythons = {cell.python: find_python(cell.python) for cell in cells}
    if missing := [version for version, python in pythons.items() if python is None]:
        print(
            f"error: no Python {' and no Python '.join(missing)} that runs on the PATH or in pyenv",
            file=sys.stderr,
        )
        return 1
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = [
        run_cell(cell, python, options.lava, choice(number, len(cells), brief=options.brief))
        for number, cell in enumerate(cells, start=1)
        if (python := pythons[cell.python])
    ]
    print(f"\n{table(results)}")
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
