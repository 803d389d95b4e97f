"""Shapes are those that torch computes; what does not fit is refused with both shapes."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.graph.nodes import PARAMETERS, MaxPool1d, MaxPool2d
from snnc.compiler.graph.shapes import flattened, infer_shapes, same_values
from snnc.compiler.graph.windows import window_of
from snnc.compiler.operators import ShapeError
from tests.frontends.graphs import (
    block,
    chain,
    conv1d,
    conv2d,
    elementwise,
    flat,
    input_of,
    lif,
    node_of,
    other_node,
    output_of,
    pool,
    reals,
    small_graph,
)

COMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
EDGE = "error[SNN106]: every edge joins two nodes of the graph whose shapes agree"
KNOWN = "error[SNN103]: every node is of a type that snnc can compile"
REMEDY = "correct the model where it is made"


def text(head: str, node: str, found: str, limit: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {REMEDY}"


def gives(*nodes: nir.NIRNode) -> tuple[int, ...]:
    """Give what the last of a chain of nodes gives."""
    graph = chain(*((str(i), node) for i, node in enumerate(nodes)))
    return infer_shapes(graph).gives[str(len(nodes) - 1)]


def refusal(*nodes: nir.NIRNode) -> str:
    with pytest.raises(InputError) as caught:
        gives(*nodes)
    return str(caught.value)


def test_every_node_is_told() -> None:
    shapes = infer_shapes(small_graph())
    assert dict(shapes.takes) == {"in": (2,), "fc": (2,), "lif": (3,), "loop": (3,), "out": (3,)}
    assert dict(shapes.gives) == {"in": (2,), "fc": (3,), "lif": (3,), "loop": (3,), "out": (3,)}


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("seed", range(30))
def test_windows_are_those_of_torch(seed: int) -> None:
    import torch
    from torch import nn

    random = np.random.default_rng(seed)

    def draw(low: int, high: int) -> tuple[int, int]:
        return tuple(random.integers(low, high, 2).tolist())

    kernel, stride, dilation, groups = draw(1, 4), draw(1, 4), draw(1, 3), int(draw(1, 3)[0])
    padding: Any = draw(0, 3)
    if seed % 3 == 0:
        padding, stride = ("same", (1, 1)) if seed % 2 else ("valid", stride)
    x = torch.zeros(1, 4, *draw(9, 14))
    with torch.no_grad():
        conv = nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups)(x)
        line = nn.Conv1d(4, 6, kernel[0], stride[0], _first(padding), dilation[0], groups)(
            x[..., 0]
        )
        halves = (kernel[0] // 2, kernel[1] // 2)
        mean = nn.AvgPool2d(kernel, stride, halves)(x)
        most = nn.MaxPool2d(kernel, stride, halves, dilation)(x)
        most_line = nn.MaxPool1d(kernel[0], stride[0], halves[0], dilation[0])(x[..., 0])
    source, short = input_of(*x.shape[1:]), input_of(*x.shape[1:3])
    window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    node = conv2d(reals(6, 4 // groups, *kernel), groups=groups, **window)
    assert gives(source, node) == tuple(conv.shape[1:])
    first = {name: _first(value) for name, value in window.items()}
    node_1d = conv1d(reals(6, 4 // groups, kernel[0]), groups=groups, **first)
    assert gives(input_of(*x.shape[1:3]), node_1d) == tuple(line.shape[1:])
    arrays = {"stride": np.array(stride), "padding": np.array(halves)}
    for kind in (nir.AvgPool2d, nir.SumPool2d):
        assert gives(source, pool(kind, *kernel, **arrays)) == tuple(mean.shape[1:])
    both = np.array([halves, halves]).T
    arrays |= {"padding": both, "dilation": np.array(dilation)}
    assert gives(source, pool(MaxPool2d, *kernel, **arrays)) == tuple(most.shape[1:])
    arrays = {name: value[:1] for name, value in arrays.items()}
    assert gives(short, pool(MaxPool1d, kernel[0], **arrays)) == tuple(most_line.shape[1:])


def _first(value: Any) -> Any:
    return value if isinstance(value, str) else value[0]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("kernel", "dilation"), [(2, 1), (4, 1), (3, 2), (2, 3)])
def test_padding_same_puts_the_odd_zero_behind(kernel: int, dilation: int) -> None:
    import torch
    from torch import nn

    conv = nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation, bias=False)
    torch.nn.init.ones_(conv.weight)
    before, after = window_of(
        conv1d(reals(1, 1, kernel), padding="same", dilation=dilation)
    ).padding[0]
    with torch.no_grad():
        x = torch.arange(1.0, 10.0)[None]
        plain = nn.functional.conv1d(
            nn.functional.pad(x, (before, after)), conv.weight, dilation=dilation
        )
        assert torch.equal(conv(x), plain)


def test_one_number_counts_for_both_axes() -> None:
    node = conv2d(reals(1, 1, 2, 3), stride=np.array(2), padding=np.array([1]), dilation=3)
    assert window_of(node).stride == (2, 2)
    assert window_of(node).padding == ((1, 1), (1, 1))
    assert window_of(node).dilation == (3, 3)


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (conv2d(reals(1, 1, 2, 2), stride=0), "stride [0 0] for 2 axes: whole numbers from 1 on"),
        (
            conv2d(reals(1, 1, 2, 2), dilation=np.array([1, 1, 1])),
            "dilation [1 1 1] for 2 axes: whole numbers from 1 on",
        ),
        (
            conv1d(reals(1, 1, 2), padding=-1),
            "padding -1 for 1 axes: whole numbers from 0 on",
        ),
        (
            conv1d(reals(1, 1, 2), padding="same", stride=2),
            "padding 'same' with stride [2]: it needs stride 1",
        ),
        (conv1d(reals(1, 1, 2, 2)), "a weight of shape [1, 1, 2, 2]"),
        (
            pool(MaxPool1d, 2, padding=np.array([[0, 2]])),
            "padding 2 of a window of 2: half of it at most, and behind an axis less than "
            "all of it",
        ),
        (
            pool(nir.SumPool2d, 2, 2, kernel_size=np.array([2.0, 2.0])),
            "kernel_size [2. 2.] for 2 axes: whole numbers from 1 on",
        ),
    ],
)
def test_a_window_that_is_none(node: Any, found: str) -> None:
    with pytest.raises(ShapeError) as caught:
        window_of(node)
    assert str(caught.value) == found


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (
            (input_of(3, 9, 9), conv2d(reals(4, 2, 3, 3))),
            "[3, 9, 9] arrives, and its weight takes 2 channels (2 in each of 1 groups)",
        ),
        (
            (input_of(3, 9, 9), conv2d(reals(4, 2, 3, 3), groups=3)),
            "weight [4, 2, 3, 3], bias [4] and 3 groups",
        ),
        (
            (input_of(3, 9, 9), conv2d(reals(4, 3, 3, 3), groups=0)),
            "groups 0: a whole number from 1 on",
        ),
        (
            (input_of(3, 9, 9), conv2d(reals(4, 3, 3, 3), bias=reals(3))),
            "weight [4, 3, 3, 3], bias [3] and 1 groups",
        ),
        (
            (input_of(2, 3, 9, 9), conv2d(reals(4, 3, 3, 3))),
            "[2, 3, 9, 9] arrives, and 3 axes are wanted",
        ),
        ((input_of(9), conv2d(reals(4, 3, 3, 3))), "[9] arrives, and 3 axes are wanted"),
        (
            (input_of(3, 2, 9), conv2d(reals(4, 3, 3, 3))),
            "a window of [3, 3] does not fit on [2, 9]",
        ),
        (
            (input_of(9), nir.Linear(reals(2, 3, 9))),
            "a weight of shape [2, 3, 9] where [n_out, n_in] is wanted",
        ),
        (
            (input_of(9), nir.Affine(reals(3, 9), reals(9))),
            "a bias of shape [9] for a weight of shape [3, 9]",
        ),
        ((input_of(3, 4), flat(1, 5)), "axes 1 to 5 of [3, 4]"),
    ],
)
def test_a_node_that_does_not_fit(nodes: tuple[nir.NIRNode, ...], found: str) -> None:
    assert refusal(*nodes) == text(COMPLETE, "1", found, "a shape that the node's fields allow")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((1, 2, 8, 8), (2, 8, 8), True),
        ((2, 64), (128,), True),
        ((2, 64), (2, 8, 8), True),
        ((4,), (4, 1, 1), True),
        ((8, 8, 2), (2, 8, 8), False),
        ((4, 6), (6, 4), False),
        ((4, 6), (2, 12), False),
        ((4,), (5,), False),
    ],
)
def test_same_values(one: tuple[int, ...], other: tuple[int, ...], *, same: bool) -> None:
    assert (same_values(one, other), same_values(other, one)) == (same, same)
    found = f"0 gives {list(one)}, 1 takes {list(other)}"
    limit = "the same shape, or the same values on merged axes"
    if same:
        assert gives(input_of(*one), output_of(*other)) == other
    else:
        assert refusal(input_of(*one), output_of(*other)) == text(EDGE, "0 -> 1", found, limit)


@pytest.mark.parametrize(
    ("own", "arriving", "shape"),
    [
        ((), (3, 4), (3, 4)),
        ((1,), (5,), (5,)),
        ((3, 1, 1), (3, 4, 5), (3, 4, 5)),
        ((1, 3, 4), (3, 4), (3, 4)),
        ((12,), (3, 4), (12,)),
        ((3, 4), (12,), (3, 4)),
    ],
)
@pytest.mark.parametrize("kind", [kind.__name__ for kind in PARAMETERS])
def test_parameters_broadcast(
    kind: str, own: tuple[int, ...], arriving: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    assert gives(input_of(*arriving), elementwise(kind, *own)) == shape


def test_parameters_that_do_not_go_together() -> None:
    node = lif(3)
    node.r = reals(2)
    found = "parameters that do not go together: "
    found += "tau [3], r [2], v_leak [3], v_threshold [3], v_reset [3]"
    limit = "a shape that the node's fields allow"
    assert refusal(input_of(3), node) == text(COMPLETE, "1", found, limit)


def test_a_channel_of_parameters_for_another_number_of_channels() -> None:
    found = "0 gives [4, 5], 1 takes [3, 1]"
    limit = "the same shape, or the same values on merged axes"
    assert refusal(input_of(4, 5), lif(3, 1)) == text(EDGE, "0 -> 1", found, limit)


@pytest.mark.parametrize(
    ("dims", "shape"),
    [
        ((0, -1), (24,)),
        ((1, -1), (2, 12)),
        ((0, 1), (6, 4)),
        ((-2, -1), (2, 12)),
        ((3, -1), (2, 3, 4)),
    ],
)
def test_flatten(dims: tuple[int, int], shape: tuple[int, ...]) -> None:
    assert flattened((2, 3, 4), *dims) == shape
    assert gives(input_of(2, 3, 4), flat(*dims)) == shape


def test_flatten_that_counted_the_batch_feeds_weights_for_all_values() -> None:
    """From axis 1 means [C, H*W] in NIR; the values are those of [C*H*W], in the same order."""
    node = flat(1, -1)
    assert gives(input_of(2, 3, 4), node, nir.Linear(reals(5, 24))) == (5,)
    found = "1 gives [2, 12], 2 takes [12]"
    limit = "the same shape, or the same values on merged axes"
    told = refusal(input_of(2, 3, 4), node, nir.Linear(reals(5, 12)))
    assert told == text(EDGE, "1 -> 2", found, limit)


@pytest.mark.parametrize("shape", [None, np.zeros(4, np.int64)])
def test_flatten_that_does_not_know_its_input(shape: Any) -> None:
    node = flat(0, -1)
    node.input_type = {"input": shape}
    assert gives(input_of(2, 3), node) == (6,)


def test_a_loop_takes_its_shape_from_weights() -> None:
    graph = chain(
        ("in", input_of(2)), ("fc", nir.Linear(reals(3, 2))), ("lif", lif()), ("out", output_of(3))
    )
    graph.nodes["back"] = elementwise("Scale")
    graph.edges += [("lif", "back"), ("back", "lif")]
    assert infer_shapes(graph).gives["back"] == (3,)


def test_a_loop_of_single_neurons_that_nothing_feeds() -> None:
    graph = chain(("a", lif(1)), ("b", elementwise("Scale", 1)), ("out", output_of(1)))
    graph.edges.append(("b", "a"))
    assert infer_shapes(graph).gives["b"] == (1,)


def test_where_nothing_tells_the_shape() -> None:
    limit = "a parameter for each value, or a node that feeds it and knows its shape"
    graph = chain(("a", lif()), ("b", elementwise("Scale")), ("c", elementwise("IF")))
    expected = text(COMPLETE, "a", "nothing tells the shape of this LIF", limit)
    for edge in (("b", "c"), ("b", "a")):
        if edge not in graph.edges:
            graph.edges.append(edge)
        with pytest.raises(InputError) as caught:
            infer_shapes(graph)
        assert str(caught.value) == expected


def test_a_node_of_unknown_type() -> None:
    kinds = "Input, Output, Linear, Affine, Conv1d, Conv2d, SumPool2d, AvgPool2d, MaxPool2d, "
    kinds += "MaxPool1d, Flatten, Scale, Threshold, Delay, I, IF, LI, LIF, CubaLI, CubaLIF"
    told = text(KNOWN, "1", "a node of type Other", kinds)
    remedy = "use one of these; docs/nir.md lists what each release compiles"
    assert refusal(input_of(1), other_node()) == told.replace(REMEDY, remedy)


def test_a_shape_of_any_size_is_bounded() -> None:
    told = refusal(input_of(2**20, 2**20), lif())
    assert told == text(COMPLETE, "0", "shape [1048576, 1048576]", "268435456 values")


def test_all_is_told_at_once() -> None:
    graph = chain(
        ("in", input_of(2)),
        ("fc", nir.Linear(reals(3, 4))),
        ("lif", lif(5)),
        ("flat", flat(3, 4)),
    )
    with pytest.raises(InputError) as caught:
        infer_shapes(graph)
    assert [d.node for d in caught.value.diagnostics] == ["flat", "fc -> lif", "in -> fc"]


def test_ports_of_nested_graphs_are_checked() -> None:
    graph = chain(("in", input_of(3)), ("block", block(4)), ("out", output_of(4)))
    with pytest.raises(InputError) as caught:
        infer_shapes(graph)
    assert [d.node for d in caught.value.diagnostics] == ["in -> block.input"]


def test_the_order_of_edges_and_nodes_does_not_matter() -> None:
    graph = chain(
        ("in", input_of(2, 3)), ("a", lif()), ("b", elementwise("Scale")), ("out", output_of(6))
    )
    graph.edges.append(("in", "b"))
    turned = nir.NIRGraph(dict(reversed(graph.nodes.items())), graph.edges[::-1], type_check=False)
    assert infer_shapes(graph) == infer_shapes(turned)


def test_the_graph_stays_as_it_is() -> None:
    graph = chain(
        ("in", input_of(2, 9, 9)), ("conv", conv2d(reals(3, 2, 3, 3))), ("out", output_of(3, 7, 7))
    )
    infer_shapes(graph)
    assert node_of(graph, "conv").input_shape is None
    assert node_of(graph, "conv").output_type == {"output": None}
