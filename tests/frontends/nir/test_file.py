"""Files written by snnc and by nir are read by both, bit for bit; files of others load."""
# h5py and nir have no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.graph.nodes import OWN_NODES, MaxPool1d
from snnc.compiler.graph.shapes import infer_shapes
from snnc.frontends.nir.file import read_nir, write_nir
from snnc.frontends.nir.nodes import FORMS
from tests.frontends.graphs import (
    FIELDS,
    assert_same,
    chain,
    conv1d,
    conv2d,
    elementwise,
    every_node,
    input_of,
    lif,
    node_of,
    other_node,
    output_of,
    pool,
    reals,
    small_graph,
    standard_nodes,
)


def test_round_trip(tmp_path: Path) -> None:
    graph = every_node()
    kinds = {type(node).__name__ for node in graph.nodes.values()}
    assert kinds == {*FIELDS, "NIRGraph"}
    write_nir(graph, tmp_path / "a.nir")
    for trust in (False, True):
        there = read_nir(tmp_path / "a.nir", trust=trust)
        assert_same(graph, there)
        assert there.edges == graph.edges
    write_nir(read_nir(tmp_path / "a.nir", trust=True), tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


def test_every_node_type_of_nir_is_known() -> None:
    names = cast("list[str]", vars(nir.ir)["__all_ir"])
    assert set(names) == {*FORMS, "NIRGraph"} - {kind.__name__ for kind in OWN_NODES}


def test_nir_reads_what_we_write(tmp_path: Path) -> None:
    for i, graph in enumerate((standard_nodes(), small_graph())):
        assert write_nir(graph, tmp_path / f"{i}.nir") == ()
        there = nir.read(tmp_path / f"{i}.nir")
        assert_same(graph, there, notes=False)


def test_a_convolution_does_not_need_input_shape(tmp_path: Path) -> None:
    """Such a one cannot even be written by nir."""
    weight = np.random.default_rng(0).random((4, 2, 3, 3))
    graph = chain(
        ("in", input_of(2, 9, 9)), ("conv", conv2d(weight, stride=2)), ("out", output_of(4, 4, 4))
    )
    assert write_nir(graph, tmp_path / "a.nir") == ()
    assert node_of(graph, "conv").input_shape is None
    conv = node_of(nir.read(tmp_path / "a.nir"), "conv")
    assert conv.output_type["output"].tolist() == [4, 4, 4]
    assert node_of(read_nir(tmp_path / "a.nir", trust=True), "conv").input_shape == (9, 9)
    with h5py.File(tmp_path / "a.nir", "r+") as file:
        del file["node/nodes/conv/input_shape"]
    assert node_of(read_nir(tmp_path / "a.nir", trust=True), "conv").input_shape is None


PORT = "an edge to one of several ports of a nested graph: nir has no word for it"
FOREIGN = {
    ("line -> line out", "[2, 4] into [8]: nir compares axis by axis"),
    ("many.first", PORT),
    ("many.second", PORT),
    ("groups", "2 groups: nir takes a convolution for one group"),
    ("max", "a node of type MaxPool1d, which is snnc's own"),
    ("single", "one value for all neurons: nir takes one for each"),
    ("wide", "a kernel of [1, 3]: nir computes with its first side alone"),
    ("ceil", "other zeros before than behind: nir adds the same on both sides"),
    ("mean", "a mean that is divided otherwise: nir divides by all elements of the window"),
}


def test_what_other_tools_cannot_read_is_announced(tmp_path: Path) -> None:
    many = chain(("first", input_of(3)), ("lif", lif(3)), ("o", output_of(3)))
    many.nodes["second"] = input_of(3)
    many.edges.append(("second", "lif"))
    graph = chain(
        ("in", input_of(2, 12)),
        ("groups", conv1d(reals(2, 1, 3), groups=2, stride=3)),
        ("single", lif()),
        ("line", pool(nir.AvgPool2d, 1, 1)),
        ("line out", output_of(8)),
    )
    graph.nodes["line"] = elementwise("LIF", 2, 4)
    graph.nodes |= {"max": pool(MaxPool1d, 3), "max out": output_of(2, 4)}
    graph.nodes |= {"in 2": input_of(1, 1, 3), "wide": conv2d(reals(1, 1, 1, 3))}
    graph.nodes |= {"wide out": output_of(1, 1, 1)}
    graph.nodes |= {
        "ceil": noted(padding=np.array([[0, 1], [0, 0]])),
        "ceil out": output_of(1, 2, 2),
    }
    graph.nodes |= {"mean": noted(divisors=np.array([3])), "mean out": output_of(1, 1, 2)}
    graph.nodes |= {"in 5": input_of(1, 3, 4)}
    graph.edges += [("in 5", "ceil"), ("in 5", "mean"), ("ceil", "ceil out"), ("mean", "mean out")]
    graph.nodes |= {
        "in 3": input_of(3),
        "in 4": input_of(3),
        "many": many,
        "many out": output_of(3),
    }
    graph.edges += [("in", "max"), ("max", "max out"), ("in 2", "wide"), ("wide", "wide out")]
    graph.edges += [("in 3", "many.second"), ("in 4", "many.first"), ("many", "many out")]
    warnings = write_nir(graph, tmp_path / "a.nir")
    assert {(w.node, w.found) for w in warnings} == FOREIGN
    assert warnings[0].text("warning") == (
        "warning[SNN130]: every node of a written file is one that other tools can read\n"
        "  --> groups\n"
        "   found: 2 groups: nir takes a convolution for one group\n"
        "   limit: the nodes of NIR, as nir 1.0.8 reads them\n"
        "  remedy: use the file with snnc, or give the model layers that NIR has"
    )
    assert_same(graph, read_nir(tmp_path / "a.nir", trust=True))


def noted(**notes: Any) -> nir.NIRNode:
    node: nir.NIRNode = pool(nir.AvgPool2d, 2, 2)
    node.metadata = {"snnc": notes}
    return node


def test_zeros_on_one_side_count(tmp_path: Path) -> None:
    """As in ``ceil_mode``: the shape of what the node gives is that of the notes."""
    notes = {"snnc": {"padding": np.array([[0, 1], [1, 0]])}}
    conv = conv2d(reals(2, 1, 3, 3), stride=2, input_shape=(4, 4), metadata=notes)
    graph = chain(("in", input_of(1, 4, 4)), ("conv", conv), ("out", output_of(2, 2, 2)))
    write_nir(graph, tmp_path / "a.nir")
    there = node_of(read_nir(tmp_path / "a.nir", trust=True), "conv")
    assert there.output_type["output"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("seed", range(20))
def test_a_random_network_is_read_by_nir_unless_we_warn(tmp_path: Path, seed: int) -> None:
    graph = random_convolutions(seed)
    warnings = write_nir(graph, tmp_path / "a.nir")
    assert_same(graph, read_nir(tmp_path / "a.nir", trust=True))
    if not warnings:
        assert_same(graph, nir.read(tmp_path / "a.nir"), notes=False)


def random_convolutions(seed: int) -> nir.NIRGraph:
    """Two convolutions with a pool between, of random form."""
    draw = random.Random(seed)
    groups, kernel = draw.choice([1, 1, 2]), [draw.choice([2, 3])] * 2
    if draw.random() < 0.3:
        kernel[1] += 1
    first = conv2d(
        reals(4, 2 // groups, *kernel),
        groups=groups,
        stride=(draw.choice([1, 2]), draw.choice([1, 2])),
        padding=draw.choice([0, 1, (2, 0), "valid"]),
        dilation=draw.choice([1, 2]),
    )
    middle = draw.choice([pool(nir.AvgPool2d, 2, 2), pool(nir.SumPool2d, 1, 2), lif()])
    nodes = [("in", input_of(2, 17, 15)), ("first", first), ("middle", middle)]
    graph = chain(*nodes, ("second", conv2d(reals(3, 4, 2, 2))))
    *shape, _ = infer_shapes(graph).gives["second"], None
    graph.nodes["out"] = output_of(*shape[0])
    graph.edges.append(("second", "out"))
    if isinstance(middle, nir.LIF):
        graph.nodes["middle"] = lif(*infer_shapes(graph).gives["middle"])
    return graph


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_we_read_what_nir_writes(tmp_path: Path, compression: str | None) -> None:
    graph = small_graph()
    nir.write(tmp_path / "a.nir", graph, compression=compression)  # type: ignore[arg-type, unused-ignore]
    assert_same(graph, read_nir(tmp_path / "a.nir"))


def test_numbers_keep_every_bit(tmp_path: Path) -> None:
    graph = small_graph()
    bits = np.random.default_rng(0).integers(0, 2**32, (3, 20_000), np.uint32).view(np.float32)
    weight = np.where(np.abs(bits) < 1e33, bits, -np.float32(0))
    assert (np.abs(weight[weight != 0]) < np.finfo(np.float32).tiny).any()
    graph.nodes["fc"] = nir.Affine(weight=weight, bias=reals(3))
    graph.nodes["in"] = nir.Input(input_type={"input": np.array([20_000])})
    write_nir(graph, tmp_path / "a.nir")
    there = node_of(read_nir(tmp_path / "a.nir"), "fc").weight
    np.testing.assert_array_equal(there.view(np.uint32), weight.view(np.uint32))


def test_a_single_value_stands_for_all_neurons(tmp_path: Path) -> None:
    def single(file: Any) -> None:
        del file["node/nodes/lif/tau"], file["node/nodes/lif/v_reset"]
        file["node/nodes/lif/tau"] = np.float32(0.5)

    write_nir(small_graph(), tmp_path / "a.nir")
    with h5py.File(tmp_path / "a.nir", "r+") as file:
        single(file)
    node = node_of(read_nir(tmp_path / "a.nir"), "lif")
    np.testing.assert_array_equal(node.tau, reals(3, value=0.5), strict=True)
    np.testing.assert_array_equal(node.v_reset, reals(3, value=0), strict=True)


@pytest.mark.parametrize("kind", [np.bytes_, str])
def test_type_and_names_may_be_of_any_string_type(tmp_path: Path, kind: type) -> None:
    write_nir(small_graph(), tmp_path / "a.nir")
    with h5py.File(tmp_path / "a.nir", "r+") as opened:
        file: Any = opened
        del file["node/type"], file["node/edges"], file["version"]
        if kind is str:
            file["node/type"] = "NIRGraph"
            text = h5py.string_dtype()
            file["node"].create_dataset("edges", data=small_graph().edges, dtype=text)
        else:
            file["node/type"] = np.bytes_(b"NIRGraph")
            file["node/edges"] = np.array(small_graph().edges, "S")
    assert_same(small_graph(), read_nir(tmp_path / "a.nir"))


def test_no_node_is_invented_or_left_out(tmp_path: Path) -> None:
    """A new Input would feed ``fc`` in nir."""
    graph = small_graph()
    graph.edges.remove(("in", "fc"))
    write_nir(graph, tmp_path / "a.nir")
    assert_same(graph, read_nir(tmp_path / "a.nir"))


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    write_nir(every_node(), tmp_path / "a.nir")
    write_nir(every_node(), tmp_path / "b.nir")
    code = (
        "import sys; from tests.frontends.graphs import every_node;"
        "from snnc.frontends.nir.file import write_nir; write_nir(every_node(), sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "c.nir")]
    subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[3])
    contents = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == 1


def test_the_order_of_nodes_in_memory_does_not_matter(tmp_path: Path) -> None:
    graph, other = small_graph(), small_graph()
    other.nodes = dict(reversed(other.nodes.items()))
    write_nir(graph, tmp_path / "a.nir")
    write_nir(other, tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


def test_a_file_is_replaced_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    path.write_text("old")
    write_nir(small_graph(), path)
    assert_same(small_graph(), read_nir(str(path)))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("missing/a.nir", "No such file or directory"),
        ("directory", "not a regular file"),
        (f"{'x' * 252}.nir", "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(EnvironmentFault) as caught:
        write_nir(small_graph(), tmp_path / name)
    assert str(caught.value) == (
        "error[SNN002]: the place that is named can be written\n"
        f"  --> {tmp_path / name}\n"
        f"   found: {found}\n"
        "   limit: a place where this user may write, with room left\n"
        "  remedy: name another place with -o, or free this one"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        del descriptor
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.nir"
    write_nir(small_graph(), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EnvironmentFault, match="found: No space left on device"):
        write_nir(every_node(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/b", "a slash in the name"),
        ("", "an empty name"),
        ("a\u202eb", "a control or invisible character in the name"),
        ("e\u0301", "a name that is not in NFC"),
        ("x" * 256, "a name of more than 255 bytes"),
    ],
)
def test_a_name_that_could_not_be_read_back(tmp_path: Path, name: str, found: str) -> None:
    graph = small_graph()
    graph.nodes[name] = graph.nodes.pop("lif")
    with pytest.raises(InputError) as caught:
        write_nir(graph, "a.nir")
    shown = {"a\u202eb": "a\\u202eb", "x" * 256: f"{'x' * 249}..."}.get(name, name)
    assert str(caught.value) == (
        "error[SNN107]: every name in a .nir file is plain text\n"
        f"  --> a.nir:{shown}\n"
        f"   found: {found}\n"
        "   limit: 1 to 255 bytes of visible NFC text without slash\n"
        "  remedy: rename it where the model is made"
    )
    graph = small_graph()
    graph.metadata = {"snnc": {name: 1}}
    with pytest.raises(InputError, match=r"SNN107"):
        write_nir(graph, tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    graph = small_graph()
    node_of(graph, "lif").tau[1] = np.nan
    graph.nodes["other"] = other_node()
    graph.edges.append(("fc", "gone"))
    with pytest.raises(InputError) as caught:
        write_nir(graph, tmp_path / "a.nir")
    told = [f"{d.rule.code} {d.node.rpartition(':')[2]}" for d in caught.value.diagnostics]
    assert told == ["SNN105 lif.tau", "SNN103 other", "SNN106 fc -> gone"]
    assert not list(tmp_path.iterdir())


def test_metadata_that_no_file_can_hold(tmp_path: Path) -> None:
    graph = small_graph()
    node_of(graph, "fc").metadata = {"why": {"not": None}}
    with pytest.raises(InputError) as caught:
        write_nir(graph, tmp_path / "a.nir")
    assert str(caught.value) == (
        "error[SNN104]: every node has all its fields, each with the shape that the node's "
        "equation needs\n"
        f"  --> {tmp_path}/a.nir:fc.metadata.why.not\n"
        "   found: a NoneType\n"
        "   limit: numbers, text, arrays of them, and dicts of these\n"
        "  remedy: remove it from the metadata"
    )
