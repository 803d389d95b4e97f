"""Models of Lava's own processes: they compute as Lava's, and do one thing more."""

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
from lava.proc.dense.models import PyDelayDenseModelBitAcc
from lava.proc.dense.process import DelayDense
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.proc.lif.process import LIFReset

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


@implements(proc=DelayDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class UniformDelayDense(PyDelayDenseModelBitAcc):
    """Lava's ``DelayDense`` where all delays are equal.

    Lava builds, in each step, a matrix of all weights for every possible delay. With one delay,
    all but the last of these matrices are zero.
    """

    def calc_act(self, s_in: Array) -> Array:
        """Give the synaptic input of this step, shape ``[n_target, delay + 1]``."""
        act = np.zeros(self.a_buff.shape, np.int64)
        act[:, -1] = self.weights @ s_in.astype(np.int32)
        return act
