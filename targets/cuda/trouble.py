"""What is wrong on a machine, as snnc says it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, Rule, SnncError
from snnc.targets.cuda.runner.faults import CudaFault, Lack

INSTALL = "pip install 'snnc[cuda]'"
ELSEWHERE = "or use --target cpu, which computes the same without a GPU"
SAID: dict[Lack, tuple[Rule, str]] = {
    Lack.PACKAGES: (rules.CUDA_PACKAGES, f"{INSTALL}, {ELSEWHERE}"),
    Lack.DEVICE: (
        rules.CUDA_DEVICE,
        f"install NVIDIA's driver and see whether nvidia-smi lists the GPU, {ELSEWHERE}",
    ),
    Lack.DRIVER: (rules.CUDA_DRIVER, f"install a newer driver of NVIDIA, {ELSEWHERE}"),
    Lack.ARCHITECTURE: (rules.CUDA_ARCHITECTURE, f"use another GPU, {ELSEWHERE}"),
    Lack.MEMORY: (
        rules.CUDA_MEMORY,
        f"end what else uses the GPU, record fewer signals, {ELSEWHERE}",
    ),
    Lack.COMPILATION: (
        rules.CUDA_COMPILES,
        "report it with snnc doctor's output; --target cpu computes the same without a GPU",
    ),
    Lack.IMAGE: (
        rules.CUDA_IMAGE,
        f"{INSTALL}, which compiles for this GPU, or compile the model again with --arch for it",
    ),
    Lack.EXECUTION: (
        rules.CUDA_EXECUTION,
        f"see what the system log and nvidia-smi say of the GPU, {ELSEWHERE}",
    ),
}
"""The rule and the remedy of each."""


class KernelFault(SnncError):
    """The kernels do not compile: a fault of snnc, not of the user (exit code 4)."""

    exit_code = 4


def told(fault: CudaFault, node: str = "target cuda") -> Diagnostic:
    """Give what is wrong as a diagnostic."""
    rule, remedy = SAID[fault.lack]
    return Diagnostic(rule=rule, node=node, found=fault.found, limit=fault.limit, remedy=remedy)


@contextmanager
def as_diagnostics(node: str = "target cuda") -> Generator[None]:
    """Turn what the runner raises into what snnc raises.

    Raises:
        EnvironmentFault: SNN511 to SNN515, SNN517, SNN518, the machine does not run it.
        KernelFault: SNN516, the kernels do not compile.
    """
    try:
        yield
    except CudaFault as fault:
        error = KernelFault if fault.lack is Lack.COMPILATION else EnvironmentFault
        raise error([told(fault, node)]) from fault
