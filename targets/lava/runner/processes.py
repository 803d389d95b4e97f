"""Lava processes of ours and their models: source, synapse, population and sink."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false

from __future__ import annotations

from math import prod
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

from .axons import Gather
from .neuron import Neurons
from .program import Projection
from .synapse import Synapses
from .window import Array, Recorder, Window


class Source(AbstractProcess):
    """Sends the integers of a network's input, sample after sample."""

    def __init__(
        self, name: str, values: Array, window: Window, gather: Gather | None = None
    ) -> None:
        """Take ``values`` of shape ``[steps, batch, n]``, and which are sent, if not all."""
        super().__init__(name=name, values=values, window=window, gather=gather)
        self.s_out = OutPort(shape=values.shape[2:] if gather is None else (gather.size,))


class Sink(AbstractProcess):
    """Receives what a population sends into the memory of ``recorder``."""

    def __init__(self, name: str, size: int, signal: str, recorder: Recorder) -> None:
        super().__init__(name=name, signal=signal, recorder=recorder)
        self.a_in = InPort(shape=(size,))


class Synapse(AbstractProcess):
    """Turns what a source sends into the synaptic input of a population, steps later."""

    def __init__(self, name: str, projection: Projection, shape: tuple[int, ...], n: int) -> None:
        """Take a projection from a source of ``shape`` to ``n`` neurons."""
        super().__init__(name=name, projection=projection, shape=shape, n=n)
        self.s_in = InPort(shape=(prod(shape),))
        self.a_out = OutPort(shape=(n,))


class Population(AbstractProcess):
    """Neurons that restart with every sample and are silent outside of it."""

    def __init__(self, name: str, neurons: Neurons, sends: str, recorder: Recorder) -> None:
        """Take ``neurons``, and which of their signals leaves: ``spikes`` or ``v``."""
        super().__init__(name=name, neurons=neurons, sends=sends, recorder=recorder)
        self.a_in = InPort(shape=(neurons.size,))
        self.s_out = OutPort(shape=(neurons.size,))


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
        self.gather: Gather | None = proc_params["gather"]
        sent = self.values.shape[2:] if self.gather is None else self.gather.size
        self.nothing = np.zeros(sent, np.int32)

    def run_spk(self) -> None:
        """Send one step."""
        position = self.window.position(self.time_step)
        values = None if position is None else self.values[position]
        if self.gather is not None:
            values = self.gather.of([values])
        self.s_out.send(self.nothing if values is None else values)


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SinkModel(PyLoihiProcessModel):
    """Keeps what arrives within a sample."""

    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.signal: str = proc_params["signal"]
        self.recorder: Recorder = proc_params["recorder"]

    def run_spk(self) -> None:
        """Receive one step."""
        self.recorder.keep(self.time_step, **{self.signal: self.a_in.recv()})


@implements(proc=Synapse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SynapseModel(PyLoihiProcessModel):
    """Executes ``Synapses``, and keeps their results for as many steps as the delay."""

    s_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        projection: Projection = proc_params["projection"]
        self.synapses = Synapses(projection.operators, proc_params["shape"], projection.weight_exp)
        self.ring = np.zeros((projection.delay, proc_params["n"]), np.int32)

    def run_spk(self) -> None:
        """Send before it receives: in a loop, each process waits for the one before it."""
        slot = self.time_step % len(self.ring)
        self.a_out.send(self.ring[slot])
        self.ring[slot] = self.synapses.step(self.s_in.recv())


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
        self.sends: str = proc_params["sends"]
        self.recorder: Recorder = proc_params["recorder"]
        self.silence = np.zeros(self.neurons.size, np.int32)

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
        signals = {"spikes": spikes, "u": self.neurons.u, "v": self.neurons.v}
        self.s_out.send(signals[self.sends].astype(np.int32))
        self.recorder.keep(self.time_step, **signals)
