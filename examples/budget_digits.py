"""Find the narrowest weights with which the network of digits.py keeps its accuracy.

    python examples/budget_digits.py

Widths are searched on the images that it was trained with, and judged on others.
"""

from __future__ import annotations

import numpy as np
from digits import announce, data, network

import snnc
from snnc.runtime.budgeted import budget_text

BUDGETS = ("top1>=-0.5pt", "memory<=3KiB")
FOLDER = "build/digits"


def main() -> None:
    """Compile for each budget, and verify what came out."""
    announce("train, or load what was trained before")
    graph = snnc.from_snntorch(network(), input_shape=(64,))
    snnc.write_nir(graph, f"{FOLDER}/digits.nir")
    x_train, y_train, x_test, y_test = data()
    np.save(f"{FOLDER}/x_train.npy", x_train)
    np.save(f"{FOLDER}/y_train.npy", y_train)

    for index, budget in enumerate(BUDGETS):
        announce(
            f"compile for the budget {budget}",
            f"snnc compile {FOLDER}/digits.nir --target integer --calibrate {FOLDER}/x_train.npy "
            f"--labels {FOLDER}/y_train.npy --budget '{budget}' -o {FOLDER}/budget_{index}",
        )
        program = snnc.compile(graph, calibration=x_train, labels=y_train, budget=budget)
        program.save(f"{FOLDER}/budget_{index}")
        print(budget_text(program.account["budget"]))

        report = snnc.verify(program, x_test, labels=y_test, targets=("integer",), max_drop=1.5)
        print(f"\non {y_test.size} other images: {report.links[1].reason}")
        report.save(f"{FOLDER}/budget_{index}_report")


if __name__ == "__main__":
    main()
