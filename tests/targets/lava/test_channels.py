"""Channels without threads, and bursts, on Lava itself but without a network."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.lava

SCRIPT = r"""
import multiprocessing, os, threading
import numpy as np
from snnc.targets.lava.runner import compat
compat.install()
from lava.magma.compiler.channels import pypychannel
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.runtime.message_infrastructure import multiprocessing as infrastructure
from lava.magma.runtime.message_infrastructure.shared_memory_manager import SharedMemoryManager
from lava.magma.core.model.py import model as py_model
from lava.proc.monitor.models import PyMonitorModel
from snnc.targets.lava.runner.bursts import Bursts
from snnc.targets.lava.runner.channels import Selector, without_threads

# Only inside, Lava builds these.
with without_threads():
    kind, selector = infrastructure.PyPyChannel, py_model.CspSelector
    assert infrastructure.MultiProcessing().channel_class(0) is kind
assert infrastructure.PyPyChannel is pypychannel.PyPyChannel is not kind
assert py_model.CspSelector is pypychannel.CspSelector is not selector is Selector

memory = SharedMemoryManager()
memory.start()
class Messages:
    smm = memory
def channel(size):
    made = kind(Messages, "a", "b", (3,), np.int32, size)
    return made.src_port, made.dst_port

# In one process: a ring of two slots is full after two, and again after the next round.
send, recv = channel(2)
send.start(), recv.start()
assert threading.active_count() == 1
for start in (0, 10, 20):
    assert send.probe() and not recv.probe()
    send.send(np.full(3, start))
    assert send.probe() and recv.probe()
    send.send(np.full(3, start + 1))
    assert not send.probe()
    assert recv.peek()[0] == recv.peek()[0] == start
    first = recv.recv()
    assert send.probe()
    assert (first.tolist(), recv.recv().tolist()) == ([start] * 3, [start + 1] * 3)
try:
    send.send(np.zeros(4))
except ValueError as error:
    assert str(error) == "a: shape (4,) in place of (3,)"
else:
    raise SystemExit("a wrong shape went through")

# Between two processes, far more messages than slots, there and back.
there, arriving = channel(2)
back, returning = channel(2)
there_2, arriving_2 = channel(1)
if not os.fork():
    arriving.start(), arriving_2.start(), back.start()
    for _ in range(3000):
        back.send(arriving.recv() + 1)
    selector = Selector()
    for _ in range(200):
        name = selector.select((arriving, lambda: "one"), (arriving_2, lambda: "two"))
        port = {"one": arriving, "two": arriving_2}[name]
        back.send(port.recv() + (1000 if name == "two" else 0))
    os._exit(0)
there.start(), there_2.start(), returning.start()
ahead = 3  # two slots here and one message on its way, or two
for n in range(3000 + ahead):
    if n < 3000:
        there.send(np.array([n, -n, 7]))
    if n >= ahead:
        assert returning.recv().tolist() == [n - ahead + 1, ahead - n + 1, 8]
for n in range(200):
    port = there_2 if n % 3 else there
    port.send(np.full(3, n))
    assert Selector().select((returning, returning.recv)).tolist() == [n + 1000 * bool(n % 3)] * 3
assert os.wait()[1] == 0
memory.shutdown()

# All make bursts, or none does.
class Plain(PyLoihiProcessModel):
    steps_made = 0
    def run_spk(self):
        self.steps_made += 1
class Port:
    sent = []
    def send(self, data):
        self.sent.append(data)
bursts = Bursts({"p": Plain})
assert bursts.commands(7) == 1
model = bursts.models["p"]({})
model.process_to_service = Port()
model._spike()
assert (model.steps_made, model.time_step, len(Port.sent)) == (7, 7, 1)
bursts = Bursts({"p": Plain, "m": PyMonitorModel})
assert bursts.models == {"p": Plain, "m": PyMonitorModel}
assert bursts.commands(7) == 7
"""


def test_channels_and_bursts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
