"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

FLAGS = (
    "avx2",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "amx_int8",
    "asimd",
    "asimddp",
)
"""Instructions that make a difference here, as Linux names them."""


def machine() -> dict[str, Any]:
    """Give processor, memory, operating system, compiler and the load of the last minute."""
    said = _cpuinfo()
    known = set((said.get("flags") or said.get("Features") or "").split())
    return {
        "processor": said.get("model name") or platform.processor() or platform.machine(),
        "family": f"{said.get('cpu family', '?')}.{said.get('model', '?')}",
        "instructions": [flag for flag in FLAGS if flag in known],
        "processors": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compiler": _first_line("c++", "--version"),
        "commit": _first_line("git", "describe", "--always", "--dirty"),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpuinfo() -> dict[str, str]:
    """Give what Linux says of the first processor."""
    path = Path("/proc/cpuinfo")
    said: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        name, _, value = line.partition(":")
        if not line.strip():
            break
        said[name.strip()] = value.strip()
    return said


def _caches() -> dict[str, str]:
    """Give the size of each cache of the first processor."""
    found: dict[str, str] = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind = ((index / name).read_text().strip() for name in ("level", "type"))
        if kind != "Instruction":
            found[f"L{level}"] = (index / "size").read_text().strip()
    return found


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.partition("\n")[0]
