"""The metadata of an imported model says exactly what snnTorch computes, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.network import Reset
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from snnc.targets.float.executor import execute as run_float
from tests.frontends.cases import VALUES, Case, becomes, over
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional
from tests.frontends.torch.models import assert_exact, dyadic

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch

Array = npt.NDArray[Any]

INPUTS, NEURONS, STEPS, SAMPLES = 12, 100, 100, 100
assert STEPS * SAMPLES * NEURONS >= VALUES

KINDS = {
    "leaky": ("Leaky", "LIF"),
    "lapicque": ("Lapicque", "Scale, LIF"),
    "rleaky": ("RLeaky, linear_features", "LIF, Affine"),
    "rleaky without bias": ("RLeaky, linear_features without bias", "LIF, Linear"),
    "rleaky V": ("RLeaky, V of each neuron", "LIF, Scale"),
    "rleaky one V": ("RLeaky, one V", "LIF, Scale"),
}
"""What is made, and what it becomes."""
CURRENTS = {
    "synaptic": ("Synaptic", "CubaLIF"),
    "rsynaptic": ("RSynaptic, linear_features", "CubaLIF, Affine"),
    "rsynaptic without bias": ("RSynaptic, linear_features without bias", "CubaLIF, Linear"),
    "rsynaptic V": ("RSynaptic, V of each neuron", "CubaLIF, Scale"),
    "rsynaptic one V": ("RSynaptic, one V", "CubaLIF, Scale"),
}
"""The same of neurons with a synaptic current."""
RESETS = ("subtract", "zero", "none")


def neuron(kind: str, random: np.random.Generator, *, vector: bool, **options: Any) -> Any:
    size = (NEURONS,) if vector else ()
    options["beta"] = torch.tensor(random.uniform(0.3, 1, size), dtype=torch.float32)
    options["threshold"] = torch.tensor(random.uniform(0.5, 2, size), dtype=torch.float32)
    options = {"init_hidden": True, **options}
    if kind in CURRENTS:
        options["alpha"] = torch.tensor(random.uniform(0.3, 1, size), dtype=torch.float32)
    if kind == "lapicque":
        del options["beta"], options["reset_delay"]
        layer = snn.Lapicque(R=1.5, C=2.5, time_step=1.3, **options)
        if vector:  # by assignment only: its constructor takes single numbers
            layer.C = torch.tensor(random.uniform(2, 4, size), dtype=torch.float32)
        return layer
    if kind in {"leaky", "synaptic"}:
        return (snn.Leaky if kind == "leaky" else snn.Synaptic)(**options)
    recurrent = snn.RLeaky if kind in KINDS else snn.RSynaptic
    if "V" in kind:
        shape = () if "one V" in kind else (NEURONS,)
        v = torch.tensor(random.uniform(-1, 1, shape), dtype=torch.float32)
        return recurrent(all_to_all=False, V=v, **options)
    layer = recurrent(linear_features=NEURONS, **options)
    layer.recurrent = dense(random, NEURONS, NEURONS, bias="without" not in kind, size=0.1)
    return layer


def dense(random: np.random.Generator, n_in: int, n_out: int, *, bias: bool, size: float) -> Any:
    """Weights in 1/256, so that sums are exact and no order of summation matters."""
    return dyadic(nn.Linear(n_in, n_out, bias=bias), int(random.integers(2**31)), size, 256)


def data(random: np.random.Generator, *shape: int) -> Array:
    return (random.integers(0, 17, (STEPS, SAMPLES, *shape)) / 16).astype(np.float32)


def execute(
    graph: nir.NIRGraph, x: Array, change: Callable[[Reset], Reset] = lambda reset: reset
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Execute a graph of dense layers from its metadata alone: slow, plain, float32."""
    notes = {n: node.metadata["snnc"] for n, node in graph.nodes.items() if node.metadata}
    before = {target: source for source, target in graph.edges if target in notes}
    neurons = [n for n in notes if "reset" in notes[n]]
    weights = {
        n: sorted(
            (s for s, t in graph.edges if t == n and "order" in notes.get(s, {})),
            key=lambda s: int(notes[s]["order"]),
        )
        for n in neurons
    }
    flat = x.reshape(len(x), x.shape[1], -1)
    v = {n: np.zeros((x.shape[1], notes[n]["decay"].size), np.float32) for n in neurons}
    s = {n: np.zeros_like(v[n]) for n in neurons}
    i = {n: np.zeros_like(v[n]) for n in neurons}
    spikes: dict[str, list[Array]] = {n: [] for n in neurons}
    potentials: dict[str, list[Array]] = {n: [] for n in neurons}
    for value in flat:
        old = dict(s)

        def sent(w: str, value: Array = value, old: dict[str, Array] = old) -> Array:
            if before[w] in s:
                return (old if notes[w]["delay"] else s)[before[w]]
            return (
                weighted(graph.nodes[before[w]], sent(before[w])) if before[w] in notes else value
            )

        for n in neurons:
            currents = [weighted(graph.nodes[w], sent(w)) for w in weights[n]]
            if notes[n]["integration"] == "current-decay":
                i[n] = notes[n]["current_decay"] * i[n]
                for current in currents:
                    i[n] = i[n] + notes[n]["gain"] * current
                currents = [i[n]]
            v[n], fired = step(notes[n], change(Reset(notes[n]["reset"])), v[n], currents)
            s[n] = fired * notes[n]["spike"]
            spikes[n].append(fired)
            potentials[n].append(v[n])
    return (
        {n: np.stack(a).astype(np.uint8) for n, a in spikes.items()},
        {n: np.stack(a) for n, a in potentials.items()},
    )


def weighted(node: Any, x: Array) -> Array:
    if isinstance(node, nir.Scale):
        return np.asarray(node.scale * x)
    bias = node.bias if isinstance(node, nir.Affine) else np.float32(0)
    return np.asarray(x @ node.weight.T + bias)


def step(notes: Any, reset: Reset, v: Array, currents: list[Array]) -> tuple[Array, Array]:
    decay, theta = notes["decay"], notes["threshold"]
    one = np.float32(1)
    above = (v > theta).astype(np.float32)
    v = decay * ((one - above) * v) if reset is Reset.ZERO_DELAYED else decay * v
    for current in currents:
        v = v + notes["gain"] * current
    if reset in {Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST}:
        v = v - above * theta
    if reset is Reset.ZERO_NEXT:
        v = v * (one - above)
    s = (v > theta).astype(np.float32)
    if reset is Reset.ZERO:
        v = v * (one - s)
    if reset is Reset.SUBTRACT:
        v = v - s * theta
    if reset is Reset.SUBTRACT_RETEST:
        v = v - (s - above) * theta
    assert v.dtype == s.dtype == np.float32
    return v, s


def model(
    kind: str, mechanism: str, *, delay: bool, vector: bool, bias: bool, seed: int = 7
) -> Any:
    random = np.random.default_rng(seed)
    return nn.Sequential(
        dense(random, INPUTS, NEURONS, bias=bias, size=0.5),
        neuron(kind, random, vector=vector, reset_mechanism=mechanism, reset_delay=delay),
    )


def neurons() -> Iterator[Case]:
    """Give every neuron with each of its resets, and one value of its parameters or many."""
    for kind, (layer, nodes) in (KINDS | CURRENTS).items():
        for vector, mechanism, delay in product((False, True), RESETS, (True, False)):
            if ("rsynaptic" in kind or kind == "lapicque") and not delay:
                continue  # refused; an option that there is not
            size = "parameters of each neuron" if vector else "one value of each parameter"
            made = partial(model, kind, mechanism, delay=delay, vector=vector, bias=vector)
            yield Case(f"{layer}; {size}", reset(mechanism, delay=delay), nodes, made)


def reset(mechanism: str, *, delay: bool) -> str:
    return mechanism if delay else f"{mechanism} at once"


@over([*neurons()])
def test_the_network_gives_the_spikes_of_the_framework(case: Case) -> None:
    made = case.make()
    x = data(np.random.default_rng(11), INPUTS)
    ran = run_snntorch(made, x)
    graph = from_snntorch(made, (INPUTS,))
    assert becomes(graph, "1") == case.becomes
    here = run_float(discretize(graph), {"input": x})
    assert 0.01 < ran.spikes["1"].mean() < 0.99
    assert ran.spikes["1"].size >= VALUES
    assert np.count_nonzero(ran.spikes["1"] != here.spikes["1"]) == 0
    assert np.count_nonzero(ran.v["1"] != here.v["1"]) == 0
    assert set(ran.u) == set(here.u)
    assert all(np.count_nonzero(ran.u[name] != here.u[name]) == 0 for name in ran.u)
    part = slice(None), slice(0, 20)
    spikes, potentials = execute(graph, x[part])
    assert np.count_nonzero(ran.spikes["1"][part] != spikes["1"]) == 0
    assert np.count_nonzero(ran.v["1"][part] != potentials["1"]) == 0


def convolved(layer: str, kernel: Any, mechanism: str, *, delay: bool) -> Any:
    fields = {"conv2d_channels": 4, "kernel_size": kernel, "init_hidden": True}
    fields |= {"reset_mechanism": mechanism, "reset_delay": delay, "beta": 0.5}
    fields |= {"alpha": 0.25} if layer == "RSynaptic" else {}
    return nn.Sequential(
        dyadic(nn.Conv2d(1, 4, 3, padding=1)), dyadic(getattr(snn, layer)(**fields), 5, 0.2)
    )


CONVOLVED = [
    Case(
        f"{layer}, conv2d_channels, kernel_size={kernel}",
        reset(mechanism, delay=delay),
        nodes,
        partial(convolved, layer, kernel, mechanism, delay=delay),
    )
    for layer, nodes in (("RLeaky", "LIF, Conv2d"), ("RSynaptic", "CubaLIF, Conv2d"))
    for kernel, mechanism, delay in product((3, (1, 5)), RESETS, (True, False))
    if delay or layer == "RLeaky"
]


@over(CONVOLVED)
def test_recurrence_by_convolution(case: Case) -> None:
    graph = assert_exact(case.make(), data(np.random.default_rng(12), 1, 5, 5))
    assert becomes(graph, "1") == case.becomes


def graded(mechanism: str, *, delay: bool) -> Any:
    random = np.random.default_rng(8)
    sizes = torch.tensor(random.choice([0.5, -0.75, 2.0], NEURONS), dtype=torch.float32)
    options: Any = {"reset_mechanism": mechanism, "reset_delay": delay, "init_hidden": True}
    return nn.Sequential(
        dense(random, INPUTS, NEURONS, bias=True, size=0.5),
        snn.Leaky(0.5, graded_spikes_factor=sizes, **options),
        dense(random, NEURONS, NEURONS, bias=False, size=0.3),
        snn.Leaky(0.5, graded_spikes_factor=1.5, learn_graded_spikes_factor=True, **options),
        dense(random, NEURONS, NEURONS, bias=False, size=0.3),
        snn.Leaky(0.25, threshold=torch.linspace(-40, 40, NEURONS).abs(), **options),
    )


GRADED = [
    Case(
        "Leaky, graded_spikes_factor of each neuron, and one that was learned",
        reset(mechanism, delay=delay),
        "LIF",
        partial(graded, mechanism, delay=delay),
    )
    for mechanism, delay in product(RESETS, (True, False))
]


@over(GRADED)
def test_spikes_of_another_size(case: Case) -> None:
    made = case.make()
    graph = assert_exact(made, data(np.random.default_rng(8), INPUTS))
    assert becomes(graph, "1", "3") == case.becomes
    sizes = made[1].graded_spikes_factor.numpy()
    assert len(set(sizes)) == 3
    np.testing.assert_array_equal(node_of(graph, "1").metadata["snnc"]["spike"], sizes)


def mem_of(self: Any, x: Any, mem: Any) -> Any:
    _, mem = self.lif(self.fc(x), mem)
    return mem


def mem_of_two(self: Any, x: Any, syn: Any, mem: Any) -> Any:
    _, syn, mem = self.lif(self.fc(x), syn, mem)
    return mem, syn


def read_out(kind: str, *, vector: bool) -> Any:
    """Neurons whose potential is the output, and whose spikes go nowhere."""
    random = np.random.default_rng(9)
    forward = mem_of_two if kind == "synaptic" else mem_of
    made = type("Net", (nn.Module,), {"forward": forward})()
    made.fc = dense(random, INPUTS, NEURONS, bias=True, size=0.5)
    options = {"reset_mechanism": "none", "reset_delay": True, "init_hidden": False}
    made.lif = neuron(kind, random, vector=vector, **options)
    return made


READ_OUTS = [
    Case(
        f"{(KINDS | CURRENTS)[kind][0]}, mem as the output",
        "parameters of each neuron" if vector else "one value of each parameter",
        nodes,
        partial(read_out, kind, vector=vector),
    )
    for kind, nodes in (("leaky", "LI"), ("lapicque", "Scale, LI"), ("synaptic", "CubaLI"))
    for vector in (False, True)
]


@over(READ_OUTS)
def test_read_outs(case: Case) -> None:
    graph = assert_exact(case.make(), data(np.random.default_rng(13), INPUTS))
    assert becomes(graph, "lif") == case.becomes


def plain(**options: Any) -> Any:
    return nn.Sequential(
        dense(np.random.default_rng(5), INPUTS, NEURONS, bias=True, size=0.5),
        snn.Leaky(**{"beta": 0.75, "init_hidden": True, **options}),
    )


SAME = [
    Case("Leaky, options that change no spike", option, "LIF", make)
    for option, make in {
        "spike_grad=surrogate.fast_sigmoid()": lambda: plain(
            spike_grad=snn.surrogate.fast_sigmoid()
        ),
        "spike_grad=surrogate.atan()": lambda: plain(spike_grad=snn.surrogate.atan()),
        "surrogate_disable=True": lambda: plain(surrogate_disable=True),
        "learn_beta=True, learn_threshold=True": lambda: plain(
            learn_beta=True, learn_threshold=True
        ),
        "output=True": lambda: plain(output=True),
    }.items()
]


@over(SAME)
def test_options_that_change_no_spike(case: Case) -> None:
    x = data(np.random.default_rng(14), INPUTS)
    assert becomes(assert_exact(case.make(), x), "1") == case.becomes
    ran, wanted = run_snntorch(case.make(), x), run_snntorch(plain(), x)
    np.testing.assert_array_equal(ran.spikes["1"], wanted.spikes["1"])


@pytest.mark.parametrize(
    ("kind", "mechanism", "delay", "wrong"),
    [
        ("leaky", "subtract", True, Reset.SUBTRACT),
        ("leaky", "subtract", True, Reset.SUBTRACT_RETEST),
        ("leaky", "subtract", False, Reset.SUBTRACT),
        ("leaky", "zero", True, Reset.ZERO_NEXT),
        ("rleaky", "zero", True, Reset.ZERO_DELAYED),
        ("rleaky", "zero", False, Reset.ZERO_NEXT),
        ("leaky", "none", True, Reset.SUBTRACT_DELAYED),
        ("synaptic", "subtract", False, Reset.SUBTRACT),
        ("synaptic", "zero", True, Reset.ZERO_DELAYED),
        ("rsynaptic", "zero", True, Reset.ZERO),
    ],
)
def test_another_reset_gives_other_spikes(
    kind: str, mechanism: str, delay: bool, wrong: Reset
) -> None:
    """The comparison above can fail: the data tell one reset from the other."""
    made = model(kind, mechanism, delay=delay, vector=True, bias=True)
    x = data(np.random.default_rng(11), INPUTS)
    spikes, _ = execute(from_snntorch(made, (INPUTS,)), x, lambda _: wrong)
    assert np.count_nonzero(run_snntorch(made, x).spikes["1"] != spikes["1"]) > 100


def test_a_deep_model_gives_the_spikes_of_the_framework() -> None:
    random = np.random.default_rng(3)
    made = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(dense(random, 12, NEURONS, bias=True, size=0.5), nn.Dropout(0.5)),
        neuron("leaky", random, vector=True),
        dense(random, NEURONS, NEURONS, bias=False, size=0.3),
        neuron("rleaky", random, vector=False, reset_mechanism="zero"),
        nn.Identity(),
        dense(random, NEURONS, 10, bias=True, size=0.3),
        snn.Leaky(beta=0.5, init_hidden=True, output=True),
    )
    x = data(random, 3, 4)
    ran = run_snntorch(made, x)
    spikes, _ = execute(from_snntorch(made, (3, 4)), x)
    assert set(spikes) == set(ran.spikes) == {"2", "4", "7"}
    for name, there in ran.spikes.items():
        assert there.any()
        assert np.count_nonzero(there != spikes[name].reshape(there.shape)) == 0
    assert ran.outputs["output"] is ran.spikes["7"]


@pytest.mark.parametrize("beta", [0, 1, -0.5, 1.5, 0.1, 0.9, 0.99, 1 - 2**-24, 2**-20])
def test_beta_is_clamped_and_given_back(beta: float) -> None:
    graph = from_snntorch(snn.Leaky(beta=beta), (3,), dt=1e-3)
    node = node_of(graph, "leaky")
    wanted = np.full(3, min(max(beta, 0), 1), np.float32)
    assert node.metadata["snnc"]["decay"].dtype == np.float32
    np.testing.assert_array_equal(node.metadata["snnc"]["decay"], wanted)
    np.testing.assert_array_equal((1 - 1e-3 / node.tau).astype(np.float32), wanted)
    np.testing.assert_allclose(node.r * 1e-3 / node.tau, 1, rtol=1e-15)
    assert np.isfinite(node.tau).all()


def test_any_beta_is_given_back_from_tau() -> None:
    betas = np.random.default_rng(0).uniform(0, 1, 100_000).astype(np.float32)
    graph = from_snntorch(snn.Leaky(beta=torch.tensor(betas)), (len(betas),))
    np.testing.assert_array_equal(
        (1 - 1e-4 / node_of(graph, "leaky").tau).astype(np.float32), betas
    )
