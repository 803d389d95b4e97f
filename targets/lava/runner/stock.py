"""More of Lava's own processes, with models that compute as Lava's and cost less.

``lava.proc.io`` has two processes of the same name for what enters and leaves; here they are
called ``SourceRingBuffer`` and ``SinkRingBuffer``.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.io import sink as sinks
from lava.proc.io import source as sources
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc
from lava.proc.sparse.process import DelaySparse, Sparse

from .window import Array, Recorder, Window


def source(name: str, values: Array, window: Window) -> Any:
    """Give Lava's source of ``values``, ``[steps, batch, n]``: its buffer holds the first sample.

    Behind the steps of the sample stand zeros for those between two samples.
    """
    data = np.zeros((*values.shape[2:], window.period), np.int32)
    data[..., : window.steps] = np.moveaxis(values[:, 0], 0, -1)
    process = sources.RingBuffer(data=data)
    process.name = name
    process.proc_params.overwrite("values", values)
    process.proc_params.overwrite("window", window)
    return process


def sink(name: str, size: int, recorder: Recorder) -> Any:
    """Give Lava's sink of spikes, whose buffer holds a sample."""
    process = sinks.RingBuffer(shape=(size,), buffer=recorder.window.period)
    process.name = name
    process.proc_params.overwrite("recorder", recorder)
    return process


@implements(proc=sources.RingBuffer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RefilledSource(sources.PySendModelFixed):
    """Lava's source, whose buffer is filled anew where a sample begins."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.values: Array = proc_params["values"]
        self.window: Window = proc_params["window"]

    def run_spk(self) -> None:
        """Send one step as Lava does."""
        position = self.window.position(self.time_step)
        if position is not None and position[0] == 0:
            sample = self.values[:, position[1]]
            self.data[..., : self.window.steps] = np.moveaxis(sample, 0, -1)
        super().run_spk()


@implements(proc=sinks.RingBuffer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class EmptiedSink(sinks.PyReceiveModelFixed):
    """Lava's sink, of which a copy is kept before a later sample takes its place."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.recorder: Recorder = proc_params["recorder"]

    def run_spk(self) -> None:
        """Receive one step as Lava does."""
        super().run_spk()
        place = (self.time_step - 1) % self.data.shape[-1]
        self.recorder.keep(self.time_step, spikes=self.data[..., place])


@implements(proc=Sparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class ProductSparse(PySparseModelBitAcc):
    """Lava's ``Sparse`` as one product of matrix and vector.

    Lava picks the columns of the neurons that spiked, which takes ten times as long.
    """

    a_buff: Any = LavaPyType(np.ndarray, np.int32)

    def run_spk(self) -> None:
        """Advance one step as Lava does: send first, clear and clip weights in the first step."""
        if not self.weights_set:
            super().run_spk()
            return
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        if self.num_message_bits.item() == 0:
            s_in = s_in.astype(bool)
        self.a_buff = shifted(self.weights.dot(s_in.astype(np.int32)), self.weight_exp)


@implements(proc=DelaySparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class UniformDelaySparse(PyDelaySparseModelBitAcc):
    """Lava's ``DelaySparse`` where all delays are equal.

    Lava builds, in each step, a matrix of all weights for every possible delay. With one delay,
    all but the last of these matrices are zero.
    """

    def calc_act(self, s_in: Array) -> Array:
        """Give the synaptic input of this step, shape ``[n_target, delay + 1]``."""
        act = np.zeros(self.a_buff.shape, np.int32)
        act[:, -1] = self.weights.dot(s_in.astype(np.int32))
        return act


def shifted(total: Array, exponent: int) -> Array:
    """Give ``total * 2**exponent``, rounded down."""
    return total << exponent if exponent > 0 else total >> -exponent
