"""Lay the network of digits.py out over cores, and see that they compute the same.

    python examples/map_digits.py

The description of the hardware can be one of your own: here it is Loihi 1 with 64 neurons a core,
so that a network this small takes several of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from digits import announce, data, network

import snnc
from snnc.runtime.mapped import mapping_text
from snnc.targets.artifact import Artifact
from snnc.targets.hardware import load

FOLDER = "build/digits"
TYPICAL = 100
"""Images from which firing rates are taken."""


def small_cores() -> str:
    """Write a description of Loihi 1 with fewer neurons a core, and give its path."""
    description = yaml.safe_load((load.OWN / "loihi1.yaml").read_text(encoding="utf-8"))
    description["name"] = "small"
    description["neurons"] = {"value": 64, "source": "this example", "certainty": "chosen"}
    path = Path(FOLDER) / "small.yaml"
    path.write_text(json.dumps(description, indent=2), encoding="utf-8")  # which is YAML too
    return str(path)


def main() -> None:
    """Map to a whole Loihi core and to small ones, and verify the latter part by part."""
    announce("train, or load what was trained before")
    graph = snnc.from_snntorch(network(), input_shape=(64,))
    snnc.write_nir(graph, f"{FOLDER}/digits.nir")
    _, _, x, y = data()
    np.save(f"{FOLDER}/x_typical.npy", x[:, :TYPICAL])

    programs: dict[str, Artifact] = {}
    for name, hardware in (("loihi1", "loihi1"), ("small", small_cores())):
        announce(
            f"lay it out over the cores of {name}",
            f"snnc compile {FOLDER}/digits.nir --target cpu --hardware {hardware} "
            f"--calibrate {FOLDER}/x_typical.npy -o {FOLDER}/on_{name}",
        )
        program = snnc.compile(graph, "cpu", calibration=x[:, :TYPICAL], hardware=hardware)
        program.save(f"{FOLDER}/on_{name}")
        print(mapping_text(program.account["mapping"]))
        programs[name] = program

    announce(
        "verify what the cores compute",
        f"snnc verify {FOLDER}/on_small --input {FOLDER}/x_typical.npy --targets cpu "
        f"--report {FOLDER}/on_small_report",
    )
    report = snnc.verify(programs["small"], x, labels=y, targets=("cpu",))
    for link in report.links:
        print(f"{link.name}: {link.status}, {link.reason}")
    report.save(f"{FOLDER}/on_small_report")
    report.assert_equivalent()


if __name__ == "__main__":
    main()
