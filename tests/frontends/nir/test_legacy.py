"""Files of others, older forms of NIR among them, load or are refused for a named reason."""
# h5py and nir have no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.graph.shapes import infer_shapes
from snnc.frontends.nir.file import read_nir, write_nir
from snnc.frontends.nir.legacy import without_batch_axis
from tests.data_shared import SHARED, needs_shared
from tests.frontends.graphs import (
    assert_same,
    chain,
    conv2d,
    elementwise,
    flat,
    input_of,
    lif,
    node_of,
    output_of,
    reals,
    small_graph,
    standard_nodes,
)

CNN = SHARED / "legacy" / "paper_02_cnn_scnn_mnist.{}.nir"


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
def test_a_single_value_takes_the_size_of_what_feeds_it() -> None:
    shapes = infer_shapes(read_nir(SHARED / "legacy/paper_lif_norse.3a3afb6f.nir"))
    assert (shapes.takes["lif"], shapes.gives["lif"]) == ((1000,), (1000,))


@needs_shared
def test_a_convolutional_file_that_counts_the_batch() -> None:
    """Input [1, 2, 34, 34], neurons [1, 16, 16, 16], and Flatten from axis 1."""
    path = Path(str(CNN).format("e1117a1e"))
    graph = read_nir(path)
    assert dict(infer_shapes(graph).gives) == {
        "input": (2, 34, 34),
        "0": (16, 16, 16),
        "1": (16, 16, 16),
        "2": (16, 16, 16),
        "3": (16, 16, 16),
        "4": (16, 8, 8),
        "5": (8, 8, 8),
        "6": (8, 8, 8),
        "7": (8, 4, 4),
        "8": (128,),
        "9": (256,),
        "10": (256,),
        "11": (10,),
        "12": (10,),
        "output": (10,),
    }
    with h5py.File(path) as opened:
        file: Any = opened
        for name in ("1", "12"):
            stored, here = file[f"node/nodes/{name}"], node_of(graph, name)
            np.testing.assert_array_equal(here.r, stored["r"][0], strict=True)
            np.testing.assert_array_equal(here.v_threshold, stored["v_threshold"][0], strict=True)
            assert not here.v_reset.any()
        conv = file["node/nodes/0"]
        np.testing.assert_array_equal(node_of(graph, "0").weight, conv["weight"][()], strict=True)
        np.testing.assert_array_equal(node_of(graph, "0").bias, conv["bias"][()], strict=True)
    assert (node_of(graph, "0").stride, node_of(graph, "0").padding) == ((2, 2), (1, 1))


@needs_shared
def test_a_convolutional_file_becomes_one_that_nir_reads(tmp_path: Path) -> None:
    graph = read_nir(str(CNN).format("e1117a1e"))
    assert write_nir(graph, tmp_path / "a.nir") == ()
    with pytest.raises(TypeError, match="input_shape"):
        nir.read(str(CNN).format("e1117a1e"))
    assert_same(graph, nir.read(tmp_path / "a.nir"), notes=False)


@needs_shared
def test_a_convolutional_file_whose_shapes_do_not_fit() -> None:
    """Its pools move by 1; the nodes behind them were made for pools that move by 2."""
    path = str(CNN).format("ac9b3878")
    with pytest.raises(InputError) as caught:
        read_nir(path)
    assert str(caught.value) == "\n\n".join(
        "error[SNN106]: every edge joins two nodes of the graph whose shapes agree\n"
        f"  --> {path}:{edge}\n"
        f"   found: {found}\n"
        "   limit: the same shape, or the same values on merged axes\n"
        "  remedy: correct the model, and write the file again"
        for edge, found in [
            ("5 -> 6", "5 gives [8, 15, 15], 6 takes [8, 8, 8]"),
            ("8 -> 9", "8 gives [392], 9 takes [128]"),
        ]
    )


@needs_shared
def test_a_file_that_is_not_hdf5_is_refused() -> None:
    """A pickle of torch; nothing of it is loaded."""
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


def batched() -> nir.NIRGraph:
    nodes = (
        ("in", input_of(1, 2, 6, 6)),
        ("conv", conv2d(reals(3, 2, 3, 3))),
        ("lif", lif(1, 3, 4, 4)),
        ("single", elementwise("IF")),
        ("one axis", elementwise("Scale", 48)),
        ("flat", flat(1, -1)),
        ("fc", nir.Linear(reals(5, 48))),
        ("out", output_of(1, 5)),
    )
    graph = chain(*nodes)
    graph.nodes["lif"].metadata = {"from": "sinabs"}
    return graph


def test_batch_axis() -> None:
    graph = without_batch_axis(batched())
    assert node_of(graph, "in").input_type["input"].tolist() == [2, 6, 6]
    assert node_of(graph, "out").output_type["output"].tolist() == [5]
    assert node_of(graph, "lif").tau.shape == (3, 4, 4)
    assert node_of(graph, "lif").metadata == {"from": "sinabs"}
    assert node_of(graph, "single").r.shape == ()
    assert node_of(graph, "one axis").scale.shape == (48,)
    assert (node_of(graph, "flat").start_dim, node_of(graph, "flat").end_dim) == (0, -1)
    assert infer_shapes(graph).gives["flat"] == (48,)
    assert node_of(batched(), "in").input_type["input"].tolist() == [1, 2, 6, 6]


@pytest.mark.parametrize("change", ["none", "no weights decide", "one image", "another input"])
def test_a_batch_axis_is_dropped_only_where_numbers_decide(change: str) -> None:
    graph = small_graph() if change == "none" else batched()
    if change == "no weights decide":
        graph = chain(("in", input_of(1, 4)), ("lif", lif(1, 4)), ("out", output_of(1, 4)))
    elif change == "one image":
        graph.nodes |= {"in": input_of(1, 6, 6), "conv": conv2d(reals(3, 1, 3, 3))}
    elif change == "another input":
        graph.nodes["in 2"] = input_of(2, 3)
    assert without_batch_axis(graph) is graph


def test_a_graph_of_snnc_is_taken_as_it_says(tmp_path: Path) -> None:
    graph = chain(("in", input_of(1, 4)), ("fc", nir.Linear(reals(2, 4))), ("out", output_of(2)))
    write_nir(graph, tmp_path / "a.nir")
    assert node_of(read_nir(tmp_path / "a.nir"), "in").input_type["input"].tolist() == [4]
    graph.metadata = {"snnc": standard_nodes().metadata["snnc"]}
    write_nir(graph, tmp_path / "a.nir")
    assert node_of(read_nir(tmp_path / "a.nir"), "in").input_type["input"].tolist() == [1, 4]
