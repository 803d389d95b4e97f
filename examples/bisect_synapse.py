"""Find the one synapse of 100,000 that is not what it should be, and write it down as a case.

    python examples/bisect_synapse.py

No framework is needed. The network is a .nir file of random weights; a weight of its artifact is
then changed, as a bug in a compiler or a flipped bit would.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np

import snnc
from snnc.compiler.operators import FixedDense
from snnc.runtime.bisection.telling import text_of
from snnc.runtime.text import count
from snnc.targets.artifact import Artifact

FOLDER = Path("build/bisect")
SIZES = (100, 300, 200, 50)
"""300 x 100 + 200 x 300 + 50 x 200 synapses."""
NEURON, SOURCE = 137, 211
"""The synapse that is changed, between the first and the second layer of neurons."""


def network() -> nir.NIRGraph:
    """Give three layers of neurons with random weights."""
    random = np.random.default_rng(0)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input(input_type={"input": np.array([SIZES[0]])})}
    for k, (n_in, n_out) in enumerate(pairwise(SIZES), 1):
        weight = random.normal(0.05, 0.3, (n_out, n_in)).astype(np.float32)
        ones = np.ones(n_out, np.float32)
        nodes[f"fc{k}"] = nir.Linear(weight)
        nodes[f"layer{k}"] = nir.LIF(
            tau=1e-3 * ones, r=ones, v_leak=0 * ones, v_threshold=0.3 * ones, v_reset=0 * ones
        )
    nodes["output"] = nir.Output(output_type={"output": np.array([SIZES[-1]])})
    return nir.NIRGraph(nodes, list(pairwise(nodes)))


def changed(program: Artifact) -> Artifact:
    """Give the artifact with one weight three higher."""
    fixed = program.required_fixed
    projections = list(fixed.projections)
    (operator,) = projections[1].operators
    if not isinstance(operator, FixedDense):
        raise TypeError("the layer is dense")
    weight = operator.weight.copy()
    weight[NEURON, SOURCE] += 3
    projections[1] = replace(projections[1], operators=(FixedDense(weight=weight),))
    return replace(program, fixed=replace(fixed, projections=tuple(projections)))


def main() -> None:
    """Compile, change a weight, bisect, reduce."""
    before = snnc.compile(network(), "cpu", dt=1e-4)
    before.save(FOLDER / "before")
    changed(before).save(FOLDER / "after")
    x = (np.random.default_rng(1).random((50, 20, SIZES[0])) < 0.1).astype(np.float32)
    np.save(FOLDER / "x.npy", x)

    print(f"$ snnc bisect {FOLDER}/before {FOLDER}/after --input {FOLDER}/x.npy")
    begin = time.perf_counter()
    found = snnc.bisect(FOLDER / "before", x, other=FOLDER / "after")
    print(text_of(found))
    print(f"found in {time.perf_counter() - begin:.1f} s")

    print(f"\n$ snnc reduce {FOLDER}/before {FOLDER}/after --input {FOLDER}/x.npy -o {FOLDER}/case")
    case = snnc.reduce(FOLDER / "before", x, other=FOLDER / "after")
    case.save(FOLDER / "case")
    print(f"{count(case.neurons, 'neuron')}, {count(case.synapses, 'synapse')}: {case.expected}")


if __name__ == "__main__":
    main()
