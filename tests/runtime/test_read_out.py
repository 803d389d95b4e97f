"""A network whose output is a potential: what the command says of a run of it."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from snnc.runtime.deploy import compile
from tests.builders import chain, linear
from tests.runtime.conftest import Snnc


@pytest.mark.usefixtures("here")
def test_potentials_are_not_counted_as_spikes(tmp_path: Path, snnc: Snnc) -> None:
    leak, one = np.full(2, 0.01, np.float32), np.ones(2, np.float32)
    read_out = nir.LI(tau=leak, r=one, v_leak=0 * one)
    compile(chain(linear(np.eye(2)), read_out, n=2), "integer", dt=1e-4).save("r")
    np.save(tmp_path / "ones.npy", np.ones((5, 1, 2), np.float32))
    ended = snnc("run", "r", "--input", str(tmp_path / "ones.npy"), "-o", "out.npz")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("wrote out.npz: potentials, ")
    with np.load("out.npz") as found:
        assert all(np.count_nonzero(found[name]) for name in found.files)
