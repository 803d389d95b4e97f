"""``snnc run`` and the runner of an artifact, on the stand-in for the driver: good and bad days."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snnc.targets.cuda.target import CudaTarget
from tests.targets.cuda import driver
from tests.targets.lava.networks import (
    artifact,
    expected,
    expected_outputs,
    random_inputs,
    recurrent,
    save_inputs,
)

pytestmark = [pytest.mark.cuda, pytest.mark.slow]
STEPS, BATCH = 9, 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact for sm_75, and inputs."""
    path = tmp_path_factory.mktemp("path")
    fixed = recurrent()
    options = {"arch": ["sm_75"]}
    members = CudaTarget().members(fixed, options)
    replace(artifact(fixed), target="cuda", options=options, members=members).save(path / "a")
    save_inputs(path / "x.npz", random_inputs(fixed, steps=STEPS, batch=BATCH))
    return path


def run(folder: Path, reports: Path, **asked: object) -> driver.Ended:
    """Run the artifact with snnc; on a device of capability 7.5, but for what is asked."""
    out = reports / "out.npz"
    command = ["-m", "snnc", "run", str(folder / "a"), "--input", str(folder / "x.npz")]
    command = [sys.executable, *command, "-o", str(out), "--record", "spikes,u,v"]
    return driver.run(command, reports, driver.cached(), **{"capability": 75, **asked})


@pytest.mark.parametrize("seed", range(3))
def test_snnc_run(folder: Path, tmp_path: Path, seed: int) -> None:
    ended = run(folder, tmp_path, seed=seed)
    assert ended.code == 0, ended.err
    assert ended.report is not None
    assert ended.report.wrong == []
    fixed = recurrent()
    wanted = expected(fixed, random_inputs(fixed, steps=STEPS, batch=BATCH))
    with np.load(tmp_path / "out.npz") as given:
        for name, values in expected_outputs(fixed, wanted).items():
            assert np.array_equal(given[name], values)
        for p in fixed.populations:
            for signal in "uv":
                assert np.array_equal(given[f"{p.name}.{signal}"], wanted[signal][p.name])


def test_the_runner_gives_the_same(folder: Path, tmp_path: Path) -> None:
    """It stands in the artifact, and needs nothing of snnc."""
    assert run(folder, tmp_path).code == 0
    alone = tmp_path / "alone.npz"
    command = [sys.executable, str(folder / "a" / "run.py"), "--input", str(folder / "x.npz")]
    command += ["--output", str(alone), "--record", "spikes,u,v"]
    ended = driver.run(command, tmp_path, driver.cached(), capability=75)
    assert ended.code == 0, ended.err
    assert ended.report is not None
    assert ended.report.wrong == []
    with np.load(tmp_path / "out.npz") as one, np.load(alone) as other:
        assert sorted(one.files) == sorted(other.files)
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


BAD: dict[str, tuple[dict[str, object], str, str]] = {
    "no device": ({"devices": 0}, "SNN512", "CUDA_ERROR_NO_DEVICE from cuInit"),
    "an old driver": ({"driver_version": 12020}, "SNN513", "a driver for CUDA 12.2"),
    "an old GPU": (
        {"capability": 70},
        "SNN514",
        "EMULATED, not a GPU, compute capability 7.0",
    ),
    "little memory": ({"memory": 3000}, "SNN515", "3000 bytes free"),
    "an allocation that fails": ({"fail_allocation": 3}, "SNN515", ""),
    "a launch that fails": (
        {"fail_launch": 2},
        "SNN518",
        "CUDA_ERROR_LAUNCH_FAILED from cuEventQuery",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_day(folder: Path, tmp_path: Path, name: str) -> None:
    asked, code, found = BAD[name]
    ended = run(folder, tmp_path, **asked)
    said = ended.err.removeprefix("running on cuda ...\n")
    assert said.startswith(f"error[{code}]: "), ended.err
    assert f"   found: {found}" in said
    assert said.count("\n") == 5
    assert ended.code == 3
    assert not (tmp_path / "out.npz").exists()
    if ended.report is not None:  # it came as far as the driver
        assert ended.report.wrong == []


def test_whichever_allocation_fails_all_is_given_back(folder: Path, tmp_path: Path) -> None:
    good = run(folder, tmp_path)
    assert good.report is not None
    for number in {1, 2, good.report.allocations // 2, good.report.allocations}:
        ended = run(folder, tmp_path, fail_allocation=number)
        assert ended.code == 3, ended.err
        assert ended.report is not None
        assert ended.report.wrong == []
