"""snnc's engine beside other simulators: ``python -m tests.benchmarks.peers``.

Every simulator runs the same network with the same activity in a process and an environment of its
own, on one thread; they take turns, and medians of processor time are compared. Then the engine is
set beside what the machine can do, and its speed is drawn over the size of networks.
``docs/benchmarks.md`` says what is measured and how.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import growth, roofline, table, whole
from tests.benchmarks.peers.environments import NotAvailable
from tests.benchmarks.peers.machine import machine
from tests.benchmarks.peers.networks import SPECS
from tests.benchmarks.peers.rounds import ROOT, Row, Settings, measure
from tests.benchmarks.peers.simulators import SIMULATORS

BATCHES = {"mlp": (1, 64), "cnn": (1, 64)}
"""Numbers of samples at once; the networks without an input have one."""
QUICK = {
    "sparse-10k": "random:neurons=10000,steps=100",
    "sparse-100k": "random:neurons=100000,steps=20",
}
"""What stands for networks whose runs are long."""
PARTS = ("peers", "roofline", "whole", "growth")
PAGE = ROOT / "docs" / "benchmarks.md"
DRAWING = "benchmarks_growth.svg"


def arguments(given: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers",
        description=(__doc__ or "").partition("\n\n")[2],
    )
    add = parser.add_argument
    names = ", ".join(SIMULATORS)
    add("--only", nargs="+", choices=SIMULATORS, default=list(SIMULATORS), metavar="NAME",
        help=f"these simulators: {names}")  # fmt: skip
    add("--networks", nargs="+", choices=SPECS, default=list(SPECS), metavar="NAME",
        help=f"these networks: {', '.join(SPECS)}")  # fmt: skip
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME",
        help=f"these parts: {', '.join(PARTS)}")  # fmt: skip
    add("--quick", action="store_true", help="short turns and few of them: to see that all runs")
    add("--output", type=Path, default=ROOT / "build" / "peers" / "results", metavar="DIR",
        help="where tables, drawing and results.json go")  # fmt: skip
    add("--environments", type=Path, default=ROOT / "build" / "peers", metavar="DIR",
        help="where the environments of the simulators are made and kept")  # fmt: skip
    add("--genn-source", type=Path, metavar="DIR", help="GeNN's source; pip has no GeNN")
    add("--page", action="store_true", help="put tables and drawing into docs/benchmarks.md")
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


class Report:
    """Everything found so far: JSON, and tables by the name of their place in the page."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder = folder
        self.found: dict[str, Any] = {"machine": machine(), "quick": quick}
        described = _described(self.found["machine"]) + (" (a quick run)" if quick else "")
        self.tables: dict[str, str] = {"machine": f"{described}."}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, lines: table.Cells, records: Any) -> None:
        """Print a table, and write all files anew."""
        print(f"\n{table.in_terminal(lines)}", flush=True)
        self.found[name] = records
        self.tables[name] = table.in_markdown(lines)
        self.save()

    def save(self) -> None:
        """Write all files."""
        self.found["load_at_end"] = machine()["load"]
        (self.folder / "results.json").write_text(json.dumps(self.found, indent=1))
        text = "\n\n".join(self.tables.values())
        (self.folder / "tables.md").write_text(f"{text}\n")


def _described(found: dict[str, Any]) -> str:
    caches = ", ".join(f"{level} {size}" for level, size in found["caches"].items())
    return (
        f"{found['processor']} (family {found['family']}), {found['processors']} processors, "
        f"{', '.join(found['instructions'])}; {caches}; {found['memory_gib']} GiB; "
        f"{found['system']}; {found['compiler']}; Python {found['python']}; snnc at "
        f"{found['commit']}; load {found['load']} at the start"
    )


def beside_peers(options: argparse.Namespace, settings: Settings, report: Report) -> None:
    """Measure the simulators, and the machine between them."""
    groups: list[list[Row]] = []
    probes = Probes(options, report)
    names: list[str] = options.networks
    for name in names:
        spec: str = QUICK.get(name, name) if options.quick else name
        for batch in BATCHES.get(name, (1,)):
            say(f"{spec}, batch {batch}")
            groups.append(measure(spec, batch, options.only, settings))
            report.found["peers"] = [row.record() for rows in groups for row in rows]
            report.save()
            probes.run()
    report.add("peers", table.cells(groups), report.found["peers"])
    report.tables["versions"] = table.versions(groups)
    probes.tell(groups)


class Probes:
    """What the machine can do, looked at several times in a run."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self._report = report
        self._caches: dict[str, str] = report.found["machine"]["caches"]
        self._all: list[roofline.Limits] = []
        self._program: Path | None = None
        if "roofline" in options.parts:
            try:
                self._program = roofline.compiled(report.folder)
            except (OSError, subprocess.CalledProcessError) as error:
                say(f"roofline: not measured: {error}")

    def run(self) -> None:
        """Look once more."""
        if self._program is not None:
            self._all.append(roofline.probed(self._program, self._caches))

    def tell(self, groups: list[list[Row]]) -> None:
        """Set the engine beside the best that was seen."""
        if self._all:
            limits = roofline.best(self._all)
            self._report.add("limits", roofline.limit_lines(limits), self._all)
            self._report.add("roofline", *roofline.roofline(groups, limits, self._caches))


def draw_growth(options: argparse.Namespace, settings: Settings, report: Report) -> None:
    """Measure and draw how speed depends on size."""
    points = growth.grown(settings, options.only, options.quick)
    lines = [["varied", "value", "simulator", "steps/s", "rate, %"]]
    lines += [
        [p.what, f"{p.x:.3g}", SIMULATORS[p.simulator].title, f"{p.steps_s:,.0f}",
         f"{100 * p.rate:.1f}"]
        for p in points
    ]  # fmt: skip
    report.add("growth", lines, [asdict(point) for point in points])
    try:
        growth.draw(points, report.folder / DRAWING, settings)
    except NotAvailable as error:
        say(f"growth: not drawn: {error}")


def main(given: list[str]) -> None:
    """Measure, print tables, and write them and everything measured to files."""
    options = arguments(given)
    settings = settings_of(options)
    report = Report(options.output, quick=options.quick)
    if "peers" in options.parts:
        beside_peers(options, settings, report)
    if "whole" in options.parts:
        found = whole.figures(options.output / "whole", say)
        report.add("whole", [whole.HEADER, *(f.line for f in found)], [asdict(f) for f in found])
    if "growth" in options.parts:
        draw_growth(options, settings, report)
    if options.page:
        for name, text in report.tables.items():
            if name != "growth":
                table.put_into(PAGE, name, text)
        drawing = options.output / DRAWING
        if drawing.exists():
            (PAGE.parent / DRAWING).write_text(drawing.read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
