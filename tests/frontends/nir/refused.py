"""Refusals of `.nir` files: the rules that they name, and files that are edited."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.read import Tree, grow, read_entries
from snnc.frontends.nir.file import parse, write_nir
from tests.frontends.graphs import small_graph

COMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
USABLE = "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
EDGE = "error[SNN106]: every edge joins two nodes of the graph whose shapes agree"
FORM = "error[SNN101]: a .nir file is HDF5 and holds one NIR graph"
AGAIN = "correct the model, and write the file again"
FIT = "fields that go together"
ENDS = "each edge once, between two nodes of the graph, from Input towards Output"
LIF = "tau, r, v_leak, v_threshold, v_reset (optional)"
NODES = "node/nodes/"
EDGES = small_graph().edges
Edit = Callable[[Any], Any]


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


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
