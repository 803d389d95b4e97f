"""Whose conventions the numbers of a NIR graph follow, and how its neurons therefore compute.

The same ``nir.LIF`` is written by different frameworks for different computations; what each
dialect takes it for is in ``equations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.equations import (
    Neurons,
    euler_rate,
    gains,
    is_unit,
    nir_neurons,
    noted_neurons,
    snntorch_neurons,
)
from snnc.compiler.network import Reset
from snnc.compiler.nodes import NEURONS, READ_OUTS, NeuronNode
from snnc.compiler.notes import metadata

DIALECTS = ("nir", "snntorch")
SNNTORCH_DT = 1e-4
"""The step that snnTorch's own exporter assumes (snntorch 1.0.0, ``export_nir.py``)."""
SNNTORCH_NODES = (nir.LIF, nir.CubaLIF, nir.Threshold)
_NIR_CHOICES = (
    (
        (nir.LIF, nir.LI),
        "dialect nir: forward Euler, v += dt/tau * ((r*I + v_leak) - v), from v = 0",
    ),
    (
        (nir.CubaLIF, nir.CubaLI),
        "dialect nir: forward Euler, i += w_in*dt/tau_syn * r*I, v += dt/tau_mem * ((v_leak - v) "
        "+ i), i -= dt/tau_syn * i, from i = v = 0; r is folded into i",
    ),
    ((nir.IF, nir.I), "dialect nir: forward Euler, v += r*dt * I, from v = 0"),
    ((nir.Threshold,), "dialect nir: a spike where I > threshold, in every step anew"),
)
_SNNTORCH_CHOICES = (
    ((nir.LIF,), "dialect snntorch: v = beta*v + I with beta = 1 - dt/tau, from v = 0"),
    (
        (nir.CubaLIF,),
        "dialect snntorch: i = alpha*i + I with alpha = 1 - dt/tau_syn, v = beta*v + i with beta = "
        "1 - dt/tau_mem, from i = v = 0",
    ),
)


@dataclass(frozen=True)
class Semantics:
    """How a graph computes.

    Attributes:
        dt: Length of a step in seconds.
        neurons: For each neuron node.
        choices: What was chosen rather than read, one sentence each.
    """

    dt: float
    neurons: Mapping[str, Neurons]
    choices: tuple[str, ...]


def settle(
    graph: nir.NIRGraph, *, dt: float | None, dialect: str | None, reset: str | None
) -> Semantics:
    """Decide how every neuron of ``graph`` computes.

    A graph of snnc's own frontends says so itself, and options that contradict it are refused.
    For any other graph ``dt`` has to be named, and the dialect is ``nir`` unless it is named or
    the numbers look like snnTorch's (``r dt / tau`` is 1), where NIR cannot say which reset the
    framework used: then both have to be named.

    Raises:
        InputError: SNN004, SNN105, SNN110 or SNN111, all at once.
    """
    neurons = {n: node for n, node in graph.nodes.items() if isinstance(node, NEURONS)}
    raise_all(_option_problems(dt, dialect, reset))
    if metadata(graph):
        raise_all(_contradictions(metadata(graph), dt, dialect, reset))
        return _from_metadata(metadata(graph), neurons)
    if dialect == "snntorch" and dt is None:
        dt = SNNTORCH_DT
    raise_all(_unknown_step(dt))
    step = cast("float", dt)
    if dialect is None:
        raise_all(_ambiguous(neurons, step))
    if (dialect or "nir") == "nir":
        raise_all(p for n, node in neurons.items() for p in _nir_problems(n, node, step))
        return _nir(neurons, step, reset)
    raise_all(p for n, node in neurons.items() for p in _snntorch_problems(n, node, step, reset))
    return _snntorch(neurons, step, Reset(cast("str", reset)))


def _from_metadata(notes: Mapping[str, Any], nodes: Mapping[str, NeuronNode]) -> Semantics:
    neurons = {name: noted_neurons(node, metadata(node)) for name, node in nodes.items()}
    chosen = f"semantics as {notes['framework']} computes, noted in the file by snnc"
    return Semantics(float(notes["dt"]), neurons, (chosen,))


def _nir(nodes: Mapping[str, NeuronNode], dt: float, reset: str | None) -> Semantics:
    rule = Reset(reset) if reset else Reset.ZERO
    choices = [text for kinds, text in _NIR_CHOICES if _any(nodes, kinds)]
    choices.append(f"dt = {dt:g} s, as named")
    choices.append(f"reset {rule}" + (", as named" if reset else ", as NIR defines it"))
    neurons = {name: nir_neurons(node, dt, rule) for name, node in nodes.items()}
    return Semantics(dt, neurons, tuple(choices))


def _snntorch(nodes: Mapping[str, NeuronNode], dt: float, reset: Reset) -> Semantics:
    choices = [text for kinds, text in _SNNTORCH_CHOICES if _any(nodes, kinds)]
    choices += [f"dt = {dt:g} s", f"reset {reset}, as named"]
    neurons = {
        name: snntorch_neurons(node, dt, reset)
        for name, node in nodes.items()
        if isinstance(node, SNNTORCH_NODES)  # others are refused
    }
    return Semantics(dt, neurons, tuple(choices))


def _any(nodes: Mapping[str, NeuronNode], kinds: tuple[type[nir.NIRNode], ...]) -> bool:
    return any(isinstance(node, kinds) for node in nodes.values())


def _option_problems(
    dt: float | None, dialect: str | None, reset: str | None
) -> Iterator[Diagnostic]:
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        yield _option("--dt", f"{dt:g}", "a length in seconds above 0", "--dt 1e-4")
    if dialect is not None and dialect not in DIALECTS:
        yield _option("--dialect", dialect, ", ".join(DIALECTS), "--dialect nir")
    if reset is not None and reset not in tuple(Reset):
        yield _option("--reset", reset, ", ".join(Reset), "--reset zero")


def _contradictions(
    notes: Mapping[str, Any], dt: float | None, dialect: str | None, reset: str | None
) -> Iterator[Diagnostic]:
    said = f"{notes['framework']}, dt = {float(notes['dt']):g} s"
    limit = f"the file says it itself: {said}"
    if dt is not None and dt != float(notes["dt"]):
        yield _option("--dt", f"{dt:g}", limit, "leave --dt out")
    for name, value in (("--dialect", dialect), ("--reset", reset)):
        if value is not None:
            yield _option(name, value, limit, f"leave {name} out")


def _option(name: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rules.OPTION_VALID, name, found, limit, remedy)


def _unknown_step(dt: float | None) -> Iterator[Diagnostic]:
    if dt is None:
        yield Diagnostic(
            rule=rules.STEP_KNOWN,
            node="the graph",
            found="no dt in the file's metadata, and no --dt",
            limit="NIR has time constants, and no step",
            remedy="name the step that the network was trained with: --dt 1e-4",
        )


def _ambiguous(nodes: Mapping[str, NeuronNode], dt: float) -> Iterator[Diagnostic]:
    for name, node in nodes.items():
        if isinstance(node, nir.Threshold):
            continue
        unit = bool((np.asarray(node.r) == 1).all())
        if isinstance(node, nir.IF | nir.I):
            if unit and not is_unit(gains(node, dt)["r*dt"]):
                yield _ambiguous_integrator(name, dt)
        elif not unit and all(map(is_unit, gains(node, dt).values())):
            factors = " = ".join(gains(node, dt))
            yield Diagnostic(
                rule=rules.SEMANTICS_KNOWN,
                node=name,
                found=f"{factors} = 1 at dt = {dt:g} s: input enters without a factor, as in "
                "snnTorch, whose files do not say how a spike resets",
                limit="one known computation",
                remedy="--dialect snntorch --reset subtract-delayed (snnTorch's default), "
                "--reset zero, or --dialect nir for NIR's own equation",
            )


def _ambiguous_integrator(name: str, dt: float) -> Diagnostic:
    return Diagnostic(
        rule=rules.SEMANTICS_KNOWN,
        node=name,
        found=f"r = 1: NIR's equation gives input the factor dt = {dt:g}, but norse and others "
        "write r = 1 for v += I",
        limit="one known computation",
        remedy="--dialect nir for NIR's own equation; for v += I give the node r = 1/dt",
    )


def _nir_problems(name: str, node: NeuronNode, dt: float) -> Iterator[Diagnostic]:
    yield from _neuron_problems(name, node)
    for field in _time_constants(node):
        tau = np.asarray(getattr(node, field))
        if float(tau.min()) > 0 and euler_rate(tau, dt).max() > 1:
            yield Diagnostic(
                rule=rules.NUMBER_USABLE,
                node=f"{name}.{field}",
                found=f"{tau.min():g} s with steps of {dt:g} s",
                limit=f"{field} of a step or more: forward Euler overshoots beyond",
                remedy="name the step that the network was trained with: "
                f"--dt {tau.min() / 10:.1g}",
            )


def _snntorch_problems(
    name: str, node: NeuronNode, dt: float, reset: str | None
) -> Iterator[Diagnostic]:
    yield from _neuron_problems(name, node)
    if reset is None:
        yield Diagnostic(
            rule=rules.SEMANTICS_KNOWN,
            node=name,
            found="no --reset; snnTorch writes the same node for all its resets",
            limit=", ".join(Reset),
            remedy="--reset subtract-delayed is snnTorch's default",
        )
    if not isinstance(node, SNNTORCH_NODES):
        yield Diagnostic(
            rule=rules.SEMANTICS_KNOWN,
            node=name,
            found=f"a node of type {type(node).__name__}",
            limit="LIF and CubaLIF: snnTorch exports no other neuron",
            remedy="use --dialect nir",
        )
    elif all(float(np.min(getattr(node, tau))) > 0 for tau in _time_constants(node)):
        yield from _factors(name, node, dt)


def _factors(name: str, node: NeuronNode, dt: float) -> Iterator[Diagnostic]:
    for factor, gain in gains(node, dt).items():
        if not is_unit(gain):
            yield Diagnostic(
                rule=rules.NUMBER_USABLE,
                node=f"{name}.{factor.partition('*')[0]}",
                found=f"{factor} = {gain.ravel()[0]:g} at dt = {dt:g} s",
                limit="1, as snnTorch exports it",
                remedy="correct --dt, or use --dialect nir",
            )


def _time_constants(node: NeuronNode) -> tuple[str, ...]:
    if isinstance(node, nir.CubaLIF | nir.CubaLI):
        return ("tau_syn", "tau_mem")
    return ("tau",) if isinstance(node, nir.LIF | nir.LI) else ()


def _neuron_problems(name: str, node: NeuronNode) -> Iterator[Diagnostic]:
    for field in (*_time_constants(node), *_threshold(node)):
        values = np.asarray(getattr(node, field), np.float64)
        if not values.min() > 0:
            yield _number(name, field, float(values.min()), "above 0")
        elif values.max() == np.inf:
            yield _number(name, field, np.inf, "a finite number")
    if not isinstance(node, (*READ_OUTS, nir.Threshold)) and node.v_reset is not None:
        above = np.asarray(node.v_reset) >= np.asarray(node.v_threshold)
        if above.any():
            value = float(np.broadcast_to(node.v_reset, above.shape)[above][0])
            yield _number(name, "v_reset", value, "below the threshold")


def _threshold(node: NeuronNode) -> tuple[str, ...]:
    if isinstance(node, nir.Threshold):
        return ("threshold",)
    return () if isinstance(node, READ_OUTS) else ("v_threshold",)


def _number(name: str, field: str, found: float, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=f"{name}.{field}",
        found=f"{found:g}",
        limit=limit,
        remedy="correct the parameter in the model",
    )
