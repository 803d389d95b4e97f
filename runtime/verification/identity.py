"""What a verification depends on, as hashes: what it shares with another run, it computes alike."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.runtime.environment import environment
from snnc.runtime.findings import Data
from snnc.runtime.verification.journal import Header, Journal
from snnc.runtime.verification.plan import Plan, batch_size
from snnc.targets.artifact import MANIFEST, Artifact
from snnc.targets.running import Inputs


def opened_journal(
    path: str | os.PathLike[str] | None, plan: Plan, inputs: Inputs, data: Iterable[Data]
) -> Journal:
    """Open the journal of a verification; a single batch needs none.

    Args:
        path: Where it is, or None where nothing is to be kept.
        plan: What is done.
        inputs: All samples.
        data: The arrays as they are told of.

    Raises:
        InputError: SNN601, it is that of another run; SNN603, it is something else.
        EnvironmentFault: SNN602, a process writes it; SNN002, the file system refuses.
    """
    size = batch_size(plan, inputs)
    place = None if path is None else Path(path)
    if place is None or (next(iter(inputs.values())).shape[1] <= size and not place.exists()):
        return Journal(None, Header(identity={}, size=size))
    return Journal(place, Header(identity=identity_of(plan, data), size=size))


def identity_of(plan: Plan, data: Iterable[Data]) -> dict[str, str]:
    """Give names and hashes of all that the tallies of a plan depend on.

    Args:
        plan: What is done.
        data: The arrays that it is done on.
    """
    stages = (f"{s} by {plan.executor(s)}" for s in plan.chain if s not in plan.absent)
    versions = (f"{name} {version}" for name, version in environment().items())
    return {
        "network": program_sha256(plan.subject.artifact),
        **{d.name: f"{list(d.shape)} {d.dtype} {d.sha256}" for d in data},
        "trained module": _framework(plan),
        "choice of targets": ", ".join(stages),
        "set of versions": ", ".join(versions),
    }


def program_sha256(artifact: Artifact) -> str:
    """Give the hash of the manifest, which holds those of all other members."""
    return hashlib.sha256(artifact.files()[MANIFEST]).hexdigest()


def data_of(inputs: Inputs, labels: npt.NDArray[Any] | None) -> tuple[Data, ...]:
    """Tell of the arrays that the user gave."""
    named = {f"input {name}": values for name, values in inputs.items()}
    return tuple(
        _hashed(name, values)
        for name, values in {**named, **({} if labels is None else {"labels": labels})}.items()
    )


def _hashed(name: str, values: npt.NDArray[Any]) -> Data:
    """Tell of an array; step after step of it is hashed, so that nothing is copied as a whole."""
    digest = hashlib.sha256()
    for part in values if values.ndim > 1 else (values,):
        digest.update(np.ascontiguousarray(part).tobytes())
    return Data(name=name, shape=values.shape, dtype=str(values.dtype), sha256=digest.hexdigest())


def _framework(plan: Plan) -> str:
    """Give what is known of the trained module: its class and parameters, or its file."""
    module = plan.subject.framework
    if module is None:
        return "none"
    if isinstance(module, Path):
        return hashlib.sha256(module.read_bytes()).hexdigest()
    from snnc.frontends.torch.alike import parameters_sha256

    return f"{type(module).__qualname__} {parameters_sha256(module)}"
