"""``--arch``: for which GPUs kernels are compiled ahead of time, where no GPU need be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.names import written
from snnc.targets.cuda.runner.compilation import Nvrtc, compiled, selected
from snnc.targets.cuda.runner.driver import OLDEST_ARCHITECTURE
from snnc.targets.cuda.runner.faults import CudaFault
from snnc.targets.cuda.runner.images import image_names
from snnc.targets.cuda.sources import kernel_sources
from snnc.targets.cuda.trouble import as_diagnostics, told

FALLBACK = "sm_75"
"""The oldest architecture, whose PTX every later GPU takes."""


def architecture_names(arch: object) -> tuple[object, ...]:
    """Give the names that a user gave: ``sm_90``, ``sm_90,sm_120`` or a sequence."""
    if isinstance(arch, str):
        return tuple(part.strip() for part in arch.split(",") if part.strip()) or ("",)
    if isinstance(arch, Sequence):
        return tuple(cast("Sequence[object]", arch)) or ("",)
    return (arch,)


def architecture_problems(arch: object, target: str) -> Iterator[Diagnostic]:
    """Yield that ``--arch`` names no architecture, or does not go with the target."""
    if arch is None:
        return
    if target != "cuda":
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--arch",
            found=f"{written(arch)}, and target {written(target)}",
            limit="an option of target cuda",
            remedy="--target cuda, or leave --arch out",
        )
        return
    try:
        known = [a for a in Nvrtc().architectures() if a >= OLDEST_ARCHITECTURE]
    except CudaFault as fault:
        yield told(fault, "--arch")
        return
    names = [f"sm_{a}" for a in known]
    for name in architecture_names(arch):
        if name not in names:
            yield _unknown(name, names)


def _unknown(name: object, names: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        rule=rules.CUDA_ARCHITECTURE,
        node="--arch",
        found=written(name),
        limit=f"{', '.join(names)}, which the installed NVRTC compiles for",
        remedy=f"--arch {FALLBACK}, which runs on these and all later ones, or install a newer "
        "nvidia-cuda-nvrtc",
    )


def chosen_architectures(arch: object) -> list[str]:
    """Give the architectures to compile for: what the user named, else the oldest if possible."""
    if arch is not None:
        return [str(name) for name in dict.fromkeys(architecture_names(arch))]
    try:
        Nvrtc()
    except CudaFault:
        return []
    return [FALLBACK]


def compiled_ahead(options: Mapping[str, Any], kernels: Iterable[str]) -> dict[str, bytes]:
    """Give machine code and PTX of ``kernels`` for the architectures that the options name.

    Raises:
        EnvironmentFault: SNN511, there is no NVRTC; SNN514, it does not know an architecture.
        KernelFault: SNN516, the kernels do not compile.
    """
    sources = selected(kernel_sources(), kernels)
    found: dict[str, bytes] = {}
    for name in options.get("arch") or ():
        number = int(str(name).removeprefix("sm_"))
        with as_diagnostics("--arch"):
            found |= dict(zip(image_names(number), compiled(sources, number), strict=True))
    return found
