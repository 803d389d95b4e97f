"""Kernels from their source by NVRTC, for one architecture, and a cache of what it made."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .driver import PACKAGES
from .faults import CudaFault, Lack

MAIN = "kernels.h"
"""Includes all others."""
STANDARD = {
    "cstdint": "typedef signed char int8_t; typedef unsigned char uint8_t; "
    "typedef short int16_t; typedef unsigned short uint16_t; "
    "typedef int int32_t; typedef unsigned int uint32_t; "
    "typedef long long int64_t; typedef unsigned long long uint64_t;\n"
}
"""What NVRTC does not bring along."""
OPTIONS = ("-std=c++17",)
KERNEL = re.compile(r"SNNC_\w+\((?P<name>\w+), ")
SUFFIXES = ("cubin", "ptx")
DIGEST = 32
"""Bytes of a SHA-256, which stand before what is cached."""


def source_hash(sources: Mapping[str, bytes]) -> str:
    """Give a hash of the kernels: SHA-256 over names and contents, hexadecimal."""
    total = hashlib.sha256()
    for name in sorted(sources):
        total.update(f"{name} {len(sources[name])}\n".encode())
        total.update(sources[name])
    return total.hexdigest()


def selected(sources: Mapping[str, bytes], kernels: Iterable[str]) -> dict[str, bytes]:
    """Give the source with the lines of ``kernels`` only, of those that make a kernel."""
    wanted = set(kernels)
    lines = sources[MAIN].decode().splitlines(keepends=True)
    kept = [s for s in lines if not (made := KERNEL.match(s)) or made["name"] in wanted]
    return {**sources, MAIN: "".join(kept).encode()}


class Nvrtc:
    """NVIDIA's compiler for CUDA C++ at run time."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            CudaFault: It is not installed.
        """
        try:
            self._rtc = import_module("cuda.bindings.nvrtc")
            code, *version = self._rtc.nvrtcVersion()
        except (ImportError, RuntimeError) as error:
            raise CudaFault(Lack.PACKAGES, "no NVRTC", PACKAGES) from error
        self.version = ".".join(map(str, version)) if code.value == 0 else "unknown"

    def architectures(self) -> tuple[int, ...]:
        """Give the architectures that it compiles for, such as 75 and 90."""
        (_, found) = self._rtc.nvrtcGetSupportedArchs()
        return tuple(int(a) for a in found)

    def compile(self, sources: Mapping[str, bytes], architecture: int) -> tuple[bytes, bytes]:
        """Give the kernels as machine code (cubin) and as PTX.

        Raises:
            CudaFault: The source is not accepted.
        """
        headers = {name: text.encode() for name, text in STANDARD.items()} | dict(sources)
        names = [name for name in headers if name != MAIN]
        code, program = self._rtc.nvrtcCreateProgram(
            headers[MAIN],
            MAIN.encode(),
            len(names),
            [headers[name] for name in names],
            [name.encode() for name in names],
        )
        self._check(code, "nvrtcCreateProgram")
        options = [o.encode() for o in (*OPTIONS, f"--gpu-architecture=sm_{architecture}")]
        (code,) = self._rtc.nvrtcCompileProgram(program, len(options), options)
        if code.value != 0:
            self._check(code, self._log(program))
        cubin = self._text(program, "CUBIN")
        ptx = self._text(program, "PTX").rstrip(b"\0")
        self._rtc.nvrtcDestroyProgram(program)
        return cubin, ptx

    def _log(self, program: Any) -> str:
        lines = self._text(program, "ProgramLog").rstrip(b"\0").decode("utf-8", "replace")
        errors = [line for line in lines.splitlines() if "error" in line]
        return (errors or lines.splitlines() or ["no log"])[0]

    def _text(self, program: Any, what: str) -> bytes:
        code, size = getattr(self._rtc, f"nvrtcGet{what}Size")(program)
        self._check(code, f"nvrtcGet{what}Size")
        text = bytearray(int(size))
        (code,) = getattr(self._rtc, f"nvrtcGet{what}")(program, text)
        self._check(code, f"nvrtcGet{what}")
        return bytes(text)

    def _check(self, code: Any, what: str) -> None:
        if code.value != 0:
            found = f"{code.name}: {what}"
            raise CudaFault(Lack.COMPILATION, found, f"source that NVRTC {self.version} compiles")


def compiled(sources: Mapping[str, bytes], architecture: int) -> tuple[bytes, bytes]:
    """Give cubin and PTX of the kernels, from the cache or from NVRTC.

    Raises:
        CudaFault: NVRTC is not installed, or does not know the architecture or the source.
    """
    nvrtc = Nvrtc()
    known = nvrtc.architectures()
    if architecture not in known:
        raise CudaFault(
            Lack.ARCHITECTURE,
            f"sm_{architecture}",
            f"{', '.join(f'sm_{a}' for a in known)}, which NVRTC {nvrtc.version} compiles for",
        )
    key = f"{source_hash(sources)[:32]}-sm_{architecture}-{nvrtc.version}"
    found = tuple(filter(None, (cached(f"{key}.{suffix}") for suffix in SUFFIXES)))
    if len(found) == len(SUFFIXES):
        return found[0], found[1]
    made = nvrtc.compile(sources, architecture)
    for suffix, image in zip(SUFFIXES, made, strict=True):
        keep(f"{key}.{suffix}", image)
    return made


def cache_folder() -> Path:
    """Give the folder of the user's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "snnc" / "cuda"


def cached(name: str) -> bytes | None:
    """Give what was kept under ``name``, or None where there is nothing or it is damaged."""
    with suppress(OSError, RuntimeError):  # the second: there is no home
        content = (cache_folder() / name).read_bytes()
        if hashlib.sha256(content[DIGEST:]).digest() == content[:DIGEST]:
            return content[DIGEST:]
    return None


def keep(name: str, image: bytes) -> None:
    """Keep ``image`` under ``name``, whole or not at all; where that fails, nothing is lost."""
    with suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            scratch.write_bytes(hashlib.sha256(image).digest() + image)
            scratch.replace(folder / name)
        finally:
            scratch.unlink(missing_ok=True)
