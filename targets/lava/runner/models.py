"""Models of Lava's own processes: they compute as Lava's, and record, or are faster."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.proc.lif.process import LIFReset

from .rows import Rows
from .window import Array, Recorder


@implements(proc=LIFReset, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordingLifReset(PyLifResetModelBitAcc):
    """Lava's ``LIFReset`` that copies its signals after each step, and rests between samples."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.recorders: tuple[Recorder, ...] = proc_params["recorders"]
        self.silence = np.zeros(proc_params["shape"], np.int32)

    def reset_voltage(self, spike_vector: Array) -> None:
        """Reset as Lava does, and remember which neurons spiked."""
        super().reset_voltage(spike_vector)
        self.spikes = spike_vector

    def run_spk(self) -> None:
        """Advance one step as Lava does, and record it; receive and drop it where there is none.

        Lava's own would run on, and spike into the next sample.
        """
        if self.recorders[0].window.position(self.time_step) is None:
            self.a_in.recv()
            self.s_out.send(self.silence)
            return
        super().run_spk()
        for recorder in self.recorders:
            recorder.keep(self.time_step, spikes=self.spikes, u=self.u, v=self.v)


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FastDense(PyDenseModelBitAcc):
    """Lava's ``Dense``, with the same sums made faster.

    The first step is Lava's: in it, Lava clips and truncates the weights.
    """

    a_buff: Any

    def run_spk(self) -> None:
        """Advance one step."""
        if not self.weights_set:
            super().run_spk()
            self.rows, self.next = Rows(self.weights), self.a_buff
            return
        self.a_out.send(self.next)
        self.next = shifted(received_sums(self), self.weight_exp)


@implements(proc=DelayDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FastDelayDense(PyDelayDenseModelBitAcc):
    """Lava's ``DelayDense`` where all delays are equal, with the same sums made faster.

    Lava builds, in each step, a matrix of all weights for every possible delay. With one delay,
    all but the last of these matrices are zero. The first step is Lava's: in it, Lava clips and
    truncates the weights.
    """

    def calc_act(self, s_in: Array) -> Array:
        """Give the sums of the first step, shape ``[n_target, delay + 1]``."""
        self.rows = Rows(self.weights)
        act = np.zeros(self.a_buff.shape, np.int64)
        act[:, -1] = self.rows.times(s_in)
        return act

    def run_spk(self) -> None:
        """Advance one step; what is sent next lies in ``ring[slot]``."""
        if not self.weights_set:
            super().run_spk()
            self.ring, self.slot = np.ascontiguousarray(self.a_buff.T), 0
            return
        self.a_out.send(self.ring[self.slot])
        self.ring[self.slot] = shifted(received_sums(self), self.weight_exp)
        self.slot = (self.slot + 1) % len(self.ring)


def received_sums(model: Any) -> Array:
    """Receive, and give the sums before the exponent as Lava makes them.

    Graded messages give 32 bits, binary ones count where they are not zero
    (``lava/proc/dense/models.py:91-100``).
    """
    x: Array = model.s_in.recv()
    rows: Rows = model.rows
    if model.num_message_bits.item() > 0:
        return rows.times(x).astype(np.int32)
    return rows.times(x != 0)


def shifted(sums: Array, exponent: int) -> Array:
    """Give ``sums * 2**exponent``, rounded down (``lava/proc/dense/models.py:101-105``)."""
    result: Array = sums << exponent if exponent > 0 else sums >> -exponent
    return result
