"""The compiled engine ``targets/native``, called through ``ctypes``: its records and functions."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_int32, c_int64, c_void_p
from functools import cache
from importlib.util import find_spec
from typing import Any
from weakref import finalize

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedReset

MODULE = "snnc.targets.cpu._engine"
"""What ``pip install`` compiles, if it finds a compiler of C++."""
RESETS = (
    FixedReset.NONE,
    FixedReset.ZERO,
    FixedReset.ZERO_NEXT,
    FixedReset.SUBTRACT,
    FixedReset.SUBTRACT_DELAYED,
    FixedReset.SUBTRACT_RETEST,
)
"""In the order of ``Reset`` in ``arithmetic.h``."""
KINDS = (
    "FixedDense",
    "FixedScaling",
    "FixedConvolution",
    "SumPooling",
    "MaxPooling",
    "FixedSparse",
)
"""In the order of ``Kind`` in ``weights.h``."""

ProgressFunction = ctypes.CFUNCTYPE(c_int32, c_int64, c_int64)


class Operator(Structure):
    """``SnncOperator``."""

    _fields_ = (
        ("kind", c_int32),
        ("groups", c_int32),
        ("weight_bytes", c_int32),
        ("reserved", c_int32),
        ("weight", c_void_p),
        ("index", c_void_p),
        ("begin", c_void_p),
        ("shape_in", c_int64 * 3),
        ("shape_out", c_int64 * 3),
        ("kernel", c_int64 * 2),
        ("stride", c_int64 * 2),
        ("before", c_int64 * 2),
        ("dilation", c_int64 * 2),
    )


class Projection(Structure):
    """``SnncProjection``."""

    _fields_ = (
        ("source", c_int32),
        ("target", c_int32),
        ("weight_exp", c_int32),
        ("delay", c_int32),
        ("operator_count", c_int32),
        ("reserved", c_int32),
        ("operators", POINTER(Operator)),
    )


class Population(Structure):
    """``SnncPopulation``."""

    _fields_ = (
        ("size", c_int64),
        ("reset", c_int32),
        ("spiking", c_int32),
        ("refractory", c_int32),
        ("lag", c_int32),
        ("narrow", c_int32),
        ("unwrapped", c_int32),
        ("keep_u", c_void_p),
        ("keep_v", c_void_p),
        ("theta", c_void_p),
        ("bias", c_void_p),
        ("initial", c_void_p),
    )


class Axons(Structure):
    """``SnncAxons``."""

    _fields_ = (
        ("size", c_int64),
        ("source_count", c_int32),
        ("reserved", c_int32),
        ("sources", POINTER(c_int32)),
        ("member", c_void_p),
        ("element", c_void_p),
    )


class Network(Structure):
    """``SnncNetwork``."""

    _fields_ = (
        ("input_count", c_int32),
        ("population_count", c_int32),
        ("projection_count", c_int32),
        ("axons_count", c_int32),
        ("input_sizes", POINTER(c_int64)),
        ("input_largest", POINTER(c_int32)),
        ("populations", POINTER(Population)),
        ("projections", POINTER(Projection)),
        ("axons", POINTER(Axons)),
    )


class Recording(Structure):
    """``SnncRecording``."""

    _fields_ = (("spikes", c_void_p), ("u", c_void_p), ("v", c_void_p))


class Run(Structure):
    """``SnncRun``."""

    _fields_ = (
        ("steps", c_int64),
        ("latency", c_int64),
        ("batch", c_int64),
        ("threads", c_int32),
        ("patience", c_int32),
        ("parts", c_int32),
        ("reserved", c_int32),
        ("inputs", POINTER(c_void_p)),
        ("input_bytes", POINTER(c_int32)),
        ("recordings", POINTER(Recording)),
    )


def address(array: npt.NDArray[Any]) -> int:
    """Give where the elements of ``array`` lie, one after the other in C order."""
    buffer: Any = array  # which NumPy's types do not say
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))  # a quarter of the time
    except (TypeError, ValueError):  # only to be read, or empty
        found: int = array.__array_interface__["data"][0]
        return found


def path() -> str | None:
    """Give where the engine lies, or None where none was compiled."""
    spec = find_spec(MODULE)
    return None if spec is None else spec.origin


@cache
def library() -> ctypes.CDLL:
    """Load the engine.

    Raises:
        OSError: There is none, or it is of another machine.
    """
    found = path()
    if found is None:
        raise OSError(f"no {MODULE}")
    loaded = ctypes.CDLL(found)
    loaded.snnc_prepare.argtypes = [POINTER(Network), c_int32]
    loaded.snnc_prepare.restype = c_void_p
    loaded.snnc_release.argtypes = [c_void_p]
    loaded.snnc_release.restype = None
    loaded.snnc_run.argtypes = [c_void_p, POINTER(Run), ProgressFunction]
    loaded.snnc_run.restype = c_int32
    loaded.snnc_bytes.argtypes = [c_void_p]
    loaded.snnc_bytes.restype = c_int64
    loaded.snnc_best_level.argtypes = []
    loaded.snnc_best_level.restype = c_int32
    return loaded


class Prepared:
    """A network in the form that the engine runs; its memory goes with the object."""

    def __init__(self, network: Network, level: int) -> None:
        """Prepare ``network`` for a set of instructions.

        Args:
            network: Read, and not kept.
            level: 0 baseline, 1 AVX2, 2 AVX-512, 3 and VNNI, 4 and VBMI2; -1 the best that this
                machine has.

        Raises:
            MemoryError: There is not enough.
        """
        engine = library()
        self._handle = engine.snnc_prepare(network, level)
        if not self._handle:
            raise MemoryError
        finalize(self, engine.snnc_release, self._handle)
        self._run = engine.snnc_run

    @property
    def bytes(self) -> int:
        """Memory of weights, tables and parameters, and of the states and events of one thread.

        Raises:
            MemoryError: There is not enough.
        """
        held = int(library().snnc_bytes(self._handle))
        if held < 0:
            raise MemoryError
        return held

    def run(self, run: Run, progress: Any) -> bool:
        """Run a batch; give whether it was run to its end.

        Args:
            run: Inputs, and where results go.
            progress: A ``ProgressFunction``, called with the steps done and in all; what is not 0
                ends the run.

        Raises:
            MemoryError: There is not enough.
        """
        code: int = self._run(self._handle, run, progress)
        if code == 2:
            raise MemoryError
        return code == 0


def contiguous(values: npt.NDArray[Any], kind: type[np.generic]) -> npt.NDArray[Any]:
    """Give ``values`` as C has them."""
    return np.ascontiguousarray(values, kind)
