"""One file of each kind that has taken a reader of HDF5 down, and what snnc says of it.

The kinds are those of the CVEs of HDF5, h5py and Keras, and of what ``nir.read`` accepts.
``tests/benchmarks/malformed.py`` measures what refusing each costs.
"""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.nir.file import write_nir
from tests.frontends.graphs import reals, small_graph

WEIGHT = "node/nodes/fc/weight"
AGAIN = "correct the model, and write the file again"
REWRITE = "write the file again with the tool that made it, as nir.write does"
GROUPS = "an HDF5 file with the groups node and node/nodes and the data set node/edges"

Make = Callable[[Path], Any]
"""Makes a file, or changes one that holds ``small_graph``."""
Told = tuple[Rule, str, str, str, str]
"""Rule, place, found, limit, remedy."""

CASES: dict[str, tuple[Make, Told]] = {}


def case(told: Told, name: str = "") -> Callable[[Make], Make]:
    """Add a file to ``CASES`` under the name of the function that makes it."""

    def add(make: Make) -> Make:
        CASES[name or make.__name__.replace("_", " ").strip()] = make, told
        return make

    return add


def make_file(name: str, path: Path) -> Diagnostic:
    """Make the file of a case, and give what is to be said of it."""
    make, (rule, place, found, limit, remedy) = CASES[name]
    write_nir(small_graph(), path)
    make(path)
    node = f"{path}:{place}" if place else str(path)
    return Diagnostic(rule, printable(node), found, limit, remedy)


def unsafe(place: str, found: str, limit: str) -> Told:
    return rules.FILE_SAFE, place, found, limit, REWRITE


def damaged(found: str) -> Told:
    return rules.FILE_FORM, "", found, GROUPS, REWRITE


def wrong(rule: Rule, place: str, found: str, limit: str) -> Told:
    return rule, place, found, limit, AGAIN


def _opened(path: Path) -> Any:
    return h5py.File(path, "r+")


def _put(path: Path, place: str, value: Any, **options: Any) -> None:
    with _opened(path) as file:
        if place in file:
            del file[place]
        if value is not None:
            file.create_dataset(place, data=value, **options)


def _declare(path: Path, place: str, shape: tuple[int, ...], **options: Any) -> None:
    with _opened(path) as file:
        if place in file:
            del file[place]
        file.create_dataset(place, shape, options.pop("dtype", "f4"), **options)


def _secret(path: Path) -> str:
    other = path.with_name("secret")
    other.write_text("user:password " * 99)
    return str(other)


ELSEWHERE = "data that lies in other files", "data in the file itself"
LINK = "a link to another place or another file", "hard links"


@case(unsafe("node/nodes/lif/r", *LINK))
def external_link(path: Path) -> None:
    _put(path, "node/nodes/lif/r", None)
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["r"] = reals(3)
    with _opened(path) as file:
        file["node/nodes/lif/r"] = h5py.ExternalLink("other.h5", "r")


@case(unsafe(WEIGHT, *ELSEWHERE))
def raw_data_of_a_text_file(path: Path) -> None:
    _declare(path, WEIGHT, (3, 2), external=[(_secret(path), 0, 24)])


@case(unsafe("node/metadata/words", *ELSEWHERE))
def a_secret_as_metadata(path: Path) -> None:
    _declare(path, "node/metadata/words", (64,), dtype="S1", external=[(_secret(path), 0, 64)])


def _virtual(path: Path, source: str, shape: tuple[int, ...]) -> None:
    _put(path, WEIGHT, None)
    with _opened(path) as file:
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource(source, "data", shape)
        file.create_virtual_dataset(WEIGHT, layout)


@case(unsafe(WEIGHT, *ELSEWHERE))
def virtual_data(path: Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["data"] = reals(3, 2)
    _virtual(path, "other.h5", (3, 2))


@case(unsafe(WEIGHT, *ELSEWHERE))
def virtual_data_of_a_file_that_is_missing(path: Path) -> None:
    """HDF5 gives zeros."""
    _virtual(path, "missing.h5", (3, 2))


@case(unsafe(WEIGHT, *ELSEWHERE))
def virtual_data_of_4_gib(path: Path) -> None:
    _virtual(path, "missing.h5", (2**15, 2**15 + 2**10))


@case(unsafe(WEIGHT, *ELSEWHERE))
def raw_data_of_a_pipe(path: Path) -> None:
    """Whoever opens it waits for ever."""
    pipe = path.with_name("pipe")
    if not pipe.exists():
        os.mkfifo(pipe)
    _declare(path, WEIGHT, (3, 2), external=[(str(pipe), 0, 24)])


@case(unsafe("node/metadata/a", "an object with 2 names", "one name each"))
def two_to_the_30_ways_by_hard_links(path: Path) -> None:
    with _opened(path) as file:
        group = file["node"].create_group("metadata")
        for _ in range(30):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner


@case(unsafe("node", "an object with 2 names", "one name each"))
def a_cycle_of_links(path: Path) -> None:
    with _opened(path) as file:
        file["node/metadata/again"] = file["node"]


@case(damaged("damaged: ValueError: a string is missing in the heap at byte ..."))
def a_heap_that_never_ends(path: Path) -> None:
    """An object of size 0 without a number: HDF5 2.0.0 stays at it for ever."""
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL\x01") + 16
    content[start : start + 16] = bytes(16)
    path.write_bytes(content)


@case(
    (
        rules.FILE_SAFE,
        WEIGHT,
        "1140850876 bytes up to here, in a file of ...",
        "134217728 bytes in all",
        "write the file without compression, as nir.write does with compression=None",
    )
)
def a_gzip_bomb_of_1_gib(path: Path) -> None:
    """Packed by less than gzip can, so each data set alone might be true."""
    packed = zlib.compress(bytes(2**26))
    with _opened(path) as file:
        del file[WEIGHT]
        form = {"chunks": (1, 2**24), "compression": "gzip"}
        weight = file.create_dataset(WEIGHT, (16, 2**24 + 2**20), "f4", **form)
        for row in range(16):
            weight.id.write_direct_chunk((row, 0), packed)
            weight.id.write_direct_chunk((row, 2**24), packed)


@case(unsafe(WEIGHT, "4294967296 bytes declared, 0 stored", "1100 to 1"))
def a_chunk_of_4_gib(path: Path) -> None:
    _declare(path, WEIGHT, (2**15, 2**15), chunks=(2**15, 2**15 - 1), compression="gzip")


@case(unsafe(WEIGHT, "6442450944 bytes declared, 1048576 stored", "1100 to 1"))
def a_fill_value_of_6_gib(path: Path) -> None:
    """One chunk is stored; HDF5 fills up the rest."""
    with _opened(path) as file:
        del file[WEIGHT]
        form = {"chunks": (2**18,), "fillvalue": 7.0}
        weight = file.create_dataset(WEIGHT, (6 * 2**28,), "f4", **form)
        weight[: 2**18] = 1


@case(unsafe(WEIGHT, "73786976294838206464 bytes declared, 0 stored", "1100 to 1"))
def a_shape_of_2_to_the_64(path: Path) -> None:
    _declare(path, WEIGHT, (2**32, 2**32), chunks=(1, 1))


@case(unsafe(WEIGHT, "67108864 bytes declared, 0 stored", "1100 to 1"))
def data_that_were_never_written(path: Path) -> None:
    _declare(path, WEIGHT, (2**12, 2**12))


@case(unsafe("node/edges", "160000000 bytes declared, 0 stored", "1100 to 1"))
def ten_million_strings(path: Path) -> None:
    _declare(path, "node/edges", (5_000_000, 2), dtype=h5py.string_dtype())


@case(damaged("an empty file"))
def an_empty_file(path: Path) -> None:
    path.write_bytes(b"")


@case(damaged("a file that begins with b'{\"nodes\"'"))
def a_text(path: Path) -> None:
    path.write_text('{"nodes": {}}')


@case(damaged("damaged: OSError: ..."))
def half_a_file(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@case(unsafe("node/nodes/twin", *LINK))
def an_alias(path: Path) -> None:
    with _opened(path) as file:
        file["node/nodes/twin"] = h5py.SoftLink("/node/nodes/lif")


@case(unsafe("node/nodes/lif/v_reset", *LINK))
def a_link_to_nothing(path: Path) -> None:
    """It would be as if the field were not there, and has a default."""
    _put(path, "node/nodes/lif/v_reset", None)
    with _opened(path) as file:
        file["node/nodes/lif/v_reset"] = h5py.SoftLink("/nowhere")


@case(unsafe("node/nodes/lif/kind", "a named data type", "groups and data sets"))
def a_named_data_type(path: Path) -> None:
    with _opened(path) as file:
        file["node/nodes/lif/kind"] = np.dtype("f4")


DEEP = "/".join(["node/metadata", *79 * "a"])


@case(unsafe(DEEP, "one more group within it", "80 levels"))
def metadata_in_20000_levels(path: Path) -> None:
    with _opened(path) as file:
        group = file["node"].create_group("metadata")
        for _ in range(20_000):
            group = group.create_group("a")


NESTED = "/".join(["node", *39 * ("nodes", "a"), "nodes"])


@case(unsafe(NESTED, "one more group within it", "80 levels"))
def a_thousand_nested_graphs(path: Path) -> None:
    with _opened(path) as file:
        group = file["node"]
        del group["nodes"]
        for _ in range(1000):
            group = group.create_group("nodes/a")
            group["type"] = "NIRGraph"
            group.create_dataset("edges", (0, 2), dtype=h5py.string_dtype())


@case(unsafe("node/nodes", "200010 objects up to here", "200000 groups and data sets"))
def two_hundred_thousand_nodes(path: Path) -> None:
    """Links to nothing, which are made in no time; they are counted before they are looked at."""
    with _opened(path) as file:
        group = file["node/nodes"]
        for number in range(200_000):
            group.id.links.create_soft(str(number).encode(), b"nowhere")


def _name(name: bytes | str, shown: str, found: str) -> None:
    limit = "1 to 255 bytes of visible NFC text without slash"
    told = (
        rules.NAME_VALID,
        f"node/nodes/{shown}",
        found,
        limit,
        "rename it where the model is made",
    )

    def make(path: Path) -> None:
        with _opened(path) as file:
            file["node/nodes"].create_group(name)

    CASES[f"name {shown[:20]}"] = make, told


UNSEEN = "a control or invisible character in the name"
_name(b"a\nb", r"a\nb", UNSEEN)
_name(b"\x1b[31mred", r"\x1b[31mred", UNSEEN)
_name("\u202eriver", r"\u202eriver", UNSEEN)
_name("zero\u200bwidth", r"zero\u200bwidth", UNSEEN)
_name(b"\xff\xfe", r"\xff\xfe", "a name that is not UTF-8")
_name("cafe\u0301", "cafe\u0301", "a name that is not in NFC")


@case(
    (
        rules.NAME_VALID,
        "node/nodes/" + "x" * 60_000,
        "a name of more than 255 bytes",
        "1 to 255 bytes of visible NFC text without slash",
        "rename it where the model is made",
    )
)
def a_name_of_60000_letters(path: Path) -> None:
    with h5py.File(path, "r+", libver="latest") as opened:
        file: Any = opened
        file["node/nodes"].create_group("x" * 60_000)


def _value(place: str, value: Any, told: Told) -> None:
    def make(path: Path) -> None:
        _put(path, f"node/{place}", value)

    CASES[f"{place}, {told[2]}"] = make, told


USABLE, COMPLETE, EDGE = rules.NUMBER_USABLE, rules.NODE_COMPLETE, rules.EDGE_VALID
FOR_EVER = "above v_reset: the neuron would fire for ever"
OTHER_CLASS = COMPLETE, "node/nodes/lif/r", "data of another class", "numbers and strings", REWRITE
_value(
    "nodes/lif/tau",
    np.array([1, np.nan, 1]),
    wrong(USABLE, "lif.tau", "1 of 3 are not finite (nan)", "finite numbers"),
)
_value(
    "nodes/lif/r",
    np.array([1, 1, -np.inf]),
    wrong(USABLE, "lif.r", "1 of 3 are not finite (-inf)", "finite numbers"),
)
_value("nodes/lif/tau", np.zeros(3), wrong(USABLE, "lif.tau", "0", "above 0"))
_value(
    "nodes/lif/v_threshold",
    np.zeros(3),
    wrong(USABLE, "lif.v_threshold", "0 with a reset to 0", FOR_EVER),
)
_value(
    "nodes/lif/v_reset",
    np.full(3, 2.0),
    wrong(USABLE, "lif.v_threshold", "1 with a reset to 2", FOR_EVER),
)
_value(
    "nodes/fc/weight",
    np.array([[3e38, 3e38], [1e-45, 1e-45], [1, 1]], np.float32),
    wrong(
        USABLE,
        "fc.weight",
        "weights of one neuron that add up to 6e+38",
        "3.40282e+38: a sum of inputs must stay a float32",
    ),
)
_value(
    "nodes/fc/bias",
    reals(4),
    wrong(
        COMPLETE,
        "fc",
        "a bias of shape [4] for a weight of shape [3, 2]",
        "fields that go together",
    ),
)
_value("nodes/lif/r", np.ones(3, complex), OTHER_CLASS)
_value("nodes/lif/r", np.zeros(3, [("a", "f4"), ("b", "f4")]), OTHER_CLASS)
_value("nodes/lif/r", "big", wrong(COMPLETE, "lif.r", "text", "real numbers"))
_value(
    "edges",
    None,
    damaged("no group node/nodes or no data set node/edges"),
)
_value(
    "edges",
    np.array([["in", "fc"], ["fc", "gone"]], h5py.string_dtype()),
    wrong(
        EDGE,
        "fc -> gone",
        "no node 'gone'",
        "each edge once, between two nodes of the graph, from Input towards Output",
    ),
)


@case(OTHER_CLASS)
def a_reference_to_an_object(path: Path) -> None:
    with _opened(path) as file:
        del file["node/nodes/lif/r"]
        file.create_dataset("node/nodes/lif/r", data=file["node"].ref, dtype=h5py.ref_dtype)


@case(wrong(EDGE, "fc", "a node without any edge", "edges to it or from it"))
def no_edges_at_all(path: Path) -> None:
    with _opened(path) as file:
        del file["node/edges"]
        file.create_dataset("node/edges", (0, 2), dtype=h5py.string_dtype())


@case(
    (
        rules.FILE_FORM,
        "version",
        "version 99.0",
        "1.x or older, as nir 1.0.8 writes",
        "write the file with a release 1 of nir, or use a newer snnc",
    )
)
def a_version_of_the_future(path: Path) -> None:
    _put(path, "version", "99.0")


@case(
    wrong(
        rules.LOOP_DELAYED,
        "loop -> loop",
        "a loop without any delay",
        "a neuron or a Delay on every loop",
    )
)
def a_loop_without_state(path: Path) -> None:
    edges = [*small_graph().edges, ("loop", "loop")]
    _put(path, "node/edges", np.array(edges, h5py.string_dtype()))
