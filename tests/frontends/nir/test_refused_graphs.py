"""Windows, nested graphs and shapes of a `.nir` file that do not go together."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.graph.nodes import MaxPool1d
from snnc.frontends.nir.file import parse, read_nir, write_nir
from tests.frontends.graphs import (
    chain,
    conv1d,
    elementwise,
    input_of,
    output_of,
    pool,
    reals,
    small_graph,
)
from tests.frontends.nir.refused import (
    AGAIN,
    COMPLETE,
    EDGE,
    EDGES,
    ENDS,
    FIT,
    FORM,
    NODES,
    READERS,
    USABLE,
    edited,
    put,
    refusal,
    text,
)

pytestmark = pytest.mark.usefixtures("process")

LOOP = "error[SNN121]: every loop takes at least one step of delay for each projection on it"
NESTS = "error[SNN109]: a nested graph can be put in the place of its node"


def test_shapes_that_do_not_agree(tmp_path: Path) -> None:
    path = edited(tmp_path / "a.nir", put("node/edges", [*EDGES, ("in", "lif")]))
    found = "in gives [2], lif takes [3]"
    limit = "the same shape, or the same values on merged axes"
    assert refusal(path) == text(EDGE, f"{path}:in -> lif", found, limit, AGAIN)


def test_a_loop_without_state(tmp_path: Path) -> None:
    path = edited(tmp_path / "a.nir", put("node/edges", [*EDGES, ("loop", "loop")]))
    found, limit = "a loop without any delay", "a neuron or a Delay on every loop"
    assert refusal(path) == text(LOOP, f"{path}:loop -> loop", found, limit, AGAIN)
    graph = small_graph()
    graph.edges.append(("loop", "loop"))
    graph.nodes["loop"].metadata = {"snnc": {"delay": 1}}
    write_nir(graph, path)
    assert ("loop", "loop") in read_nir(path, trust=True).edges


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("99.0", "version 99.0"),
        ("2", "version 2"),
        ("new\x1b", r"version new\x1b"),
        (1.0, "version no text"),
    ],
)
def test_a_version_that_is_not_known(tmp_path: Path, value: Any, found: str) -> None:
    path = edited(tmp_path / "a.nir", put("version", value))
    limit = "1.x or older, as nir 1.0.8 writes"
    remedy = "write the file with a release 1 of nir, or use a newer snnc"
    assert refusal(path) == text(FORM, f"{path}:version", found, limit, remedy)


@pytest.mark.parametrize("value", ["0.1.1", "0.2.0", "1", "1.0.8", "1.1.dev3", None])
def test_a_version_that_is_known(tmp_path: Path, value: str | None) -> None:
    read_nir(edited(tmp_path / "a.nir", put("version", value)), trust=True)


def convolutions() -> nir.NIRGraph:
    return chain(
        ("in", input_of(2, 9)),
        ("conv", conv1d(reals(4, 1, 3), groups=2)),
        ("max", pool(MaxPool1d, 2)),
        ("delay", elementwise("Delay", 4, 3)),
        ("out", output_of(4, 3)),
    )


@pytest.mark.parametrize(
    ("place", "value", "node", "found", "limit"),
    [
        ("conv/groups", 0, "conv", "groups 0: a whole number from 1 on", FIT),
        ("conv/groups", 3, "conv", "weight [4, 1, 3], bias [4] and 3 groups", FIT),
        ("conv/stride", 0, "conv", "stride 0 for 1 axes: whole numbers from 1 on", FIT),
        ("conv/stride", 1.5, "conv", "stride 1.5 for 1 axes: whole numbers from 1 on", FIT),
        ("conv/padding", "big", "conv", "padding 'big': numbers, 'valid' or 'same'", FIT),
        ("conv/bias", np.zeros(3), "conv", "weight [4, 1, 3], bias [3] and 2 groups", FIT),
        (
            "conv/weight",
            np.ones((4, 3)),
            "conv",
            "a weight of shape [4, 3]",
            FIT,
        ),
        ("conv/dilation", "2", "conv.dilation", "text", "real numbers"),
        (
            "conv/input_shape",
            np.array([9, 9]),
            "conv",
            "input_shape [9, 9] of a 1-dimensional window",
            FIT,
        ),
        (
            "max/padding",
            np.array([[3, 0]]),
            "max",
            "padding 3 of a window of 2: half of it at most, and behind an axis less than "
            "all of it",
            FIT,
        ),
        ("delay/delay", -1.0, "delay.delay", "-1", "0 or more"),
    ],
)
def test_a_window_or_a_delay(
    tmp_path: Path, place: str, value: Any, node: str, found: str, limit: str
) -> None:
    path = tmp_path / "a.nir"
    write_nir(convolutions(), path)
    with h5py.File(path, "r+") as file:
        put(NODES + place, value)(file)
    head = USABLE if node == "delay.delay" else COMPLETE
    assert refusal(path) == text(head, f"{path}:{node}", found, limit, AGAIN)


def nest(file: Any, levels: int) -> None:
    """Put graphs into graphs, in the place of the node ``lif``."""
    del file[NODES + "lif"]
    place = file[NODES + "lif"] if NODES + "lif" in file else file.create_group(NODES + "lif")
    for level in range(levels):
        place["type"] = "NIRGraph"
        last = level == levels - 1
        names = [("input", "lif"), ("lif", "output")]
        place.create_dataset("edges", data=names, dtype=h5py.string_dtype())
        for name in ("input", "output"):
            node = place.create_group(f"nodes/{name}")
            node["type"], node["shape"] = name.title(), np.array([3])
        place = place.create_group("nodes/lif")
        if last:
            place["type"], place["scale"] = "Scale", np.ones(3)


def test_nested_graphs(tmp_path: Path) -> None:
    path = edited(tmp_path / "a.nir", lambda file: nest(file, 32))
    graph = READERS[0].read(path)
    with pytest.raises(InputError, match="a loop without any delay"):
        parse(str(path), graph)
    path = edited(tmp_path / "a.nir", lambda file: nest(file, 33))
    node = ".".join(["lif"] * 33)
    remedy = "flatten the model where it is made"
    told = refusal(path)
    assert told == text(NESTS, f"{path}:{node}", "one more graph within it", "32 levels", remedy)


def test_what_is_wrong_in_a_nested_graph(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        nest(file, 2)
        inner = file[NODES + "lif/nodes/lif"]
        put("nodes/lif/scale", np.array([1, np.nan, 1]))(inner)
        put("edges", [("input", "lif"), ("lif", "output"), ("lif", "gone")])(inner)

    path = edited(tmp_path / "a.nir", edit)
    assert refusal(path) == "\n\n".join(
        [
            text(
                USABLE,
                f"{path}:lif.lif.lif.scale",
                "1 of 3 are not finite (nan)",
                "finite numbers",
                AGAIN,
            ),
            text(
                EDGE,
                f"{path}:lif.lif.lif -> lif.lif.gone",
                "no node 'gone'",
                ENDS,
                AGAIN,
            ),
        ]
    )


def test_a_node_of_no_neurons(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        for field in ("r", "tau", "v_leak", "v_reset", "v_threshold"):
            put(f"{NODES}lif/{field}", reals(0))(file)
        put(NODES + "fc/weight", reals(3, 0))(file)
        put("node/edges", EDGES)(file)

    path = edited(tmp_path / "a.nir", edit)
    weight = "a weight of shape [3, 0] where [n_out, n_in] is wanted"
    assert refusal(path) == "\n\n".join(
        [
            text(COMPLETE, f"{path}:fc", weight, FIT, AGAIN),
            text(COMPLETE, f"{path}:lif", "parameters of shape [0]", FIT, AGAIN),
        ]
    )


def test_flatten_is_checked(tmp_path: Path) -> None:
    graph = small_graph()
    graph.nodes["flat"] = nir.Flatten(input_type={"input": np.array([2])}, start_dim=0)
    graph.edges.append(("in", "flat"))
    path = tmp_path / "a.nir"
    write_nir(graph, path)
    with h5py.File(path, "r+") as file:
        put(NODES + "flat/start_dim", np.array([0, 1]))(file)
        put(NODES + "flat/input_type", 2.5)(file)
    assert refusal(path) == "\n\n".join(
        [
            text(
                COMPLETE, f"{path}:flat.input_type", "float64 of shape []", "whole numbers", AGAIN
            ),
            text(COMPLETE, f"{path}:flat.start_dim", "int64 of shape [2]", "a whole number", AGAIN),
        ]
    )


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        for change in (
            put(NODES + "lif/tau"),
            put(NODES + "lif/r", np.array([np.nan, 1, 1])),
            put(NODES + "fc/type", "Conv9d"),
            put("node/edges", [*EDGES, ("in", "x"), ("in", "fc")]),
        ):
            change(file)

    told = refusal(edited(tmp_path / "a.nir", edit))
    places = [line.rpartition(":")[2] for line in told.split("\n") if line.startswith("  -->")]
    assert places == ["fc", "lif.tau", "lif.r", "in -> fc", "in -> x"]
