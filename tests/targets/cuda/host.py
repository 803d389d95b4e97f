"""The text of the kernels as an ordinary library: built by g++ through ``host.h``, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import CDLL, c_int32, c_void_p, cast
from pathlib import Path

from tests.targets.cuda import build
from tests.targets.cuda.device import Kernel
from tests.targets.cuda.ptx import parsed
from tests.targets.cuda.translate import translated

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def unit(ptx: str, text: str) -> str:
    """Give the C++ that has the kernels of ``text``, and a record of each.

    Args:
        ptx: What NVRTC made of the same text; it tells the names, and which kernels have barriers.
        text: CUDA C++.
    """
    lines = ['#include "host.h"', text]
    for entry in parsed(ptx).entries.values():
        together = int(translated(entry).together)
        lines += [f"HOST_KERNEL({entry.name}, {together}, {entry.max_threads})"]
    return "\n".join([*lines, ""])


def headers(sources: Mapping[str, str]) -> Path:
    """Give a folder with these files."""
    path, _ = build.kept("headers", "", *(f"{name}\n{text}" for name, text in sources.items()))
    path.mkdir(exist_ok=True)
    for name, text in sources.items():
        if not (path / name).exists():
            build.write(path / name, text)
    return path


def library(ptx: str, text: str, sources: Mapping[str, str], *flags: str) -> Path:
    """Build the kernels of ``text``, which includes ``sources``."""
    given = flags or ("-O1",)
    return build.library(unit(ptx, text), *given, "-Wno-unknown-pragmas", f"-I{headers(sources)}")


def kernels(path: Path, names: Mapping[str, object]) -> dict[str, Kernel]:
    """Load kernels of a host build."""
    loaded = CDLL(str(path))
    found: dict[str, Kernel] = {}
    for name in names:
        sizes = _sizes(cast(getattr(loaded, f"machine_{name}"), c_void_p).value)
        found[name] = Kernel(sizes, path, f"machine_{name}")
    return found


def _sizes(record: int | None) -> list[int]:
    """Read the sizes of parameters out of a ``machine::Kernel``."""
    assert record
    count = c_int32.from_address(record + 16).value
    sizes = c_void_p.from_address(record + 24).value or 0
    return [c_int32.from_address(sizes + 4 * k).value for k in range(count)]
