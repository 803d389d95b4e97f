"""What a machine lacks is one message with its remedy, and the documented exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from snnc.compiler.diagnostics import EnvironmentFault, SnncError, TimeLimitExceeded
from snnc.targets.artifact import Artifact
from snnc.targets.cuda.architectures import architecture_problems
from snnc.targets.cuda.runner.faults import CudaFault
from snnc.targets.cuda.runner.images import image_names
from snnc.targets.cuda.runner.layout import Task, chosen_chunk, kind_of
from snnc.targets.cuda.runner.session import recorded_names
from snnc.targets.cuda.sources import kernel_hash
from snnc.targets.cuda.target import CudaTarget, program_for
from snnc.targets.cuda.trouble import KernelFault
from snnc.targets.running import RunOptions
from tests.targets.cuda.bindings import DRIVER, FREE, NVRTC, capability, driver, nvrtc, without
from tests.targets.lava.networks import artifact, random_inputs, recurrent

Machine = Callable[[pytest.MonkeyPatch], object]
FIXED = recurrent()
LEAST = 56320
"""Bytes without which it does not run."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what was compiled out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def on_cuda(members: Mapping[str, bytes]) -> Artifact:
    return replace(artifact(FIXED), target="cuda", members=members)


def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, DRIVER)


def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    class DynamicLibNotFoundError(RuntimeError):
        """As cuda.pathfinder has it."""

    def absent(*_: object) -> tuple[object, ...]:
        raise DynamicLibNotFoundError("far too long to be read")

    driver(monkeypatch, cuInit=absent)


def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuInit="CUDA_ERROR_NO_DEVICE")


def old_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuDriverGetVersion=(12080,))


def old_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(
        monkeypatch,
        cuDeviceGetName=(b"NVIDIA Old",),
        cuDeviceGetAttribute=capability(7),
    )


def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuMemGetInfo=(5000, FREE))
    nvrtc(monkeypatch)


def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch)
    without(monkeypatch, NVRTC)


def bad_source(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch)
    nvrtc(monkeypatch, nvrtcCompileProgram="NVRTC_ERROR_COMPILATION")


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuMemcpyHtoDAsync="CUDA_ERROR_ILLEGAL_ADDRESS")
    nvrtc(monkeypatch)


MESSAGES: dict[Machine, str] = {
    no_packages: (
        "error[SNN511]: the packages that target cuda needs are installed\n"
        "  --> target cuda\n"
        "   found: no cuda-bindings\n"
        "   limit: cuda-bindings 13 and nvidia-cuda-nvrtc 13\n"
        "  remedy: pip install 'snnc[cuda]', or use --target cpu, which computes the same without "
        "a GPU"
    ),
    no_compiler: (
        "error[SNN511]: the packages that target cuda needs are installed\n"
        "  --> target cuda\n"
        "   found: no NVRTC\n"
        "   limit: cuda-bindings 13 and nvidia-cuda-nvrtc 13\n"
        "  remedy: pip install 'snnc[cuda]', or use --target cpu, which computes the same without "
        "a GPU"
    ),
    no_library: (
        "error[SNN512]: there is an NVIDIA GPU, and its driver\n"
        "  --> target cuda\n"
        "   found: no driver: its library, libcuda, is not found\n"
        "   limit: an NVIDIA GPU of compute capability 7.5 or higher, and its driver\n"
        "  remedy: install NVIDIA's driver and see whether nvidia-smi lists the GPU, or use "
        "--target cpu, which computes the same without a GPU"
    ),
    no_device: (
        "error[SNN512]: there is an NVIDIA GPU, and its driver\n"
        "  --> target cuda\n"
        "   found: CUDA_ERROR_NO_DEVICE from cuInit\n"
        "   limit: an NVIDIA GPU of compute capability 7.5 or higher, and its driver\n"
        "  remedy: install NVIDIA's driver and see whether nvidia-smi lists the GPU, or use "
        "--target cpu, which computes the same without a GPU"
    ),
    old_driver: (
        "error[SNN513]: the driver of the GPU is new enough\n"
        "  --> target cuda\n"
        "   found: a driver for CUDA 12.8\n"
        "   limit: a driver for CUDA 13.0 or newer, of the series 580 or newer\n"
        "  remedy: install a newer driver of NVIDIA, or use --target cpu, which computes the same "
        "without a GPU"
    ),
    old_gpu: (
        "error[SNN514]: kernels can be compiled for the architecture of the GPU\n"
        "  --> target cuda\n"
        "   found: NVIDIA Old, compute capability 7.0\n"
        "   limit: compute capability 7.5 or higher\n"
        "  remedy: use another GPU, or use --target cpu, which computes the same without a GPU"
    ),
    little_memory: (
        "error[SNN515]: a sample of the network fits into the memory of the GPU\n"
        "  --> target cuda\n"
        "   found: 5000 bytes free\n"
        f"   limit: {LEAST} bytes for one sample, 2 steps at once\n"
        "  remedy: end what else uses the GPU, record fewer signals, or use --target cpu, which "
        "computes the same without a GPU"
    ),
    bad_source: (
        "error[SNN516]: the kernels of snnc compile\n"
        "  --> target cuda\n"
        "   found: NVRTC_ERROR_COMPILATION: kernels.h(4): error: b\n"
        "   limit: source that NVRTC 13.9 compiles\n"
        "  remedy: report it with snnc doctor's output; --target cpu computes the same without a "
        "GPU"
    ),
    broken: (
        "error[SNN518]: the GPU does its work to the end\n"
        "  --> target cuda\n"
        "   found: CUDA_ERROR_ILLEGAL_ADDRESS from cuMemcpyHtoDAsync\n"
        "   limit: a device that does its work\n"
        "  remedy: see what the system log and nvidia-smi say of the GPU, or use --target cpu, "
        "which computes the same without a GPU"
    ),
}


def run_fails() -> SnncError:
    with pytest.raises(SnncError) as caught:
        CudaTarget().run(on_cuda({}), random_inputs(FIXED, steps=4, batch=2), RunOptions())
    return caught.value


@pytest.mark.parametrize("machine", MESSAGES, ids=lambda machine: machine.__name__)
def test_a_machine_that_does_not_run_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    error = run_fails()
    assert str(error) == MESSAGES[machine]
    assert error.exit_code == (4 if machine is bad_source else 3)
    assert isinstance(error, KernelFault if machine is bad_source else EnvironmentFault)


def test_the_bytes_that_are_needed_suffice() -> None:
    program = program_for(FIXED)
    kinds = {name: kind_of(x) for name, x in random_inputs(FIXED, steps=4, batch=2).items()}
    task = Task(program, kinds, recorded_names(program, ()))
    assert chosen_chunk(task, 2, 4 + program.latency, LEAST).steps >= 2
    with pytest.raises(CudaFault):
        chosen_chunk(task, 2, 4 + program.latency, LEAST - 1)


def test_an_artifact_for_other_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuModuleLoadData="CUDA_ERROR_NO_BINARY_FOR_GPU")
    without(monkeypatch, NVRTC)
    plan = json.dumps({"kernels": kernel_hash()}).encode()
    ahead = dict.fromkeys((*image_names(90), *image_names(120)), b"image")
    with pytest.raises(EnvironmentFault) as caught:
        CudaTarget().run(
            on_cuda({"cuda.json": plan, **ahead}),
            random_inputs(FIXED, steps=4, batch=2),
            RunOptions(),
        )
    assert str(caught.value) == (
        "error[SNN517]: the artifact has kernels for this GPU\n"
        "  --> target cuda\n"
        "   found: CUDA_ERROR_NO_BINARY_FOR_GPU from cuModuleLoadData, on NVIDIA Good, sm_90\n"
        "   limit: machine code for this GPU, or PTX for it or an older one\n"
        "  remedy: pip install 'snnc[cuda]', which compiles for this GPU, or compile the model "
        "again with --arch for it"
    )
    assert caught.value.exit_code == 3


def test_an_unknown_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    nvrtc(monkeypatch)
    (problem,) = architecture_problems("sm_90,sm_91", "cuda")
    assert str(problem) == (
        "error[SNN514]: kernels can be compiled for the architecture of the GPU\n"
        "  --> --arch\n"
        "   found: sm_91\n"
        "   limit: sm_75, sm_80, sm_90, sm_120, which the installed NVRTC compiles for\n"
        "  remedy: --arch sm_75, which runs on these and all later ones, or install a newer "
        "nvidia-cuda-nvrtc"
    )


@pytest.mark.parametrize(
    ("arch", "found"),
    [("", "''"), (90, "90"), (["sm_90", 75], "75"), ("sm_09", "sm_09"), ((), "''")],
)
def test_no_architectures(arch: object, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nvrtc(monkeypatch)
    assert [p.found for p in architecture_problems(arch, "cuda")] == [found]


def test_architectures_go_with_the_target() -> None:
    (problem,) = architecture_problems("sm_90", "lava")
    assert str(problem) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --arch\n"
        "   found: sm_90, and target lava\n"
        "   limit: an option of target cuda\n"
        "  remedy: --target cuda, or leave --arch out"
    )


def test_architectures_need_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NVRTC)
    (problem,) = architecture_problems("sm_90", "cuda")
    assert (problem.rule.code, problem.node, problem.found) == ("SNN511", "--arch", "no NVRTC")
    assert not list(architecture_problems(None, "cuda"))


def test_what_was_taken_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made = driver(monkeypatch, cuEventQuery="CUDA_ERROR_LAUNCH_FAILED")
    nvrtc(monkeypatch)
    assert run_fails().diagnostics[0].found == "CUDA_ERROR_LAUNCH_FAILED from cuEventQuery"
    count = made.called.count
    for take, give in (
        ("cuMemAlloc", "cuMemFree"),
        ("cuMemHostAlloc", "cuMemFreeHost"),
        ("cuEventCreate", "cuEventDestroy"),
        ("cuModuleLoadData", "cuModuleUnload"),
        ("cuGraphInstantiate", "cuGraphExecDestroy"),
        ("cuStreamEndCapture", "cuGraphDestroy"),
        ("cuStreamCreate", "cuStreamDestroy"),
        ("cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease"),
    ):
        assert count(take) == count(give) > 0, take
    last = len(made.called) - 1 - made.called[::-1].index("cuStreamSynchronize")
    assert made.called.index("cuEventQuery") < last < made.called.index("cuMemFree")


def test_memory_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, cuMemHostAlloc="CUDA_ERROR_OUT_OF_MEMORY")
    nvrtc(monkeypatch)
    with pytest.raises(MemoryError):
        CudaTarget().run(on_cuda({}), random_inputs(FIXED, steps=4, batch=2), RunOptions())


def test_time_limit_and_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that never ends its work does not keep the command."""
    driver(monkeypatch, cuEventQuery="CUDA_ERROR_NOT_READY")
    nvrtc(monkeypatch)
    inputs = random_inputs(FIXED, steps=4, batch=2)
    with pytest.raises(TimeLimitExceeded) as caught:
        CudaTarget().run(on_cuda({}), inputs, RunOptions(timeout=0.2))
    assert caught.value.diagnostics[0].node == "target cuda"

    def interrupted(done: int, total: int) -> None:
        del done, total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CudaTarget().run(on_cuda({}), inputs, RunOptions(progress=interrupted))
