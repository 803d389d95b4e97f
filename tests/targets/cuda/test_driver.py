"""The stand-in for the driver: late streams, graphs, errors; what it lacks, it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.targets.cuda import driver
from tests.targets.cuda.compiled import compiled

pytestmark = [pytest.mark.cuda]
KERNELS = """
extern "C" __global__ void twice(int n, const int* x, int* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 2 * x[i];
}
extern "C" __global__ void beyond(int n, int* y) { y[n + threadIdx.x] = 1; }
extern "C" __global__ void sum(int n, const int* x, int* y) { *y += x[threadIdx.x]; }
extern "C" __global__ void forever(int n, int* y) {
  while (n) atomicAdd(y, n);
}
extern "C" __global__ void apart(int n) { if (threadIdx.x < n) __syncthreads(); }
extern "C" __global__ void reads(int n, const int* x, int* y) {
  __shared__ int kept[32];
  if (threadIdx.x < n) kept[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = kept[threadIdx.x];
}
"""
BEGIN = """
import re
import sys
from pathlib import Path
import numpy as np
from ctypes import c_int32, c_uint8, c_void_p
from cuda.bindings import driver as cu

def call(function, *arguments):
    code, *values = function(*arguments)
    if code.value:
        sys.exit(f"{function.__name__}: {code.name}")
    return values[0] if values else None

call(cu.cuInit, 0)
context = call(cu.cuDevicePrimaryCtxRetain, 0)
call(cu.cuCtxSetCurrent, context)
stream = call(cu.cuStreamCreate, 1)
module = call(cu.cuModuleLoadData, Path(sys.argv[1]).read_bytes() + b"\\0")

def pinned(n):
    address = int(call(cu.cuMemHostAlloc, 4 * n, 0))
    return np.ctypeslib.as_array((c_uint8 * (4 * n)).from_address(address)).view(np.int32)

def launch(name, *arguments, grid=1, block=32, on=None):
    kinds = tuple(c_int32 if k == 0 else c_void_p for k, _ in enumerate(arguments))
    function = call(cu.cuModuleGetFunction, module, name.encode())
    shape = (grid, 1, 1, block, 1, 1)
    call(cu.cuLaunchKernel, function, *shape, 0, on or stream, (arguments, kinds), 0)

def wait():
    call(cu.cuStreamSynchronize, stream)

x, y = (int(call(cu.cuMemAlloc, 128)) for _ in "xy")
a, b = pinned(32), pinned(32)
a[:] = range(32)
call(cu.cuMemcpyHtoDAsync, x, a.ctypes.data, 128, stream)
"""
END = """
call(cu.cuStreamDestroy, stream)
call(cu.cuModuleUnload, module)
for address in (x, y):
    call(cu.cuMemFree, address)
for array in (a, b):
    call(cu.cuMemFreeHost, array.ctypes.data)
call(cu.cuDevicePrimaryCtxRelease, 0)
"""


@pytest.fixture(scope="module")
def ptx() -> str:
    return compiled(KERNELS, 75, {}).ptx


def ended(ptx: str, folder: Path, body: str, **asked: object) -> driver.Ended:
    """Run a program with the stand-in."""
    file = folder / "kernels.ptx"
    file.write_text(ptx)
    return driver.run([sys.executable, "-c", BEGIN + body, str(file)], folder, None, **asked)


COPY = "call(cu.cuMemcpyDtoHAsync, b.ctypes.data, y, 128, stream)\n"
GOOD = 'launch("twice", 32, x, y)\n' + COPY + "wait()\nprint(b.tolist() == (2 * a).tolist())\n"


@pytest.mark.parametrize("seed", range(4))
def test_work_is_done_in_the_order_of_a_stream(ptx: str, tmp_path: Path, seed: int) -> None:
    done = ended(ptx, tmp_path, GOOD + END, seed=seed)
    assert (done.code, done.out, done.err) == (0, "True\n", "")
    assert done.report is not None
    assert done.report.wrong == []
    assert done.report.launched == {"twice": 1}


def test_who_does_not_wait_reads_poison(ptx: str, tmp_path: Path) -> None:
    done = ended(
        ptx, tmp_path, GOOD.replace("wait()", "") + "print(hex(int(b[0]) % 2**32))\n" + END
    )
    assert done.out == "False\n0xcdcdcdcd\n"


def test_memory_that_is_filled_while_it_is_copied(ptx: str, tmp_path: Path) -> None:
    done = ended(ptx, tmp_path, "a[:] = 7\n" + GOOD.replace("(2 * a)", "np.full(32, 14)"))
    assert done.out == "True\n"


def test_streams_that_do_not_wait_for_each_other(ptx: str, tmp_path: Path) -> None:
    """The default stream and one that is not blocking have no order."""
    outcomes: set[str] = set()
    for seed in range(12):
        body = 'call(cu.cuMemsetD32, y, 5, 32)\nlaunch("twice", 32, x, y)\nwait()\n'
        body += "call(cu.cuMemcpyDtoH, b.ctypes.data, y, 128)\nprint(b[1])\n"
        outcomes.add(ended(ptx, tmp_path, body, seed=seed).out)
    assert outcomes == {"2\n", "5\n"}


GRAPH = """
mode = cu.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
call(cu.cuStreamBeginCapture, stream, mode)
launch("twice", 32, x, y)
call(cu.cuMemcpyDtoDAsync, x, y, 128, stream)
graph = call(cu.cuStreamEndCapture, stream)
whole = call(cu.cuGraphInstantiate, graph, 0)
for _ in range(3):
    call(cu.cuGraphLaunch, whole, stream)
event = call(cu.cuEventCreate, 2)
call(cu.cuEventRecord, event, stream)
while cu.cuEventQuery(event)[0].value:
    pass
call(cu.cuMemcpyDtoH, b.ctypes.data, x, 128)
print(b.tolist() == (8 * a).tolist())
call(cu.cuEventDestroy, event)
call(cu.cuGraphExecDestroy, whole)
call(cu.cuGraphDestroy, graph)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_is_recorded_and_replayed(ptx: str, tmp_path: Path, seed: int) -> None:
    done = ended(ptx, tmp_path, GRAPH + END, seed=seed)
    assert (done.out, done.err) == ("True\n", "")
    assert done.report is not None
    assert done.report.wrong == []
    assert done.report.launched == {"twice": 3}


def test_a_capture_forbids_to_wait(ptx: str, tmp_path: Path) -> None:
    body = "call(cu.cuStreamBeginCapture, stream, cu.CUstreamCaptureMode(1))\nwait()\n"
    assert ended(ptx, tmp_path, body).err == (
        "cuStreamSynchronize: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED\n"
    )


WRONG = {
    'launch("beyond", 20, y)\nwait()': (
        "beyond, block (0, 0, 0), thread (N, 0, 0), line N: a store of 4 bytes outside of all "
        "allocations",
        "cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS\n",
    ),
    'launch("forever", 1, y)\nwait()': (
        "forever, block (0, 0, 0), thread (N, 0, 0), line N: does not end",
        "cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS\n",
    ),
    'launch("apart", 5)\nwait()' + END: (
        "apart, block (0, 0, 0), thread (N, 0, 0), line N: waits at a barrier that others of its "
        "block never reach",
        "",
    ),
    'call(cu.cuMemsetD32, y, 0, 32)\nlaunch("sum", 32, x, y)\nwait()' + END: (
        "sum, block (0, 0, 0), thread (N, 0, 0), line N: a load of 4 bytes races with another "
        "thread",
        "",
    ),
    'launch("reads", 31, x, y)\nwait()' + END: (
        "reads, block (0, 0, 0), thread (N, 0, 0), line N: a load of 4 bytes reads what nobody "
        "wrote",
        "",
    ),
    'launch("twice", 32, y, x)\nwait()' + END: (
        "twice, block (0, 0, 0), thread (N, 0, 0), line N: a load of 4 bytes reads what nobody "
        "wrote",
        "",
    ),
}


@pytest.mark.parametrize("body", WRONG)
def test_what_kernels_do_wrong_is_found(ptx: str, tmp_path: Path, body: str) -> None:
    done = ended(ptx, tmp_path, "wait()\n" + body)
    assert done.report is not None
    found = [re.sub(r"line \d+", "line N", f) for f in done.report.faults]
    found = [re.sub(r"thread \(\d+", "thread (N", f) for f in found]
    assert WRONG[body][0] in found
    assert done.err == WRONG[body][1]


def test_what_is_not_given_back_is_counted(ptx: str, tmp_path: Path) -> None:
    done = ended(ptx, tmp_path, GOOD)
    assert done.report is not None
    assert done.report.wrong == [
        "1 contexts left",
        "2 allocations left",
        "2 host allocations left",
        "1 modules left",
        "1 streams left",
    ]


ASKED: dict[str, tuple[dict[str, object], str]] = {
    "no device": ({"devices": 0}, "cuInit: CUDA_ERROR_NO_DEVICE\n"),
    "PTX newer than the driver": (
        {"driver_version": 13000},
        "cuModuleLoadData: CUDA_ERROR_UNSUPPORTED_PTX_VERSION\n",
    ),
    "PTX for a later device": (
        {"capability": 70},
        "cuModuleLoadData: CUDA_ERROR_INVALID_PTX\n",
    ),
    "memory that is too small": ({"memory": 200}, "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY\n"),
    "the third allocation": (
        {"fail_allocation": 3},
        "cuMemHostAlloc: CUDA_ERROR_OUT_OF_MEMORY\n",
    ),
    "a launch": ({"fail_launch": 1}, "cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED\n"),
}


@pytest.mark.parametrize("name", ASKED)
def test_errors_that_the_environment_asks_for(ptx: str, tmp_path: Path, name: str) -> None:
    asked, said = ASKED[name]
    assert ended(ptx, tmp_path, GOOD, **asked).err == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x7fELF of another machine", "CUDA_ERROR_NO_BINARY_FOR_GPU"),
        ("no PTX", "CUDA_ERROR_INVALID_PTX"),
        (".version 9.0\n.target sm_75\n.address_size 64\nnothing", "CUDA_ERROR_INVALID_PTX"),
    ],
)
def test_what_is_no_module(tmp_path: Path, text: str, said: str) -> None:
    assert f"cuModuleLoadData: {said}\n" in ended(text, tmp_path, "").err


def test_what_the_stand_in_lacks_is_said_by_name(ptx: str, tmp_path: Path) -> None:
    done = ended(ptx, tmp_path, "cu.cuMemcpyPeer(x, context, y, context, 4)")
    assert done.code != 0
    assert done.err.splitlines()[-1].endswith("function cuMemcpyPeer is not found")


def test_nvrtc_lives_beside_the_stand_in(tmp_path: Path) -> None:
    """NVRTC 13.5 looks for cuGetExportTable, and must be told that there is none."""
    program = (
        "from cuda.bindings import driver, nvrtc\ndriver.cuInit(0)\nprint(nvrtc.nvrtcVersion()[0])"
    )
    done = driver.run([sys.executable, "-c", program], tmp_path)
    assert (done.code, done.err) == (0, "")
