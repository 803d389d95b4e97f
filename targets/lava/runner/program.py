"""``program.json``, ``weights.safetensors`` and ``lava.json`` as records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
from safetensors.numpy import load

from .faults import BadInput

Array = npt.NDArray[Any]
MANIFEST = "manifest.json"
"""Lists every file of an artifact with its SHA-256."""
PROGRAM, WEIGHTS, PLAN = "program.json", "weights.safetensors", "lava.json"


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
        role: ``input``, ``population``, ``projection`` or ``output``.
        kind: Name of the process, one of those that ``build`` knows.
        of: Name of the node.
    """

    id: str
    role: str
    kind: str
    of: str


@dataclass(frozen=True, eq=False)
class Program:
    """What runs, and on which Lava processes.

    Attributes:
        outputs: Name of each output to the name of its population.
        form: ``stock``, ``mixed`` or ``fused``.
        processes: What every node runs on, in an order that does not matter.
        gap: Hardware steps from the last step of a sample to the first step of the next.
    """

    inputs: Mapping[str, Input]
    populations: Mapping[str, Population]
    projections: Mapping[str, Projection]
    outputs: Mapping[str, str]
    form: str
    processes: tuple[Process, ...]
    gap: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input and population by name."""
        inputs = {i.name: i.shape for i in self.inputs.values()}
        return inputs | {p.name: p.shape for p in self.populations.values()}

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
    """Compare the three files that make the program with the manifest of the artifact.

    Raises:
        BadInput: One is absent, or is not as it was written.
    """
    names = (PROGRAM, WEIGHTS, PLAN)
    try:
        members = _read_json(directory / MANIFEST)["members"]
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
    tensors = load((directory / WEIGHTS).read_bytes())
    program = cast("dict[str, Any]", filled(_read_json(directory / PROGRAM), tensors))
    plan = _read_json(directory / PLAN)
    return Program(
        inputs={i["name"]: _input(i) for i in program["inputs"]},
        populations={p["name"]: _population(p) for p in program["populations"]},
        projections={p["name"]: _projection(p) for p in program["projections"]},
        outputs={o["name"]: o["source"] for o in program["outputs"]},
        form=plan["form"],
        processes=tuple(
            Process(p["id"], p["role"], p["process"], p["of"]) for p in plan["processes"]
        ),
        gap=int(plan["gap"]),
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
    names = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")
    return Population(
        name=data["name"],
        shape=tuple(data["shape"]),
        parameters={name: data[name] for name in names},
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
