"""What a user may write in NIR, node by node: the rows of docs/lava_support.md."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import nir
import numpy as np

from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from tests.builders import Edge, graph
from tests.frontends.graphs import conv1d, conv2d, input_of, output_of, pool

DT = 1e-3
PLANE, LINE, FLAT = (2, 7, 6), (2, 12), (8,)
Options = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A node in one of its forms.

    Attributes:
        node: What it is.
        option: How it is written.
        make: Gives a small network with it.
        role: ``population`` or ``projection``: whose processes the table names.
        options: Of ``snnc.compile``.
        graded: Whether real values enter, not spikes.
    """

    node: str
    option: str
    make: Callable[[], nir.NIRGraph]
    role: str = "projection"
    options: Options = field(default_factory=Options)
    graded: bool = False

    def __str__(self) -> str:
        return f"{self.node}: {self.option}" if self.option else self.node


def random() -> np.random.Generator:
    """Give the same numbers each time."""
    return np.random.default_rng(3)


def weights(*shape: int, size: float = 1.0) -> Any:
    """Give weights that let neurons spike now and then."""
    fan_in = int(np.prod(shape[1:]))
    return (size * random().normal(0.35, 1, shape) * 12 / np.sqrt(fan_in)).astype(np.float32)


def neuron(kind: Any = nir.LIF, *shape: int, **fields: Any) -> Any:
    """Give a neuron node of 10 ms, threshold 1, a parameter for each neuron."""
    given = {
        "tau": 0.01,
        "tau_mem": 0.01,
        "tau_syn": 0.005,
        "w_in": 5.0,
        "r": 100.0 if kind in {nir.IF, nir.I} else 1.0,
        "v_leak": 0.0,
        "v_threshold": 1.0,
        "v_reset": 0.0,
    } | fields
    names = kind.__dataclass_fields__
    arrays: Options = {n: np.full(shape, v, np.float32) for n, v in given.items() if n in names}
    return kind(**arrays)


def between(*nodes: nir.NIRNode, shape: tuple[int, ...] = FLAT, out: tuple[int, ...] = (6,)) -> Any:
    """Give an input, nodes one after the other, and an output."""
    named = {f"n{k}": node for k, node in enumerate(nodes)}
    ends: dict[str, nir.NIRNode] = {"input": input_of(*shape), **named, "output": output_of(*out)}
    return graph(ends, list(pairwise(ends)))


def before_neurons(node: Callable[[], nir.NIRNode], shape: tuple[int, ...], *out: int) -> Any:
    """Give a maker of a network of a stateless node and neurons of its shape.

    What has no weights gives small values, for which the threshold is low.
    """

    def make() -> nir.NIRGraph:
        made = node()
        low = {} if hasattr(made, "weight") else {"v_threshold": 0.2}
        return between(made, neuron(nir.LIF, *out, **low), shape=shape, out=out)

    return make


def of_neurons(kind: Any = nir.LIF, **fields: Any) -> Any:
    """Give a maker of a network of weights and six neurons."""
    return lambda: between(nir.Linear(weights(6, 8)), neuron(kind, 6, **fields))


def wired(nodes: dict[str, nir.NIRNode], *edges: str) -> nir.NIRGraph:
    """Give a graph of edges such as ``a>b``."""
    pairs: list[Edge] = [(a, b) for a, b in (edge.split(">") for edge in edges)]
    return graph(nodes, pairs)


def ends(*names: str) -> dict[str, nir.NIRNode]:
    """Give inputs of eight values, and outputs of six, by name."""
    return {n: input_of(8) if n.startswith("in") else output_of(6) for n in names}


def two_layers(*edges: str, **more: nir.NIRNode) -> nir.NIRGraph:
    """Give neurons ``a`` and ``b`` with weights before them, and what is between other nodes."""
    nodes = ends("input", "output") | {
        "wa": nir.Linear(weights(6, 8)),
        "a": neuron(nir.LIF, 6),
        "wb": nir.Linear(weights(6, 6)),
        "b": neuron(nir.LIF, 6),
    }
    usual = ("input>wa", "wa>a", "a>wb", "wb>b", "b>output")
    return wired(nodes | more, *usual, *edges)


def beside() -> nir.NIRGraph:
    """Give two layers side by side that a third takes one behind the other."""
    parts = np.zeros((2, 6, 6), np.float32)
    parts[0, :3], parts[1, 3:] = weights(3, 6), weights(3, 6)
    nodes = ends("input", "output") | {
        "wa": nir.Linear(weights(6, 8)),
        "wb": nir.Linear(weights(6, 8)[::-1].copy()),
        "first": nir.Linear(parts[0]),
        "second": nir.Linear(parts[1]),
        **{name: neuron(nir.LIF, 6) for name in "abc"},
    }
    edges = ("input>wa", "wa>a", "a>first", "first>c", "input>wb", "wb>b", "b>second", "second>c")
    return wired(nodes, *edges, "c>output")


def several() -> nir.NIRGraph:
    """Give two inputs and two outputs, of spikes and of a potential."""
    nodes = ends("input", "input 2", "output", "output 2") | {
        "wa": nir.Linear(weights(6, 8)),
        "wb": nir.Linear(weights(6, 8)),
        "a": neuron(nir.LIF, 6),
        "wc": nir.Linear(weights(6, 6)),
        "c": neuron(nir.LI, 6),
    }
    edges = ("input>wa", "wa>a", "input 2>wb", "wb>a", "a>output", "a>wc", "wc>c", "c>output 2")
    return wired(nodes, *edges)


def noted(*behind: nir.NIRNode, **notes: Any) -> nir.NIRGraph:
    """Give neurons of what NIR has no field for, noted as the frontends do, and nodes behind them.

    All neurons have the same notes.
    """
    six = np.ones(6, np.float32)
    own: Options = {"integration": "decay", "decay": 0.9 * six, "gain": 0.12 * six, "leak": 0 * six}
    own |= {"threshold": six, "reset": "zero", "origin": "net.lif"} | notes
    nodes = (nir.Linear(weights(6, 8)), neuron(nir.LIF, 6), *behind)
    for node in nodes:
        of_weights = {"delay": 0, "order": 0, "origin": "net.fc"}
        node.metadata = {"snnc": own if isinstance(node, nir.LIF) else of_weights}
    made = between(*nodes)
    made.metadata = {"snnc": {"format": 2, "framework": "snntorch 1.0.0", "dt": DT}}
    return made


def larger() -> nir.NIRGraph:
    """Give spikes of size 0.5 to 2, and neurons that they reach."""
    return noted(nir.Linear(weights(6, 6)), neuron(nir.LIF, 6), spike=spread(0.5, 2))


def across() -> nir.NIRGraph:
    """Give a loop of two layers, and the two steps that it takes."""
    step = nir.Delay(np.full(6, 2 * DT))
    back = nir.Linear(weights(6, 6) - 1)
    return two_layers("b>wr", "wr>step", "step>a", wr=back, step=step)


def sparse() -> nir.NIRGraph:
    """Give so many weights, and so few that are not 0, that a sparse matrix pays."""
    kept = random().random((256, 256)) < 0.03
    layer = nir.Linear(np.where(kept, weights(256, 256, size=10), 0).astype(np.float32))
    return between(layer, neuron(nir.LIF, 256), shape=(256,), out=(256,))


def spread(low: float, high: float) -> Any:
    return np.linspace(low, high, 6, dtype=np.float32)


def _operators() -> list[Row]:
    def row(node: str, option: str, make: Callable[[], nir.NIRNode], shape: Any, *out: int) -> Row:
        return Row(node, option, before_neurons(make, shape, *out))

    def plane(option: str, *kernel: int, out: tuple[int, ...], c: int = 2, **fields: Any) -> Row:
        return row(
            "Conv2d",
            option,
            lambda: conv2d(weights(4, c, *kernel), **plain(fields)),
            PLANE,
            4,
            *out,
        )

    def line(option: str, kernel: int, *, out: int, c: int = 2, **fields: Any) -> Row:
        return row(
            "Conv1d", option, lambda: conv1d(weights(4, c, kernel), **plain(fields)), LINE, 4, out
        )

    def plain(fields: Any) -> Any:
        return {"bias": np.zeros(4, np.float32)} | fields

    def delay(steps: Any) -> Callable[[], nir.NIRGraph]:
        seconds = np.broadcast_to(np.asarray(steps) * DT, (6,)).astype(np.float64)
        return lambda: two_layers_with(nir.Delay(seconds))

    return [
        row("Linear", "", lambda: nir.Linear(weights(6, 8)), FLAT, 6),
        row("Affine", "a bias", lambda: nir.Affine(weights(6, 8), spread(-1, 2)), FLAT, 6),
        Row("Linear", "sparse, 65,536 weights", sparse),
        plane("", 3, 3, out=(5, 4)),
        plane("a bias", 3, 3, out=(5, 4), bias=np.array([0.5, 1, 0, 2], np.float32)),
        plane("stride", 3, 3, out=(3, 2), stride=(2, 2)),
        plane("padding", 3, 3, out=(7, 6), padding=(1, 1)),
        plane("padding same", 2, 2, out=(7, 6), padding="same"),
        plane("dilation", 2, 2, out=(5, 4), dilation=(2, 2)),
        plane("groups", 3, 3, out=(5, 4), c=1, groups=2),
        plane("not square", 3, 2, out=(5, 5)),
        line("", 3, out=10),
        line("stride, padding", 3, out=6, stride=2, padding=1),
        line("dilation", 3, out=8, dilation=2),
        line("groups", 3, out=10, c=1, groups=2),
        row("SumPool2d", "", lambda: pool(nir.SumPool2d, 2, 2), PLANE, 2, 3, 3),
        row("AvgPool2d", "", lambda: pool(nir.AvgPool2d, 2, 2), PLANE, 2, 3, 3),
        row("AvgPool2d", "overlapping", lambda: overlapping(nir.AvgPool2d), PLANE, 2, 4, 3),
        row("MaxPool2d", "", lambda: pool(MaxPool2d, 2, 2), PLANE, 2, 3, 3),
        row("MaxPool1d", "", lambda: pool(MaxPool1d, 3), LINE, 2, 4),
        Row("Conv2d", "SumPool2d behind it", lambda: pooled_behind(nir.SumPool2d)),
        Row("Conv2d", "MaxPool2d behind it", lambda: pooled_behind(MaxPool2d)),
        Row("Flatten", "then Linear", flattened),
        row("Scale", "a factor for each", lambda: nir.Scale(weights(8, 1)[:, 0]), FLAT, 8),
        Row("Delay", "3 steps", delay(3)),
        Row("Delay", "62 steps", delay(62)),
        Row("Delay", "100 steps: neurons that pass spikes on", delay(100)),
        Row("Delay", "of each neuron its own", delay([0, 1, 2, 3, 9, 5])),
        Row("Threshold", "", thresholded, "population"),
        Row(
            "wiring",
            "skip connection",
            lambda: two_layers("input>ws", "ws>b", ws=nir.Linear(weights(6, 8))),
        ),
        Row("wiring", "concatenation", beside),
        Row(
            "wiring",
            "recurrence inside",
            lambda: two_layers("a>wr", "wr>a", wr=nir.Linear(weights(6, 6) - 1)),
        ),
        Row("wiring", "recurrence across", across),
        Row("wiring", "two inputs, two outputs", several),
        Row("wiring", "real values enter", of_neurons(), graded=True),
    ]


def two_layers_with(node: nir.NIRNode) -> nir.NIRGraph:
    """Give two layers with a node between them."""
    nodes = (nir.Linear(weights(6, 8)), neuron(nir.LIF, 6), node)
    return between(*nodes, nir.Linear(weights(6, 6)), neuron(nir.LIF, 6))


def overlapping(kind: Any) -> Any:
    return pool(kind, 3, 3, stride=np.array([2, 2]), padding=np.array([1, 1]))


def pooled_behind(kind: Any) -> nir.NIRGraph:
    """Give a convolution, pooling of its sums, and neurons."""
    conv = conv2d(weights(4, 2, 2, 3), bias=np.zeros(4, np.float32))
    return between(conv, pool(kind, 2, 2), neuron(nir.LIF, 4, 3, 2), shape=PLANE, out=(4, 3, 2))


def flattened() -> nir.NIRGraph:
    """Give neurons on a plane, and weights behind all of them."""
    conv = conv2d(weights(4, 2, 3, 3), bias=np.zeros(4, np.float32))
    flat = nir.Flatten({"input": np.array([4, 5, 4])}, 0, -1)
    nodes = (conv, neuron(nir.LIF, 4, 5, 4), flat, nir.Linear(weights(6, 80)), neuron(nir.LIF, 6))
    return between(*nodes, shape=PLANE)


def thresholded() -> nir.NIRGraph:
    return between(nir.Linear(weights(6, 8)), nir.Threshold(np.full(6, 3, np.float32)))


def _neurons() -> list[Row]:
    def row(node: str, option: str, make: Any, **options: Any) -> Row:
        return Row(node, option, make, "population", options)

    resets = (
        "value",
        "subtract",
        "zero-delayed",
        "zero-next",
        "subtract-delayed",
        "subtract-retest",
    )
    return [
        row("LIF", "reset zero", of_neurons()),
        row("LIF", "v_reset", of_neurons(v_reset=-0.4)),
        *(row("LIF", f"reset {name}", of_neurons(), reset=name) for name in resets[1:]),
        row("LIF", "reset none", lambda: noted(reset="none")),
        row("LIF", "a refractory period", lambda: noted(refractory=2)),
        row("LIF", "starts away from 0", lambda: noted(initial=np.full(6, 0.5, np.float32))),
        row("LIF", "spikes of another size", larger),
        row("LIF", "v_leak", of_neurons(v_leak=0.4)),
        row("LIF", "v_leak of norse", of_neurons(v_leak=0.4), dialect="norse"),
        row("LIF", "tau of each neuron its own", of_neurons(tau=spread(0.005, 0.03))),
        row("LIF", "v_threshold of each neuron its own", of_neurons(v_threshold=spread(0.5, 2))),
        row("LIF", "r of each neuron its own", of_neurons(r=spread(0.5, 2))),
        row(
            "LIF",
            "one neuron",
            lambda: between(nir.Linear(weights(1, 8)), neuron(nir.LIF, 1), out=(1,)),
        ),
        row("CubaLIF", "reset zero", of_neurons(nir.CubaLIF)),
        row("CubaLIF", "v_reset", of_neurons(nir.CubaLIF, v_reset=-0.4)),
        row("CubaLIF", "reset subtract", of_neurons(nir.CubaLIF), reset="subtract"),
        row("IF", "reset zero", of_neurons(nir.IF)),
        row("IF", "reset subtract", of_neurons(nir.IF), reset="subtract"),
        row("LI", "", of_neurons(nir.LI)),
        row("CubaLI", "", of_neurons(nir.CubaLI)),
        row("I", "", of_neurons(nir.I)),
        row("Output", "of weights alone", lambda: between(nir.Linear(weights(6, 8)))),
    ]


ROWS = [*_operators(), *_neurons()]
