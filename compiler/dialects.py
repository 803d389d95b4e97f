"""Whose conventions the numbers of a NIR graph follow, and how its neurons therefore compute.

The same ``nir.LIF`` is written by different frameworks for different computations. Measured
equivalences of the dialects are in the docstrings of ``_nir`` and ``_snntorch``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.network import Integration, Reals, Reset
from snnc.compiler.notes import metadata

DIALECTS = ("nir", "snntorch")
SNNTORCH_DT = 1e-4
"""The step that snnTorch's own exporter assumes (snntorch 1.0.0, ``export_nir.py``)."""
UNIT_GAIN_TOLERANCE = 1e-5
"""``r dt / tau`` of a network without such a factor: 1 but for float32 rounding (8e-8)."""


@dataclass(frozen=True)
class Neurons:
    """How the neurons of one node compute; arrays broadcast to the node's shape."""

    integration: Integration
    decay: Reals
    gain: Reals
    leak: Reals
    threshold: Reals
    reset: Reset


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
    neurons = {n: node for n, node in graph.nodes.items() if isinstance(node, nir.LIF)}
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


def _from_metadata(notes: Mapping[str, Any], nodes: Mapping[str, nir.LIF]) -> Semantics:
    neurons: dict[str, Neurons] = {}
    for name, node in nodes.items():
        own = metadata(node)
        neurons[name] = Neurons(
            integration=Integration(str(own["integration"])),
            decay=reals(own["decay"]),
            gain=reals(own["gain"]),
            leak=reals(own["leak"]),
            threshold=reals(own["threshold"]),
            reset=Reset(str(own["reset"])),
        )
    chosen = f"semantics as {notes['framework']} computes, noted in the file by snnc"
    return Semantics(float(notes["dt"]), neurons, (chosen,))


def _nir(nodes: Mapping[str, nir.LIF], dt: float, reset: str | None) -> Semantics:
    """NIR's equation by forward Euler: ``v += dt / tau * ((r I + v_leak) - v)``, reset to zero.

    With ``r = 1`` it is norse's ``LIFBoxCell``, bit for bit.
    """
    rule = Reset(reset) if reset else Reset.ZERO
    neurons = {
        name: Neurons(
            integration=Integration.EULER,
            decay=euler_rate(np.asarray(node.tau), dt),
            gain=reals(node.r),
            leak=reals(node.v_leak),
            threshold=reals(node.v_threshold),
            reset=rule,
        )
        for name, node in nodes.items()
    }
    return Semantics(
        dt,
        neurons,
        (
            "dialect nir: forward Euler, v += dt/tau * ((r*I + v_leak) - v), from v = 0",
            f"dt = {dt:g} s, as named",
            f"reset {rule}" + (", as named" if reset else ", as NIR defines it"),
        ),
    )


def _snntorch(nodes: Mapping[str, nir.LIF], dt: float, reset: Reset) -> Semantics:
    """SnnTorch's ``mem = beta * mem + x`` with ``beta = 1 - dt / tau`` (``export_nir.py``)."""
    neurons = {
        name: Neurons(
            integration=Integration.DECAY,
            decay=snntorch_beta(np.asarray(node.tau), dt),
            gain=np.ones_like(reals(node.r)),
            leak=np.zeros_like(reals(node.v_leak)),
            threshold=reals(node.v_threshold),
            reset=reset,
        )
        for name, node in nodes.items()
    }
    return Semantics(
        dt,
        neurons,
        (
            "dialect snntorch: v = beta*v + I with beta = 1 - dt/tau, from v = 0",
            f"dt = {dt:g} s",
            f"reset {reset}, as named",
        ),
    )


def euler_rate(tau: npt.NDArray[Any], dt: float) -> Reals:
    """Give ``dt / tau`` in the precision of ``tau``: 1 where a float32 ``tau`` is one step."""
    return reals((np.float32(dt) if tau.dtype == np.float32 else dt) / tau)


def snntorch_beta(tau: npt.NDArray[Any], dt: float) -> Reals:
    """Give back the float32 ``beta`` that was exported as ``tau = dt / (1 - beta)``.

    Of float32 ``tau``: exact for betas of three decimals from 0.66 on, else 1e-7 off at most.
    Of float64 ``tau``: exact.
    """
    if tau.dtype == np.float32:
        return reals(np.float32(1) - np.float32(dt) / tau)
    return reals(1 - dt / tau)


def reals(values: Any) -> Reals:
    """Give ``values`` as float32."""
    with np.errstate(over="ignore"):  # infinity is refused by check_network
        return np.asarray(values).astype(np.float32)


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


def _gains(node: nir.LIF, dt: float) -> npt.NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):  # tau = 0 has a message of its own
        return np.asarray(node.r, np.float64) * dt / np.asarray(node.tau, np.float64)


def _has_unit_gain(node: nir.LIF, dt: float) -> bool:
    return bool((np.abs(_gains(node, dt) - 1) < UNIT_GAIN_TOLERANCE).all())


def _ambiguous(nodes: Mapping[str, nir.LIF], dt: float) -> Iterator[Diagnostic]:
    for name, node in nodes.items():
        if _has_unit_gain(node, dt) and not (np.asarray(node.r) == 1).all():
            yield Diagnostic(
                rule=rules.SEMANTICS_KNOWN,
                node=name,
                found=f"r*dt/tau = 1 at dt = {dt:g} s: input enters without a factor, as in "
                "snnTorch, whose files do not say how a spike resets",
                limit="one known computation",
                remedy="--dialect snntorch --reset subtract-delayed (snnTorch's default), "
                "--reset zero, or --dialect nir for NIR's own equation",
            )


def _nir_problems(name: str, node: nir.LIF, dt: float) -> Iterator[Diagnostic]:
    yield from _neuron_problems(name, node)
    shortest = float(np.min(node.tau))
    if shortest > 0 and euler_rate(np.asarray(node.tau), dt).max() > 1:
        yield Diagnostic(
            rule=rules.NUMBER_USABLE,
            node=f"{name}.tau",
            found=f"{shortest:g} s with steps of {dt:g} s",
            limit="tau of a step or more: forward Euler overshoots beyond",
            remedy=f"name the step that the network was trained with: --dt {shortest / 10:.1g}",
        )


def _snntorch_problems(
    name: str, node: nir.LIF, dt: float, reset: str | None
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
    if float(np.min(node.tau)) > 0 and not _has_unit_gain(node, dt):
        gain = _gains(node, dt).ravel()[0]
        yield Diagnostic(
            rule=rules.NUMBER_USABLE,
            node=f"{name}.r",
            found=f"r*dt/tau = {gain:g} at dt = {dt:g} s",
            limit="1, as snnTorch exports it",
            remedy="correct --dt, or use --dialect nir",
        )


def _neuron_problems(name: str, node: nir.LIF) -> Iterator[Diagnostic]:
    for field in ("tau", "v_threshold"):
        values = np.asarray(getattr(node, field), np.float64)
        if not values.min() > 0:
            yield _number(name, field, float(values.min()), "above 0")
        elif values.max() == np.inf:
            yield _number(name, field, np.inf, "a finite number")
    resets = np.atleast_1d(0 if node.v_reset is None else node.v_reset)
    if (resets != 0).any():
        yield _number(name, "v_reset", float(resets[resets != 0][0]), "0 in this release")


def _number(name: str, field: str, found: float, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=f"{name}.{field}",
        found=f"{found:g}",
        limit=limit,
        remedy="correct the parameter in the model",
    )
