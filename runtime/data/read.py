"""A file or a directory of data, known by its first bytes, into arrays or what becomes arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.hdf5.gate import SIGNATURE
from snnc.frontends.refusals import beginning, refused_data
from snnc.runtime.data.binning import Binning
from snnc.runtime.data.hdf5 import read_hdf5
from snnc.runtime.data.nir_data import NirData, tree_of
from snnc.runtime.data.recordings import AEDAT, NMNIST, Recordings, recordings_in
from snnc.runtime.data.source import Source
from snnc.runtime.files import NPY, ZIP, read_array, read_arrays, unreadable

Array = npt.NDArray[Any]
Given: TypeAlias = "Array | dict[str, Array] | Source"

ALL = Binning()
"""The network's steps, as many as there are, binary."""
FORMS = "an .npy, .npz or HDF5 file, an N-MNIST (.bin) or AEDAT recording, or a directory of these"


def read_data(
    path: Path | str | nir.NIRGraphData, *, binning: Binning = ALL, option: str = "--input"
) -> Given:
    """Read input data of any form that ``docs/inputs.md`` describes.

    Args:
        path: A file, or a directory of recordings; or a NIR data graph itself.
        binning: How events become steps.
        option: Where the user named it.

    Returns:
        An array, or arrays by name; or recordings or a NIR data graph, which become arrays when
        the network is known.

    Raises:
        InputError: SNN001 or SNN641: it cannot be read; SNN004, an option of events for data
            that are none.
        EnvironmentFault: SNN501 or SNN508: a package is missing, or no process could be started.
    """
    if isinstance(path, nir.NIRGraphData):
        raise_all(binning.problems())
        return NirData.of(tree_of(path), "the NIR data graph", binning)
    return read_given(binning, {option: Path(path)})[option]


def read_given(binning: Binning, files: Mapping[str, Path | None]) -> dict[str, Given]:
    """Read what the user named, each as ``read_data`` does, with one binning for all.

    Args:
        binning: How events become steps.
        files: By option; None where it was not given.

    Returns:
        The data by option, without those that were not given.

    Raises:
        InputError: As ``read_data``; SNN004 where none of them holds events.
        EnvironmentFault: As ``read_data``.
    """
    raise_all(binning.problems())
    given = {option: path for option, path in files.items() if path is not None}
    data = {option: _read(path, binning, option) for option, path in given.items()}
    if not any(isinstance(d, Source) for d in data.values()):
        paths = ", ".join(map(str, given.values()))
        raise_all(_unused(paths, option) for option in binning.options())
    return data


def read_labels(path: Path, option: str = "--labels") -> Array:
    """Read the class of each sample: an .npy file, or the folders in which recordings lie.

    Folders whose names are all numbers are these classes, others are counted in alphabetical
    order.

    Raises:
        InputError: SNN001 or SNN641: it cannot be read.
    """
    if not path.is_dir():
        return read_array(path, option)
    folders = [p.parent.name for p in recordings_in(path, option)]
    if all(name.isascii() and name.isdigit() and len(name) < 10 for name in folders):
        return np.array([int(name) for name in folders])
    classes = sorted(set(folders))
    return np.array([classes.index(name) for name in folders])


def _read(path: Path, binning: Binning, option: str) -> Given:
    begin = _first_bytes(path, option)
    if begin is None:
        return Recordings(recordings_in(path, option), binning, option)
    if begin.startswith((NPY, ZIP)):
        return read_arrays(path, option)
    if begin.startswith(SIGNATURE):
        return read_hdf5(path, binning)
    if begin == AEDAT or path.suffix.lower() == NMNIST:
        return Recordings((path,), binning, option)
    raise refused_data(f"{option} {path}", beginning(begin), FORMS)


def _first_bytes(path: Path, option: str) -> bytes | None:
    """Give the first bytes of a file, or None for a directory.

    Raises:
        InputError: SNN001, it cannot be read.
    """
    try:
        if path.is_dir():
            return None
        if path.is_file() or not path.exists():
            with path.open("rb") as stream:
                return stream.read(len(AEDAT))
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError([unreadable(path, option, found)]) from error
    except ValueError as error:  # a null byte in the path, too
        raise InputError([unreadable(path, option, str(error))]) from error
    raise InputError([unreadable(path, option, "not a regular file")])


def _unused(files: str, option: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=option,
        found=f"steps already in {files}" if files else "no data",
        limit="recordings of events, or a NIR data graph",
        remedy=f"leave {option} out",
    )
