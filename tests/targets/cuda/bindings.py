"""In place of NVIDIA's packages: what they answer is written down, and nothing is computed.

Whole runs, of the real packages on a stand-in for the driver, are tested elsewhere; here are the
branches in which a machine says no.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from ctypes import addressof, create_string_buffer
from types import SimpleNamespace
from typing import Any

import pytest

DRIVER, NVRTC = "cuda.bindings.driver", "cuda.bindings.nvrtc"
FREE = 2**30
LOG = b"kernels.h(3): warning: a\nkernels.h(4): error: b\n\0"


class Bindings:
    """A module of functions that answer ``(code, *values)``.

    Attributes:
        called: Names of the functions that were called, in order.
    """

    def __init__(self, good: str, values: dict[str, Any], answers: dict[str, Any]) -> None:
        self.good, self.values, self.answers = good, values, answers
        self.called: list[str] = []
        kinds = ("MAJOR", "MINOR")
        names = {f"CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{k}": k for k in kinds}
        self.CUdevice_attribute = SimpleNamespace(**names)
        self.CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING=1)
        self.CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1)
        self.CUevent_flags = SimpleNamespace(CU_EVENT_DISABLE_TIMING=2)

    def __getattr__(self, name: str) -> Callable[..., tuple[object, ...]]:
        def function(*arguments: object) -> tuple[object, ...]:
            self.called.append(name)
            answer: Any = self.answers.get(name, self.values.get(name, ()))
            if isinstance(answer, str):
                return (SimpleNamespace(name=answer, value=1),)
            if callable(answer):
                answer = answer(*arguments)
            return (SimpleNamespace(name=self.good, value=0), *answer)

        function.__name__ = name
        return function


def capability(major: int) -> Callable[..., tuple[object, ...]]:
    """Give the answer to a question for a compute capability ``major.0``."""

    def answer(kind: str, handle: object) -> tuple[object, ...]:
        del handle
        return (major if kind == "MAJOR" else 0,)

    return answer


def driver(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Bindings:
    """Install a driver of a good machine, but for ``answers``: an error's name, or values."""
    kept: list[Any] = []

    def host_memory(size: int, flags: int) -> tuple[object, ...]:
        del flags
        kept.append(create_string_buffer(size))
        return (addressof(kept[-1]),)

    def launched(*arguments: Any) -> tuple[object, ...]:
        values, kinds = arguments[9]
        assert len(values) == len(kinds)
        assert all(type(value) is int for value in values)  # it takes no None for a null
        return ()

    values: dict[str, Any] = {
        "cuLaunchKernel": launched,
        "cuDriverGetVersion": (13000,),
        "cuDeviceGetCount": (1,),
        "cuDeviceGet": (0,),
        "cuDeviceGetName": (b"NVIDIA Good\0\0",),
        "cuDeviceGetAttribute": capability(9),
        "cuDevicePrimaryCtxRetain": ("context",),
        "cuStreamCreate": ("stream",),
        "cuMemGetInfo": (FREE, 2 * FREE),
        "cuMemAlloc": (4096,),
        "cuMemHostAlloc": host_memory,
        "cuModuleLoadData": ("module",),
        "cuModuleGetFunction": ("function",),
        "cuStreamEndCapture": ("graph",),
        "cuGraphInstantiate": ("whole",),
        "cuEventCreate": ("event",),
    }
    made = Bindings("CUDA_SUCCESS", values, answers)
    monkeypatch.setitem(sys.modules, DRIVER, made)
    return made


def nvrtc(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Bindings:
    """Install a compiler that makes something of any source, but for ``answers``."""

    def filled(text: bytes) -> Callable[[object, bytearray], tuple[object, ...]]:
        def fill(program: object, into: bytearray) -> tuple[object, ...]:
            del program
            into[:] = text
            return ()

        return fill

    values: dict[str, Any] = {
        "nvrtcVersion": (13, 9),
        "nvrtcGetSupportedArchs": ([75, 80, 90, 120],),
        "nvrtcCreateProgram": ("program",),
        "nvrtcGetCUBINSize": (5,),
        "nvrtcGetCUBIN": filled(b"cubin"),
        "nvrtcGetPTXSize": (3,),
        "nvrtcGetPTX": filled(b"ptx"),
        "nvrtcGetProgramLogSize": (len(LOG),),
        "nvrtcGetProgramLog": filled(LOG),
    }
    made = Bindings("NVRTC_SUCCESS", values, answers)
    monkeypatch.setitem(sys.modules, NVRTC, made)
    return made


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Make ``modules`` impossible to import."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
