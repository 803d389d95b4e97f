"""Graphs that tests read and write, and a way to look into them that type checkers take."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d

FIELDS = {
    "Input": (),
    "Output": (),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Conv1d": ("weight", "bias", "stride", "padding", "dilation", "groups", "input_shape"),
    "Conv2d": ("weight", "bias", "stride", "padding", "dilation", "groups", "input_shape"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "MaxPool2d": ("kernel_size", "stride", "padding", "dilation"),
    "MaxPool1d": ("kernel_size", "stride", "padding", "dilation"),
    "Flatten": ("start_dim", "end_dim"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "I": ("r",),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "Scale": ("scale",),
    "Threshold": ("threshold",),
    "Delay": ("delay",),
}
"""The fields of every node type but graphs, beside shapes and metadata."""
ELEMENTWISE = ("LIF", "IF", "LI", "I", "CubaLIF", "CubaLI", "Scale", "Threshold", "Delay")


def node_of(graph: nir.NIRGraph, name: str) -> Any:
    """Give a node; ``nir`` does not say of which type."""
    return graph.nodes[name]


def reals(*shape: int, value: float = 1.0) -> npt.NDArray[np.float32]:
    return np.full(shape, value, np.float32)


def small_graph() -> nir.NIRGraph:
    """Two inputs, three neurons with a loop."""
    nodes: dict[str, nir.NIRNode] = {
        "in": nir.Input(input_type={"input": np.array([2])}),
        "fc": nir.Affine(weight=reals(3, 2, value=0.5), bias=reals(3)),
        "lif": lif(3),
        "loop": nir.Linear(weight=np.eye(3, dtype=np.float32)),
        "out": nir.Output(output_type={"output": np.array([3])}),
    }
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "loop"), ("loop", "lif"), ("lif", "out")]
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)


def lif(*shape: int) -> nir.LIF:
    return nir.LIF(
        tau=reals(*shape),
        r=reals(*shape),
        v_leak=reals(*shape, value=0),
        v_threshold=reals(*shape),
        v_reset=reals(*shape, value=0),
    )


def flat(start_dim: int, end_dim: int) -> nir.Flatten:
    """A node that does not know what it takes."""
    unknown: Any = {"input": None}
    return nir.Flatten(unknown, start_dim, end_dim)


def other_node() -> nir.NIRNode:
    """A node of a type of another tool."""
    kind: Any = type("Other", (nir.Threshold,), {})
    node: nir.NIRNode = kind(threshold=np.zeros(1))
    return node


def conv2d(weight: Any, **fields: Any) -> nir.Conv2d:
    """A convolution with what is not named at its plainest."""
    array = np.asarray(weight, np.float32)
    plain: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    plain |= {"input_shape": None, "bias": reals(len(array), value=0.5)}
    return nir.Conv2d(weight=array, **(plain | fields))


def conv1d(weight: Any, **fields: Any) -> nir.Conv1d:
    """A convolution with what is not named at its plainest."""
    array = np.asarray(weight, np.float32)
    plain: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    plain |= {"input_shape": None, "bias": reals(len(array), value=0.5)}
    return nir.Conv1d(weight=array, **(plain | fields))


def pool(kind: Any, *size: int, **fields: Any) -> Any:
    """A pool with windows side by side."""
    given: dict[str, Any] = {"kernel_size": np.array(size), "stride": np.array(size)}
    given["padding"] = np.zeros(len(size), np.int64)
    if kind in {MaxPool1d, MaxPool2d}:
        given |= {"padding": np.zeros((len(size), 2), np.int64), "dilation": np.ones_like(size)}
    return kind(**(given | fields))


def elementwise(kind: str, *shape: int, seed: int = 0) -> nir.NIRNode:
    """A node of ``kind`` with random parameters."""
    random = np.random.default_rng(seed)
    fields = {name: random.random(shape).astype(np.float32) + 0.1 for name in FIELDS[kind]}
    if "v_reset" in fields:
        fields["v_reset"] = fields["v_threshold"] - 1
    node: nir.NIRNode = getattr(nir, kind)(**fields)
    return node


def chain(*nodes: tuple[str, nir.NIRNode]) -> nir.NIRGraph:
    """A graph of nodes, each fed by the one before."""
    names = [name for name, _ in nodes]
    edges = list(pairwise(names))
    return nir.NIRGraph(nodes=dict(nodes), edges=edges, type_check=False)


def input_of(*shape: int) -> nir.Input:
    return nir.Input(input_type={"input": np.array(shape)})


def output_of(*shape: int) -> nir.Output:
    return nir.Output(output_type={"output": np.array(shape)})


def block(size: int = 4) -> nir.NIRGraph:
    """A graph to be nested: one population."""
    return chain(("input", input_of(size)), ("lif", lif(size)), ("output", output_of(size)))


def standard_nodes(seed: int = 0) -> nir.NIRGraph:
    """Every node type of NIR in a form that nir itself can read, with random parameters."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return random.random(shape).astype(np.float32)

    flat = nir.Flatten(input_type={"input": np.array([6, 2, 2])}, start_dim=0)
    graph = chain(
        ("a.in", input_of(2, 9, 9)),
        ("b conv", conv2d(draw(4, 2, 3, 3), padding=(1, 1), stride=(2, 2), input_shape=(9, 9))),
        ("c same", conv2d(draw(6, 4, 3, 3), padding="same", dilation=2)),
        ("d sum", pool(nir.SumPool2d, 2, 2)),
        ("e mean", pool(nir.AvgPool2d, 2, 2, stride=np.array([1, 1]), padding=np.array([1, 1]))),
        ("f mean", pool(nir.AvgPool2d, 2, 2, stride=np.array([1, 1]))),
        ("g flat", flat),
        ("h", nir.Affine(weight=random.random((4, 24)), bias=random.random(4))),
        ("i", nir.Linear(weight=draw(4, 4))),
        *((kind, elementwise(kind, 4, seed=seed)) for kind in ELEMENTWISE),
        ("nested", block()),
        ("ö", output_of(4)),
    )
    graph.nodes |= {
        "in 2": input_of(2, 12),
        "line": conv1d(draw(2, 2, 3), stride=2, padding=1, input_shape=12),
        "line 2": conv1d(draw(3, 2, 2), dilation=2),
        "out 2": output_of(3, 4),
    }
    graph.edges += [("in 2", "line"), ("line", "line 2"), ("line 2", "out 2")]
    graph.nodes["i"].metadata = {"snnc": {"delay": 1, "order": 0, "origin": "net.i"}}
    graph.nodes["nested"].metadata = {"kind": "block"}
    graph.metadata = {
        "snnc": {"format": 2, "dt": 1e-4, "framework": "x 1.0"},
        "others": {"flag": True, "values": random.random((2, 3)), "single": np.float32(0.1)},
        "texts": ["ä", "", "b"],
        "empty": {},
    }
    return graph


def every_node(seed: int = 0) -> nir.NIRGraph:
    """Every node type, forms that nir cannot read among them."""
    random = np.random.default_rng(seed)
    graph = standard_nodes(seed)
    wide = conv2d(random.random((4, 1, 5, 3)), groups=2, input_shape=(9, 9), padding=(2, 0))
    graph.nodes |= {
        "wide": wide,
        "max": pool(MaxPool2d, 2, 3, padding=np.array([[1, 0], [0, 1]])),
        "wide out": output_of(4, 5, 2),
        "max line": pool(MaxPool1d, 3),
        "single": elementwise("LIF", seed=seed),
        "line out": output_of(3, 1),
    }
    graph.edges += [("a.in", "wide"), ("wide", "max"), ("max", "wide out")]
    graph.edges += [("line 2", "single"), ("single", "max line"), ("max line", "line out")]
    return graph


def assert_same(one: nir.NIRGraph, other: nir.NIRGraph, *, notes: bool = True) -> None:
    """The same nodes with the same arrays, bit for bit, and the same edges."""
    assert sorted(one.edges) == sorted(other.edges)
    assert sorted(one.nodes) == sorted(other.nodes)
    if notes:
        assert_same_notes(one.metadata, other.metadata)
    for name in one.nodes:
        here, there = node_of(one, name), node_of(other, name)
        assert type(here) is type(there)
        if isinstance(here, nir.NIRGraph):
            assert_same(here, there, notes=notes)
            continue
        if notes:
            assert_same_notes(here.metadata, there.metadata)
        for field in FIELDS[type(here).__name__]:
            mine, theirs = getattr(here, field), getattr(there, field)
            if field == "input_shape" and mine is None:
                continue  # the file tells what arrives
            assert (mine is None, isinstance(mine, str)) == (
                theirs is None,
                isinstance(theirs, str),
            )
            if mine is not None:
                np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), strict=True)
        assert_same_shapes(here, there)


def assert_same_shapes(here: Any, there: Any) -> None:
    """As nir keeps them: not at all before it infers them, and wrong ones of convolutions."""
    if isinstance(here, nir.Conv1d | nir.Conv2d):
        return
    pairs = [(here.input_type["input"], there.input_type["input"])]
    pairs.append((here.output_type["output"], there.output_type["output"]))
    for mine, theirs in pairs:
        if mine is not None and theirs is not None:
            np.testing.assert_array_equal(mine, theirs)


def assert_same_notes(one: Any, other: Any) -> None:
    """The same metadata, types of numbers included."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same_notes(one[key], other[key])
    elif isinstance(one, np.ndarray | np.generic):
        assert type(one) is type(other)
        np.testing.assert_array_equal(one, other, strict=True)
    else:
        assert (type(one), one) == (type(other), other)
