"""The repairs of lava-nc, each asked for what fails without it, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lava

SCRIPT = """
import inspect, multiprocessing, types
import numpy as np
multiprocessing.Queue()  # P6: a start method has been chosen
from snnc.targets.lava.runner import compat
compat.install()
compat.install()
compat.install_libraries()

from lava.magma.core.process.ports.ports import InPort, OutPort  # P1: importing works

# P2
from lava.proc.lif.process import LIF
lif = LIF(shape=(2,))
assert not hasattr(lif.in_ports, "__wrapped__")
try:
    lif.in_ports.nothing
except AssertionError as error:
    assert "is not a member" in str(error)

# P3
out, flat = OutPort((2, 3)), InPort((6,))
reshaped = out.flatten()
array = np.arange(6).reshape(2, 3)
assert reshaped.get_transform_func_fwd()(array).shape == (6,)
assert reshaped.get_transform_func_bwd()(array.ravel()).shape == (2, 3)

# P4
from lava.proc.conv.models import AbstractPyConvModel
for name in ("kernel_size", "stride", "padding", "dilation", "groups"):
    np.zeros(1, getattr(AbstractPyConvModel, name).d_type)[:] = 200

# P5
from lava.proc.clp.nsm.models import PyAllocatorModel
sent = []
model = types.SimpleNamespace(
    allocate_out=types.SimpleNamespace(shape=(1,), send=sent.append),
    trigger_in=types.SimpleNamespace(recv=lambda: np.array([1])),
    next_alloc_id=np.array([7]),
)
PyAllocatorModel.run_spk(model)
assert (sent[0].tolist(), model.next_alloc_id.tolist()) == ([7], [8])

# P7
from lava.proc.graded import models
assert models.inv_sqrt(np.array([4096])) == models.inv_sqrt(4096)

assert multiprocessing.get_start_method() == "fork"
print("all")
"""


def test_repairs() -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("all\n", "")
