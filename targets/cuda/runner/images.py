"""Which compiled kernels a device is given: those that were made ahead of time, or by NVRTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from .compilation import Nvrtc, compiled, selected
from .faults import CudaFault, Lack
from .launches import Chunked
from .layout import FEW_ROWS, KINDS, Chunk, Key, Task
from .machine import Launch
from .records import Program

LARGEST_BYTE = 127
"""Largest integer of an input that is kept in 8 bits."""


class _Names:
    """Takes note of the kernels that are launched."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def launch(self, launch: Launch) -> None:
        """Note the name."""
        self.found.add(launch.kernel)

    def fill(self, address: int, size: int) -> None:
        """Nothing to note."""

    def copy(self, to: int, source: int, size: int) -> None:
        """Nothing to note."""


def kernels_of(program: Program) -> tuple[str, ...]:
    """Give the kernels that runs of ``program`` can need, whatever the data and the batch."""
    names = _Names()
    for kind in KINDS:  # what follows an input depends on no other
        by_name = {i.name: _kind(kind, i.max_abs) for i in program.inputs}
        for batch in (1, FEW_ROWS):
            addresses: defaultdict[Key, int] = defaultdict(int)
            task = Task(program, by_name, {})
            chunked = Chunked(task, Chunk(batch, 1), addresses)
            chunked.rest(names)
            chunked.advance(names)
    return tuple(sorted(names.found))


def _kind(kind: str, largest: int) -> str:
    """Give ``kind``, or bytes for an input that never needs words."""
    return "bytes" if kind == "words" and largest <= LARGEST_BYTE else kind


def image_names(architecture: int) -> tuple[str, str]:
    """Give the names of the files with machine code and PTX for an architecture."""
    return f"kernels/sm_{architecture}.cubin", f"kernels/sm_{architecture}.ptx"


def images(
    sources: Mapping[str, bytes],
    kernels: tuple[str, ...],
    architecture: int,
    ahead: Mapping[str, bytes],
) -> Iterator[bytes]:
    """Yield compiled kernels for a device, the best first; each is made when it is asked for.

    Machine code runs on its own architecture and on later ones of the same major number, PTX on
    its own and on all later ones (CUDA C++ Programming Guide, binary and PTX compatibility).

    Args:
        sources: The kernels.
        kernels: Names of those that are needed.
        architecture: Of the device.
        ahead: What was compiled ahead of time, by the names of ``image_names``.

    Raises:
        CudaFault: There is none, and no NVRTC to make one.
    """
    made = sorted((a for a in _architectures(ahead) if a <= architecture), reverse=True)
    for older in made:
        if older // 10 == architecture // 10:
            yield ahead[image_names(older)[0]]
    lack: CudaFault | None = None
    try:
        yield from _compiled_here(selected(sources, kernels), architecture)
    except CudaFault as fault:
        if fault.lack is not Lack.PACKAGES:
            raise
        lack = fault
    for older in made:
        yield ahead[image_names(older)[1]]
    if lack is not None and not ahead:
        raise lack


def _compiled_here(sources: Mapping[str, bytes], architecture: int) -> Iterator[bytes]:
    """Yield machine code, where NVRTC knows the architecture, and PTX."""
    known = [a for a in Nvrtc().architectures() if a <= architecture]
    newest = max(known, default=architecture)
    cubin, ptx = compiled(sources, newest)
    if newest // 10 == architecture // 10:
        yield cubin
    yield ptx


def _architectures(ahead: Mapping[str, bytes]) -> Iterator[int]:
    for name in ahead:
        if name.endswith(".ptx"):
            yield int(name.rpartition("sm_")[2].removesuffix(".ptx"))
