"""``program.json`` and ``weights.safetensors`` as records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt

from .faults import BadInput

Array = npt.NDArray[Any]
Operator = Mapping[str, Any]
"""As ``program.json`` has it, ``kind`` and fields, with its arrays in their places."""
MANIFEST = "manifest.json"
"""Lists every file of an artifact with its SHA-256."""
PROGRAM, WEIGHTS = "program.json", "weights.safetensors"


@dataclass(frozen=True)
class Input:
    """A place where integers enter.

    Attributes:
        name: Unique among inputs and populations.
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
        name: Unique among inputs and populations.
        shape: Shape of the population.
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


@dataclass(frozen=True, eq=False)
class Projection:
    """Operators with the exponent of their sum, and a delay of at least one step."""

    name: str
    source: str
    target: str
    operators: tuple[Operator, ...]
    weight_exp: int
    delay: int


@dataclass(frozen=True, eq=False)
class Program:
    """What runs.

    Attributes:
        inputs: Where integers enter.
        populations: In an order of evaluation.
        projections: In no order that matters.
        outputs: Name of each output to the name of its population.
        narrow: Every synaptic input is within ``2**18``, so that 32 bits hold all states.
    """

    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    outputs: Mapping[str, str]
    narrow: bool

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input and population by name."""
        nodes: tuple[Input | Population, ...] = (*self.inputs, *self.populations)
        return {node.name: node.shape for node in nodes}

    @property
    def latency(self) -> int:
        """Hardware steps by which the last population runs behind the input."""
        return max((p.lag for p in self.populations), default=0)

    def population(self, name: str) -> Population:
        """Give the population of that name."""
        return next(p for p in self.populations if p.name == name)


def program_of(data: Any, tensors: Mapping[str, Array], *, narrow: bool) -> Program:
    """Make the records of what ``program.json`` holds.

    Args:
        data: The network as JSON values.
        tensors: Its arrays by name.
        narrow: See ``Program``.
    """
    network = cast("dict[str, Any]", filled(data, tensors))
    return Program(
        inputs=tuple(
            Input(i["name"], tuple(i["shape"]), float(i["step"]), int(i["max_abs"]))
            for i in network["inputs"]
        ),
        populations=tuple(map(_population, network["populations"])),
        projections=tuple(map(_projection, network["projections"])),
        outputs={o["name"]: o["source"] for o in network["outputs"]},
        narrow=narrow,
    )


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


def _population(data: Mapping[str, Any]) -> Population:
    names = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")
    return Population(
        name=data["name"],
        shape=tuple(data["shape"]),
        parameters={name: data[name] for name in names},
        reset=str(data["reset"]),
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
        weight_exp=int(data["weight_exp"]),
        delay=int(data["delay"]),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of JSON."""
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def check_whole(directory: Path, names: Iterable[str]) -> None:
    """Compare files with the manifest of the artifact.

    Raises:
        BadInput: One is absent, or is not as it was written.
    """
    wanted: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    try:
        members = read_json(directory / MANIFEST)["members"]
        for name in names:
            wanted[name] = members[name]["sha256"]
            contents[name] = (directory / name).read_bytes()
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{directory / MANIFEST}: damaged; compile the model again") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != wanted[name]:
            raise BadInput(
                f"{directory / name}: not as {MANIFEST} describes it; compile the model again"
            )
