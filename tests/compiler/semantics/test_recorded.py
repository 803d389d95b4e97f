"""The neuron that eleven platforms recorded for the NIR paper in 2024, step by step.

1,000 steps of 0.1 ms, four spikes. Each file is what one platform made of the same neuron, with a
time constant of 2.5 ms and a threshold of 0.1, some in other units; not one spike may differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.network import Network
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.nir.file import read_nir
from snnc.targets.float.executor import execute
from tests.builders import chain, lif, linear
from tests.compiler.neurons import cuba
from tests.data_shared import SHARED, needs_shared

Array = npt.NDArray[Any]
LIF = SHARED / "lif"
DT = 1e-4


def recorded(name: str) -> tuple[Array, Array, Array]:
    """Give input, v and spikes."""
    x, v, s = np.loadtxt(LIF / f"lif_{name}.csv", delimiter=",").T
    return x, v, s


def neuron(weight: float = 1.0, **fields: Any) -> nir.NIRGraph:
    """Make the neuron as another framework writes it, behind a weight."""
    values: dict[str, Any] = {"tau": 2.5e-3, "v_threshold": 0.1} | fields
    return chain(linear([[weight]]), lif(**values))


def of_file(name: str) -> nir.NIRGraph:
    return read_nir(LIF / name)


@dataclass(frozen=True)
class Recipe:
    """How a platform's run is repeated.

    Attributes:
        graph: Name of a file, or what makes the graph.
        options: Of ``discretize``.
        error: Largest difference of ``v``, in the units of the recording; 0 is bit for bit, in
            float32.
        unit: Of the recorded ``v``, in that of the graph.
        late: Steps by which the recorded spikes come later.
        late_v: The same of ``v``.
    """

    graph: Any
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    error: float = 0.0
    unit: float = 1.0
    late: int = 0
    late_v: int = 0


def unit_gain() -> nir.NIRGraph:
    """The neuron in units of 0.04, as snnTorch has no factor of the input."""
    return neuron(r=25.0, v_threshold=2.5)


def without_current() -> nir.NIRGraph:
    """The neuron as lava-dl's script writes it: its current has no memory."""
    node = cuba(tau_syn=DT, tau_mem=2.5e-3, w_in=1.0, r=25.0, v_threshold=0.1)
    return chain(linear([[0.04]]), node)


RECIPES: dict[str, Recipe] = {
    "norse": Recipe("lif_norse.nir", {"dialect": "norse", "dt": DT}),
    "snntorch": Recipe(unit_gain, {"dialect": "snntorch", "reset": "zero-at-once"}),
    "sinabs": Recipe(lambda: neuron(tau=25.0), {"dialect": "sinabs"}),
    "rockpool": Recipe("lif_rockpool.nir", {"dialect": "rockpool", "dt": DT}),
    # recorded in float64, and so in units of the threshold
    "nengo": Recipe("lif_norse.nir", {"dialect": "nengo", "dt": DT}, error=2e-7, unit=0.1),
    "spyx": Recipe(lambda: neuron(0.04, r=0.96), {"dialect": "spyx", "dt": DT}, late=1),
    "lava_cpu_float": Recipe(
        without_current, {"dialect": "lava-dl"}, error=4.5e-8, late=1, late_v=1
    ),
    # 8-bit weights and another number of digits
    "spinnaker2": Recipe(unit_gain, {"dialect": "snntorch", "reset": "zero-at-once"}, error=5e-4),
    # event-based: a spike within a step, and the rest of the step decays from there
    "exact": Recipe(
        "lif_norse.nir", {"dialect": "nengo", "reset": "subtract", "dt": DT}, error=6.3e-4
    ),
}


@needs_shared
@pytest.mark.parametrize("name", RECIPES)
def test_recorded_run(name: str) -> None:
    recipe = RECIPES[name]
    x, v, s = recorded(name)
    g = of_file(recipe.graph) if isinstance(recipe.graph, str) else recipe.graph()
    given_spikes, given_v = run(discretize(g, **recipe.options), x)
    n = len(x)
    assert (n, s.sum()) == (1000, 4)
    assert (given_spikes[: n - recipe.late] == s[recipe.late :]).all()
    given, wanted = given_v[: n - recipe.late_v] / recipe.unit, v[recipe.late_v :]
    if recipe.error:
        assert 0 < np.abs(given - wanted).max() < recipe.error
    else:
        assert given.tobytes() == wanted.astype(np.float32).tobytes()


def run(net: Network, x: Array) -> tuple[Array, Array]:
    """Give the spikes and the potential of the last population."""
    recording = execute(net, {net.inputs[0].name: x.astype(np.float32)[:, None, None]})
    name = net.populations[-1].name
    return recording.spikes[name].ravel(), recording.v[name].ravel()


@needs_shared
def test_every_recording_is_there() -> None:
    """The two of integers are repeated in ``tests/targets/integer/test_reference.py``."""
    integers = {"lava_cpu_fixed", "lava_loihi_fixed"}
    there = {p.stem.removeprefix("lif_") for p in LIF.glob("lif_*.csv")}
    assert there == set(RECIPES) | integers


@needs_shared
def test_what_is_read_without_a_dialect() -> None:
    """Norse's file is NIR's own equation; Rockpool's says by its numbers whose it is."""
    for name, dialect in (("norse", "nir"), ("rockpool", "rockpool")):
        net = discretize(of_file(f"lif_{name}.nir"), dt=DT)
        assert net.choices[0].startswith(f"dialect {dialect}")
        x, _, s = recorded(name)
        assert (run(net, x)[0] == s).all()


@needs_shared
def test_two_neurons_of_which_one_fires_by_its_leak() -> None:
    """``v_leak`` 1.2 over a threshold of 1: ``tau ln 6``, about 18 ms, from spike to spike."""
    net = discretize(of_file("two_lif_neurons.nir"), dt=DT)
    recording = execute(net, {"in": np.zeros((1000, 1, 1), np.float32)})
    times = np.nonzero(recording.spikes["lif1"].ravel())[0]
    assert np.diff(times, prepend=-1).tolist() == [round(0.01 * np.log(6) / DT)] * 5
    quarter = execute(net, {"in": np.full((1000, 1, 1), -0.3, np.float32)})
    assert not quarter.spikes["lif1"].any()
