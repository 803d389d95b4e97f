"""Find the narrowest weights with which the network of digits.py keeps its accuracy.

    python examples/budget_digits.py

Widths are searched on images that it was not trained with, as it is surer of its own than of
others, and judged on images that neither saw.
"""

from __future__ import annotations

import numpy as np
from digits import announce, data, network

import snnc
from snnc.runtime.budgeted import budget_text

BUDGETS = ("top1>=-0.5pt", "memory<=3KiB")
FOLDER = "build/digits"
SEARCHED = 270
"""Of the 540 test images: widths are searched on these, and judged on the rest."""


def main() -> None:
    """Compile for each budget, and verify what came out."""
    announce("train, or load what was trained before")
    graph = snnc.from_snntorch(network(), input_shape=(64,))
    snnc.write_nir(graph, f"{FOLDER}/digits.nir")
    _, _, x, y = data()
    x_search, y_search, x_rest, y_rest = (
        x[:, :SEARCHED],
        y[:SEARCHED],
        x[:, SEARCHED:],
        y[SEARCHED:],
    )
    np.save(f"{FOLDER}/x_search.npy", x_search)
    np.save(f"{FOLDER}/y_search.npy", y_search)

    for index, budget in enumerate(BUDGETS):
        announce(
            f"compile for the budget {budget}",
            f"snnc compile {FOLDER}/digits.nir --target integer --calibrate {FOLDER}/x_search.npy "
            f"--labels {FOLDER}/y_search.npy --budget '{budget}' -o {FOLDER}/budget_{index}",
        )
        program = snnc.compile(graph, calibration=x_search, labels=y_search, budget=budget)
        program.save(f"{FOLDER}/budget_{index}")
        print(budget_text(program.account["budget"]))

        report = snnc.verify(program, x_rest, labels=y_rest, targets=("integer",), max_drop=1.5)
        print(f"\non {y_rest.size} other images: {report.links[1].reason}")
        report.save(f"{FOLDER}/budget_{index}_report")


if __name__ == "__main__":
    main()
