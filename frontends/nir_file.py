"""Read and write .nir files: tolerant of who wrote them, strict about what they say.

``nir.read`` invents nodes, opens other files and takes NaN for a number; ``nir.write`` leaves half
a file when it is interrupted. The form of the files is the same (nir 1.0.8, ``serialization.py``).
"""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.hdf5_gate import bad_name, name_problem, printable
from snnc.frontends.hdf5_tree import Array, Tree, file_form, read_tree, write_tree
from snnc.frontends.nir_nodes import input_size, node_fields, output_size, parse_node

VERSION = "1.0"
"""Written as ``/version``; no reader of NIR takes notice of it."""


def read_nir(path: str | os.PathLike[str]) -> nir.NIRGraph:
    """Read a .nir file, as it is: no node is added, none left out.

    Args:
        path: An HDF5 file as ``nir.write`` or ``write_nir`` makes it.

    Returns:
        The graph, not checked by ``nir`` itself; nodes in alphabetical order, edges as written.

    Raises:
        InputError: SNN001, SNN101 to SNN107: all that is wrong with the file, at once.
    """
    return _parse(str(path), read_tree(Path(path)))


def write_nir(graph: nir.NIRGraph, path: str | os.PathLike[str]) -> None:
    """Write ``graph`` as a file that ``nir.read`` and ``read_nir`` read.

    The file is there as a whole or not at all; the same graph gives the same bytes.

    Raises:
        InputError: SNN103 to SNN107, the graph could not be read back.
        EnvironmentFault: SNN002, the file system refuses.
    """
    raise_all(_name_problems(graph, str(path)))
    tree: Tree = {"version": VERSION, "node": _graph_tree(graph, str(path))}
    _parse(str(path), tree)
    write_tree(tree, Path(path))


def _parse(path: str, tree: Tree) -> nir.NIRGraph:
    root = tree.get("node")
    if not isinstance(root, dict) or root.get("type") != "NIRGraph":
        raise InputError([file_form(path, "no group node of type NIRGraph")])
    groups, ends = root.get("nodes"), root.get("edges")
    if not isinstance(groups, dict) or not isinstance(ends, np.ndarray):
        raise InputError([file_form(path, "no group node/nodes or no data set node/edges")])
    nodes: dict[str, nir.NIRNode] = {}
    problems: list[Diagnostic] = []
    for name, group in groups.items():
        fields = dict(group) if isinstance(group, dict) else Tree()
        notes = fields.pop("metadata", {})
        node = parse_node(f"{path}:{name}", fields)
        if isinstance(node, list):
            problems += node
        else:
            node.metadata = _notes(notes)
            nodes[name] = node
    edges = _edges(path, ends)
    problems += _edge_problems(path, edges, set(groups), nodes)
    raise_all(problems)
    notes = _notes(root.get("metadata", {}))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=notes, type_check=False)


def _edges(path: str, ends: Array) -> list[tuple[str, str]]:
    if ends.size == 0:
        return []
    if ends.dtype != object or ends.ndim != 2 or ends.shape[1] != 2:
        found = f"node/edges is {ends.dtype} of shape {list(ends.shape)}, not pairs of names"
        raise InputError([file_form(path, found)])
    return [(str(source), str(target)) for source, target in ends]


def _edge_problems(
    path: str,
    edges: list[tuple[str, str]],
    names: set[str],
    nodes: Mapping[str, nir.NIRNode],
) -> Iterator[Diagnostic]:
    seen: set[tuple[str, str]] = set()
    for edge in edges:
        source, target = edge
        unknown = [end for end in edge if end not in names]
        if unknown:
            yield _bad_edge(path, edge, f"no node {unknown[0]}", "nodes of the graph")
        elif edge in seen:
            yield _bad_edge(path, edge, "the same edge again", "each edge once")
        elif source in nodes and target in nodes:
            given, taken = output_size(nodes[source]), input_size(nodes[target])
            if given is not None and taken is not None and given != taken:
                found = f"{source} gives {given} values, {target} takes {taken}"
                yield _bad_edge(path, edge, found, "as many as the other")
        seen.add(edge)


def _bad_edge(path: str, edge: tuple[str, str], found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.EDGE_VALID,
        node=printable(f"{path}:{edge[0]} -> {edge[1]}"),
        found=printable(found),
        limit=limit,
        remedy="correct the model, and write the file again",
    )


def _notes(value: Tree | Array | str) -> Any:
    """Give metadata as Python values: what was written as a number or a flag is one again."""
    if isinstance(value, dict):
        return {name: _notes(item) for name, item in value.items()}
    if isinstance(value, str) or value.ndim:
        return value.tolist() if not isinstance(value, str) and value.dtype == object else value
    return value.item() if value.dtype.name in {"bool", "int64", "float64"} else value[()]


def _graph_tree(graph: nir.NIRGraph, path: str) -> Tree:
    nodes: Tree = {}
    for name, node in cast("Mapping[str, nir.NIRNode]", graph.nodes).items():
        nodes[name] = node_fields(node) | _notes_tree(node.metadata, f"{path}:{name}")
    ends = np.array([list(edge) for edge in graph.edges], object).reshape(-1, 2)
    tree: Tree = {"type": "NIRGraph", "nodes": nodes, "edges": ends}
    return tree | _notes_tree(graph.metadata, path)


def _notes_tree(notes: Mapping[str, Any] | None, place: str) -> Tree:
    return {"metadata": _note_tree(notes, f"{place}.metadata")} if notes else {}


def _note_tree(value: Any, place: str) -> Tree | Array | str:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: _note_tree(item, f"{place}.{name}") for name, item in items}
    if isinstance(value, str):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind in "biuf":
        return array
    diagnostic = Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=place,
        found=f"a {type(value).__name__}",
        limit="numbers, text, arrays of them, and dicts of these",
        remedy="remove it from the metadata",
    )
    raise InputError([diagnostic])


def _name_problems(graph: nir.NIRGraph, path: str) -> Iterator[Diagnostic]:
    nodes = cast("Mapping[str, nir.NIRNode]", graph.nodes)
    notes = [graph.metadata, *(node.metadata for node in nodes.values())]
    for name in (*nodes, *(key for note in notes for key in _keys(note or {}))):
        problem = name_problem(name)
        if problem:
            yield bad_name(f"{path}:{name}", problem)


def _keys(notes: Mapping[str, Any]) -> Iterable[str]:
    for key, value in notes.items():
        yield str(key)
        if isinstance(value, Mapping):
            yield from _keys(cast("Mapping[str, Any]", value))
