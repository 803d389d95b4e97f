"""Files written by snnc and by nir are read by both, bit for bit; files of others load."""
# h5py and nir have no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.nir_nodes import FORMS
from snnc.frontends.nir_file import read_nir, write_nir
from tests.data_shared import SHARED, needs_shared
from tests.frontends.graphs import node_of, reals, small_graph

FIELDS = {
    "Input": (),
    "Output": (),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
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


def every_node(seed: int = 0) -> nir.NIRGraph:
    """A chain of every node type, with random parameters and metadata."""
    random = np.random.default_rng(seed)

    def draw(*names: str) -> dict[str, Any]:
        return {name: random.random(4).astype(np.float32) for name in names}

    nodes: dict[str, nir.NIRNode] = {
        "a.in": nir.Input(input_type={"input": np.array([2, 2])}),
        "b flat": nir.Flatten(input_type={"input": np.array([2, 2])}, start_dim=0),
        "c": nir.Affine(weight=random.random((4, 4)), bias=random.random(4)),
        "d": nir.Linear(weight=random.random((4, 4)).astype(np.float32)),
        **{kind: getattr(nir, kind)(**draw(*FIELDS[kind])) for kind in list(FIELDS)[5:]},
        "ö": nir.Output(output_type={"output": np.array([4])}),
    }
    nodes["d"].metadata = {"snnc": {"delay": 1, "order": 0, "origin": "net.d"}}
    notes = {
        "snnc": {"format": 1, "dt": 1e-4, "framework": "x 1.0"},
        "others": {"flag": True, "values": random.random((2, 3)), "single": np.float32(0.1)},
        "texts": ["ä", "", "b"],
    }
    edges = list(zip(nodes, list(nodes)[1:], strict=False))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=notes, type_check=False)


def assert_same(one: nir.NIRGraph, other: nir.NIRGraph) -> None:
    assert sorted(one.edges) == sorted(other.edges)
    assert sorted(one.nodes) == sorted(other.nodes)
    for name in one.nodes:
        here, there = node_of(one, name), node_of(other, name)
        assert type(here) is type(there)
        np.testing.assert_array_equal(here.input_type["input"], there.input_type["input"])
        np.testing.assert_array_equal(here.output_type["output"], there.output_type["output"])
        for field in FIELDS[type(here).__name__]:
            mine, theirs = np.asarray(getattr(here, field)), np.asarray(getattr(there, field))
            np.testing.assert_array_equal(mine, theirs, strict=True)


def test_round_trip(tmp_path: Path) -> None:
    graph = every_node()
    assert {type(node).__name__ for node in graph.nodes.values()} == set(FIELDS)
    write_nir(graph, tmp_path / "a.nir")
    there = read_nir(tmp_path / "a.nir")
    assert_same(graph, there)
    assert there.edges == graph.edges
    assert node_of(there, "d").metadata == graph.nodes["d"].metadata
    assert there.metadata["snnc"] == graph.metadata["snnc"]
    assert there.metadata["texts"] == graph.metadata["texts"]
    others = there.metadata["others"]
    assert (others["flag"], others["single"].dtype) == (True, np.float32)
    assert others["single"] == graph.metadata["others"]["single"]
    np.testing.assert_array_equal(others["values"], graph.metadata["others"]["values"], strict=True)


def test_nir_reads_what_we_write(tmp_path: Path) -> None:
    write_nir(every_node(), tmp_path / "a.nir")
    assert_same(every_node(), nir.read(tmp_path / "a.nir"))
    write_nir(small_graph(), tmp_path / "b.nir")
    assert_same(small_graph(), nir.read(tmp_path / "b.nir"))


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_we_read_what_nir_writes(tmp_path: Path, compression: str | None) -> None:
    graph = small_graph()
    nir.write(tmp_path / "a.nir", graph, compression=compression)  # type: ignore[arg-type, unused-ignore]
    assert_same(graph, read_nir(tmp_path / "a.nir"))


def test_numbers_keep_every_bit(tmp_path: Path) -> None:
    graph = small_graph()
    bits = np.random.default_rng(0).integers(0, 2**32, (3, 20_000), np.uint32).view(np.float32)
    weight = np.where(np.isfinite(bits), bits, -np.float32(0))
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
    graph = small_graph()
    graph.edges = []
    write_nir(graph, tmp_path / "a.nir")
    assert_same(graph, read_nir(tmp_path / "a.nir"))


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    write_nir(every_node(), tmp_path / "a.nir")
    write_nir(every_node(), tmp_path / "b.nir")
    code = (
        "import sys; from tests.frontends.test_nir_file import every_node, write_nir;"
        "write_nir(every_node(), sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "c.nir")]
    subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[2])
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
    graph.nodes["conv"] = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    graph.edges.append(("fc", "gone"))
    with pytest.raises(InputError) as caught:
        write_nir(graph, tmp_path / "a.nir")
    told = [f"{d.rule.code} {d.node.rpartition(':')[2]}" for d in caught.value.diagnostics]
    assert told == ["SNN105 lif.tau", "SNN103 conv", "SNN106 fc -> gone"]
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


@needs_shared
@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("lif/lif_norse.nir", ["0", "1", "input", "output"]),
        ("lif/lif_rockpool.nir", ["0_LinearTorch", "1_LIFNeuronTorch", "input", "output"]),
        ("lif/two_lif_neurons.nir", ["in", "lif1", "lif2", "linear1", "linear2", "out"]),
        ("legacy/paper_lif_norse.2b0feb3d.nir", ["0", "1", "input", "output"]),
        ("legacy/paper_lif_norse.3a3afb6f.nir", ["input", "lif", "output"]),
    ],
)
def test_files_of_others(name: str, nodes: list[str]) -> None:
    graph = read_nir(SHARED / name)
    assert list(graph.nodes) == nodes
    with h5py.File(SHARED / name) as opened:
        file: Any = opened
        edges = [(a.decode(), b.decode()) for a, b in file["node/edges"][()]]
        assert graph.edges == edges
        for node in nodes:
            stored, here = file[f"node/nodes/{node}"], node_of(graph, node)
            for field in set(stored) - {"type", "shape"}:
                value = stored[field][()]
                wanted = np.broadcast_to(value, getattr(here, field).shape)
                np.testing.assert_array_equal(getattr(here, field), wanted, strict=True)


@needs_shared
@pytest.mark.parametrize("name", ["ac9b3878", "e1117a1e"])
def test_a_convolutional_file_is_refused_node_by_node(name: str) -> None:
    path = SHARED / f"legacy/paper_02_cnn_scnn_mnist.{name}.nir"
    with pytest.raises(InputError) as caught:
        read_nir(path)
    assert str(caught.value) == "\n\n".join(
        "error[SNN103]: every node is of a type that snnc can compile\n"
        f"  --> {path}:{node}\n"
        f"   found: {kind}\n"
        f"   limit: {', '.join(kind.__name__ for kind in COMPILED)}\n"
        "  remedy: correct the model, and write the file again"
        for node, kind in [
            ("0", "Conv2d"),
            ("2", "Conv2d"),
            ("4", "SumPool2d"),
            ("5", "Conv2d"),
            ("7", "SumPool2d"),
        ]
    )


@needs_shared
def test_a_file_that_is_not_hdf5_is_refused() -> None:
    path = SHARED / "legacy/paper_03_rnn_Braille_snntorch.3049cfa1.nir"
    with pytest.raises(InputError) as caught:
        read_nir(path)
    assert str(caught.value) == (
        "error[SNN101]: a .nir file is HDF5 and holds one NIR graph\n"
        f"  --> {path}\n"
        "   found: a file that begins with b'PK\\x03\\x04\\x00\\x00\\x08\\x08'\n"
        "   limit: an HDF5 file with the groups node and node/nodes and the data set node/edges\n"
        "  remedy: write the file again with the tool that made it, as nir.write does"
    )
