"""How the neurons of a NIR graph compute: as its metadata says, or by the rules of a dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.graph.nodes import NEURONS, READ_OUTS, NeuronNode, parameters_of
from snnc.compiler.graph.notes import metadata
from snnc.compiler.names import nearest
from snnc.compiler.network import Reset
from snnc.compiler.operators import Reals
from snnc.compiler.semantics.detect import detect
from snnc.compiler.semantics.dialect_table import AT_ONCE, DIALECTS, RESETS, Dialect, Form
from snnc.compiler.semantics.equations import Neurons, euler_rate, noted_neurons, reals

MOST_STEPS = 10
"""Time constants in a step where states decay exactly: exp(-10) = 5e-5 of a state is left then."""


@dataclass(frozen=True)
class Semantics:
    """How a graph computes.

    Attributes:
        dt: Length of a step in seconds.
        neurons: For each neuron node.
        choices: What was chosen rather than read, one sentence each.
        hop: Steps from a spike to its effect at the next population.
    """

    dt: float
    neurons: Mapping[str, Neurons]
    choices: tuple[str, ...]
    hop: int = 0


def settle(
    graph: nir.NIRGraph, *, dt: float | None, dialect: str | None, reset: str | None
) -> Semantics:
    """Decide how every neuron of ``graph`` computes.

    A graph of snnc's own frontends says so itself, and options that contradict it are refused. For
    any other the step has to be named where the dialect does not fix it, the dialect where
    ``detect`` does not find it, and the reset where frameworks write one node for several.

    Raises:
        InputError: SNN004, SNN105, SNN110 or SNN111, all at once.
    """
    nodes = {n: node for n, node in graph.nodes.items() if isinstance(node, NEURONS)}
    raise_all(_option_problems(dt, dialect, reset))
    if metadata(graph):
        raise_all(_contradictions(metadata(graph), dt, dialect, reset))
        return _from_metadata(metadata(graph), nodes)
    step = dt or (_assumed_step(DIALECTS[dialect]) if dialect else None)
    raise_all(_unknown_step(step))
    step = cast("float", step)
    name = dialect or detect(nodes, step)
    how = DIALECTS[name]
    raise_all(p for n, node in nodes.items() for p in _problems(n, node, how, step))
    raise_all(_unknown_resets(nodes, how, reset))
    return Semantics(
        dt=step,
        neurons={n: _neurons(node, how, step, reset) for n, node in nodes.items()},
        choices=(
            *_dialect_choices(nodes, name, detected=name != "nir" and not dialect),
            *_step_choices(how, step, named=dt is not None),
            *_short_choices(nodes, how, step),
            *_reset_choices(nodes, how, reset),
            *how.remarks,
        ),
        hop=how.hop,
    )


def _from_metadata(notes: Mapping[str, Any], nodes: Mapping[str, NeuronNode]) -> Semantics:
    neurons = {name: noted_neurons(node, metadata(node)) for name, node in nodes.items()}
    chosen = [f"semantics as {notes['framework']} computes, noted in the file by snnc"]
    if notes.get("remarks"):
        chosen.append(str(notes["remarks"]))
    return Semantics(float(notes["dt"]), neurons, tuple(chosen))


def _assumed_step(how: Dialect) -> float | None:
    return 1.0 if how.in_steps else how.dt


def _neurons(node: NeuronNode, how: Dialect, dt: float, reset: str | None) -> Neurons:
    made = how.forms[type(node)].neurons(node, dt)
    if isinstance(node, READ_OUTS):
        return replace(made, spiking=False)
    if isinstance(node, nir.Threshold):
        return replace(made, threshold=reals(node.threshold))
    meant = _meant(node, how, reset)
    return replace(
        made,
        threshold=reals(node.v_threshold),
        inclusive=how.at_threshold,
        reset=meant,
        reset_value=_reset_value(node) if meant is Reset.VALUE else made.reset_value,
    )


def _meant(node: NeuronNode, how: Dialect, reset: str | None) -> Reset:
    """Give what ``reset``, or nothing, means for a spiking node."""
    name = reset or how.reset or ""
    if name in AT_ONCE:
        return AT_ONCE[name]
    if how.has_value and name == Reset.ZERO and _reset_value(node).any():
        return Reset.VALUE
    if isinstance(node, nir.CubaLIF) and name in how.meant_of_currents:
        return how.meant_of_currents[name]
    return how.meant.get(name, Reset(name))


def _reset_value(node: NeuronNode) -> Reals:
    return reals(parameters_of(node).get("v_reset", 0))


# --- choices ------------------------------------------------------------------------------------


def _dialect_choices(
    nodes: Mapping[str, NeuronNode], name: str, *, detected: bool
) -> Iterator[str]:
    if detected:
        yield f"dialect {name}, as no other framework writes such numbers"
    kinds = {type(node) for node in nodes.values()}
    equations = [form.equation for kind, form in DIALECTS[name].forms.items() if kind in kinds]
    for equation in dict.fromkeys(equations):
        yield f"dialect {name}: {equation}"


def _step_choices(how: Dialect, dt: float, *, named: bool) -> Iterator[str]:
    if how.in_steps:
        yield f"a step is 1, as {how.title} counts time constants in steps"
    else:
        yield f"dt = {dt:g} s, as {'named' if named else f'{how.title} assumes'}"


def _short_choices(nodes: Mapping[str, NeuronNode], how: Dialect, dt: float) -> Iterator[str]:
    """Tell of the time constants that only exact decay lets be shorter than a step."""
    for name, node in nodes.items():
        for field, tau in _time_constants(node):
            if how.exact and euler_rate(tau, dt).max() > 1:
                left = 100 * np.exp(-dt / np.float64(tau.min()))
                yield f"{name}.{field} is below a step, which leaves {left:.2g} % of a state"


def _reset_choices(
    nodes: Mapping[str, NeuronNode], how: Dialect, reset: str | None
) -> Iterator[str]:
    resetting = [node for node in nodes.values() if _resets(node)]
    if not resetting:
        return
    name = reset or how.reset or ""
    own = "as NIR defines it" if how.title == "NIR" else f"as {how.title} computes"
    why = "as named" if reset else own
    meant = dict.fromkeys(_meant(node, how, reset) for node in resetting)
    same = [*meant] == [name]
    yield f"reset {name}, {why}" + ("" if same else f": {', '.join(meant)}")
    if how.at_threshold:
        yield f"a spike where v >= threshold, as in {how.title}; of integers, where v > threshold"


def _resets(node: NeuronNode) -> bool:
    return not isinstance(node, (*READ_OUTS, nir.Threshold))


# --- problems -----------------------------------------------------------------------------------


def _option_problems(
    dt: float | None, dialect: str | None, reset: str | None
) -> Iterator[Diagnostic]:
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        yield _option("--dt", f"{dt:g}", "a length in seconds above 0", "--dt 1e-4")
    if dialect is not None and dialect not in DIALECTS:
        yield _unknown_option("--dialect", dialect, DIALECTS)
    elif dialect is not None and DIALECTS[dialect].in_steps and dt not in (None, 1):
        title = DIALECTS[dialect].title
        limit = f"1: {title} counts time constants in steps"
        yield _option("--dt", f"{dt:g}", limit, "leave --dt out")
    if reset is not None and reset not in RESETS:
        yield _unknown_option("--reset", reset, RESETS)


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


def _unknown_option(name: str, found: str, known: Iterable[str]) -> Diagnostic:
    like = nearest(found, known)
    remedy = f"{name} {like}" if like else "docs/dialects.md tells what each of them means"
    return _option(name, found, ", ".join(known), remedy)


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


def _unknown_resets(
    nodes: Mapping[str, NeuronNode], how: Dialect, reset: str | None
) -> Iterator[Diagnostic]:
    if reset or how.reset:
        return
    for name, node in nodes.items():
        if _resets(node):
            yield Diagnostic(
                rule=rules.SEMANTICS_KNOWN,
                node=name,
                found=f"no --reset; {how.title} writes the same node for all its resets",
                limit=", ".join(RESETS),
                remedy=f"--reset {how.usual} is {how.title}'s default",
            )


def _problems(name: str, node: NeuronNode, how: Dialect, dt: float) -> Iterator[Diagnostic]:
    form = how.forms.get(type(node))
    if form is None:
        kinds = ", ".join(kind.__name__ for kind in how.forms if kind is not nir.Threshold)
        yield Diagnostic(
            rule=rules.SEMANTICS_KNOWN,
            node=name,
            found=f"a node of type {type(node).__name__}",
            limit=f"{kinds}: {how.title} writes no other neuron that snnc knows the meaning of",
            remedy="--dialect nir, or the dialect that wrote the file; see docs/dialects.md",
        )
        return
    yield from _too_short(name, node, how, dt)
    yield from _unwritten_potentials(name, node, how, form)
    yield from _unwritten_factors(name, node, how, form, dt)


def _too_short(name: str, node: NeuronNode, how: Dialect, dt: float) -> Iterator[Diagnostic]:
    """Yield time constants so far below a step that ``dt`` or the dialect is a wrong one."""
    most = MOST_STEPS if how.exact else 1
    least = "a tenth of a step" if how.exact else "a step"
    why = "nothing is left of a state beyond" if how.exact else "forward Euler overshoots beyond"
    for field, tau in _time_constants(node):
        if euler_rate(tau, dt).max() > most:
            shortest = f"{tau.min():g}"
            yield Diagnostic(
                rule=rules.NUMBER_USABLE,
                node=f"{name}.{field}",
                found=f"{shortest} steps"
                if how.in_steps
                else f"{shortest} s with steps of {dt:g} s",
                limit=f"{field} of {least} or more: {why}",
                remedy=how.too_long.replace("STEP", f"{tau.min() / 10:.1g}"),
            )


def _time_constants(node: NeuronNode) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    return ((f, tau) for f, tau in parameters_of(node).items() if f.startswith("tau"))


def _unwritten_potentials(
    name: str, node: NeuronNode, how: Dialect, form: Form
) -> Iterator[Diagnostic]:
    """Yield a leak or reset value that the dialect does not have."""
    values = parameters_of(node)
    for field, there in (("v_leak", form.leak), ("v_reset", how.has_value)):
        array = values.get(field, np.zeros(()))
        if not there and array.any():
            found, having = f"{array[array != 0].flat[0]:g}", _having(field, type(node))
            remedy = f"--dialect {having}, whichever wrote the file: they have {field}"
            yield _unwritten(f"{name}.{field}", found, "0", how, remedy)


def _having(field: str, kind: type[nir.NIRNode]) -> str:
    """Name the dialects in which a node of ``kind`` has a leak or reset value."""
    has = [
        name
        for name, how in DIALECTS.items()
        if kind in how.forms and (how.forms[kind].leak if field == "v_leak" else how.has_value)
    ]
    return " or ".join(filter(None, (", ".join(has[:-1]), has[-1])))


def _unwritten_factors(
    name: str, node: NeuronNode, how: Dialect, form: Form, dt: float
) -> Iterator[Diagnostic]:
    for group in form.written:
        if any(relation.holds(node, dt) for relation in group):
            continue
        field = group[0].left.partition("*")[0]
        off = dict.fromkeys(relation.found(node, dt) for relation in group)
        wanted = " or ".join(map(str, group))
        found = f"{', '.join(off)} at dt = {dt:g} s"
        remedy = "name the dialect that wrote the file"
        if not how.in_steps:
            remedy = f"correct --dt, or {remedy}"
        yield _unwritten(f"{name}.{field}", found, wanted, how, remedy)


def _unwritten(node: str, found: str, wanted: str, how: Dialect, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=node,
        found=found,
        limit=f"{wanted}, as {how.title} writes it",
        remedy=remedy,
    )
