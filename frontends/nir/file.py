"""Read and write .nir files: tolerant of who wrote them, strict about what they say.

``nir.read`` invents nodes, opens other files and takes NaN for a number; ``nir.write`` leaves half
a file when it is interrupted. The form of the files is the same (nir 1.0.8, ``serialization.py``).
"""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.graph.flatten import flatten_graph
from snnc.compiler.graph.notes import metadata
from snnc.compiler.graph.shapes import Shapes, infer_shapes
from snnc.frontends.hdf5.gate import bad_name, name_problem, printable
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.read import Tree, check_readable, file_form, grow, read_entries
from snnc.frontends.hdf5.write import write_tree
from snnc.frontends.nir.fields import in_file
from snnc.frontends.nir.graph import fill_input_shapes, graph_tree, loop_problems, parse_graph
from snnc.frontends.nir.legacy import without_batch_axis
from snnc.frontends.nir.notes import note_keys
from snnc.frontends.nir.standard import foreign_nodes

VERSION = "1.0"
"""Written as ``/version``: the form of NIR's files, not snnc's release."""
NEWEST = 1
"""First number of the newest version that is known."""


def read_nir(path: str | os.PathLike[str], *, trust: bool = False) -> nir.NIRGraph:
    """Read a .nir file, as it is: no node is added, none left out.

    Args:
        path: An HDF5 file as ``nir.write`` or ``write_nir`` makes it.
        trust: Read it in this process: some 0.3 s faster, but HDF5 may crash or hang on a damaged
            file, and takes this process with it.

    Returns:
        The graph, not checked by ``nir`` itself; nodes in alphabetical order, edges as written.

    Raises:
        InputError: SNN001, SNN101 to SNN109, SNN121: all that is wrong with the file, at once.
        EnvironmentFault: SNN508, no process could be started.
    """
    file = Path(path)
    if trust:
        check_readable(file)
        return parse(str(file), grow(read_entries(file, str(file))))
    with ReaderProcess() as process:
        return parse(str(file), process.read(file))


def write_nir(graph: nir.NIRGraph, path: str | os.PathLike[str]) -> tuple[Diagnostic, ...]:
    """Write ``graph`` as a file that ``read_nir`` reads, and ``nir.read`` where that is possible.

    The file is there as a whole or not at all; the same graph gives the same bytes. The file tells
    ``input_shape`` of every convolution, whether ``graph`` does or not.

    Returns:
        Warnings: what other tools will not be able to read.

    Raises:
        InputError: SNN103 to SNN109 or SNN121, the graph could not be read back.
        EnvironmentFault: SNN002, the file system refuses.
    """
    raise_all(_name_problems(graph, f"{path}:"))
    tree: Tree = {"version": VERSION, "node": graph_tree(graph, str(path))}
    _, shapes = _parse(str(path), tree)
    fill_input_shapes(cast("Tree", tree["node"]), shapes)
    write_tree(tree, Path(path))
    return tuple(foreign_nodes(graph, shapes))


def parse(path: str, tree: Tree) -> nir.NIRGraph:
    """Make the graph that ``tree`` holds, and check it.

    Args:
        path: Of the file, for messages.
        tree: The whole file.

    Raises:
        InputError: SNN101, SNN103 to SNN109, SNN121.
    """
    return _parse(path, tree)[0]


def _parse(path: str, tree: Tree) -> tuple[nir.NIRGraph, Shapes]:
    raise_all(_version_problems(path, tree))
    root = tree.get("node")
    if not isinstance(root, dict) or root.get("type") != "NIRGraph":
        raise InputError([file_form(path, "no group node of type NIRGraph")])
    graph = parse_graph(path, root)
    if not metadata(graph):
        graph = without_batch_axis(graph)
    try:
        shapes = infer_shapes(graph)
        raise_all(loop_problems(flatten_graph(graph)))
    except InputError as error:
        raise InputError(in_file(f"{path}:", error.diagnostics)) from None
    return graph, shapes


def _version_problems(path: str, tree: Tree) -> Iterator[Diagnostic]:
    version = tree.get("version", VERSION)
    number = re.match(r"\d{1,4}(?=\.|$)", version) if isinstance(version, str) else None
    if number is None or int(number[0]) > NEWEST:
        found = version if isinstance(version, str) else "no text"
        yield Diagnostic(
            rule=rules.FILE_FORM,
            node=printable(f"{path}:version"),
            found=printable(f"version {found}"),
            limit=f"{NEWEST}.x or older, as nir 1.0.8 writes",
            remedy="write the file with a release 1 of nir, or use a newer snnc",
        )


def _name_problems(graph: nir.NIRGraph, place: str) -> Iterator[Diagnostic]:
    nodes = cast("Mapping[str, nir.NIRNode]", graph.nodes)
    notes = [
        graph.metadata,
        *(n.metadata for n in nodes.values() if not isinstance(n, nir.NIRGraph)),
    ]
    for name in (*nodes, *(key for note in notes for key in note_keys(note))):
        problem = name_problem(name)
        if problem:
            yield bad_name(f"{place}{name}", problem)
    for name, node in nodes.items():
        if isinstance(node, nir.NIRGraph):
            yield from _name_problems(node, f"{place}{name}.")
