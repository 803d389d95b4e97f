"""Input data from files, results into a file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from .axons import Gather
from .faults import BadInput
from .network import Recording
from .program import Input, Population, Program
from .window import Array


def read_inputs(program: Program, path: Path) -> dict[str, Array]:
    """Read the integers of every input, shape ``[steps, batch, n]``, int32.

    Args:
        program: Says which inputs there are.
        path: ``.npy`` for the only input, ``.npz`` with one array for each.

    Raises:
        BadInput: The data do not fit.
    """
    names = list(program.inputs)
    arrays = _load(path, names)
    if sorted(arrays) != sorted(names):
        raise BadInput(f"{path}: arrays {', '.join(arrays)}; expected {', '.join(names)}")
    inputs = {name: integers(program.inputs[name], arrays[name]) for name in names}
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
    """Give ``x / step``, rounded to nearest where ``step`` is not 1.

    Returns:
        int32, shape ``[steps, batch, n]``.

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
        raise BadInput(
            f"input {declared.name}: values above {declared.max_abs * declared.step:g}, "
            "the largest that it was compiled for"
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


def save_array(path: Path, array: Array) -> None:
    """Write a ``.npy`` file.

    ``numpy.save`` says of a full disk how many elements were written, and nothing else.

    Raises:
        OSError: The file system refuses, and ``strerror`` says why.
    """
    whole = np.ascontiguousarray(array)
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(whole)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(whole.data)


def write_results(
    program: Program, recording: Recording, path: Path, aligned_steps: int | None
) -> None:
    """Write outputs by name, and recorded signals as ``population.signal``, all or nothing.

    The output of a read-out is its potential in real units, float32.

    Args:
        program: What was run.
        recording: What it recorded, in hardware time.
        path: A ``.npz`` file.
        aligned_steps: Steps of the input, to which everything is aligned; None leaves it in
            hardware time.

    Raises:
        OSError: The file system refuses; ``filename`` is ``path``.
    """
    scratch = _scratch(path)
    try:
        with zipfile.ZipFile(scratch, "w", allowZip64=True) as archive:
            for name, array in _results(program, recording, aligned_steps):
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
    program: Program, recording: Recording, steps: int | None
) -> Iterator[tuple[str, Array]]:
    for name in dict.fromkeys(_model_names(program)):
        population = program.whole(name)
        for signal, array in _joined(program, recording, "population", name).items():
            yield f"{name}.{signal}", _shaped(population, array, steps)
    for name, source in program.exits.items():
        population = program.whole(source)
        (array,) = _joined(program, recording, "output", source).values()
        if not population.spiking:
            array = (array / population.scale + population.offset).astype(np.float32)
        yield name, _shaped(population, array, steps)


def _model_names(program: Program) -> Iterator[str]:
    """Yield the populations of the model, some as often as they have parts."""
    cut = {part: name for name, axons in program.joined.items() for part in axons.sources}
    return (cut.get(name, name) for name in program.populations)


def _joined(program: Program, recording: Recording, role: str, name: str) -> dict[str, Array]:
    """Give what processes of a role recorded of all parts of a population of the model."""
    ids = {
        recorded.name: process.id
        for process in program.processes
        if process.role == role and (recorded := program.recorded(process)) is not None
    }
    parts = [recording[ids[part]] for part in program.parts(name)]
    if name not in program.joined:
        return parts[0]
    gather = Gather(program.joined[name])
    return {signal: gather.of([part[signal] for part in parts]) for signal in parts[0]}


def _shaped(population: Population, array: Array, steps: int | None) -> Array:
    """Give the steps of the population, or all, in its shape."""
    window = slice(None) if steps is None else slice(population.lag, population.lag + steps)
    values = array[window]
    return values.reshape(*values.shape[:2], *population.shape)
