"""``snnc targets`` says that kernels ran on a GPU only of kernels that did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snnc.targets.cuda.evidence import (
    NEVER,
    RECORD,
    Evidence,
    read_evidence,
    standing,
    write_evidence,
)
from snnc.targets.cuda.sources import kernel_hash, kernel_sources
from snnc.targets.cuda.target import CudaTarget

GOOD = Evidence(
    device="NVIDIA Good",
    architecture="sm_90",
    driver="13.0",
    date="2026-01-02",
    kernels=kernel_hash(),
    traces={"recurrent": "ab"},
)


def test_a_record_of_todays_kernels(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    assert write_evidence(GOOD, path)
    assert read_evidence(path) == GOOD
    assert standing(path) == "verified on NVIDIA Good, 2026-01-02"


@pytest.mark.parametrize(
    "record", [replace(GOOD, kernels="0" * 64), replace(GOOD, device="EMULATED GPU")]
)
def test_a_record_that_shows_nothing(record: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    write_evidence(replace(record, device="NVIDIA Good"), path)
    path.write_text(path.read_text().replace("NVIDIA Good", record.device))
    assert standing(path) == NEVER


@pytest.mark.parametrize("record", [replace(GOOD, device="EMULATED"), replace(GOOD, traces={})])
def test_nothing_is_written_of_what_is_no_gpu(record: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    assert not write_evidence(record, path)
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"device": 3'])
def test_what_is_no_record(text: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    assert (read_evidence(path), standing(path)) == (None, NEVER)


def test_the_target_says_how_it_stands() -> None:
    assert CudaTarget.summary.endswith(f"; {standing()}")
    assert RECORD.exists() or standing() == NEVER


def test_the_hash_is_of_all_that_kernels_are_made_of() -> None:
    assert {"arithmetic.h", "dense.h", "kernels.h", "neurons.h"} <= set(kernel_sources())
    assert len(kernel_hash()) == 64
