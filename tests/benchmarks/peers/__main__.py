"""snnc's engine beside other simulators: ``python -m tests.benchmarks.peers``.

Every simulator runs the same network with the same activity in a process and an environment of its
own, on one thread; they take turns, and medians of processor time are compared.
``docs/benchmarks.md`` says what is measured and how.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tests.benchmarks.peers import table
from tests.benchmarks.peers.machine import machine
from tests.benchmarks.peers.networks import SPECS
from tests.benchmarks.peers.rounds import ROOT, Row, Settings, measure
from tests.benchmarks.peers.simulators import SIMULATORS

BATCHES = {"mlp": (1, 64), "cnn": (1, 64)}
"""Numbers of samples at once; the networks without an input have one."""


def arguments(given: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", choices=SIMULATORS, default=list(SIMULATORS), metavar="NAME",
        help=f"simulators, of {', '.join(SIMULATORS)}")  # fmt: skip
    add("--networks", nargs="+", choices=SPECS, default=list(SPECS), metavar="NAME",
        help=f"networks, of {', '.join(SPECS)}")  # fmt: skip
    add("--quick", action="store_true", help="two short rounds: to see that all runs")
    add("--output", type=Path, default=ROOT / "build" / "peers" / "results", metavar="DIR")
    add("--environments", type=Path, default=ROOT / "build" / "peers", metavar="DIR",
        help="where the environments of the simulators are made and kept")  # fmt: skip
    add("--genn-source", type=Path, metavar="DIR", help="GeNN's source; pip has no GeNN")
    add("--page", action="store_true", help="write the tables into docs/benchmarks.md")
    return parser.parse_args(given)


def settings_of(options: argparse.Namespace) -> Settings:
    """Give how to measure."""
    return Settings(
        rounds=2 if options.quick else 7,
        seconds=0.1 if options.quick else 0.5,
        timeout=600.0,
        environments=options.environments,
        genn=options.genn_source,
        say=say,
    )


def say(text: str) -> None:
    """Tell how far the measurement is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main(given: list[str]) -> None:
    """Measure, print a table, and write it and everything measured to files."""
    options = arguments(given)
    options.output.mkdir(parents=True, exist_ok=True)
    settings = settings_of(options)
    found = {"machine": machine(), "quick": options.quick, "rows": []}
    groups: list[list[Row]] = []
    for spec in options.networks:
        for batch in BATCHES.get(spec, (1,)):
            say(f"{spec}, batch {batch}")
            groups.append(measure(spec, batch, options.only, settings))
            found["rows"] += [row.record() for row in groups[-1]]
            (options.output / "results.json").write_text(json.dumps(found, indent=1))
    lines = table.cells(groups)
    print(table.in_terminal(lines))
    (options.output / "table.md").write_text(table.in_markdown(lines) + "\n")
    if options.page:
        table.put_into(ROOT / "docs" / "benchmarks.md", "table", table.in_markdown(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
