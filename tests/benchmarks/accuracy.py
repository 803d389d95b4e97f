"""What trained networks lose by narrow weights: ``python -m tests.benchmarks.accuracy``.

Names of networks, widths in bits, a way of rounding and ``--json`` may follow. The whole test set
of each network goes through the float network and through the integers of each width. Networks are
trained the first time, and kept in ``build/`` of the current directory.
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy.typing as npt

import snnc
from snnc.runtime.rounding import Rounding
from snnc.runtime.statistics import paired
from snnc.runtime.text import percent, table
from tests.benchmarks import recurrent

EXAMPLES = Path(__file__).parents[2] / "examples"
WIDTHS = (8, 6, 5, 4, 3)
CALIBRATION = 200
"""Samples of the training data that the compiler is given."""

Array = npt.NDArray[Any]


class Trained(NamedTuple):
    """A trained module, calibration data ``[steps, batch, *shape]``, test data, and labels."""

    module: Any
    calibration: Array
    x: Array
    y: Array


def example(name: str) -> ModuleType:
    """Load an example as a module."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def of_spikes(made: ModuleType) -> Trained:
    """Give the network of a module whose data are spikes of the digits."""
    x_train, _, x_test, y_test = made.data()
    return Trained(made.network(), x_train[:, :CALIBRATION], x_test, y_test)


def of_images() -> Trained:
    """Give the convolutional network on MNIST."""
    made = example("mnist_cnn")
    images, _, test_images, y_test = made.data()
    return Trained(made.network(), made.held(images[:CALIBRATION]), made.held(test_images), y_test)


NETWORKS: dict[str, Callable[[], Trained]] = {
    "digits": lambda: of_spikes(example("digits")),
    "mnist_cnn": of_images,
    "recurrent": lambda: of_spikes(recurrent),
    "norse_digits": lambda: of_spikes(example("norse_digits")),
}


def measure(
    name: str, widths: tuple[int, ...] = WIDTHS, **options: Any
) -> Iterator[dict[str, Any]]:
    """Yield for each width what the integers lose against the float network.

    Args:
        name: Of the network.
        widths: Of weights, in bits.
        options: Further ones of ``snnc.compile``.
    """
    trained = NETWORKS[name]()
    shape = trained.x.shape[2:]
    common: dict[str, Any] = {"input_shape": shape, "calibration": trained.calibration, **options}
    real = snnc.compile(trained.module, "float", input_shape=shape).run(trained.x).predictions
    for bits in widths:
        program = snnc.compile(trained.module, "integer", weight_bits=bits, **common)
        found = paired(trained.y, real, program.run(trained.x).predictions)
        yield {
            "network": name,
            "bits": bits,
            **asdict(found),
            "drop": found.drop,
            "drop_bound": found.drop_bound,
            "mcnemar_p": found.mcnemar_p,
        }


def main(arguments: list[str]) -> None:
    """Print a row for each network and width, or a line of JSON."""
    names = [a for a in arguments if a in NETWORKS] or [*NETWORKS]
    widths = tuple(int(a) for a in arguments if a.isdigit()) or WIDTHS
    rounding = next((a for a in arguments if a in set(Rounding)), None)
    rows: list[dict[str, Any]] = []
    for name in names:
        for row in measure(name, widths, rounding=rounding):
            rows.append(row)
            if "--json" in arguments:
                print(json.dumps(row), flush=True)
    if "--json" in arguments:
        return
    header = ("network", "bits", "n", "float", "integers", "only float", "only integers", "drop")
    print(table((*header, "95 % bound"), (_cells(row) for row in rows)))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["network"],
        str(row["bits"]),
        str(row["n"]),
        percent(row["correct_reference"] / row["n"]),
        percent(row["correct_other"] / row["n"]),
        str(row["only_reference"]),
        str(row["only_other"]),
        f"{row['drop']:.2f} pt",
        f"{row['drop_bound']:.2f} pt",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
