"""A batch on the GPU of this machine, from integers to what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .driver import NO_MEMORY, Device, DriverError, Survey
from .faults import CudaFault, Lack
from .images import images, kernels_of
from .records import Array, Program
from .session import Progress, Record, execute


@dataclass(frozen=True, eq=False)
class Code:
    """The kernels.

    Attributes:
        sources: By the names under which they include each other.
        ahead: Compiled ahead of time, see ``images.image_names``.
    """

    sources: Mapping[str, bytes]
    ahead: Mapping[str, bytes]


def run_on_gpu(
    program: Program, code: Code, inputs: Mapping[str, Array], record: Record, progress: Progress
) -> tuple[dict[str, dict[str, Array]], Survey]:
    """Run a batch of samples; give what was recorded and on what.

    Args:
        program: What to run.
        code: Its kernels.
        inputs: Integers of each input, shape ``[steps, batch, n]``.
        record: What is kept.
        progress: Told of the hardware steps done; what it raises ends the run.

    Raises:
        CudaFault: The machine does not run it.
        MemoryError: The host has too little memory.
    """
    try:
        with Device() as device:
            kernels = kernels_of(program)
            architecture = device.survey.architecture
            device.load(images(code.sources, kernels, architecture, code.ahead), kernels)
            return execute(device, program, inputs, record, progress), device.survey
    except DriverError as error:
        if error.name == NO_MEMORY:
            raise CudaFault(Lack.MEMORY, str(error), "more free memory on the device") from error
        raise CudaFault(Lack.EXECUTION, str(error), "a device that does its work") from error
