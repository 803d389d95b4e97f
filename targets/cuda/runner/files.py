"""Input data from files, results into a file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from .faults import BadInput
from .records import Array, Input, Program

Recorded = Mapping[str, Mapping[str, Array]]
"""For each signal and population an array ``[steps + latency, batch, n]``."""


def read_inputs(program: Program, path: Path) -> dict[str, Array]:
    """Read the integers of every input, shape ``[steps, batch, n]``, int32.

    Args:
        program: Says which inputs there are.
        path: ``.npy`` for the only input, ``.npz`` with one array for each.

    Raises:
        BadInput: The data do not fit.
    """
    names = [i.name for i in program.inputs]
    arrays = _load(path, names)
    if sorted(arrays) != sorted(names):
        raise BadInput(f"{path}: arrays {', '.join(arrays)}; expected {', '.join(names)}")
    inputs = {i.name: integers(i, arrays[i.name]) for i in program.inputs}
    if len({x.shape[:2] for x in inputs.values()}) > 1:
        raise BadInput(f"{path}: the inputs differ in steps or batch")
    return inputs


def _load(path: Path, names: list[str]) -> dict[str, Array]:
    """Read the arrays of a file by name; the one of an ``.npy`` file is the only input's."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.ndarray):
                return {name: cast("Array", loaded[name]) for name in loaded.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: neither .npy nor .npz") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    if len(names) != 1:
        raise BadInput(f"{path}: the inputs {', '.join(names)} need an .npz file")
    return {names[0]: cast("Array", loaded)}


def integers(declared: Input, x: Array) -> Array:
    """Give ``x / step``, rounded to nearest where ``step`` is not 1, int32 ``[steps, batch, n]``.

    Raises:
        BadInput: Wrong shape, or values that the input does not take.
    """
    if x.dtype.kind not in "biuf" or x.ndim < 2 or x.shape[2:] != declared.shape or 0 in x.shape:
        wanted = ", ".join(("steps", "batch", *map(str, declared.shape)))
        raise BadInput(f"input {declared.name}: {x.dtype} {list(x.shape)}; expected [{wanted}]")
    values = x.reshape(*x.shape[:2], -1).astype(np.float64)
    if declared.step != 1:
        values = np.rint(values / declared.step)
    if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise BadInput(f"input {declared.name}: values that are not integers")
    if np.abs(values).max() > declared.max_abs:
        largest = declared.max_abs * declared.step
        raise BadInput(
            f"input {declared.name}: values above {largest:g}, the largest that it was compiled for"
        )
    return values.astype(np.int32)


def check_writable(path: Path) -> None:
    """Say before a long run, and not after it, that its results have no place.

    Raises:
        BadInput: ``path`` is a directory.
        OSError: No file can be made beside ``path``.
    """
    if path.is_dir():
        raise BadInput(f"{path}: a directory; --output takes the name of a file")
    scratch = _scratch(path)
    try:
        scratch.touch()
        scratch.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path.parent)) from error


def write_results(
    program: Program, recorded: Recorded, asked: tuple[str, ...], path: Path, steps: int | None
) -> None:
    """Write outputs by name, and recorded signals as ``population.signal``, all or nothing.

    The output of a read-out is its potential in real units, float32.

    Args:
        program: What was run.
        recorded: In hardware time.
        asked: The signals that are wanted beside the outputs.
        path: A ``.npz`` file.
        steps: Of the input, to which everything is aligned; None leaves it in hardware time.

    Raises:
        OSError: The file system refuses; ``filename`` is ``path``.
    """
    scratch = _scratch(path)
    try:
        with zipfile.ZipFile(scratch, "w", allowZip64=True) as archive:
            for name, array in _results(program, recorded, asked, steps):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(cast("Any", member), array, allow_pickle=False)
        scratch.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        scratch.unlink(missing_ok=True)


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _results(
    program: Program, recorded: Recorded, asked: tuple[str, ...], steps: int | None
) -> Iterator[tuple[str, Array]]:
    def shaped(name: str, values: Array) -> Array:
        p = program.population(name)
        window = values if steps is None else values[p.lag : p.lag + steps]
        return window.reshape(*window.shape[:2], *p.shape)

    for output, name in program.outputs.items():
        p = program.population(name)
        values = recorded["spikes" if p.spiking else "v"][name]
        if not p.spiking:
            values = (values / p.scale + p.offset).astype(np.float32)
        yield output, shaped(name, values)
    for signal in asked:
        for name, values in recorded[signal].items():
            if signal != "spikes" or program.population(name).spiking:
                yield f"{name}.{signal}", shaped(name, values)
