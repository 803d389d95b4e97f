"""What shows that the kernels ran on a real GPU: a record that ``make test-gpu`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from snnc.targets.cuda.sources import HERE, kernel_hash

RECORD = HERE / "gpu-evidence.json"
EMULATED = "EMULATED"
"""With this begins the name of a device that is none."""
NEVER = "emulated, never run on a GPU"


@dataclass(frozen=True)
class Evidence:
    """A run of the equalities on a GPU.

    Attributes:
        device: What its driver calls it.
        architecture: ``sm_90`` and the like.
        driver: Version of CUDA that its driver has.
        date: Day of the run, ISO 8601.
        kernels: SHA-256 of the source of the kernels.
        traces: For each network that was run the SHA-256 of its spikes, ``u`` and ``v``, equal to
            that of the reference.
    """

    device: str
    architecture: str
    driver: str
    date: str
    kernels: str
    traces: Mapping[str, str]


def write_evidence(evidence: Evidence, path: Path = RECORD) -> bool:
    """Write the record, and say so; of a device that is none nothing is written."""
    if evidence.device.startswith(EMULATED) or not evidence.traces:
        return False
    text = json.dumps(asdict(evidence), indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
    return True


def read_evidence(path: Path = RECORD) -> Evidence | None:
    """Give the record, or None where there is none that can be read."""
    try:
        evidence = Evidence(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return evidence


def standing(path: Path = RECORD) -> str:
    """Say whether today's kernels ran on a GPU: *verified*, with device and day, or *emulated*."""
    found = read_evidence(path)
    if found is None or found.kernels != kernel_hash() or found.device.startswith(EMULATED):
        return NEVER
    return f"verified on {found.device}, {found.date}"
