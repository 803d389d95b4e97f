"""From a trained network to an artifact: the compiler's stages, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.names import nearest, written
from snnc.compiler.network import Network
from snnc.compiler.quantization.limits import NO_LIMITS
from snnc.compiler.semantics.discretize import discretize
from snnc.runtime.budget import NARROWEST, budget_problems, keep_budget
from snnc.runtime.data.source import Data, arrays_only, given_inputs
from snnc.runtime.mapping import (
    Asked,
    for_cores,
    named_hardware,
    partitioner_problems,
    way_of,
)
from snnc.runtime.models import Kind, kind_of, model_problems
from snnc.runtime.quantization import Quantization, QuantizationOptions, Quantizer, deployed
from snnc.runtime.rounding import Rounding
from snnc.runtime.stages import Stages, silent
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact
from snnc.targets.cuda.architectures import architecture_problems, chosen_architectures
from snnc.targets.inputs import CALIBRATION_DATA, real_inputs
from snnc.targets.lava.forms import Form, form_problems
from snnc.targets.lava.stock import STOCK_LIMITS, stock_choices

if TYPE_CHECKING:
    import torch

    from snnc.compiler.mapping.hardware import Hardware
    from snnc.compiler.mapping.partitioners import Way


def compile(
    model: nir.NIRGraph | torch.nn.Module | str | os.PathLike[str],
    target: str = "integer",
    *,
    calibration: Data | None = None,
    dt: float | None = None,
    dialect: str | None = None,
    reset: str | None = None,
    input_shape: tuple[int, ...] | None = None,
    state: str | os.PathLike[str] | None = None,
    trust_input: bool = False,
    budget: str | None = None,
    labels: npt.ArrayLike | None = None,
    lava: str | None = None,
    arch: str | Sequence[str] | None = None,
    hardware: str | os.PathLike[str] | None = None,
    partitioner: str | None = None,
    progress: Stages = silent,
    **quantization: Unpack[QuantizationOptions],
) -> Artifact:
    """Compile ``model`` for ``target``.

    Args:
        model: A NIR graph, a trained module, the path of a ``.nir`` or ``.onnx`` file, or
            ``FILE.py:FUNCTION`` that returns a trained module.
        target: ``float``, ``integer``, ``cpu``, ``cuda`` or ``lava``.
        calibration: Typical input data, ``[steps, batch, *shape]``: tells whether spikes or real
            values enter. Without it, spikes are assumed. A network of ReLUs in an ``.onnx`` file
            needs it for the activations of its layers, too, and of such a file ``[samples,
            *shape]`` will do.
        dt: Length of a step in seconds, where the model does not say it.
        dialect: Whose conventions a NIR graph follows, where it does not say it.
        reset: What a spike does, where the model does not say it.
        input_shape: Shape of one sample at one step, where a module does not show it.
        state: File of the state dict of the module that ``FILE.py:FUNCTION`` returns.
        trust_input: Read a ``.nir`` file in this process, which is faster, and not in one of its
            own, where a damaged or hostile file can do no harm.
        budget: ``top1>=-0.5pt``: the least memory with which accuracy on the calibration data
            falls by at most so many points against the float network; ``memory<=64KiB``: the
            least error of the outputs with weights of so much memory. The widths of the weights
            into each population are searched for it (``docs/budget.md``).
        labels: For a budget, the true class of each sample of ``calibration``, shape ``[batch]``.
        lava: For target ``lava``: ``stock``, Lava's own processes only; ``mixed``, ours as well
            where Lava's cannot do it (where nothing is said); ``fused``, one of ours for all.
        arch: For target ``cuda``: the GPUs for which kernels are compiled ahead of time, such as
            ``sm_90``; ``sm_75``, which all later ones take, where nothing is said and NVRTC is
            installed.
        hardware: Over whose cores the network is laid out: the name of a description that comes
            with snnc (``loihi1``, ``loihi2``, ...), or a YAML file (``docs/hardware.md``). Traffic
            is that of ``calibration``, or of spikes of all neurons in all steps.
        partitioner: Who proposes which neurons lie together: ``metis``, where nothing is said, or
            ``mtkahypar``, an extra, slower and with somewhat less traffic (``docs/mapping.md``).
        progress: Called with the name of each stage of a search as it begins.
        quantization: How real numbers become integers: ``weight_bits``, ``rounding``,
            ``max_thresholds``, ``decays``, ``overflow``, ``strict`` (see ``Quantization``).

    Returns:
        The artifact: save it, load it elsewhere, run it.

    Raises:
        InputError: Everything in the model or the options that cannot be used.
        EnvironmentFault: The partitioner is not installed.
    """
    options = Quantization(**quantization)
    cores, hardware_problems = named_hardware(hardware, target)
    given = {
        "dialect": dialect,
        "reset": reset,
        "input_shape": input_shape,
        "state": state,
        "trust_input": trust_input or None,
    }
    raise_all(
        [
            *_target_problems(target),
            *form_problems(lava, target, options.rounding),
            *architecture_problems(arch, target),
            *hardware_problems,
            *partitioner_problems(partitioner, hardware),
            *options.problems(calibrated=calibration is not None),
            *([] if _rounds(target) else options.unused(target)),
            *budget_problems(budget, target, labels=labels, calibration=calibration),
            *model_problems(model, given),
        ]
    )
    order = _Order(
        target=target,
        options=options,
        lava=lava,
        arch=arch,
        cores=cores,
        way=way_of(partitioner),
        partitioner=partitioner,
        budget=budget,
        labels=labels,
        progress=progress,
    )
    graph = load_graph(
        model,
        input_shape=input_shape,
        dt=dt,
        calibration=calibration,
        state=state,
        trust_input=trust_input,
    )
    network = discretize(graph, dt=dt, dialect=dialect, reset=reset)
    samples = kind_of(model) is Kind.ONNX
    if samples and isinstance(calibration, Mapping):
        calibration = _renamed(_text(model), calibration)
    return order.carried_out(network, calibration, samples=samples)


def load_graph(
    model: nir.NIRGraph | torch.nn.Module | str | os.PathLike[str],
    *,
    input_shape: tuple[int, ...] | None = None,
    dt: float | None = None,
    calibration: Data | None = None,
    state: str | os.PathLike[str] | None = None,
    trust_input: bool = False,
) -> nir.NIRGraph:
    """Give the NIR graph of ``model``: as it is, read from a file, or imported.

    Args:
        model: What ``compile`` takes; so are the others.
        input_shape: Of a module.
        dt: Of a module or an ``.onnx`` file.
        calibration: For an ``.onnx`` file.
        state: For ``FILE.py:FUNCTION``.
        trust_input: For a ``.nir`` file.

    Raises:
        InputError: The file cannot be read, or the model cannot be imported.
    """
    match kind_of(model):
        case Kind.GRAPH:
            return cast("nir.NIRGraph", model)
        case Kind.MODULE:
            from snnc.frontends.importer import import_module

            return import_module(cast("torch.nn.Module", model), input_shape=input_shape, dt=dt)
        case Kind.SPEC:
            from snnc.frontends.spec import load_model

            module = load_model(_text(model), state=None if state is None else Path(state))
            return load_graph(module, input_shape=input_shape, dt=dt)
        case Kind.ONNX:
            from snnc.frontends.onnx.frontend import from_onnx

            step = {} if dt is None else {"dt": dt}
            samples = arrays_only(calibration, CALIBRATION_DATA)
            return from_onnx(_text(model), calibration=samples, **step)
        case Kind.NIR:
            from snnc.frontends.nir.file import read_nir

            return read_nir(Path(_text(model)), trust=trust_input)


def choosing(network: Network, choices: Iterable[str]) -> Network:
    """Give ``network`` with further choices that are told."""
    return replace(network, choices=(*network.choices, *choices))


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is to become of a network, as the user says and without any problem.

    Attributes:
        target: Its name.
        options: Of the integers.
        lava: Form for target ``lava``.
        arch: GPUs for target ``cuda``.
        cores: Those that the network is laid out over.
        way: How.
        partitioner: Name of who proposes which neurons lie together.
        budget: What weights may cost.
        labels: For the budget.
        progress: Called with each stage.
    """

    target: str
    options: Quantization
    lava: str | None
    arch: str | Sequence[str] | None
    cores: Hardware | None
    way: Way
    partitioner: str | None
    budget: str | None
    labels: npt.ArrayLike | None
    progress: Stages

    def carried_out(self, network: Network, calibration: Data | None, *, samples: bool) -> Artifact:
        """Make the artifact.

        Args:
            network: In real numbers.
            calibration: Typical data, or None.
            samples: Whether ``[samples, *shape]`` will do.

        Raises:
            InputError: All that is wrong of the data or with the integers.
        """
        network, options, asked = self._chosen(network)
        told = self._told(network, options, calibrated=calibration is not None)
        widths, typical = _for_network(network, options, calibration, samples=samples)
        if not get_target(self.target).fixed:
            return Artifact(target=self.target, network=network, fixed=None, options=told)
        made = Quantizer(network, typical, options, STOCK_LIMITS if self.stock else NO_LIMITS)
        chosen: dict[str, Any] = {}
        if self.budget is not None and typical is not None:
            least = options.widths(network, unsaid=NARROWEST)
            found = keep_budget(self.budget, made, typical, self.labels, least, self.progress)
            widths = found.bits
            told |= {"weight_bits": widths, "budget": found.account["budget"]}
            chosen = {"budget": found.account}
        fixed, account = deployed(made, widths)
        artifact = Artifact(
            target=self.target,
            network=network,
            fixed=fixed,
            options=told,
            account=account | chosen,
        )
        return self._over_cores(artifact, made, Asked(asked, widths, self.way))

    @property
    def stock(self) -> bool:
        """Whether Lava's own processes have to do."""
        return self.lava == Form.STOCK

    def _chosen(self, network: Network) -> tuple[Network, Quantization, Quantization]:
        """Give the network with what is chosen for target and cores, and both kinds of options.

        Returns:
            The network; options as form and cores need them; and as the form alone does.
        """
        options = self.options
        if self.stock:
            free = options.max_thresholds is None and options.rounding != Rounding.RECALIBRATED
            options = replace(options, max_thresholds=1) if free else options  # Lava's LIF has one
            network = choosing(network, stock_choices(network, grouped=free))
        if self.cores is None:
            return network, options, options
        limited, chosen = for_cores(options, self.cores)
        return choosing(network, chosen), limited, options

    def _told(self, network: Network, options: Quantization, *, calibrated: bool) -> dict[str, Any]:
        """Give the options as the artifact keeps them."""
        return {
            "dt": network.dt,
            **options.as_json(calibrated=calibrated),
            **({} if self.target != "lava" else {"lava": str(self.lava or Form.MIXED)}),
            **({} if self.target != "cuda" else {"arch": chosen_architectures(self.arch)}),
            **({} if self.cores is None else {"hardware": self.cores.name}),
            **({} if self.partitioner is None else {"partitioner": self.partitioner}),
            "choices": list(network.choices),
        }

    def _over_cores(self, artifact: Artifact, made: Quantizer, asked: Asked) -> Artifact:
        if self.cores is not None:
            from snnc.runtime.over_cores import over_cores  # which takes scipy

            artifact = over_cores(artifact, self.cores, made, asked)
        return artifact.for_target(self.target)


def _text(model: object) -> str:
    return os.fspath(cast("str | os.PathLike[str]", model))


def _renamed(model: str, data: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]]:
    """Give data by the names of the network's inputs, not by those of the ONNX model."""
    from snnc.frontends.onnx.frontend import input_names

    names = input_names(model)
    return {names.get(name, name): values for name, values in data.items()}


def _for_network(
    network: Network, options: Quantization, calibration: Data | None, *, samples: bool
) -> tuple[dict[str, int], dict[str, npt.NDArray[np.float32]] | None]:
    """Give the widths and the typical data of a network.

    Raises:
        InputError: All that is wrong of either.
    """
    problems: list[Diagnostic] = []
    widths, typical = dict[str, int](), None
    try:
        widths = options.widths(network)
    except InputError as error:
        problems += error.diagnostics
    try:
        typical = typical_data(network, calibration, samples=samples)
    except InputError as error:
        problems += error.diagnostics
    raise_all(problems)
    return widths, typical


def typical_data(
    network: Network, calibration: Data | None, *, samples: bool
) -> dict[str, npt.NDArray[np.float32]] | None:
    """Give calibration data as ``quantize`` takes them, ``[steps, batch, n]``.

    Args:
        network: Whose inputs they are for.
        calibration: The user's, or None.
        samples: Whether ``[samples, *shape]`` will do, which becomes one step of so many.

    Raises:
        InputError: SNN502 or SNN503, they do not fit.
    """
    if calibration is None:
        return None
    data = given_inputs(network, calibration, CALIBRATION_DATA)
    if samples:
        axes = {i.name: 1 + len(i.shape) for i in network.inputs}
        data = {name: x[None] if x.ndim == axes.get(name) else x for name, x in data.items()}
    return real_inputs(network, data, CALIBRATION_DATA)


def _rounds(target: str) -> bool:
    """Say whether weights are rounded; of a target that there is not they may be."""
    return target not in list(TARGETS) or get_target(target).fixed


def _target_problems(target: str) -> Iterator[Diagnostic]:
    if target not in list(TARGETS):
        like = nearest(target, TARGETS)
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--target",
            found=written(target),
            limit=", ".join(TARGETS),
            remedy=f"--target {like}" if like else "snnc targets lists them",
        )
