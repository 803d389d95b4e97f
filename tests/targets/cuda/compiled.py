"""CUDA C++ becomes PTX and machine code, by NVRTC, which needs neither a GPU nor a driver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from tests.targets.cuda import build

ARCHITECTURES = (75, 80, 90, 100, 120)
"""Compute capability times ten: Turing, Ampere, Hopper and two Blackwells."""
KERNELS = build.ROOT / "targets" / "cuda" / "kernels"
ARITHMETIC = build.ROOT / "targets" / "native" / "arithmetic.h"
CSTDINT = """\
#pragma once
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
"""
"""NVRTC has no headers of C++."""


@dataclass(frozen=True)
class Compiled:
    """What a compiler makes of CUDA C++.

    Attributes:
        ptx: The text.
        log: What the compiler says.
    """

    ptx: str
    log: str


class CompileError(Exception):
    """The text is not CUDA C++."""


def nvrtc() -> Any:
    """Give NVIDIA's bindings of NVRTC."""
    return import_module("cuda.bindings.nvrtc")


@cache
def sources() -> dict[str, str]:
    """Give the texts of the kernels by the name by which they are included."""
    paths = [*sorted(KERNELS.glob("*.h")), ARITHMETIC]
    return {path.name: path.read_text() for path in paths}


def compiled(text: str, architecture: int, headers: Mapping[str, str], *options: str) -> Compiled:
    """Compile for an architecture; the same text is compiled once.

    Raises:
        CompileError: The text is wrong, with the compiler's messages.
    """
    version = str(nvrtc().nvrtcVersion())
    given = (text, str(architecture), json.dumps(dict(headers), sort_keys=True), *options, version)
    path, there = build.kept("ptx", ".json", *given)
    if there:
        return Compiled(**json.loads(path.read_text()))
    result = _compiled(text, architecture, {"cstdint": CSTDINT, **headers}, options)
    build.write(path, json.dumps({"ptx": result.ptx, "log": result.log}))
    return result


def _compiled(
    text: str, architecture: int, headers: Mapping[str, str], options: tuple[str, ...]
) -> Compiled:
    rtc = nvrtc()
    error, program = rtc.nvrtcCreateProgram(
        text.encode(),
        b"kernels.cu",
        len(headers),
        [source.encode() for source in headers.values()],
        [name.encode() for name in headers],
    )
    assert not error, error
    flags = [
        f"--gpu-architecture=sm_{architecture}",
        "-std=c++17",
        "-default-device",
        "--ptxas-options=-v",
        *options,
    ]
    (error,) = rtc.nvrtcCompileProgram(program, len(flags), [flag.encode() for flag in flags])
    log = _text(program, "ProgramLog")
    if error:
        raise CompileError(log)
    ptx = _text(program, "PTX")
    rtc.nvrtcDestroyProgram(program)
    return Compiled(ptx, log)


def _text(program: object, what: str) -> str:
    _, size = getattr(nvrtc(), f"nvrtcGet{what}Size")(program)
    buffer = bytearray(size)
    getattr(nvrtc(), f"nvrtcGet{what}")(program, buffer)
    return buffer.rstrip(b"\0").decode()
