"""A small case as a directory: two artifacts, an input, and a page that says how to run it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snnc.runtime.bisection.found import Bisection
from snnc.runtime.compare import Divergence
from snnc.runtime.files import put_arrays
from snnc.runtime.record import Record
from snnc.targets.artifact import Artifact
from snnc.targets.directory import Kind, write_directory

FORMAT = 1
"""Version of the directory; raised when an older reader could not read it."""
REFERENCE, OTHER = "reference", "other"
"""Directories of the two artifacts."""
INPUT, PAGE, MARKER = "input.npz", "README.md", "reproducer.json"
"""The other files."""
COMMAND = f"snnc bisect {REFERENCE} {OTHER} --input {INPUT}"
"""What shows the difference, in the directory."""


class Manifest(Record):
    """What ``reproducer.json`` holds.

    Attributes:
        format: Version of the directory.
        snnc: Version of snnc that wrote it.
        command: What shows the difference, run in the directory.
        expected: The first value that differs.
        neurons: Neurons of each network.
        synapses: Synapses of each.
        steps: Steps of the input.
        whole: What was found in the networks that it was made of.
        members: SHA-256 of every other file.
    """

    format: int = FORMAT
    snnc: str
    command: str
    expected: Divergence
    neurons: int
    synapses: int
    steps: int
    whole: Bisection
    members: dict[str, str]


def _members(marker: bytes) -> set[str]:
    return {MARKER, *Manifest.model_validate_json(marker).members}


REPRODUCER = Kind("a reproducer", MARKER, "-o", _members)


@dataclass(frozen=True, eq=False, kw_only=True)
class Reproducer:
    """A small case of a difference.

    Attributes:
        reference: The artifact that is right.
        other: The other.
        inputs: Of both, ``[steps, batch, *shape]``.
        expected: The first value that differs.
        neurons: Neurons of each network.
        synapses: Synapses of each.
        whole: What was found in the networks that it was made of.
        page: What ``README.md`` says.
    """

    reference: Artifact
    other: Artifact
    inputs: Mapping[str, npt.NDArray[np.generic]]
    expected: Divergence
    neurons: int
    synapses: int
    whole: Bisection
    page: str

    @property
    def steps(self) -> int:
        """Steps of the input."""
        return len(next(iter(self.inputs.values())))

    def files(self) -> dict[str, bytes]:
        """Give every file of the directory; the same case gives the same bytes."""
        stream = io.BytesIO()
        put_arrays(stream, self.inputs)
        files = {PAGE: self.page.encode(), INPUT: stream.getvalue()}
        for folder, artifact in ((REFERENCE, self.reference), (OTHER, self.other)):
            files |= {f"{folder}/{name}": content for name, content in artifact.files().items()}
        manifest = Manifest(
            snnc=self.whole.snnc,
            command=COMMAND,
            expected=self.expected,
            neurons=self.neurons,
            synapses=self.synapses,
            steps=self.steps,
            whole=self.whole,
            members={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        )
        files[MARKER] = manifest.model_dump_json(indent=1).encode() + b"\n"
        return files

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the directory, all of it or nothing.

        Raises:
            InputError: SNN003, ``directory`` exists and is no reproducer, or holds more than one.
            EnvironmentFault: SNN002, the file system refuses.
        """
        path = Path(directory)
        write_directory(path, self.files(), REPRODUCER)
        return path
