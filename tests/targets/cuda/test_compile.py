"""The kernels compile for each architecture without a warning, and are integers, no more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.targets.cuda.audit import problems_of_log, problems_of_ptx
from tests.targets.cuda.compiled import ARCHITECTURES, CompileError, compiled, sources
from tests.targets.cuda.ptx import parsed

pytestmark = pytest.mark.cuda
NVCC = shutil.which("nvcc")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvrtc(architecture: int) -> None:
    made = compiled('#include "kernels.h"\n', architecture, sources())
    assert list(problems_of_log(made.log)) == []
    assert list(problems_of_ptx(made.ptx)) == []
    module = parsed(made.ptx)
    assert module.target == architecture
    assert made.log.count("bytes spill stores") == len(module.entries) > 50


@pytest.mark.slow
@pytest.mark.skipif(NVCC is None, reason="no nvcc here: NVIDIA's other compiler is not heard")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvcc(architecture: int, tmp_path: Path) -> None:
    """The other compiler of NVIDIA, with a front of its own, has nothing to say either."""
    for name, text in sources().items():
        (tmp_path / name).write_text(text)
    (tmp_path / "kernels.cu").write_text('#include "kernels.h"\n')
    done = by_nvcc(tmp_path, architecture)
    assert done.returncode == 0, done.stderr
    assert list(problems_of_log(done.stderr)) == []
    assert done.stderr.count("bytes spill stores") > 50
    (tmp_path / "kernels.cu").write_text("int unused() { int nothing; return 0; }\n")
    warned = by_nvcc(tmp_path, architecture)
    assert warned.returncode != 0
    assert "was declared but never referenced" in warned.stderr


def by_nvcc(folder: Path, architecture: int) -> subprocess.CompletedProcess[str]:
    """Compile ``kernels.cu``, warnings being errors."""
    options = ["-std=c++17", "-cubin", f"-arch=sm_{architecture}", "-Werror", "all-warnings"]
    said = ["-Xptxas", "-v,-warn-spills,-warn-lmem-usage", "-o", "kernels.cubin", "kernels.cu"]
    command = [str(NVCC), *options, *said]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


WARNED = """
extern "C" __global__ void k(int n, float* x) {
  int unused = n;
  int there[64];
  for (int i = 0; i < n; ++i) there[i & 63] = i * n;
  x[0] = there[n & 63] * 0.5f;
}
"""


def test_what_must_not_be_is_found() -> None:
    made = compiled(WARNED, 75, {})
    said = list(problems_of_log(made.log))
    assert [line.split(":")[0] for line in said if "arning" in line][:1] == ["a warning"]
    assert any(line.startswith("memory of its own: ") for line in said)
    found = "\n".join(problems_of_ptx(made.ptx))
    assert "a float: .f32" in found
    assert "local memory" in found


def test_text_that_is_wrong() -> None:
    with pytest.raises(CompileError, match='identifier "nothing" is undefined'):
        compiled('extern "C" __global__ void k(int* x) { *x = nothing; }', 75, {})
