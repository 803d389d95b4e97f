"""Recordings of event cameras, a file for each sample, into steps of spikes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.network import Input, Network
from snnc.frontends.events.aedat3 import MAGIC as AEDAT3
from snnc.frontends.events.aedat3 import read_aedat3
from snnc.frontends.events.aedat4 import read_aedat4
from snnc.frontends.events.aedat4_packets import MAGIC as AEDAT4
from snnc.frontends.events.nmnist import read_nmnist
from snnc.frontends.events.recording import Recording
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.refusals import beginning, refused_data
from snnc.runtime.data.binning import Binning, Values, fill, steps_of_microseconds
from snnc.runtime.data.memory import zeros
from snnc.runtime.files import unreadable

Array = npt.NDArray[Any]

NMNIST = ".bin"
"""Ending of N-MNIST and N-Caltech101 recordings, which have no first bytes of their own."""
ENDINGS = (NMNIST, ".aedat", ".aedat4")
"""Of the files of a directory that are recordings."""
AEDAT = b"#!AER-DAT"
FORMS = "N-MNIST (.bin), AEDAT 3.1 and AEDAT 4"
FEWER = "give fewer recordings at once, or --bin-steps N"
MOST_STEPS = 10**7
"""Steps of a recording: three hours of 1 ms."""


@dataclass(frozen=True)
class Recordings:
    """Files of events, the samples in their order.

    Attributes:
        paths: Of the files.
        binning: How events become steps.
        option: Where the user named them.
    """

    paths: tuple[Path, ...]
    binning: Binning
    option: str

    def arrays_for(self, network: Network, what: str) -> Mapping[str, Array]:
        """Give the only input its array, ``[steps, recordings, *shape]``.

        Every file is read twice where the number of steps is not given, and only one is in memory
        at a time.

        Raises:
            InputError: SNN641, a file is damaged; SNN642, they are too many; SNN643, an
                event has no place on the input; SNN645, the network has several inputs.
        """
        if len(network.inputs) != 1:
            raise InputError([_several(what, len(network.inputs))])
        declared, seconds = network.inputs[0], self.binning.step(network.dt)
        with ReaderProcess() as process:
            steps = self.binning.steps or self._longest(process, seconds)
            kind = np.dtype(np.uint8 if self.binning.values == Values.BINARY else np.uint16)
            values = zeros((steps, len(self.paths), declared.size), kind, what, FEWER)
            for sample, path in enumerate(self.paths):
                recording = self._read(path, process)
                index = index_on(declared, recording, self.binning.sensor, str(path))
                fill(values, sample, steps_of_microseconds(recording.t, seconds), index)
        return {declared.name: values.reshape(*values.shape[:2], *declared.shape)}

    def _longest(self, process: ReaderProcess, seconds: float) -> int:
        """Give the steps of the longest recording.

        Raises:
            InputError: SNN644, they are too many.
        """
        most = 0
        for path in self.paths:
            last = self._read(path, process).t.max(keepdims=True)
            steps = int(steps_of_microseconds(last, seconds)[0]) + 1
            if steps > MOST_STEPS:
                raise InputError([_too_long(path, int(last[0]), seconds)])
            most = max(most, steps)
        return most

    def _read(self, path: Path, process: ReaderProcess) -> Recording:
        name = str(path)
        with _readable(path, self.option):
            with path.open("rb") as stream:
                begin = stream.read(len(AEDAT4))
            if begin == AEDAT4:
                return read_aedat4(path, name, process)
            if begin == AEDAT3:
                return read_aedat3(path, name)
            if begin.startswith(AEDAT):
                version = begin[len(AEDAT) :].decode("ascii", "replace").strip()
                found, limit = f"AEDAT {version}", f"{FORMS}; DV converts older ones"
                raise refused_data(name, found, limit)
            if path.suffix.lower() == NMNIST:
                return read_nmnist(path, name)
        raise refused_data(name, beginning(begin[:8]), FORMS)


def recordings_in(directory: Path, option: str) -> tuple[Path, ...]:
    """Give the recordings of a directory and of those below it, in the order of their paths.

    Raises:
        InputError: SNN641, there are none; SNN001, it cannot be read.
    """
    with _readable(directory, option):
        found = [p for p in directory.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file()]
    if not found:
        limit = f"files that end in {', '.join(ENDINGS)}"
        raise refused_data(str(directory), "a directory without recordings", limit)
    return tuple(sorted(found, key=lambda p: p.relative_to(directory).parts))


def index_on(
    declared: Input, recording: Recording, sensor: tuple[int, ...] | None, node: str
) -> npt.NDArray[np.int64]:
    """Give the place of each event among the values of an input.

    Args:
        declared: The input.
        recording: The events.
        sensor: Height and width that the user gave.
        node: The file, for messages.

    Raises:
        InputError: SNN643, the input has other axes, or an event lies beside it.
    """
    told = sensor if sensor is not None else recording.sensor
    channels, height, width = _axes(declared, told, node)
    raise_all(_sensor_problems((height, width), recording, node))
    index = recording.y.astype(np.int64) * width + recording.x
    return index + recording.on * np.int64(height * width) if channels == 2 else index


def _axes(declared: Input, sensor: tuple[int, ...] | None, node: str) -> tuple[int, int, int]:
    """Give polarities, height and width of an input.

    Raises:
        InputError: SNN643, it has other axes.
    """
    match declared.shape:
        case (1 | 2 as channels, height, width):
            return channels, height, width
        case (height, width):
            return 1, height, width
        case (n,) if sensor is not None and n in (pixels := sensor[0] * sensor[1], 2 * pixels):
            return n // pixels, sensor[0], sensor[1]
        case (n,) if sensor is None:
            remedy = "--sensor-shape H,W with H * W or 2 * H * W values"
            problem = _misplaced(node, f"an input of {n} values", AXES, remedy)
        case (n,) if sensor is not None:
            pixels = sensor[0] * sensor[1]
            found = f"an input of {n} values, and a sensor of {sensor[0]} x {sensor[1]}"
            limit = f"{pixels} values, or {2 * pixels} with the polarities apart"
            problem = _misplaced(node, found, limit, RECORD)
        case shape:
            problem = _misplaced(node, f"an input of shape {list(shape)}", AXES, RECORD)
    raise InputError([problem])


AXES = "[2, height, width], [1, height, width], [height, width], or flat"
RECORD = "use recordings of the sensor that the network was trained for"


def _sensor_problems(
    input_: tuple[int, int], recording: Recording, node: str
) -> Iterator[Diagnostic]:
    """Tell of a sensor that is not the input, or of events that lie beside it."""
    sensor, limit = recording.sensor, f"{input_[0]} rows and {input_[1]} columns of the input"
    right, bottom = int(recording.x.max()), int(recording.y.max())
    if sensor is not None and tuple(sensor) != input_:
        yield _misplaced(node, f"a sensor of {sensor[0]} rows and {sensor[1]} columns", limit)
    elif right >= input_[1] or bottom >= input_[0]:
        beside = (recording.x >= input_[1]) | (recording.y >= input_[0])
        found = f"{int(beside.sum())} events beside it, up to row {bottom} and column {right}"
        yield _misplaced(node, found, limit)


def _misplaced(node: str, found: str, limit: str, remedy: str = RECORD) -> Diagnostic:
    return Diagnostic(rule=rules.EVENTS_PLACED, node=node, found=found, limit=limit, remedy=remedy)


def _too_long(path: Path, last: int, seconds: float) -> Diagnostic:
    return Diagnostic(
        rule=rules.STEPS_KNOWN,
        node=str(path),
        found=f"events over {last / 1e6:g} s, in steps of {seconds:g} s",
        limit=f"{MOST_STEPS:,} steps",
        remedy="--bin-seconds for longer steps, or --bin-steps for the first ones only",
    )


def _several(what: str, inputs: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.DATA_NAMED,
        node=what,
        found=f"recordings for a network of {inputs} inputs",
        limit="one input",
        remedy="give an .npz file, an HDF5 file or a NIR data graph, which name the inputs",
    )


@contextmanager
def _readable(path: Path, option: str) -> Generator[None, None, None]:
    """Turn a refusal of the file system into SNN001."""
    try:
        yield
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError([unreadable(path, option, found)]) from error
