"""The files of an artifact that make a program, as records.

``lava.json`` says which process every node runs on. The network is in ``program.json`` and
``weights.safetensors``, or, where it is cut over cores, in ``cut.json`` and ``cut.safetensors``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
from safetensors.numpy import load

from .axons import Axons, Gather
from .faults import BadInput

Array = npt.NDArray[Any]
MANIFEST = "manifest.json"
"""Lists every file of an artifact with its SHA-256."""
PLAN = "lava.json"
WHOLE = ("program.json", "weights.safetensors")
"""A network as the compiler made it."""
CUT = ("cut.json", "cut.safetensors")
"""The same, of parts on cores."""
PARAMETERS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")
"""Arrays of a population that its steps depend on."""


@dataclass(frozen=True)
class Input:
    """A place where integers enter.

    Attributes:
        shape: Shape of one sample at one step.
        step: Real value of the integer 1.
        max_abs: Largest magnitude that may enter.
    """

    name: str
    shape: tuple[int, ...]
    step: float
    max_abs: int

    @property
    def size(self) -> int:
        """Number of values a step."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind.

    Attributes:
        parameters: ``du``, ``dv``, ``threshold``, ``bias_mant``, ``bias_exp`` and ``initial``,
            each ``[n]``.
        reset: What a spike does to ``v``.
        refractory: Steps after a spike in which ``v`` is held.
        spiking: False for a read-out, which sends its ``v``.
        lag: Hardware steps by which it runs behind the input.
        scale: Units of ``v`` per unit of the real potential, float64, shape ``[n]``.
        offset: Real potential where ``v`` is 0, float64, shape ``[n]``.
    """

    name: str
    shape: tuple[int, ...]
    parameters: Mapping[str, Array]
    reset: str
    refractory: int
    spiking: bool
    lag: int
    scale: Array
    offset: Array

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    @property
    def sends(self) -> str:
        """The signal that leaves."""
        return "spikes" if self.spiking else "v"

    def recordable(self, record: tuple[str, ...]) -> tuple[str, ...]:
        """Give those signals of ``record`` that there are: a read-out has no spikes."""
        return tuple(signal for signal in record if self.spiking or signal != "spikes")


@dataclass(frozen=True, eq=False)
class Projection:
    """Operators with the exponent of their sum, and a delay of at least one step.

    Attributes:
        operators: As ``program.json`` has them, with their weights; see ``synapse.Synapses``.
        weight_bits: Width of a weight, 1 to 8, its sign included where signs are mixed.
        sign_mode: ``mixed``, ``excitatory`` or ``inhibitory``.
    """

    name: str
    source: str
    target: str
    operators: tuple[Mapping[str, Any], ...]
    weight_bits: int
    sign_mode: str
    weight_exp: int
    delay: int


@dataclass(frozen=True)
class Process:
    """What a node runs on: one Lava process, or with all others one that is fused.

    Attributes:
        id: Its name in Lava and in files.
        role: ``input``, ``population``, ``axons``, ``projection`` or ``output``.
        kind: Name of the process, one of those that ``build`` knows.
        of: Name of the node.
        core: Index of the core that it lies on, or None.
    """

    id: str
    role: str
    kind: str
    of: str
    core: int | None = None


@dataclass(frozen=True, eq=False)
class Program:
    """What runs, and on which Lava processes.

    Attributes:
        outputs: Name of each output to the name of its population.
        form: ``stock``, ``mixed`` or ``fused``.
        processes: What every node runs on, in an order that does not matter.
        gap: Hardware steps from the last step of a sample to the first step of the next.
        axons: Where populations are cut over cores; else there are none.
        joined: Of a population of the model that is cut, the parts side by side.
        exits: Name of each output of the model to the name of its population there; of a
            network that is not cut, ``outputs``.
    """

    inputs: Mapping[str, Input]
    populations: Mapping[str, Population]
    projections: Mapping[str, Projection]
    outputs: Mapping[str, str]
    form: str
    processes: tuple[Process, ...]
    gap: int
    axons: Mapping[str, Axons]
    joined: Mapping[str, Axons]
    exits: Mapping[str, str]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input, population and group of axons by name."""
        inputs = {i.name: i.shape for i in self.inputs.values()}
        axons = {a.name: a.shape for a in self.axons.values()}
        return inputs | {p.name: p.shape for p in self.populations.values()} | axons

    def senders(self, name: str) -> tuple[str, ...]:
        """Give the inputs and populations that the source of a projection stands for."""
        axons = self.axons.get(name)
        return (name,) if axons is None else axons.sources

    def largest(self, name: str) -> int:
        """Give the largest magnitude that the source of a projection sends."""
        inputs = (self.inputs.get(sender) for sender in self.senders(name))
        return max((1 if i is None else i.max_abs for i in inputs), default=1)

    def graded(self, name: str) -> bool:
        """Tell whether the source of a projection sends integers, and not only 0 and 1."""
        return any(sender in self.inputs for sender in self.senders(name))

    def parts(self, name: str) -> tuple[str, ...]:
        """Give the populations that make up a population of the model."""
        axons = self.joined.get(name)
        return (name,) if axons is None else axons.sources

    def whole(self, name: str) -> Population:
        """Give a population of the model, whose parts are alike in all but their arrays."""
        axons = self.joined.get(name)
        if axons is None:
            return self.populations[name]
        parts, gather = [self.populations[part] for part in axons.sources], Gather(axons)
        return replace(
            parts[0],
            name=name,
            shape=axons.shape,
            parameters={f: gather.of([p.parameters[f] for p in parts]) for f in PARAMETERS},
            scale=gather.of([p.scale for p in parts]),
            offset=gather.of([p.offset for p in parts]),
        )

    @property
    def latency(self) -> int:
        """Hardware steps by which the last population runs behind the input."""
        return max((p.lag for p in self.populations.values()), default=0)

    def recorded(self, process: Process) -> Population | None:
        """Give the population whose signals ``process`` sees, or None if it sees none."""
        match process.role:
            case "output":
                return self.populations[self.outputs[process.of]]
            case "population":
                return self.populations[process.of]
            case _:
                return None


def check_whole(directory: Path) -> None:
    """Compare the files that make the program with the manifest of the artifact.

    Raises:
        BadInput: One is absent, or is not as it was written.
    """
    try:
        members = _read_json(directory / MANIFEST)["members"]
        names = (PLAN, *(CUT if CUT[0] in members else WHOLE))
        wanted = {name: members[name]["sha256"] for name in names}
        contents = {name: (directory / name).read_bytes() for name in names}
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{directory / MANIFEST}: damaged; compile the model again") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != wanted[name]:
            raise BadInput(
                f"{directory / name}: not as {MANIFEST} describes it; compile the model again"
            )


def read_program(directory: Path) -> Program:
    """Read the three files of an artifact that make the program."""
    plan = _read_json(directory / PLAN)
    text, weights = CUT if plan["cut"] else WHOLE
    tensors = load((directory / weights).read_bytes())
    data = cast("dict[str, Any]", filled(_read_json(directory / text), tensors))
    program = data["network"] if plan["cut"] else data
    outputs = _outputs(program)
    return Program(
        inputs={i["name"]: _input(i) for i in program["inputs"]},
        populations={p["name"]: _population(p) for p in program["populations"]},
        projections={p["name"]: _projection(p) for p in program["projections"]},
        outputs=outputs,
        form=plan["form"],
        processes=tuple(
            Process(p["id"], p["role"], p["process"], p["of"], p["core"]) for p in plan["processes"]
        ),
        gap=int(plan["gap"]),
        axons={a["name"]: _axons(a) for a in program["axons"]},
        joined={a["name"]: _axons(a) for a in data["joined"]} if plan["cut"] else {},
        exits=_outputs(data) if plan["cut"] else outputs,
    )


def _outputs(data: Mapping[str, Any]) -> dict[str, str]:
    return {o["name"]: o["source"] for o in data["outputs"]}


def _axons(data: Mapping[str, Any]) -> Axons:
    return Axons(
        data["name"],
        tuple(data["shape"]),
        tuple(data["sources"]),
        data["member"],
        data["element"],
    )


def _read_json(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def filled(data: Any, tensors: Mapping[str, Array]) -> Any:
    """Put the arrays where ``{"tensor": name}`` stands for them."""
    match data:
        case {"tensor": str(name), **rest} if not rest:
            return tensors[name]
        case dict():
            items = cast("dict[str, Any]", data)
            return {key: filled(value, tensors) for key, value in items.items()}
        case list():
            return [filled(value, tensors) for value in cast("list[object]", data)]
        case _:
            return data


def _input(data: Mapping[str, Any]) -> Input:
    return Input(data["name"], tuple(data["shape"]), float(data["step"]), int(data["max_abs"]))


def _population(data: Mapping[str, Any]) -> Population:
    return Population(
        name=data["name"],
        shape=tuple(data["shape"]),
        parameters={name: data[name] for name in PARAMETERS},
        reset=data["reset"],
        refractory=int(data["refractory"]),
        spiking=bool(data["spiking"]),
        lag=int(data["lag"]),
        scale=data["scale"],
        offset=data["offset"],
    )


def _projection(data: Mapping[str, Any]) -> Projection:
    return Projection(
        name=data["name"],
        source=data["source"],
        target=data["target"],
        operators=tuple(data["operators"]),
        weight_bits=int(data["weight_bits"]),
        sign_mode=data["sign_mode"],
        weight_exp=int(data["weight_exp"]),
        delay=int(data["delay"]),
    )
