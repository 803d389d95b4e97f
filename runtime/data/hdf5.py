"""HDF5 files of data: arrays by the names of the inputs, or a NIR data graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InputError
from snnc.frontends.hdf5.child import HDF5_DATA
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.read import Tree
from snnc.frontends.refusals import as_data, refused_data
from snnc.runtime.data.binning import Binning
from snnc.runtime.data.nir_data import GRAPH, TYPE, NirData

Array = npt.NDArray[Any]

LIMIT = "data sets of numbers, one for each input, or a NIR data graph"


def read_hdf5(path: Path, binning: Binning) -> Array | dict[str, Array] | NirData:
    """Read a file whose data sets are the inputs, or what ``nir.write_data`` wrote.

    It is read in a process of its own, as ``.nir`` files are: a damaged or hostile file can do no
    harm.

    Args:
        path: Of an HDF5 file.
        binning: How the events of a NIR data graph become steps.

    Returns:
        The only data set, or all by their names; of a NIR data graph what becomes arrays later.

    Raises:
        InputError: SNN641, it is damaged, of another layout, or not safe to read.
        EnvironmentFault: SNN508, no process could be started.
    """
    try:
        with ReaderProcess() as process:
            tree = process.read(path, HDF5_DATA)
    except InputError as error:
        raise as_data(error, LIMIT) from None
    if tree.get(TYPE) == GRAPH:
        return NirData.of(tree, str(path), binning)
    return _arrays(tree, str(path))


def _arrays(tree: Tree, path: str) -> Array | dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, value in tree.items():
        if name.startswith("/"):
            continue  # an attribute
        if isinstance(value, dict):
            kind = "the group of a network in NIR" if name == "node" else "a group"
            raise refused_data(f"{path}:{name}", kind, LIMIT)
        if isinstance(value, str) or value.dtype == np.object_:
            raise refused_data(f"{path}:{name}", "text", LIMIT)
        arrays[name] = value
    if not arrays:
        raise refused_data(path, "no data set", LIMIT)
    return arrays if len(arrays) > 1 else next(iter(arrays.values()))
