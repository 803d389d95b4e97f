"""Lava processes of ours and their models: source, sink, and a population with any reset."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from .neuron import Neurons
from .window import Array, Recorder, Window


class Source(AbstractProcess):
    """Sends the integers of a network's input, sample after sample."""

    def __init__(self, name: str, values: Array, window: Window) -> None:
        """Take ``values`` of shape ``[steps, batch, n]``."""
        super().__init__(name=name, values=values, window=window)
        self.s_out = OutPort(shape=values.shape[2:])


class Sink(AbstractProcess):
    """Receives the spikes of a population into the memory of ``recorder``."""

    def __init__(self, name: str, size: int, recorder: Recorder) -> None:
        super().__init__(name=name, recorder=recorder)
        self.a_in = InPort(shape=(size,))


class Population(AbstractProcess):
    """Neurons that restart with every sample and are silent outside of it."""

    def __init__(self, name: str, neurons: Neurons, recorder: Recorder) -> None:
        super().__init__(name=name, neurons=neurons, recorder=recorder)
        self.a_in = InPort(shape=neurons.theta.shape)
        self.s_out = OutPort(shape=neurons.theta.shape)


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SourceModel(PyLoihiProcessModel):
    """Sends zeros between samples."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.values: Array = proc_params["values"]
        self.window: Window = proc_params["window"]
        self.nothing = np.zeros(self.values.shape[2:], np.int32)

    def run_spk(self) -> None:
        """Send one step."""
        position = self.window.position(self.time_step)
        self.s_out.send(self.nothing if position is None else self.values[position])


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SinkModel(PyLoihiProcessModel):
    """Keeps what arrives within a sample."""

    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.recorder: Recorder = proc_params["recorder"]

    def run_spk(self) -> None:
        """Receive one step."""
        self.recorder.keep(self.time_step, spikes=self.a_in.recv())


@implements(proc=Population, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PopulationModel(PyLoihiProcessModel):
    """Executes ``Neurons``."""

    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.neurons: Neurons = proc_params["neurons"]
        self.recorder: Recorder = proc_params["recorder"]
        self.silence = np.zeros(self.neurons.theta.shape, np.int32)

    def run_spk(self) -> None:
        """Advance one step, or rest where there is none.

        The input of a step outside of every sample is received and dropped.
        """
        a = self.a_in.recv()
        position = self.recorder.window.position(self.time_step)
        if position is None:
            self.s_out.send(self.silence)
            return
        if position[0] == 0:
            self.neurons.rest()
        spikes = self.neurons.step(a)
        self.s_out.send(spikes.astype(np.int32))
        self.recorder.keep(self.time_step, spikes=spikes, u=self.neurons.u, v=self.neurons.v)
