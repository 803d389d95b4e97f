"""The metadata of an imported model says exactly what norse computes, bit for bit."""
# torch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

import snnc
from snnc.frontends.norse import from_norse, run_norse
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

Array = npt.NDArray[Any]

INPUTS, NEURONS, STEPS, SAMPLES = 12, 40, 50, 50
assert STEPS * SAMPLES * NEURONS >= 100_000
METHODS = ("super", "heaviside", "triangle", "tanh", "circ", "heavi_erfc")


def parameters(random: np.random.Generator, *names: str, vector: bool) -> dict[str, Any]:
    ranges = {"tau_mem_inv": (30, 900), "tau_syn_inv": (50, 990), "v_th": (0.4, 1)}
    size = (NEURONS,) if vector else ()
    return {n: torch.tensor(random.uniform(*ranges[n], size), dtype=torch.float32) for n in names}


def dyadic(random: np.random.Generator, *shape: int, size: float = 0.5) -> Any:
    """Weights in 1/256, so that sums are exact and no order of summation matters."""
    drawn = np.round(random.uniform(-size, 1.5 * size, shape) * 256) / 256
    return torch.tensor(drawn, dtype=torch.float32)


def dense(random: np.random.Generator, n_in: int, n_out: int, *, bias: bool = True) -> Any:
    layer = nn.Linear(n_in, n_out, bias=bias)
    for values in layer.parameters():
        values.data = dyadic(random, *values.shape)
    return layer


def box(random: np.random.Generator, *, vector: bool, **options: Any) -> Any:
    given = parameters(random, "tau_mem_inv", "v_th", vector=vector)
    return norse.LIFBoxCell(norse.LIFBoxParameters(**given, **options))


def box_subtract(random: np.random.Generator, *, vector: bool) -> Any:
    return box(random, vector=vector, reset_method=norse.reset_subtract)


def box_of_numbers(random: np.random.Generator, *, vector: bool) -> Any:
    """Python's numbers stay float64 until norse computes with them and tensors."""
    del vector
    given = {"tau_mem_inv": random.uniform(30, 900), "v_th": random.uniform(0.4, 1), "v_reset": 0}
    return norse.LIFBoxCell(norse.LIFBoxParameters(**given), dt=0.0007)


def lif(random: np.random.Generator, *, vector: bool) -> Any:
    names = ("tau_syn_inv", "tau_mem_inv", "v_th")
    return norse.LIFCell(norse.LIFParameters(**parameters(random, *names, vector=vector)))


def recurrent(random: np.random.Generator, *, vector: bool, autapses: bool = False) -> Any:
    names = ("tau_syn_inv", "tau_mem_inv", "v_th")
    return norse.LIFRecurrentCell(
        INPUTS,
        NEURONS,
        norse.LIFParameters(**parameters(random, *names, vector=vector)),
        input_weights=dyadic(random, NEURONS, INPUTS),
        recurrent_weights=dyadic(random, NEURONS, NEURONS, size=0.125),
        autapses=autapses,
    )


def with_autapses(random: np.random.Generator, *, vector: bool) -> Any:
    return recurrent(random, vector=vector, autapses=True)


def iaf(random: np.random.Generator, *, vector: bool) -> Any:
    given = parameters(random, "v_th", vector=vector)
    return norse.IAFCell(norse.IAFParameters(**given))


CELLS = (box, box_subtract, box_of_numbers, lif, recurrent, with_autapses, iaf)


def data(random: np.random.Generator, *shape: int) -> Array:
    return (random.integers(0, 17, (STEPS, SAMPLES, *shape)) / 16).astype(np.float32)


def model(cell: Callable[..., Any], *, vector: bool, bias: bool = True, seed: int = 7) -> Any:
    random = np.random.default_rng(seed)
    made = cell(random, vector=vector)
    if hasattr(made, "input_weights"):
        return norse.SequentialState(nn.Identity(), made)
    return norse.SequentialState(dense(random, INPUTS, NEURONS, bias=bias), made)


def execute(graph: nir.NIRGraph, x: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """Execute a graph from its metadata alone: slow, plain, float32."""
    notes = {n: node.metadata["snnc"] for n, node in graph.nodes.items() if node.metadata}
    before = {target: source for source, target in graph.edges if target in notes}
    neurons = [n for n in notes if "reset" in notes[n]]
    zero = np.zeros((x.shape[1], 1), np.float32)
    states: dict[str, tuple[Array, Array]] = dict.fromkeys(neurons, (zero, zero))
    s = {n: np.zeros((x.shape[1], len(notes[n]["decay"])), np.float32) for n in neurons}
    spikes: dict[str, list[Array]] = {n: [] for n in neurons}
    potentials: dict[str, list[Array]] = {n: [] for n in neurons}
    for value in x.reshape(len(x), x.shape[1], -1):
        old = dict(s)
        for n in neurons:
            weights = [w for w, t in graph.edges if t == n and "order" in notes.get(w, {})]
            currents: list[Array] = []
            for w in sorted(weights, key=lambda w: int(notes[w]["order"])):
                source = (old if notes[w]["delay"] else s).get(before[w], value)
                node: Any = graph.nodes[w]
                bias = node.bias if isinstance(node, nir.Affine) else np.float32(0)
                currents.append(source @ node.weight.T + bias)
            v, i = step(notes[n], *states[n], currents)
            s[n] = (v > notes[n]["threshold"]).astype(np.float32)
            reset = {"zero": v * (1 - s[n]), "subtract": v - s[n] * notes[n]["threshold"]}
            states[n] = reset[notes[n]["reset"]], i
            spikes[n].append(s[n])
            potentials[n].append(states[n][0])
    return (
        {n: np.stack(a).astype(np.uint8) for n, a in spikes.items()},
        {n: np.stack(a) for n, a in potentials.items()},
    )


def step(notes: Any, v: Array, i: Array, currents: list[Array]) -> tuple[Array, Array]:
    decay, gain, leak = notes["decay"], notes["gain"], notes["leak"]
    if notes["integration"] == "decay":
        v = decay * v
        for current in currents:
            v = v + gain * current
    if notes["integration"] == "euler":
        total = gain * currents[0]
        for current in currents[1:]:
            total = total + gain * current
        v = v + decay * ((total + leak) - v)
    if notes["integration"] == "current-euler":
        for current in currents:
            i = i + gain * current
        v = v + decay * ((leak - v) + i)
        i = i - notes["current_decay"] * i
    assert v.dtype == i.dtype == np.float32
    return v, i


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "plain"])
@pytest.mark.parametrize("vector", [True, False], ids=["vector", "scalar"])
@pytest.mark.parametrize("cell", CELLS)
def test_metadata_gives_the_spikes_of_norse(
    cell: Callable[..., Any], vector: bool, bias: bool
) -> None:
    made = model(cell, vector=vector, bias=bias)
    x = data(np.random.default_rng(11), INPUTS)
    ran = run_norse(made, x)
    spikes, potentials = execute(from_norse(made, (INPUTS,)), x)
    assert 0.01 < ran.spikes["1"].mean() < 0.99
    assert np.count_nonzero(ran.spikes["1"] != spikes["1"]) == 0
    assert np.count_nonzero(ran.v["1"] != potentials["1"]) == 0


@pytest.mark.parametrize("cell", CELLS)
def test_the_float_target_gives_the_spikes_of_norse(cell: Callable[..., Any]) -> None:
    made = model(cell, vector=True)
    x = data(np.random.default_rng(12), INPUTS)
    ran = run_norse(made, x)
    artifact = snnc.compile(made, target="float", input_shape=(INPUTS,))
    there = artifact.run(x, record=("spikes", "v"))
    assert np.count_nonzero(ran.spikes["1"] != there.spikes["1"]) == 0
    assert np.count_nonzero(ran.v["1"] != there.v["1"]) == 0


@pytest.mark.parametrize(
    ("cell", "key", "value"),
    [
        (box, "integration", "current-euler"),
        (box, "reset", "subtract"),
        (box_subtract, "reset", "zero"),
        (lif, "integration", "euler"),
        (lif, "current_decay", 0.5),
        (iaf, "integration", "euler"),
    ],
)
def test_other_metadata_give_other_spikes(
    cell: Callable[..., Any], key: str, value: str | float
) -> None:
    """The comparison above can fail: the data tell one equation from the other."""
    made = model(cell, vector=True)
    x = data(np.random.default_rng(11), INPUTS)
    graph = from_norse(made, (INPUTS,))
    node_of(graph, "1").metadata["snnc"][key] = (
        np.float32(value) if key == "current_decay" else value
    )
    spikes, _ = execute(graph, x)
    assert np.count_nonzero(run_norse(made, x).spikes["1"] != spikes["1"]) > 100


def test_autapses_are_as_norse_has_them() -> None:
    graph = from_norse(model(recurrent, vector=False), (INPUTS,))
    assert not np.diag(node_of(graph, "1.recurrent").weight).any()
    graph = from_norse(model(with_autapses, vector=False), (INPUTS,))
    assert np.diag(node_of(graph, "1.recurrent").weight).any()


@pytest.mark.parametrize("method", METHODS)
def test_surrogate_gradients_change_nothing(method: str) -> None:
    made = norse.LIFCell(norse.LIFParameters(method=method))
    x = 2 * data(np.random.default_rng(1), NEURONS)
    ran = run_norse(made, x)
    spikes, _ = execute_lone(from_norse(made, (NEURONS,)), x)
    assert ran.outputs["output"].any()
    assert np.count_nonzero(ran.spikes["lifcell"] != spikes["lifcell"]) == 0


def execute_lone(graph: nir.NIRGraph, x: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """Put a weight of one before a cell that has none."""
    notes = {"snnc": {"delay": 0, "order": 0}}
    weights = nir.Linear(weight=np.eye(x.shape[-1], dtype=np.float32), metadata=notes)
    nodes = {"weights": weights, **graph.nodes}
    edges = [("input", "weights"), ("weights", "lifcell")]
    return execute(nir.NIRGraph(nodes=nodes, edges=edges, type_check=False), x)


def deep() -> Any:
    random = np.random.default_rng(3)
    return norse.SequentialState(
        nn.Flatten(),
        norse.SequentialState(dense(random, INPUTS, NEURONS), nn.Dropout(0.5)),
        norse.SequentialState(lif(random, vector=True), dense(random, NEURONS, INPUTS, bias=False)),
        box(random, vector=False),
        nn.Identity(),
        recurrent(random, vector=False),
        dense(random, NEURONS, NEURONS),
        iaf(random, vector=True),
    )


def test_a_deep_model_gives_the_spikes_of_norse() -> None:
    made, x = deep(), data(np.random.default_rng(4), 3, 4)
    ran = run_norse(made, x)
    graph = from_norse(made, (3, 4))
    spikes, _ = execute(graph, x)
    assert set(spikes) == set(ran.spikes) == {"2.0", "3", "5", "7"}
    for name, there in ran.spikes.items():
        assert there.any()
        assert np.count_nonzero(there != spikes[name]) == 0
    assert ran.outputs["output"] is ran.spikes["7"]


def test_files_keep_all_of_it(tmp_path: Path) -> None:
    made, x = deep(), data(np.random.default_rng(4), 3, 4)
    snnc.write_nir(from_norse(made, (3, 4)), tmp_path / "model.nir")
    graph = snnc.read_nir(tmp_path / "model.nir")
    spikes, _ = execute(graph, x)
    there = run_norse(made, x).spikes
    assert all(np.array_equal(spikes[name], there[name]) for name in spikes)
    assert node_of(nir.read(tmp_path / "model.nir"), "2.0").v_threshold.shape == (NEURONS,)
