"""From a trained network to an artifact: the compiler's stages, one after the other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.check import check_fixed, ensure
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import MAX_WEIGHT_BITS, FixedNetwork
from snnc.compiler.names import nearest
from snnc.compiler.network import Network
from snnc.compiler.quantization.account import PopulationAccount, account_for, warnings_of
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.compiler.semantics.discretize import discretize
from snnc.runtime.models import Kind, kind_of, model_problems
from snnc.runtime.observe import observe_on, refer
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact
from snnc.targets.inputs import CALIBRATION_DATA, named_inputs, real_inputs

if TYPE_CHECKING:
    import torch

Data = npt.NDArray[Any] | Mapping[str, npt.NDArray[Any]]


def compile(
    model: nir.NIRGraph | torch.nn.Module | str | os.PathLike[str],
    target: str = "integer",
    *,
    calibration: Data | None = None,
    dt: float | None = None,
    dialect: str | None = None,
    reset: str | None = None,
    weight_bits: int = MAX_WEIGHT_BITS,
    input_shape: tuple[int, ...] | None = None,
    state: str | os.PathLike[str] | None = None,
    trust_input: bool = False,
    strict: bool = False,
) -> Artifact:
    """Compile ``model`` for ``target``.

    Args:
        model: A NIR graph, a trained module, the path of a ``.nir`` or ``.onnx`` file, or
            ``FILE.py:FUNCTION`` that returns a trained module.
        target: ``float``, ``integer`` or ``lava``.
        calibration: Typical input data, ``[steps, batch, *shape]``: tells whether spikes or real
            values enter. Without it, spikes are assumed. A network of ReLUs in an ``.onnx`` file
            needs it for the activations of its layers, too, and of such a file ``[samples,
            *shape]`` will do.
        dt: Length of a step in seconds, where the model does not say it.
        dialect: Whose conventions a NIR graph follows, where it does not say it.
        reset: What a spike does, where the model does not say it.
        weight_bits: Width of a weight with its sign, 2 to 8.
        input_shape: Shape of one sample at one step, where a module does not show it.
        state: File of the state dict of the module that ``FILE.py:FUNCTION`` returns.
        trust_input: Read a ``.nir`` file in this process, which is faster, and not in one of its
            own, where a damaged or hostile file can do no harm.
        strict: Refuse what the compiler else warns of.

    Returns:
        The artifact: save it, load it elsewhere, run it.

    Raises:
        InputError: Everything in the model or the options that cannot be used.
    """
    given = {
        "dialect": dialect,
        "reset": reset,
        "input_shape": input_shape,
        "state": state,
        "trust_input": trust_input or None,
    }
    raise_all([*option_problems(target, weight_bits), *model_problems(model, given)])
    graph = load_graph(
        model,
        input_shape=input_shape,
        dt=dt,
        calibration=calibration,
        state=state,
        trust_input=trust_input,
    )
    network = discretize(graph, dt=dt, dialect=dialect, reset=reset)
    options = {"dt": network.dt, "weight_bits": weight_bits, "choices": list(network.choices)}
    if kind_of(model) is Kind.ONNX and isinstance(calibration, Mapping):
        calibration = _renamed(_text(model), calibration)
    typical = typical_data(network, calibration, samples=kind_of(model) is Kind.ONNX)
    if not get_target(target).fixed:
        return Artifact(target=target, network=network, fixed=None, options=options)
    reference = None if typical is None else refer(network, typical)
    fixed = fix(network, typical, weight_bits=weight_bits)
    seen = {} if reference is None else observe_on(network, fixed, reference)
    timed = retime(fixed)
    ensure(check_fixed(timed), after="retime")
    accounts = account_for(network, timed, seen)
    if strict:
        raise_all(warnings_of(accounts))
    return Artifact(
        target=target,
        network=network,
        fixed=timed,
        options=options,
        account=_account(network, timed, accounts),
        members=get_target(target).members(timed),
    )


def fix(
    network: Network,
    typical: Mapping[str, npt.NDArray[np.float32]] | None,
    *,
    weight_bits: int = MAX_WEIGHT_BITS,
) -> FixedNetwork:
    """Give the integers of ``network``, not retimed: all that any command makes of real numbers.

    Args:
        network: The float network.
        typical: Of each input typical data, ``[steps, batch, n]``, or None.
        weight_bits: What ``compile`` takes.

    Raises:
        InputError: What keeps the network from becoming integers.
    """
    fixed = quantize(network, weight_bits=weight_bits, calibration=typical)
    ensure(check_fixed(fixed), after="quantize")
    return fixed


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
            return from_onnx(_text(model), calibration=calibration, **step)
        case Kind.NIR:
            from snnc.frontends.nir.file import read_nir

            return read_nir(Path(_text(model)), trust=trust_input)


def _text(model: object) -> str:
    return os.fspath(cast("str | os.PathLike[str]", model))


def _renamed(model: str, data: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]]:
    """Give data by the names of the network's inputs, not by those of the ONNX model."""
    from snnc.frontends.onnx.frontend import input_names

    names = input_names(model)
    return {names.get(name, name): values for name, values in data.items()}


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
    data = named_inputs(network.inputs, calibration, CALIBRATION_DATA)
    if samples:
        axes = {i.name: 1 + len(i.shape) for i in network.inputs}
        data = {name: x[None] if x.ndim == axes.get(name) else x for name, x in data.items()}
    return real_inputs(network, data, CALIBRATION_DATA)


def _account(
    network: Network, fixed: FixedNetwork, accounts: tuple[PopulationAccount, ...]
) -> dict[str, Any]:
    return {
        "choices": list(network.choices),
        "populations": [a.as_json() for a in accounts],
        "warnings": [w.text("warning") for w in warnings_of(accounts)],
        "lags": {p.name: p.lag for p in fixed.populations},
        "latency_steps": fixed.latency,
    }


def option_problems(target: str, weight_bits: int) -> list[Diagnostic]:
    """Tell which options of a compilation have no such value."""
    problems: list[Diagnostic] = []
    if target not in TARGETS:
        like = nearest(target, TARGETS)
        problems.append(
            Diagnostic(
                rule=rules.OPTION_VALID,
                node="--target",
                found=target,
                limit=", ".join(TARGETS),
                remedy=f"--target {like}" if like else "snnc targets lists them",
            )
        )
    if not 2 <= weight_bits <= MAX_WEIGHT_BITS:
        problems.append(
            Diagnostic(
                rule=rules.OPTION_VALID,
                node="--weight-bits",
                found=str(weight_bits),
                limit=f"2 to {MAX_WEIGHT_BITS}, the sign included (Loihi: 8)",
                remedy="--weight-bits 8",
            )
        )
    return problems
