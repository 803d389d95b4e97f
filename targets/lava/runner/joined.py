"""An artifact as one Lava process, with ports, for a user's own network of Lava processes.

It runs in the user's program, by Lava's own Runtime. There Lava finds the model of a process by
executing the Python files beside it (``lava/magma/compiler/compiler_graphs.py:795-905``), and takes
one by a tag that the user chooses. Processes of an artifact name their model themselves.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# pyright: reportPrivateUsage=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from .build import Job, make
from .cores import (
    AxonsProcess,
    CoreModel,
    Ports,
    axons_model,
    connect,
    make_cores,
    ports_of,
)
from .joinable import Exit, Schedule, exit_of, identifiers, needs_gate, node_processes
from .network import connected
from .program import Input, Process, Program
from .window import Recorder, Window

MODEL = "model_of_artifact"
"""Attribute of a process that names its model."""


class ArtifactProcess(AbstractProcess):
    """The network of an artifact, with a port for each of its inputs and outputs.

    Attributes:
        inputs: For each input, by its name in the model, its ``InPort``: int32, flat.
        outputs: For each output its ``OutPort``: int32, flat.
        takes: For each input its shape, the real value of 1 (``step``), and ``max_abs``.
        gives: For each output its shape, ``latency``, and the units of a potential.
    """

    def __init__(self, program: Program, schedule: Schedule, name: str | None = None) -> None:
        """Take a program, and when it runs."""
        super().__init__(name=name, program=program, schedule=schedule)
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self.takes: dict[str, Input] = dict(program.inputs)
        self.gives: dict[str, Exit] = {}
        taken = {*dir(self), *dir(self.in_ports), MODEL}
        for name_, identifier in identifiers("input", program.inputs, taken):
            self.inputs[name_] = InPort(shape=(program.inputs[name_].size,))
            setattr(self, identifier, self.inputs[name_])
        for name_, identifier in identifiers("output", program.exits, taken):
            population = program.whole(program.exits[name_])
            self.outputs[name_] = OutPort(shape=(population.size,))
            self.gives[name_] = exit_of(population, schedule.start)
            setattr(self, identifier, self.outputs[name_])
        _name_model(self, ArtifactModel)

    @property
    def _runtime(self) -> Any:
        """What runs it, whichever process of the program was asked to run.

        Lava tells it to processes that have no others within (``executable.py:48-50``), so that
        ``run`` and ``stop`` of one that has would do nothing.
        """
        within = [p.runtime for p in self.procs.members]
        return next((r for r in (self._own_runtime, *within) if r is not None), None)

    @_runtime.setter
    def _runtime(self, runtime: Any) -> None:
        self._own_runtime = runtime


class Gate(AbstractProcess):
    """Lets an input through while the network works."""

    def __init__(self, size: int, window: Window) -> None:
        super().__init__(window=window)
        self.a_in = InPort(shape=(size,))
        self.s_out = OutPort(shape=(size,))


class Link(AbstractProcess):
    """Listens to a part of a network, and holds it to the part before and the part after.

    Lava forgets the parts of a program that is not connected, and says nothing: for each it makes
    a node by the edges that lead to others, of which there are none
    (``lava/magma/compiler/compiler_graphs.py:321-333``).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.a_in = InPort(shape=(size,))
        self.link_in = InPort(shape=(1,))
        self.link_out = OutPort(shape=(1,))


@implements(proc=ArtifactProcess, protocol=LoihiProtocol)
@tag("fixed_pt")
class ArtifactModel(AbstractSubProcessModel):
    """A process for each population, group of axons and projection, by core where there are any."""

    def __init__(self, proc: Any) -> None:
        schedule: Schedule = proc.proc_params["schedule"]
        program = schedule.shifted(proc.proc_params["program"])
        window = schedule.window(program.gap)
        made = _nodes(program, window)
        parts = _unconnected(program)
        told = {part for source in program.exits.values() for part in program.parts(source)}
        cores = make_cores(program, made, told | {*parts} - {*program.inputs})
        for core in cores.values():
            _name_model(core, CoreModel)
        outside = {process: one for process, one in made.items() if process.core is None}
        gates = _gates(proc, program, schedule, window)
        ports = proc.inputs | ports_of(outside, cores)
        links = _links(parts, ports)
        within = {name: gate.s_out for name, gate in gates.items()}
        connect(program, outside, ports | within, cores)
        exits = _exits(proc, program, ports)
        every = [*outside.values(), *cores.values(), *gates.values(), *links, *exits]
        for index, lava_process in enumerate(every):
            setattr(self, f"process_{index}", lava_process)  # where Lava looks for them


def _nodes(program: Program, window: Window) -> dict[Process, Any]:
    """Make the process of each node, connected to none yet."""
    nodes = list(node_processes(program))
    recorders = {
        process.id: Recorder(replace(window, lag=program.populations[process.of].lag))
        for process in nodes
        if process.role == "population"
    }
    job = Job(program, {}, window, recorders)
    made: dict[Process, Any] = {}
    for process in nodes:
        made[process], model = make(job, process)
        _name_model(made[process], model)
    return made


def _gates(proc: Any, program: Program, schedule: Schedule, window: Window) -> dict[str, Gate]:
    """Make a gate for each input that needs one: see ``needs_gate``."""
    if schedule.always:
        return {}
    unshifted: Program = proc.proc_params["program"]
    needy = [declared for name, declared in program.inputs.items() if needs_gate(unshifted, name)]
    gates = {declared.name: Gate(declared.size, window) for declared in needy}
    for name, gate in gates.items():
        _name_model(gate, GateModel)
        proc.inputs[name].connect(gate.a_in)
    return gates


def _unconnected(program: Program) -> list[str]:
    """Name a node of each part of a network that has several; an unused input is one."""
    parts = connected(program)
    if len(parts) == 1:
        return []
    return [next((n for n in program.populations if n in part), min(part)) for part in parts]


def _links(names: list[str], ports: Ports) -> list[Link]:
    """Make a link for each of these nodes."""
    links = [Link(ports[name].size) for name in names]
    for link, name in zip(links, names, strict=True):
        _name_model(link, LinkModel)
        ports[name].connect(link.a_in)
    for one, next_one in pairwise(links):
        one.link_out.connect(next_one.link_in)
    return links


def _exits(proc: Any, program: Program, ports: Ports) -> list[AxonsProcess]:
    """Connect the outputs; the parts of one that is cut are put side by side by a process."""
    made: list[AxonsProcess] = []
    for name, source in program.exits.items():
        if source not in program.joined:
            ports[source].connect(proc.outputs[name])
            continue
        parts = program.joined[source]
        exit_ = AxonsProcess(parts, program.shapes)
        _name_model(exit_, axons_model(parts))
        for part, port in zip(parts.sources, exit_.inputs, strict=True):
            ports[part].connect(port)
        exit_.s_out.connect(proc.outputs[name])
        made.append(exit_)
    return made


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class GateModel(PyLoihiProcessModel):
    """Sends what it receives, or zeros."""

    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.window: Window = proc_params["window"]

    def run_spk(self) -> None:
        """Pass one step on: the port takes no step of time."""
        x = self.a_in.recv()
        self.s_out.send(x * (self.window.position(self.time_step) is not None))


@implements(proc=Link, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class LinkModel(PyLoihiProcessModel):
    """Receives and drops."""

    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    link_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    link_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        """Keep step with the part."""
        self.a_in.recv()
        self.link_in.recv()
        self.link_out.send(np.zeros(1, np.int32))


def _name_model(process: Any, model: type) -> None:
    setattr(process, MODEL, model)


def ask_processes_first() -> None:
    """Let Lava take the model that a process names, and search where it names none."""
    search = ProcGroupDiGraphs._find_proc_models

    def find(proc: Any) -> list[type]:
        named = getattr(proc, MODEL, None)
        return search(proc) if named is None else [named]

    ProcGroupDiGraphs._find_proc_models = staticmethod(find)


ask_processes_first()
