"""Every kind of malformed or malicious .nir file is refused: the whole text is compared."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.graph.nodes import MaxPool1d
from snnc.frontends.hdf5 import gate
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.read import Tree, grow, read_entries
from snnc.frontends.nir.file import parse, read_nir, write_nir
from snnc.frontends.nir.nodes import FORMS
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

COMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
USABLE = "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
KNOWN = "error[SNN103]: every node is of a type that snnc can compile"
EDGE = "error[SNN106]: every edge joins two nodes of the graph whose shapes agree"
FORM = "error[SNN101]: a .nir file is HDF5 and holds one NIR graph"
SAFE = "error[SNN102]: a .nir file refers to nothing but itself and is of a sane size"
NAME = "error[SNN107]: every name in a .nir file is plain text"
READABLE = "error[SNN001]: a file that is named exists and can be read"

AGAIN = "correct the model, and write the file again"
REWRITE = "write the file again with the tool that made it, as nir.write does"
GROUPS = "an HDF5 file with the groups node and node/nodes and the data set node/edges"
KINDS = ", ".join((*FORMS, "NIRGraph"))
FIT = "fields that go together"
ENDS = "each edge once, between two nodes of the graph, from Input towards Output"
LOOP = "error[SNN121]: every loop takes at least one step of delay for each projection on it"
NESTS = "error[SNN109]: a nested graph can be put in the place of its node"
LIF = "tau, r, v_leak, v_threshold, v_reset (optional)"
NODES = "node/nodes/"

EDGES = small_graph().edges

Edit = Callable[[Any], Any]


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


@pytest.fixture(autouse=True, scope="module")
def process() -> Iterator[None]:
    """One process reads all the files, as it would one by one."""
    with ReaderProcess() as reader:
        READERS.append(reader)
        yield
        READERS.clear()


READERS: list[ReaderProcess] = []


def refusal(path: Path, *, trust: bool = False) -> str:
    def read() -> Tree:
        return grow(read_entries(path, str(path))) if trust else READERS[0].read(path)

    with pytest.raises(InputError) as caught:
        parse(str(path), read())
    return str(caught.value)


def edited(path: Path, edit: Edit) -> Path:
    write_nir(small_graph(), path)
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def put(place: str, value: Any = None, **options: Any) -> Edit:
    """Replace the data set at ``place``, or remove it."""

    def edit(file: Any) -> None:
        if place in file:
            del file[place]
        if value is not None:
            file.create_dataset(place, data=value, **options)

    return edit


def declare(place: str, shape: tuple[int, ...], **options: Any) -> Edit:
    """Replace the data set at ``place`` by one that holds nothing yet."""

    def edit(file: Any) -> None:
        del file[place]
        file.create_dataset(place, shape, "f4", **options)

    return edit


@pytest.mark.parametrize(
    ("edit", "head", "node", "found", "limit"),
    [
        pytest.param(
            put(NODES + "lif/tau"), COMPLETE, "lif.tau", "no such field", LIF, id="missing field"
        ),
        pytest.param(
            put(NODES + "lif/extra", 1.0),
            COMPLETE,
            "lif.extra",
            "a field that the node type does not have",
            LIF,
            id="extra field",
        ),
        pytest.param(put(NODES + "lif/type", "Izhi"), KNOWN, "lif", "Izhi", KINDS, id="type"),
        pytest.param(
            put(NODES + "lif/type", "I\x1b[31m"), KNOWN, "lif", r"I\x1b[31m", KINDS, id="escape"
        ),
        pytest.param(put(NODES + "lif/type"), KNOWN, "lif", "no type", KINDS, id="no type"),
        pytest.param(put(NODES + "lif/type", 3), KNOWN, "lif", "no type", KINDS, id="type 3"),
        pytest.param(
            put(NODES + "fc/bias", reals(4)),
            COMPLETE,
            "fc",
            "a bias of shape [4] for a weight of shape [3, 2]",
            FIT,
            id="bias",
        ),
        pytest.param(
            put(NODES + "fc/weight", reals(6)),
            COMPLETE,
            "fc",
            "a weight of shape [6] where [n_out, n_in] is wanted",
            FIT,
            id="weight",
        ),
        pytest.param(
            put(NODES + "lif/r", reals(2)),
            COMPLETE,
            "lif",
            "parameters that do not go together: "
            "tau [3], r [2], v_leak [3], v_threshold [3], v_reset [3]",
            FIT,
            id="shapes",
        ),
        pytest.param(
            put(NODES + "lif/r", "big"), COMPLETE, "lif.r", "text", "real numbers", id="text"
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([True, True, False])),
            COMPLETE,
            "lif.r",
            "bool values",
            "real numbers",
            id="flags",
        ),
        pytest.param(
            lambda file: (put(NODES + "lif/r")(file), file[NODES + "lif"].create_group("r")),
            COMPLETE,
            "lif.r",
            "a group",
            "real numbers",
            id="group",
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([1, np.nan, np.inf])),
            USABLE,
            "lif.r",
            "2 of 3 are not finite (nan)",
            "finite numbers",
            id="nan",
        ),
        pytest.param(
            put(NODES + "fc/weight", np.full((3, 2), -np.inf)),
            USABLE,
            "fc.weight",
            "6 of 6 are not finite (-inf)",
            "finite numbers",
            id="inf",
        ),
        pytest.param(
            put(NODES + "in/shape", np.array([2.0])),
            COMPLETE,
            "in.shape",
            "[2.]",
            "whole numbers of 1 or more in one axis",
            id="shape of floats",
        ),
        pytest.param(
            put(NODES + "in/shape", np.array([2, 0])),
            COMPLETE,
            "in.shape",
            "[2 0]",
            "whole numbers of 1 or more in one axis",
            id="shape of zero",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("fc", "gone")]),
            EDGE,
            "fc -> gone",
            "no node 'gone'",
            ENDS,
            id="unknown end",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("in", "fc")]),
            EDGE,
            "in -> fc",
            "the edge stands 2 times",
            ENDS,
            id="twice",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("lif", "in")]),
            EDGE,
            "lif -> in",
            "an edge into an Input",
            ENDS,
            id="into an input",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("out", "lif")]),
            EDGE,
            "out -> lif",
            "an edge out of an Output",
            ENDS,
            id="out of an output",
        ),
        pytest.param(
            put("node/edges", EDGES[:-1]),
            EDGE,
            "out",
            "a node without any edge",
            "edges to it or from it",
            id="no edge",
        ),
        *(
            pytest.param(
                put(NODES + "lif/tau", np.array([1, value, 1])),
                USABLE,
                "lif.tau",
                f"{value}",
                "above 0",
                id=f"tau {value}",
            )
            for value in (0, -0.5)
        ),
        pytest.param(
            put(NODES + "lif/v_threshold", np.array([1, 1, -0.5])),
            USABLE,
            "lif.v_threshold",
            "-0.5 with a reset to 0",
            "above v_reset: the neuron would fire for ever",
            id="threshold",
        ),
        pytest.param(
            put(NODES + "lif/v_reset", np.array([0.5, 1, 0])),
            USABLE,
            "lif.v_threshold",
            "1 with a reset to 1",
            "above v_reset: the neuron would fire for ever",
            id="reset",
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([1e300, 1, 1])),
            USABLE,
            "lif.r",
            "1e+300",
            "3.40282e+38, the largest float32",
            id="float64",
        ),
        pytest.param(
            put(NODES + "fc/weight", np.array([[3e38, -1e-45], [1, 1], [3e38, 3e38]], np.float32)),
            USABLE,
            "fc.weight",
            "weights of one neuron that add up to 6e+38",
            "3.40282e+38: a sum of inputs must stay a float32",
            id="large and tiny",
        ),
        pytest.param(
            put("node/extra", 1),
            COMPLETE,
            "extra",
            "a field that the node type does not have",
            "edges, metadata, nodes, type",
            id="extra field of the graph",
        ),
    ],
)
def test_a_wrong_node_or_edge(
    tmp_path: Path, edit: Edit, head: str, node: str, found: str, limit: str
) -> None:
    path = edited(tmp_path / "a.nir", edit)
    assert refusal(path) == text(head, f"{path}:{node}", found, limit, AGAIN)


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


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (put("node"), "no group node of type NIRGraph"),
        (put("node/type", "LIF"), "no group node of type NIRGraph"),
        (put("node/type"), "no group node of type NIRGraph"),
        (put("node/nodes"), "no group node/nodes or no data set node/edges"),
        (put("node/edges"), "no group node/nodes or no data set node/edges"),
        (
            put("node/edges", np.array([[1, 2]])),
            "node/edges is int64 of shape [1, 2], not pairs of names",
        ),
        (
            put("node/edges", [("a", "b", "c")]),
            "node/edges is object of shape [1, 3], not pairs of names",
        ),
        (
            put("node/type", np.bytes_(b"\xff")),
            "damaged: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte",
        ),
    ],
)
def test_a_file_of_another_form(tmp_path: Path, edit: Edit, found: str) -> None:
    path = edited(tmp_path / "a.nir", edit)
    assert refusal(path) == text(FORM, str(path), found, GROUPS, REWRITE)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "a file that begins with b''"),
        (b"{}", "a file that begins with b'{}'"),
        (b" " * 512 + gate.SIGNATURE, "a file that begins with b'        '"),
    ],
)
def test_a_file_that_is_not_hdf5(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "a.nir"
    path.write_bytes(content)
    assert refusal(path) == text(FORM, str(path), found, GROUPS, REWRITE)


def test_a_truncated_file(tmp_path: Path) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    content = path.read_bytes()
    for size in range(8, len(content), 97):
        path.write_bytes(content[:size])
        assert refusal(path).startswith(f"{FORM}\n  --> {path}\n   found: damaged: OSError: ")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (Path.exists, "No such file or directory"),
        (Path.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], object], found: str) -> None:
    path = tmp_path / "a.nir"
    make(path)
    limit, remedy = "a file that this user may read", "check the path and its permissions"
    assert refusal(path) == text(READABLE, str(path), found, limit, remedy)


def test_a_path_that_no_file_can_have() -> None:
    told = refusal(Path("a\0.nir"))
    limit, remedy = "a file that this user may read", "check the path and its permissions"
    assert told == text(READABLE, r"a\x00.nir", "a null byte in the path", limit, remedy)


def soft_link(file: Any) -> None:
    file[NODES + "lif/link"] = h5py.SoftLink("/node/type")


def external_link(file: Any) -> None:
    file[NODES + "lif/link"] = h5py.ExternalLink("other.h5", "/data")


def named_type(file: Any) -> None:
    file[NODES + "lif/link"] = np.dtype("f4")


def external_data(file: Any) -> None:
    declare(NODES + "fc/weight", (3, 2), external=[("secret", 0, 24)])(file)


def virtual_data(file: Any) -> None:
    del file[NODES + "fc/weight"]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (3, 2))
    file.create_virtual_dataset(NODES + "fc/weight", layout)


def chunk_bomb(file: Any) -> None:
    weight, chunk = reals(2**13, 2**11 + 1), (2**13, 2**11 + 1)
    put(NODES + "fc/weight", weight, chunks=chunk, compression="gzip")(file)


def long_elements(file: Any) -> None:
    put(NODES + "fc/weight", np.array([b"x" * 70_000]))(file)


def deep_groups(file: Any) -> None:
    group = file["node"].create_group("metadata")
    for _ in range(100):
        group = group.create_group("a")


def quad(file: Any) -> None:
    put(NODES + "fc/weight", np.zeros((3, 2), np.longdouble))(file)


@pytest.mark.parametrize(
    ("edit", "node", "found", "limit"),
    [
        (soft_link, "lif/link", "a link to another place or another file", "hard links"),
        (external_link, "lif/link", "a link to another place or another file", "hard links"),
        (named_type, "lif/link", "a named data type", "groups and data sets"),
        (external_data, "fc/weight", "data that lies in other files", "data in the file itself"),
        (virtual_data, "fc/weight", "data that lies in other files", "data in the file itself"),
        (
            declare(NODES + "fc/weight", (2**12, 2**12)),
            "fc/weight",
            "67108864 bytes declared, 0 stored",
            "1100 to 1",
        ),
        (
            declare(NODES + "fc/weight", (3, 2), chunks=(3, 2), fillvalue=7.0),
            "fc/weight",
            "24 bytes declared, 0 stored",
            "1100 to 1",
        ),
        (
            put(NODES + "fc/weight", reals(3, 2), scaleoffset=2),
            "fc/weight",
            "filter 6",
            "gzip, shuffle, fletcher32, lzf",
        ),
        (chunk_bomb, "fc/weight", "a chunk of 67141632 bytes", "67108864 bytes"),
        (long_elements, "fc/weight", "elements of 70000 bytes", "65536 bytes"),
        (quad, "fc/weight", "elements of 16 bytes", "8 bytes"),
        (
            put("node/edges", [("in", "fc")], dtype=h5py.string_dtype(), chunks=(1, 2)),
            "../edges",
            "strings in chunks",
            "strings one after the other",
        ),
        (deep_groups, "../metadata" + 79 * "/a", "one more group within it", "80 levels"),
    ],
)
def test_a_file_that_is_not_safe(
    tmp_path: Path, edit: Edit, node: str, found: str, limit: str
) -> None:
    path = edited(tmp_path / "a.nir", edit)
    place = f"{path}:{os.path.normpath(NODES + node)}"
    assert refusal(path) == text(SAFE, place, found, limit, REWRITE)


@pytest.mark.parametrize(
    "value",
    [
        np.ones(3, complex),
        np.zeros(3, [("a", "f4"), ("b", "f4")]),
        h5py.Empty("f4"),
    ],
    ids=["complex", "compound", "empty"],
)
def test_data_of_another_class(tmp_path: Path, value: Any) -> None:
    path = edited(tmp_path / "a.nir", put(NODES + "lif/r", value))
    assert refusal(path) == text(
        COMPLETE,
        f"{path}:node/nodes/lif/r",
        "data of another class",
        "numbers and strings",
        REWRITE,
    )


def test_a_reference_is_data_of_another_class(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        put(NODES + "lif/r", file["node"].ref, dtype=h5py.ref_dtype)(file)

    assert "found: data of another class" in refusal(edited(tmp_path / "a.nir", edit))


def test_an_object_with_two_names(tmp_path: Path) -> None:
    def alias(file: Any) -> None:
        file[NODES + "twin"] = file[NODES + "lif"]

    path = edited(tmp_path / "a.nir", alias)
    assert refusal(path) == "\n\n".join(
        text(SAFE, f"{path}:node/nodes/{n}", "an object with 2 names", "one name each", REWRITE)
        for n in ("lif", "twin")
    )


def test_a_bomb_of_links_and_a_cycle_end(tmp_path: Path) -> None:
    """Of a billion ways to the innermost group, none is gone twice."""

    def bomb(file: Any) -> None:
        group = file["node"].create_group("metadata")
        for _ in range(30):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner
        group["again"] = file["node"]

    path = edited(tmp_path / "a.nir", bomb)
    assert "found: an object with 2 names" in refusal(path)


def test_declared_size_is_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    monkeypatch.setattr(gate, "MAX_BYTES", 300)
    first = refusal(path, trust=True).split("\n\n")[0].split("\n")
    assert first[0] == SAFE
    assert first[2].endswith(f" bytes up to here, in a file of {path.stat().st_size}")
    assert first[3] == "   limit: 300 bytes in all"


def test_the_number_of_objects_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    monkeypatch.setattr(gate, "MAX_OBJECTS", 20)
    limit, found = "20 groups and data sets", "21 objects up to here"
    place = f"{path}:node/nodes/lif"
    assert refusal(path, trust=True) == text(SAFE, place, found, limit, REWRITE)


def test_only_the_first_problems_of_a_hostile_file_are_told(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        for i in range(1000):
            file[f"{NODES}link{i}"] = h5py.SoftLink("/node")

    told = refusal(edited(tmp_path / "a.nir", edit))
    assert told.count("error[SNN102]") == gate.MAX_REPORTED


@pytest.mark.parametrize(
    ("name", "shown", "found"),
    [
        (b"a\nb\x1b[31m", r"a\nb\x1b[31m", "a control or invisible character in the name"),
        ("\u202e".encode(), r"\u202e", "a control or invisible character in the name"),
        ("e\u0301".encode(), "e\u0301", "a name that is not in NFC"),
        (b"\xff", r"\xff", "a name that is not UTF-8"),
    ],
)
def test_a_name_that_is_not_plain_text(tmp_path: Path, name: bytes, shown: str, found: str) -> None:
    path = edited(tmp_path / "a.nir", lambda file: file[NODES[:-1]].create_group(name))
    limit, remedy = (
        "1 to 255 bytes of visible NFC text without slash",
        "rename it where the model is made",
    )
    assert refusal(path) == text(NAME, f"{path}:node/nodes/{shown}", found, limit, remedy)


def test_no_other_file_is_opened(tmp_path: Path) -> None:
    """The property itself, whatever the trick: who opens the pipe waits for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def link(file: Any) -> None:
        file[NODES + "lif/link"] = h5py.ExternalLink(str(pipe), "/data")

    def virtual(file: Any) -> None:
        del file[NODES + "fc/weight"]
        layout = h5py.VirtualLayout((3, 2), "f4")
        layout[:] = h5py.VirtualSource(str(pipe), "data", (3, 2))
        file.create_virtual_dataset(NODES + "fc/weight", layout)

    raw = declare(NODES + "fc/weight", (3, 2), external=[(str(pipe), 0, 24)])
    for edit in (link, virtual, raw):
        assert SAFE in refusal(edited(tmp_path / "a.nir", edit))


@pytest.mark.parametrize(
    ("offset", "value", "found"),
    [
        (0, b"\xff\xff\xff\x7f", "a string states 2147483647 bytes and has"),
        (4, b"\xff\xff\xff\x7f", "no string heap at byte"),
        (12, b"\xff\xff", "a string is missing in the heap at byte"),
    ],
)
def test_a_damaged_reference_to_a_string(
    tmp_path: Path, offset: int, value: bytes, found: str
) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    with h5py.File(path) as file:
        start = file["node/edges"].id.get_offset() + offset
    content = path.read_bytes()
    path.write_bytes(content[:start] + value + content[start + len(value) :])
    head = f"{FORM}\n  --> {path}\n   found: damaged: ValueError: {found}"
    assert refusal(path).startswith(head)


def test_a_heap_that_never_ends(tmp_path: Path) -> None:
    """An object of size 0 without a number: HDF5 2.0.0 stays at it for ever."""
    path = edited(tmp_path / "a.nir", lambda _: None)
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL\x01") + 16
    content[start : start + 16] = bytes(16)
    path.write_bytes(content)
    assert "a string is missing in the heap at byte" in refusal(path)
