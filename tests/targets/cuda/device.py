"""The emulated device for tests of single kernels: memory, and launches in any order."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import (
    CDLL,
    POINTER,
    byref,
    c_char_p,
    c_int32,
    c_int64,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
    cast,
)
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.targets.cuda import build
from tests.targets.cuda.ptx import parsed
from tests.targets.cuda.translate import Translated, translated

ORDERS = ("ascending", "descending", "shuffled")
Array = npt.NDArray[Any]


@cache
def machine() -> CDLL:
    """Load the machine."""
    source = (build.HERE / "machine.cpp").read_text()
    loaded = CDLL(str(build.library(source, "-O2")))
    for name in ("new", "allocate"):
        getattr(loaded, f"machine_{name}").restype = c_void_p
    loaded.machine_allocate.argtypes = [c_void_p, c_uint64]
    loaded.machine_write.argtypes = [c_void_p, c_void_p, c_void_p, c_uint64]
    loaded.machine_delete.argtypes = [c_void_p]
    loaded.machine_run.restype = c_int64
    loaded.machine_run.argtypes = [
        c_void_p,
        c_void_p,
        POINTER(c_uint32),
        POINTER(c_uint32),
        c_void_p,
        c_int32,
        c_uint32,
        c_void_p,
    ]
    loaded.machine_fault.restype = c_char_p
    loaded.machine_fault.argtypes = [c_void_p, c_int64]
    return loaded


def kernel_library(*kernels: Translated) -> Path:
    """Give the library of translated kernels."""
    return build.library("\n".join(k.text for k in kernels), "-O0", "-Wno-unused")


class Kernel:
    """A kernel that is ready to run.

    Attributes:
        sizes: Bytes of each parameter.
        address: Of its record.
        resume: Address of what tells the host build which thread runs, or None.
    """

    def __init__(self, sizes: Sequence[int], library: Path, symbol: str) -> None:
        """Load a kernel from a library."""
        self.sizes = tuple(sizes)
        self._loaded = CDLL(str(library))
        self.address = cast(getattr(self._loaded, symbol), c_void_p).value
        resume = getattr(self._loaded, "machine_resume", None)
        self.resume = cast(resume, c_void_p) if resume is not None else None


def kernels_of(ptx: str, *, at_once: bool = False) -> dict[str, Kernel]:
    """Give all kernels of a text of PTX.

    Args:
        ptx: The text.
        at_once: Build them as one library, which is faster, and done again when one changes.
    """
    made = [translated(entry) for entry in parsed(ptx).entries.values()]
    shared = kernel_library(*made) if at_once else None
    return {
        m.name: Kernel(m.parameter_bytes, shared or kernel_library(m), f"machine_{m.name}")
        for m in made
    }


class Device:
    """Memory, and what runs on it; ``faults`` says what kernels did wrong."""

    def __init__(self) -> None:
        """Begin with nothing allocated."""
        self._machine = machine()
        self._device = c_void_p(self._machine.machine_new())
        self._arrays: list[tuple[int, Array]] = []

    def array(self, values: Array) -> Array:
        """Give a copy in the memory of the device; what kernels write stands in it."""
        given = np.ascontiguousarray(values)
        address = self._machine.machine_allocate(self._device, given.nbytes)
        assert address
        assert not self._machine.machine_write(
            self._device, address, given.ctypes.data, given.nbytes
        )
        return self._seen(address, given)

    def empty(self, shape: tuple[int, ...], kind: type[np.generic]) -> Array:
        """Give memory that nobody has written."""
        like = np.empty(shape, kind)
        return self._seen(self._machine.machine_allocate(self._device, like.nbytes), like)

    def _seen(self, address: int, like: Array) -> Array:
        view = np.ctypeslib.as_array(cast(address, POINTER(c_uint8)), (like.nbytes,))
        self._arrays.append((address, view))
        return view.view(like.dtype).reshape(like.shape)

    def run(
        self,
        kernel: Kernel,
        grid: Sequence[int],
        block: Sequence[int],
        *arguments: Array | int,
        order: str = "ascending",
        seed: int = 0,
    ) -> None:
        """Launch a kernel; arrays are given as their addresses, None as 0."""
        assert len(arguments) == len(kernel.sizes), (len(arguments), kernel.sizes)
        values = [
            np.array([_number(a) % 2 ** (8 * size)], f"u{size}")
            for a, size in zip(arguments, kernel.sizes, strict=True)
        ]
        pointers = (c_void_p * max(1, len(values)))(*(v.ctypes.data for v in values))
        axes = [(c_uint32 * 3)(*(*given, 1, 1)[:3]) for given in (grid, block)]
        self._machine.machine_run(
            self._device,
            kernel.address,
            *axes,
            byref(pointers),
            ORDERS.index(order),
            seed,
            kernel.resume,
        )

    @property
    def faults(self) -> list[str]:
        """What kernels did wrong so far, the first few."""
        found: list[str] = []
        while (text := self._machine.machine_fault(self._device, len(found))) is not None:
            found.append(text.decode())
        return found

    def close(self) -> None:
        """Give everything back; no array may be used any more."""
        self._machine.machine_delete(self._device)


def _number(argument: Array | int | None) -> int:
    if argument is None:
        return 0
    return argument.ctypes.data if isinstance(argument, np.ndarray) else int(argument)
