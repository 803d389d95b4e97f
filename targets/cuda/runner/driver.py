"""A device: its memory, its one stream of work, and what its driver says.

All calls of NVIDIA's ``cuda-bindings`` for a run are here, and none is made before a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ctypes import c_uint8
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from .faults import CudaFault, Lack
from .machine import Launch
from .records import Array

OLDEST_DRIVER = 13000
"""Version of CUDA that the driver must have, major * 1000 + minor * 10: that of cuda-bindings."""
NEWER_DRIVER = "a driver for CUDA 13.0 or newer, of the series 580 or newer"
OLDEST_ARCHITECTURE = 75
"""Turing, the oldest that CUDA 13 compiles for (release notes of CUDA 13.0)."""
PACKAGES = "cuda-bindings 13 and nvidia-cuda-nvrtc 13"
GPU = "an NVIDIA GPU of compute capability 7.5 or higher, and its driver"
NO_IMAGE = (
    "CUDA_ERROR_FILE_NOT_FOUND",
    "CUDA_ERROR_INVALID_IMAGE",
    "CUDA_ERROR_INVALID_PTX",
    "CUDA_ERROR_INVALID_SOURCE",
    "CUDA_ERROR_JIT_COMPILER_NOT_FOUND",
    "CUDA_ERROR_NO_BINARY_FOR_GPU",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
)
"""What the driver says of code that it cannot load."""
OLD_DRIVER = ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE")
NOT_READY = "CUDA_ERROR_NOT_READY"
DONE = "CUDA_SUCCESS"
NO_MEMORY = "CUDA_ERROR_OUT_OF_MEMORY"


class DriverError(Exception):
    """The driver refused; ``name`` is what it calls that."""

    def __init__(self, call: str, name: str) -> None:
        super().__init__(f"{name} from {call}")
        self.name = name


def bindings() -> Any:
    """Import NVIDIA's bindings of the driver.

    Raises:
        CudaFault: They are not installed.
    """
    try:
        return import_module("cuda.bindings.driver")
    except ImportError as error:
        raise CudaFault(Lack.PACKAGES, "no cuda-bindings", PACKAGES) from error


@dataclass(frozen=True)
class Survey:
    """What the driver says of the first GPU.

    Attributes:
        handle: The driver's number for it.
        name: What the driver calls it.
        architecture: Compute capability, 10 * major + minor.
        driver: Version of CUDA that the driver has, such as ``13.0``.
    """

    handle: Any
    name: str
    architecture: int
    driver: str


def survey() -> Survey:
    """Look for a GPU, and take nothing from it.

    Raises:
        CudaFault: There is no package, driver or device, or one that is too old.
    """
    cu = bindings()
    try:
        return _survey(cu)
    except DriverError as error:
        raise _absent(error) from error
    except RuntimeError as error:
        raise _unusable(error) from error


def _survey(cu: Any) -> Survey:
    call(cu.cuInit, 0)
    version = int(call(cu.cuDriverGetVersion))
    driver = f"{version // 1000}.{version % 1000 // 10}"
    if version < OLDEST_DRIVER:
        raise CudaFault(Lack.DRIVER, f"a driver for CUDA {driver}", NEWER_DRIVER)
    if int(call(cu.cuDeviceGetCount)) == 0:
        raise CudaFault(Lack.DEVICE, "no device", GPU)
    handle = call(cu.cuDeviceGet, 0)
    raw: bytes = call(cu.cuDeviceGetName, 256, handle)
    name = raw.split(b"\0")[0].decode("utf-8", "replace").strip()
    kinds = cu.CUdevice_attribute
    major, minor = (
        int(call(cu.cuDeviceGetAttribute, kind, handle))
        for kind in (
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    architecture = 10 * major + minor
    if architecture < OLDEST_ARCHITECTURE:
        found = f"{name}, compute capability {major}.{minor}"
        raise CudaFault(Lack.ARCHITECTURE, found, "compute capability 7.5 or higher")
    return Survey(handle, name, architecture, driver)


class Device:
    """The first GPU of the machine; ``close`` gives back all that was taken from it."""

    def __init__(self) -> None:
        """Take the device.

        Raises:
            CudaFault: There is no package, driver or device, or one that is too old.
            DriverError: The driver refuses.
        """
        self.survey = survey()
        self._cu = bindings()
        self._taken: list[tuple[Any, Any]] = []
        self._functions: dict[str, Any] = {}
        self._stream: Any = None
        cu = self._cu
        try:
            context = call(cu.cuDevicePrimaryCtxRetain, self.survey.handle)
            self._taken.append((cu.cuDevicePrimaryCtxRelease, self.survey.handle))
            call(cu.cuCtxSetCurrent, context)
            flags = cu.CUstream_flags.CU_STREAM_NON_BLOCKING
            self._stream = call(cu.cuStreamCreate, flags)
            self._taken.append((cu.cuStreamDestroy, self._stream))
        except DriverError:
            self.close()
            raise

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- memory ----------------------------------------------------------------------------

    def free_memory(self) -> int:
        """Give the bytes of device memory that are free."""
        return int(call(self._cu.cuMemGetInfo)[0])

    def allocate(self, size: int) -> int:
        """Give the address of ``size`` bytes of device memory.

        Raises:
            CudaFault: There is not enough.
        """
        try:
            address = int(call(self._cu.cuMemAlloc, size))
        except DriverError as error:
            if error.name != NO_MEMORY:
                raise
            free = f"{self.free_memory()} bytes free"
            raise CudaFault(Lack.MEMORY, free, f"{size} bytes more") from error
        self._taken.append((self._cu.cuMemFree, address))
        return address

    def pinned(self, size: int) -> Array:
        """Give ``size`` bytes of host memory from which and to which the device copies.

        Raises:
            MemoryError: The host has not enough.
        """
        try:
            address = int(call(self._cu.cuMemHostAlloc, size, 0))
        except DriverError as error:
            if error.name == NO_MEMORY:
                raise MemoryError from error
            raise
        self._taken.append((self._cu.cuMemFreeHost, address))
        return np.ctypeslib.as_array((c_uint8 * size).from_address(address))

    def put(self, address: int, values: Array) -> None:
        """Copy an array to the device, and wait until it is there.

        In the stream: what ``cuMemcpyHtoD`` leaves under way, kernels of a stream that does not
        wait for others could overtake (CUDA driver API, API synchronization behavior).
        """
        data = np.ascontiguousarray(values)
        if data.nbytes:
            size, source = data.nbytes, data.ctypes.data
            call(self._cu.cuMemcpyHtoDAsync, address, source, size, self._stream)
            call(self._cu.cuStreamSynchronize, self._stream)

    def put_later(self, address: int, pinned: Array) -> None:
        """Copy pinned memory to the device, in the order of the stream."""
        size, source = pinned.nbytes, pinned.ctypes.data
        call(self._cu.cuMemcpyHtoDAsync, address, source, size, self._stream)

    def get_later(self, pinned: Array, address: int) -> None:
        """Copy from the device to pinned memory, in the order of the stream."""
        size, to = pinned.nbytes, pinned.ctypes.data
        call(self._cu.cuMemcpyDtoHAsync, to, address, size, self._stream)

    # --- work, in the order of the stream ----------------------------------------------------

    def launch(self, launch: Launch) -> None:
        """Launch a kernel of the modules that were loaded."""
        values = tuple(argument.value or 0 for argument in launch.arguments)  # no null is None
        kinds = tuple(type(argument) for argument in launch.arguments)
        function = self._functions[launch.kernel]
        shape = (*launch.grid, *launch.block, 1)
        call(self._cu.cuLaunchKernel, function, *shape, 0, self._stream, (values, kinds), 0)

    def fill(self, address: int, size: int) -> None:
        """Set ``size`` bytes, a multiple of 4, to zero."""
        call(self._cu.cuMemsetD32Async, address, 0, size // 4, self._stream)

    def copy(self, to: int, source: int, size: int) -> None:
        """Copy on the device; the two do not overlap."""
        call(self._cu.cuMemcpyDtoDAsync, to, source, size, self._stream)

    def recorded(self, emit: Callable[[], None]) -> Any:
        """Give the work that ``emit`` queues as a graph, to be done again and again."""
        cu = self._cu
        mode = cu.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        call(cu.cuStreamBeginCapture, self._stream, mode)
        try:
            emit()
        finally:
            graph = call(cu.cuStreamEndCapture, self._stream)
        self._taken.append((cu.cuGraphDestroy, graph))
        whole = call(cu.cuGraphInstantiate, graph, 0)
        self._taken.append((cu.cuGraphExecDestroy, whole))
        return whole

    def replay(self, graph: Any) -> None:
        """Do the work of a graph."""
        call(self._cu.cuGraphLaunch, graph, self._stream)

    def event(self) -> Any:
        """Give what is done when all work is that was queued before."""
        flags = self._cu.CUevent_flags.CU_EVENT_DISABLE_TIMING
        event = call(self._cu.cuEventCreate, flags)
        self._taken.append((self._cu.cuEventDestroy, event))
        call(self._cu.cuEventRecord, event, self._stream)
        return event

    def is_done(self, event: Any) -> bool:
        """Say whether what came before ``event`` is done; of one that is, nothing remains."""
        try:
            call(self._cu.cuEventQuery, event)
        except DriverError as error:
            if error.name == NOT_READY:
                return False
            raise
        self._taken.remove((self._cu.cuEventDestroy, event))
        call(self._cu.cuEventDestroy, event)
        return True

    # --- code ----------------------------------------------------------------------------------

    def load(self, images: Iterable[bytes], kernels: Sequence[str]) -> None:
        """Load the first of ``images``, cubin or PTX, that the driver takes.

        Raises:
            CudaFault: It takes none.
        """
        refused: DriverError | None = None
        for image in images:
            try:
                module = call(self._cu.cuModuleLoadData, image + b"\0")
            except DriverError as error:
                if error.name not in NO_IMAGE:
                    raise
                refused = error
                continue
            self._taken.append((self._cu.cuModuleUnload, module))
            self._functions = {
                name: call(self._cu.cuModuleGetFunction, module, name.encode()) for name in kernels
            }
            return
        raise CudaFault(
            Lack.IMAGE,
            f"{refused or 'none'}, on {self.survey.name}, sm_{self.survey.architecture}",
            "machine code for this GPU, or PTX for it or an older one",
        )

    # --- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Wait for the work that is under way, and give everything back; errors are past caring."""
        if self._stream is not None:
            self._cu.cuStreamSynchronize(self._stream)
        while self._taken:
            give_back, what = self._taken.pop()
            give_back(what)
        self._stream = None


def call(function: Any, *arguments: Any) -> Any:
    """Call the driver; give what it gives, one value or several.

    Raises:
        DriverError: It refused.
    """
    code, *values = function(*arguments)
    if code.name != DONE:
        raise DriverError(function.__name__, code.name)
    return values[0] if len(values) == 1 else tuple(values)


def _absent(error: DriverError) -> CudaFault:
    """Give what it means that the driver refused to begin."""
    if error.name in OLD_DRIVER:
        return CudaFault(Lack.DRIVER, str(error), NEWER_DRIVER)
    if error.name == NO_MEMORY:
        return CudaFault(Lack.MEMORY, str(error), "memory for the driver's own context")
    return CudaFault(Lack.DEVICE, str(error), GPU)


def _unusable(error: RuntimeError) -> CudaFault:
    """Give what it means that the bindings do not reach the driver."""
    if type(error).__name__ == "DynamicLibNotFoundError":
        return CudaFault(Lack.DEVICE, "no driver: its library, libcuda, is not found", GPU)
    return CudaFault(Lack.DRIVER, f"a driver without what is needed: {error}", NEWER_DRIVER)
