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
    """Lava's ``LIFReset`` that copies its signals after each step."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.recorder: Recorder = proc_params["recorder"]

    def reset_voltage(self, spike_vector: Array) -> None:
        """Reset as Lava does, and remember which neurons spiked."""
        super().reset_voltage(spike_vector)
        self.spikes = spike_vector

    def run_spk(self) -> None:
        """Advance one step as Lava does, and record it."""
        super().run_spk()
        self.recorder.keep(self.time_step, spikes=self.spikes, u=self.u, v=self.v)


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
