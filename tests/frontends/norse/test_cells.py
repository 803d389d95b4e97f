"""Every cell of norse with every option: its node computes what norse computes, bit for bit."""
# torch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

import snnc
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.norse.frontend import from_norse, run_norse
from snnc.frontends.norse.layers import layer_problems, population_nodes
from snnc.frontends.torch.roll import Population
from snnc.frontends.torch.values import Input
from snnc.targets.float.executor import FloatRecording, execute
from tests.frontends.cases import VALUES, Case, becomes, over
from tests.frontends.graphs import node_of
from tests.frontends.norse.cells import Array, Ran, dyadic, parameters, run_cell
from tests.frontends.optional import optional

torch, norse = optional("torch"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

INPUTS, NEURONS, STEPS, SAMPLES = 12, 100, 50, 200
assert STEPS * SAMPLES * NEURONS >= VALUES
LIF = ("tau_mem_inv", "tau_syn_inv", "v_leak", "v_th", "v_reset")
BOX = ("tau_mem_inv", "v_leak", "v_th", "v_reset")
DT = 0.001
METHODS = ("super", "heaviside", "triangle", "tanh", "circ", "heavi_erfc")

Random = np.random.Generator
Size = tuple[int, ...]


def no_potentials(given: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in given.items() if n not in {"v_leak", "v_reset"}}


def box(random: Random, size: Size, *, subtract: bool = False, plain: bool = False) -> Any:
    given = parameters(random, size, *BOX)
    given = no_potentials(given) if plain else given
    method = norse.reset_subtract if subtract else norse.reset_value
    return norse.LIFBoxCell(norse.LIFBoxParameters(**given, reset_method=method))


def box_plain(random: Random, size: Size) -> Any:
    return box(random, size, plain=True)


def box_subtract(random: Random, size: Size) -> Any:
    return box(random, size, subtract=True)


def box_plain_subtract(random: Random, size: Size) -> Any:
    return box(random, size, subtract=True, plain=True)


def box_of_numbers(random: Random, size: Size) -> Any:
    """Python's numbers stay float64 until norse computes with them and tensors."""
    del size
    given = {"tau_mem_inv": random.uniform(30, 900), "v_th": random.uniform(0.4, 1), "v_reset": 0.1}
    return norse.LIFBoxCell(norse.LIFBoxParameters(**given), dt=DT)


def lif(random: Random, size: Size) -> Any:
    return norse.LIFCell(norse.LIFParameters(**parameters(random, size, *LIF)))


def lif_plain(random: Random, size: Size) -> Any:
    given = no_potentials(parameters(random, size, *LIF))
    return norse.LIFCell(norse.LIFParameters(**given))


def lif_of_numbers(random: Random, size: Size) -> Any:
    """NumPy's numbers and integers become tensors without axes of their own types."""
    del size
    given = {"tau_mem_inv": 150, "tau_syn_inv": np.float64(300.3), "v_th": np.float64(0.7)}
    given["v_reset"] = np.float64(random.uniform(-0.1, 0.1))
    return norse.LIFCell(norse.LIFParameters(**given))


def bio(random: Random, size: Size) -> Any:
    """Thresholds below 0: norse's own default_bio_parameters, with faster time constants."""
    given = parameters(random, size, "tau_mem_inv", "tau_syn_inv")
    at = {"v_leak": -1.25, "v_th": -0.5, "v_reset": -1.0}
    return norse.LIFCell(
        norse.LIFParameters(**given, **{n: torch.full(size, v) for n, v in at.items()})
    )


def recurrent(random: Random, size: Size, *, autapses: bool = False) -> Any:
    given = parameters(random, size, *LIF)
    given["v_leak"] = torch.tensor(0.125)  # norse takes one number only
    return norse.LIFRecurrentCell(
        INPUTS,
        NEURONS,
        norse.LIFParameters(**given),
        input_weights=dyadic(random, NEURONS, INPUTS),
        recurrent_weights=dyadic(random, NEURONS, NEURONS, size=0.125),
        autapses=autapses,
    )


def with_autapses(random: Random, size: Size) -> Any:
    return recurrent(random, size, autapses=True)


def refractory(random: Random, size: Size, steps: float = 5.0) -> Any:
    given = parameters(random, size, *LIF)
    given["v_leak"] = torch.tensor(0.25)  # norse takes one number only
    counter = torch.tensor(steps)
    return norse.LIFRefracCell(norse.LIFRefracParameters(norse.LIFParameters(**given), counter))


def refractory_parts(random: Random, size: Size) -> Any:
    return refractory(random, size, steps=1.25)


def refractory_never(random: Random, size: Size) -> Any:
    return refractory(random, size, steps=-1.0)


def refractory_recurrent(random: Random, size: Size) -> Any:
    given = norse.LIFParameters(**parameters(random, size, *LIF))
    return norse.LIFRefracRecurrentCell(
        INPUTS,
        NEURONS,
        norse.LIFRefracParameters(given, torch.tensor(2.0)),
        input_weights=dyadic(random, NEURONS, INPUTS),
        recurrent_weights=dyadic(random, NEURONS, NEURONS, size=0.125),
    )


def iaf(random: Random, size: Size) -> Any:
    return norse.IAFCell(norse.IAFParameters(**parameters(random, size, "v_th", "v_reset")))


def iaf_plain(random: Random, size: Size) -> Any:
    return norse.IAFCell(norse.IAFParameters(**parameters(random, size, "v_th")))


def li(random: Random, size: Size) -> Any:
    names = ("tau_mem_inv", "tau_syn_inv", "v_leak")
    return norse.LICell(norse.LIParameters(**parameters(random, size, *names)))


def li_box(random: Random, size: Size) -> Any:
    given = parameters(random, size, "tau_mem_inv", "v_leak")
    return norse.LIBoxCell(norse.LIBoxParameters(**given))


def li_linear(random: Random, size: Size) -> Any:
    names = ("tau_mem_inv", "tau_syn_inv", "v_leak")
    given = norse.LIParameters(**parameters(random, size, *names))
    made = norse.LILinearCell(INPUTS, NEURONS, given)
    made.input_weights.data = dyadic(random, NEURONS, INPUTS)
    return made


SPIKING = {
    box: ("LIFBoxCell", "LIF"),
    box_plain: ("LIFBoxCell without v_leak and v_reset", "LIF"),
    box_subtract: ("LIFBoxCell, reset_subtract", "LIF"),
    box_plain_subtract: ("LIFBoxCell without v_leak and v_reset, reset_subtract", "LIF"),
    lif: ("LIFCell", "CubaLIF"),
    lif_plain: ("LIFCell without v_leak and v_reset", "CubaLIF"),
    bio: ("LIFCell, thresholds below 0", "CubaLIF"),
    recurrent: ("LIFRecurrentCell", "Linear, CubaLIF"),
    with_autapses: ("LIFRecurrentCell, autapses=True", "Linear, CubaLIF"),
    refractory: ("LIFRefracCell", "CubaLIF"),
    refractory_parts: ("LIFRefracCell, rho_reset=1.25", "CubaLIF"),
    refractory_never: ("LIFRefracCell, rho_reset=-1", "CubaLIF"),
    refractory_recurrent: ("LIFRefracRecurrentCell", "Linear, CubaLIF"),
    iaf: ("IAFCell", "IF"),
    iaf_plain: ("IAFCell without v_reset", "IF"),
}
"""What makes a cell, what it is called on the page and what it becomes."""
READ_OUTS = {
    li: ("LICell", "CubaLI"),
    li_box: ("LIBoxCell", "LI"),
    li_linear: ("LILinearCell", "Linear, CubaLI"),
}
"""The same of cells that never spike."""
OF_NUMBERS = {
    box_of_numbers: ("LIFBoxCell", "LIF"),
    lif_of_numbers: ("LIFCell", "CubaLIF"),
}
"""The same of cells whose parameters are no tensors."""


def made_of(cell: Callable[..., Any], *, vector: bool, seed: int = 7) -> Any:
    return cell(np.random.default_rng(seed), (NEURONS,) if vector else ())


def cases(cells: Mapping[Callable[..., Any], tuple[str, str]]) -> list[Case]:
    """Give each cell with one value of its parameters and with one for each neuron."""
    sizes = {False: "one value of each parameter", True: "parameters of each neuron"}
    return [
        Case(layer, size, nodes, partial(made_of, cell, vector=vector))
        for cell, (layer, nodes) in cells.items()
        for vector, size in sizes.items()
    ]


CELLS = [
    *cases(SPIKING),
    *(
        Case(layer, "parameters that are no tensors", nodes, partial(made_of, cell, vector=False))
        for cell, (layer, nodes) in OF_NUMBERS.items()
    ),
]


def data(cell: Any) -> Array:
    """Any numbers where nothing is summed, sixteenths where weights come first."""
    random = np.random.default_rng(11)
    if hasattr(cell, "input_weights"):
        shape = (STEPS, SAMPLES, INPUTS)
        return (random.integers(0, 17, shape) / 16).astype(np.float32)
    return random.normal(0.3, 0.8, (STEPS, SAMPLES, NEURONS)).astype(np.float32)


def graph_of(cell: Any, size: int) -> nir.NIRGraph:
    """Give the nodes of a cell between an input and an output."""
    given, shape = (size,), (NEURONS,)
    assert list(layer_problems("cell", cell, given)) == []
    population = Population(
        name="cell",
        path="cell",
        layer=cell,
        use=0,
        given=given,
        shape=shape,
        source=Input(0, given),
        reads_out=False,
    )
    nodes, edges = population_nodes(population)
    ends: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array(given)}),
        "output": nir.Output(output_type={"output": np.array(shape)}),
    }
    return nir.NIRGraph(
        nodes={**ends, **nodes},
        edges=[("input", next(iter(nodes))), *edges, ("cell", "output")],
        metadata={"snnc": {"format": 2, "framework": "norse", "dt": cell.dt}},
        type_check=False,
    )


def assert_states(there: Ran, here: FloatRecording) -> None:
    np.testing.assert_array_equal(there.v, here.v["cell"])
    assert (there.i is None) == ("cell" not in here.u)
    if there.i is not None:
        np.testing.assert_array_equal(there.i, here.u["cell"])


@over(CELLS)
def test_spikes_and_states(case: Case) -> None:
    made = case.make()
    x, graph = data(made), graph_of(made, data(made).shape[2])
    assert becomes(graph) == case.becomes
    there, here = run_cell(made, x), execute(discretize(graph), {"input": x})
    assert 0.02 < there.sent.mean() < 0.9
    assert there.sent.size >= VALUES
    assert np.count_nonzero(there.sent != here.spikes["cell"]) == 0
    assert_states(there, here)


@over(cases(READ_OUTS))
def test_read_outs(case: Case) -> None:
    made = case.make()
    x, graph = data(made), graph_of(made, data(made).shape[2])
    assert becomes(graph) == case.becomes
    there, here = run_cell(made, x), execute(discretize(graph), {"input": x})
    assert there.v.std() > 0.05
    assert there.v.size >= VALUES
    assert here.spikes == {}
    np.testing.assert_array_equal(there.sent, there.v)
    assert_states(there, here)


def without_time(cell: Callable[..., Any], kind: str) -> Any:
    """Give the module that runs all steps of what ``cell`` makes, with its parameters."""
    one = made_of(cell, vector=False)
    if not hasattr(one, "input_weights"):
        return getattr(norse, kind)(one.p)
    weights = {n: getattr(one, n) for n in ("input_weights", "recurrent_weights")}
    return getattr(norse, kind)(INPUTS, NEURONS, one.p, autapses=one.autapses, **weights)


OVER_TIME = [
    Case(kind, option, nodes, partial(without_time, cell, kind))
    for kind, option, nodes, cell in (
        ("LIF", "", "CubaLIF", lif),
        ("LIF", "thresholds below 0", "CubaLIF", bio),
        ("LIFRecurrent", "", "Linear, CubaLIF", recurrent),
        ("LIFRecurrent", "autapses=True", "Linear, CubaLIF", with_autapses),
        ("LIFRefracRecurrent", "", "Linear, CubaLIF", refractory_recurrent),
        ("IAF", "", "IF", iaf),
        ("LI", "", "CubaLI", li),
    )
]


@over(OVER_TIME)
def test_modules_that_run_all_steps(case: Case) -> None:
    """Norse gives their output; ``run_norse`` also the states that they do not return."""
    layer, kind = case.make(), case.layer
    x = data(layer)
    with torch.no_grad():
        sent, last = layer(torch.from_numpy(x))
    ran = run_norse(layer, x)
    name = kind.lower()
    np.testing.assert_array_equal(ran.outputs["output"], sent.numpy())
    np.testing.assert_array_equal(
        ran.v[name][-1], getattr(last, "lif", last).v.expand(sent.shape[1:]).numpy()
    )
    assert layer.record_states is False
    graph = from_norse(layer, x.shape[2:])
    assert becomes(graph) == case.becomes
    network = discretize(graph)
    assert sent.numel() >= VALUES
    here = execute(network, {"input": x})
    assert network.populations[0].spiking == (kind != "LI")
    np.testing.assert_array_equal(ran.spikes.get(name), here.spikes.get(name))
    np.testing.assert_array_equal(ran.v[name], here.v[name])
    np.testing.assert_array_equal(ran.u.get(name), here.u.get(name))


@pytest.mark.parametrize(
    ("cell", "key", "value"),
    [
        (box, "integration", "current-euler"),
        (box, "integration", "leak-euler"),
        (box, "reset", "subtract"),
        (box, "initial", 0.0),
        (box, "leak", 0.0),
        (box_plain_subtract, "reset", "zero"),
        (lif, "integration", "euler"),
        (lif, "current_decay", 0.5),
        (lif, "reset_value", 0.0),
        (recurrent, "decay", 0.5),
        (refractory, "refractory", 4),
        (refractory, "initial", 0.0),
        (iaf, "initial", 0.0),
        (iaf, "integration", "euler"),
    ],
)
def test_other_metadata_give_other_potentials(
    cell: Callable[..., Any], key: str, value: str | float
) -> None:
    """The comparisons above can fail: the data tell one equation from the other."""
    made = made_of(cell, vector=False)
    x = data(made)
    graph = graph_of(made, x.shape[2])
    notes = node_of(graph, "cell").metadata["snnc"]
    notes[key] = np.float32(value) if isinstance(value, float) else value
    here = execute(discretize(graph), {"input": x})
    assert np.count_nonzero(run_cell(made, x).v != here.v["cell"]) > 100


def leak_at_zero(cell: Callable[..., Any]) -> Any:
    """NIR does not say where ``v`` starts: at 0, where norse starts with ``v_leak = 0``."""
    made = made_of(cell, vector=True)
    made.p = made.p._replace(v_leak=torch.tensor(0.0))
    return made


@pytest.mark.parametrize(
    ("make", "reset"),
    [
        (lambda: leak_at_zero(box), None),
        (lambda: leak_at_zero(box_subtract), "subtract"),
        (lambda: leak_at_zero(lif), None),
        (lambda: leak_at_zero(recurrent), None),
        (lambda: made_of(iaf_plain, vector=True), None),
        (lambda: leak_at_zero(li), None),
        (lambda: leak_at_zero(li_box), None),
        (lambda: leak_at_zero(li_linear), None),
    ],
    ids=["box", "subtract", "lif", "recurrent", "iaf", "li", "li_box", "li_linear"],
)
def test_the_equations_of_nir(make: Callable[[], Any], reset: str | None, tmp_path: Path) -> None:
    """The standard nodes alone, as ``nir.read`` gives them to any tool, are the same neurons."""
    made = make()
    x = data(made)
    snnc.write_nir(graph_of(made, x.shape[2]), tmp_path / "cell.nir")
    graph = nir.read(tmp_path / "cell.nir")
    graph.metadata.clear()
    for node in graph.nodes.values():
        node.metadata.clear()
    network = discretize(graph, dt=DT, dialect="nir", reset=reset)
    assert network.choices[0].startswith("dialect nir")
    there, here = run_cell(made, x), execute(network, {"input": x})
    if network.populations[0].spiking:
        assert np.count_nonzero(there.sent != here.spikes["cell"]) == 0
    assert_states(there, here)


def test_autapses_are_as_norse_has_them() -> None:
    for cell, autapses in ((recurrent, False), (with_autapses, True)):
        graph = graph_of(made_of(cell, vector=False), INPUTS)
        assert np.diag(node_of(graph, "cell.recurrent").weight).any() == autapses


@pytest.mark.parametrize("method", METHODS)
def test_surrogate_gradients_change_nothing(method: str) -> None:
    made = norse.LIFCell(norse.LIFParameters(method=method))
    x = 2 * data(made)
    there, here = run_cell(made, x), execute(discretize(graph_of(made, NEURONS)), {"input": x})
    assert there.sent.any()
    assert np.count_nonzero(there.sent != here.spikes["cell"]) == 0
