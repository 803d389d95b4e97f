"""The deployable artifact: a directory of data, hashed, closed and byte-identical when repeated.

manifest.json         versions, options, SHA-256 and size of every other member
program.json          the network of the stage that the target executes
weights.safetensors   its tensors
reference.json        the float network that it was made from, for verification
reference.safetensors its tensors
mapping.json          hardware, and the neurons on each core, where it was mapped to any
mapping.safetensors   its tensors
...                   what the target needs beside, such as the Lava runner
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snnc import __version__
from snnc.compiler import rules
from snnc.compiler.check import check_fixed, check_network
from snnc.compiler.diagnostics import (
    Diagnostic,
    InputError,
    InternalError,
    raise_all,
)
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.arranged import arrangement_problems
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.join import joined_trace
from snnc.compiler.mapping.mapped import MappedNetwork, Placement
from snnc.compiler.network import Network
from snnc.compiler.relays import beyond_hardware
from snnc.compiler.store import StoreError, Tensors, from_json, to_json
from snnc.compiler.trace import Trace
from snnc.targets import TARGETS, get_target
from snnc.targets.directory import Kind, write_directory
from snnc.targets.inputs import named_inputs
from snnc.targets.options import run_options
from snnc.targets.running import Inputs, Progress, no_progress

FORMAT = 1
"""Version of the artifact; raised when an older reader could not read it."""
MANIFEST = "manifest.json"
PROGRAM, WEIGHTS = "program.json", "weights.safetensors"
REFERENCE, REFERENCE_WEIGHTS = "reference.json", "reference.safetensors"
MAPPING, MAPPING_WEIGHTS = "mapping.json", "mapping.safetensors"


class Member(BaseModel):
    """Size and SHA-256 of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What ``manifest.json`` holds: the list of members is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    snnc: str
    target: str
    options: dict[str, Any]
    account: dict[str, Any]
    members: dict[str, Member]


def _member_names(manifest: bytes) -> set[str]:
    return {MANIFEST, *Manifest.model_validate_json(manifest).members}


ARTIFACT = Kind("an artifact", MANIFEST, "-o", _member_names)


@dataclass(frozen=True, eq=False, kw_only=True)
class Artifact:
    """A compiled network for one target.

    Attributes:
        target: Name of the target.
        network: The float network that it was made from.
        fixed: The integers that the target executes; None for the target ``float``.
        options: What the user asked for, as JSON values.
        account: What the compiler decided and what it cost, as JSON values.
        mapped: The same integers over the cores of some hardware, where any was named.
        members: Further files of the target: name to content.
        path: Where it was saved or loaded, or None.
    """

    target: str
    network: Network
    fixed: FixedNetwork | None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    account: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mapped: MappedNetwork | None = None
    members: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    path: Path | None = None

    def run(
        self,
        x: Inputs | npt.ArrayLike,
        *,
        record: str | Sequence[str] = (),
        raw_time: bool = False,
        timeout: float | None = None,
        progress: Progress = no_progress,
    ) -> Trace:
        """Execute the artifact on its own target.

        Args:
            x: An array ``[steps, batch, *shape]``, or one for each input of the network by name.
            record: Which of ``spikes``, ``u`` and ``v`` to keep of every population.
            raw_time: Leave everything in hardware time, ``latency`` steps longer than the input.
            timeout: Seconds after which the run is ended, or None for the target's own limit.
            progress: Called with the steps done and the steps in all, now and then.

        Raises:
            InputError: The inputs do not fit the network, or an option has no such value.
            EnvironmentFault: The target cannot run here, or its run failed.
            TimeLimitExceeded: The run took longer than ``timeout``.
        """
        inputs = named_inputs(self.network.inputs, x)
        options = run_options(record=record, raw_time=raw_time, timeout=timeout, progress=progress)
        trace = get_target(self.target).run(self.executed, inputs, options)
        if self.mapped is not None:
            trace = joined_trace(trace, self.mapped)
        return replace(trace, class_weights=self.network.class_weights)

    @property
    def required_fixed(self) -> FixedNetwork:
        """The integers of a target that has them.

        Raises:
            InternalError: The artifact was made for the target ``float``.
        """
        if self.fixed is None:
            raise InternalError(f"an artifact for {self.target} holds no integers")
        return self.fixed

    def for_target(self, target: str) -> Artifact:
        """Give the same network as an artifact for ``target``, which is not saved yet.

        Raises:
            InputError: The target cannot do it.
        """
        made = get_target(target)
        mapped = self.mapped if made.by_core else None
        members: Mapping[str, bytes] = {}
        if made.fixed and mapped is None:
            raise_all(made.problems(self.required_fixed, self.options))
            members = made.members(self.required_fixed, self.options)
        elif mapped is not None:
            raise_all(
                [
                    *made.problems(self.required_fixed, self.options),
                    *made.mapped_problems(mapped, self.options),
                ]
            )
            members = made.mapped_members(mapped, self.options)
        return replace(self, target=target, mapped=mapped, members=members, path=None)

    @cached_property
    def executed(self) -> Artifact:
        """What the target is given: of a mapped network the parts, each as a population."""
        if self.mapped is None:
            return self
        return replace(self, fixed=cut(self.mapped))

    def files(self) -> dict[str, bytes]:
        """Give every member, the manifest included: the same network gives the same bytes."""
        files = dict(self.members)
        files[REFERENCE], files[REFERENCE_WEIGHTS] = _stage_files(self.network, "reference")
        if self.fixed is not None:
            files[PROGRAM], files[WEIGHTS] = _stage_files(self.fixed, "program")
        if self.mapped is not None:
            files[MAPPING], files[MAPPING_WEIGHTS] = _stage_files(self.mapped.placement, "mapping")
        manifest = Manifest(
            format=FORMAT,
            snnc=__version__,
            target=self.target,
            options=dict(self.options),
            account=dict(self.account),
            members={n: Member(bytes=len(c), sha256=_sha256(c)) for n, c in files.items()},
        )
        files[MANIFEST] = _json_bytes(manifest.model_dump())
        return files

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the artifact as a directory, all of it or nothing.

        An artifact that is there already, with nothing beside it, is replaced; anything else that
        is there stays, and the artifact is not written.

        Raises:
            InputError: SNN003, ``directory`` exists and is no artifact, or holds more than one.
            EnvironmentFault: SNN002, the file system refuses.
        """
        path = Path(directory)
        write_directory(path, self.files(), ARTIFACT)
        return path


def load(directory: str | os.PathLike[str]) -> Artifact:
    """Read an artifact that ``Artifact.save`` wrote, and check all of it.

    Raises:
        InputError: SNN001, there is no such directory; SNN504, it is not whole.
    """
    path = Path(directory)
    manifest, files = _read_files(path)
    try:
        fixed = _read_stage(FixedNetwork, files, PROGRAM, WEIGHTS) if PROGRAM in files else None
        return Artifact(
            target=manifest.target,
            network=_read_stage(Network, files, REFERENCE, REFERENCE_WEIGHTS),
            fixed=fixed,
            mapped=None if fixed is None else _read_mapping(fixed, files),
            options=manifest.options,
            account=manifest.account,
            members={n: c for n, c in files.items() if n not in _OWN},
            path=path,
        )
    except (StoreError, SafetensorError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError([_broken(path, str(error))]) from error
    except RecursionError as error:
        raise InputError([_broken(path, "a record nested too deeply")]) from error


_OWN = (PROGRAM, WEIGHTS, REFERENCE, REFERENCE_WEIGHTS, MAPPING, MAPPING_WEIGHTS)


def _stage_files(stage: Network | FixedNetwork | Placement, prefix: str) -> tuple[bytes, bytes]:
    tensors: Tensors = {}
    data = to_json(stage, prefix, tensors)
    return _json_bytes(data), save_tensors(tensors)


def _json_bytes(data: Any) -> bytes:
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return text.encode() + b"\n"


StageT = TypeVar("StageT", Network, FixedNetwork)


def _read_stage(
    kind: type[StageT], files: Mapping[str, bytes], program: str, weights: str
) -> StageT:
    stage = from_json(kind, json.loads(files[program]), load_tensors(files[weights]))
    raise_all(check_network(stage) if isinstance(stage, Network) else check_fixed(stage))
    if isinstance(stage, FixedNetwork) and not all(q.delay for q in stage.projections):
        raise StoreError(f"{program}: a projection without the delay that hardware takes")
    if isinstance(stage, FixedNetwork) and beyond_hardware(stage):
        raise StoreError(f"{program}: a projection with a delay longer than the hardware has")
    return stage


def _read_mapping(fixed: FixedNetwork, files: Mapping[str, bytes]) -> MappedNetwork | None:
    if MAPPING not in files:
        return None
    data, tensors = json.loads(files[MAPPING]), load_tensors(files[MAPPING_WEIGHTS])
    mapped = from_json(Placement, data, tensors).of(fixed)
    raise_all(arrangement_problems(mapped))
    return mapped


def _read_files(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Read the manifest and exactly the members that it lists, each with its hash checked."""
    if not path.is_dir():
        raise InputError([_missing(path)])
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
        problems = tuple(_member_problems(path, manifest))
        if problems:
            raise InputError(_broken(path, p) for p in problems)
        files = {name: (path / name).read_bytes() for name in manifest.members}
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        raise InputError([_broken(path, f"{MANIFEST}: {place}: {first['msg'].lower()}")]) from error
    except OSError as error:
        raise InputError([_broken(path, f"{MANIFEST}: {error.strerror}")]) from error
    wrong = [n for n, m in manifest.members.items() if _sha256(files[n]) != m.sha256]
    if wrong:
        raise InputError(
            _broken(path, f"{name} is not the file that was written") for name in wrong
        )
    return manifest, files


def _member_problems(path: Path, manifest: Manifest) -> Iterator[str]:
    if manifest.format != FORMAT:
        yield f"format {manifest.format}; this snnc reads format {FORMAT}"
    if manifest.target not in TARGETS:
        yield f"target {manifest.target!r:.40}; there are {', '.join(TARGETS)}"
    found = (p for p in path.rglob("*") if p.is_symlink() or not p.is_dir())
    present = {p.relative_to(path).as_posix() for p in found if p.parent.name != "__pycache__"}
    for name in sorted(set(manifest.members) - present):
        yield f"{name!r:.80} is missing"
    for name in sorted(present - set(manifest.members) - {MANIFEST}):
        yield f"{name!r:.80} is not in the manifest"
    for name in sorted(present & set(manifest.members)):
        yield from _file_problems(path / name, name, manifest.members[name].bytes)
    for name in sorted(_required(manifest) - set(manifest.members)):
        yield f"{name!r} is not in the manifest, and {manifest.target} needs it"


def _file_problems(member: Path, name: str, size: int) -> Iterator[str]:
    if member.is_symlink() or not member.is_file():
        yield f"{name!r:.80} is not a plain file"
    elif member.stat().st_size != size:
        yield f"{name!r:.80} is {member.stat().st_size} bytes, not {size}"


def _required(manifest: Manifest) -> set[str]:
    fixed = PROGRAM in manifest.members or (
        manifest.target in TARGETS and get_target(manifest.target).fixed
    )
    required = {REFERENCE, REFERENCE_WEIGHTS}
    required |= {PROGRAM, WEIGHTS} if fixed else set()
    mapped = {MAPPING, MAPPING_WEIGHTS} & set(manifest.members)
    return required | ({MAPPING, MAPPING_WEIGHTS} if mapped else set())


def _missing(path: Path) -> Diagnostic:
    remedy = "snnc compile MODEL --target TARGET -o DIR makes one"
    if path.suffix == ".nir" and path.exists():
        model = shlex.quote(str(path))
        remedy = f"compile it first: snnc compile {model} --target TARGET -o DIR"
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=str(path),
        found="a file" if path.exists() else "no such directory",
        limit="a directory that snnc compile wrote",
        remedy=remedy,
    )


def _broken(path: Path, problem: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.ARTIFACT_WHOLE,
        node=str(path),
        found=problem,
        limit=f"the files that {MANIFEST} lists, as snnc wrote them",
        remedy="compile the model again: snnc compile MODEL --target TARGET -o DIR",
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
