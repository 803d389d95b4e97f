"""Cores as Lava processes, each with the processes of its parts within, and its input axons."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from .axons import Axons, Gather
from .program import Process, Program

SENDING = ("input", "population", "axons")
"""Roles of the nodes that others hear; no two of them have the same name."""
Made = Mapping[Process, Any]
"""The Lava process of each node that has one."""
Ports = dict[str, Any]
"""By name of a node the port at which it is heard."""


class AxonsProcess(AbstractProcess):
    """Gives what several sources send side by side, in the same step.

    Attributes:
        inputs: A port for each source.
    """

    def __init__(
        self, axons: Axons, shapes: Mapping[str, tuple[int, ...]], name: str | None = None
    ) -> None:
        """Take the axons, and the shape of every node by name."""
        super().__init__(name=name, axons=axons)
        self.inputs = [InPort(shape=(prod(shapes[source]),)) for source in axons.sources]
        for index, port in enumerate(self.inputs):
            setattr(self, _input(index), port)
        self.s_out = OutPort(shape=(axons.size,))


@implements(proc=AxonsProcess, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class AxonsModel(PyLoihiProcessModel):
    """Keeps no step: what it receives it sends on."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        axons: Axons = proc_params["axons"]
        self.gather = Gather(axons)
        self.names = [_input(index) for index in range(len(axons.sources))]

    def run_spk(self) -> None:
        """Advance one step."""
        self.s_out.send(self.gather.of([getattr(self, name).recv() for name in self.names]))


def axons_model(axons: Axons) -> type:
    """Give the model, with as many ports as there are sources: Lava wants them in the class."""
    kind = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    return type("AxonsModel", (AxonsModel,), {_input(k): kind for k in range(len(axons.sources))})


def _input(index: int) -> str:
    return f"a_in_{index}"


class Core(AbstractProcess):
    """A core.

    Attributes:
        hears: A port for each node outside of it that one within hears.
        tells: A port for each node within that one outside hears.
    """

    def __init__(
        self, program: Program, made: Made, hears: Iterable[str], tells: Iterable[str], name: str
    ) -> None:
        """Take the processes within, and the names of nodes that need a port."""
        super().__init__(name=name, program=program, made=made)
        sizes = {node: (prod(shape),) for node, shape in program.shapes.items()}
        self.hears: Ports = {node: InPort(shape=sizes[node]) for node in hears}
        self.tells: Ports = {node: OutPort(shape=sizes[node]) for node in tells}
        for index, port in enumerate(self.hears.values()):
            setattr(self, f"hears_{index}", port)
        for index, port in enumerate(self.tells.values()):
            setattr(self, f"tells_{index}", port)


@implements(proc=Core, protocol=LoihiProtocol)
@tag("fixed_pt")
class CoreModel(AbstractSubProcessModel):
    """Connects the processes within to each other and to the ports."""

    def __init__(self, proc: Any) -> None:
        made: Made = proc.proc_params["made"]
        ports = ports_of(made, {})
        connect(proc.proc_params["program"], made, proc.hears | ports, {})
        for node, port in proc.tells.items():
            ports[node].connect(port)
        for index, lava_process in enumerate(made.values()):
            setattr(self, f"process_{index}", lava_process)  # where Lava looks for them


def make_cores(program: Program, made: Made, heard: Iterable[str]) -> dict[int, Core]:
    """Make a process for each core, with the processes of its nodes within.

    Args:
        program: What runs.
        made: Processes of nodes, connected to none yet.
        heard: Nodes that are heard outside of every core, by other than nodes.
    """
    home = {process.of: process.core for process in made if process.role in SENDING}
    wires = {(node, process.core) for process in made for node in _heard_by(program, process)}
    wires |= {(node, None) for node in heard}
    cores: dict[int, Core] = {}
    for core in sorted({process.core for process in made if process.core is not None}):
        within = {process: one for process, one in made.items() if process.core == core}
        hears = sorted(n for n, listener in wires if listener == core and home.get(n) != core)
        tells = sorted({n for n, listener in wires if listener != core and home.get(n) == core})
        cores[core] = Core(program, within, hears, tells, f"core{core:04d}")
    return cores


def ports_of(made: Made, cores: Mapping[int, Core]) -> Ports:
    """Give the port at which each node is heard, one within a core at a port of the core."""
    ports: Ports = {p.of: one.s_out for p, one in made.items() if p.role in SENDING}
    for core in cores.values():
        ports |= core.tells
    return ports


def connect(program: Program, made: Made, ports: Ports, cores: Mapping[int, Core]) -> None:
    """Connect the processes of nodes, and cores, with what they hear at ``ports``."""
    targets = {p.of: one for p, one in made.items() if p.role == "population"}
    for process, one in made.items():
        if process.role == "projection":
            projection = program.projections[process.of]
            pass_through(ports[projection.source], one, targets[projection.target].a_in)
        elif process.kind == "Axons":
            for port, source in zip(one.inputs, program.axons[process.of].sources, strict=True):
                ports[source].connect(port)
        elif process.role == "output":
            ports[program.outputs[process.of]].connect(one.a_in)
    for core in cores.values():
        for node, port in core.hears.items():
            ports[node].connect(port)


def heard_nodes(program: Program, processes: Iterable[Process]) -> frozenset[str]:
    """Name the nodes that others hear; an input may enter at axons alone."""
    return frozenset(node for process in processes for node in _heard_by(program, process))


def _heard_by(program: Program, process: Process) -> Iterator[str]:
    """Yield the nodes that a node hears."""
    match process.role:
        case "projection":
            yield program.projections[process.of].source
        case "axons" if process.kind == "Axons":
            yield from program.axons[process.of].sources
        case "output":
            yield program.outputs[process.of]
        case _:
            pass


def pass_through(source: Any, synapse: Any, target: Any) -> None:
    """Connect the port ``source`` to the port ``target`` through the process of a projection."""
    if len(synapse.s_in.shape) > 1:
        from .conv import connect as connect_planes

        connect_planes(source, synapse, target)
        return
    source.connect(synapse.s_in)
    synapse.a_out.connect(target)
