"""Draws the points of ``growth.py``: ``python plot.py OUT.svg < points.json``; needs matplotlib."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from importlib import import_module
from typing import Any

NAMES = {
    "cpu": "snnc",
    "numpy": "NumPy loop",
    "brian2": "Brian2",
    "genn": "GeNN",
    "spikingjelly": "SpikingJelly",
}
COLUMNS = 3


def main(path: str) -> None:
    """Draw a panel for everything that is varied."""
    mpl: Any = import_module("matplotlib")
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 8})
    pyplot: Any = import_module("matplotlib.pyplot")
    panels: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for point in json.load(sys.stdin):
        panels[point["what"]][point["simulator"]].append((point["x"], point["steps_s"]))
    rows = -(-len(panels) // COLUMNS)
    figure, axes = pyplot.subplots(
        rows, COLUMNS, figsize=(9, 2.6 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    for axis, (what, lines) in zip(axes.flat, panels.items(), strict=False):
        panel(axis, what, lines)
    figure.savefig(path, metadata={"Date": None})


def panel(axis: Any, what: str, lines: dict[str, list[tuple[float, float]]]) -> None:
    """Draw the lines of one panel."""
    threads = what.startswith("threads")
    for name, points in lines.items():
        x, y = zip(*sorted(points), strict=True)
        axis.plot(x, y, marker="o", markersize=3, label=NAMES.get(name, name))
    axis.set_xlabel(what)
    axis.set_ylabel("steps/s" if not threads else "steps/s, time passed")
    if threads:
        axis.set_xticks([1, 2])
        axis.set_ylim(0, 1.1 * axis.get_ylim()[1])
    else:
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)


if __name__ == "__main__":
    main(sys.argv[1])
