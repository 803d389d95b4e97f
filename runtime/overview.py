"""An artifact as tables: populations, projections, semantics, what quantization cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.network import Population, Projection
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    Window,
)
from snnc.runtime.budgeted import budget_text
from snnc.runtime.mapped import mapping_text
from snnc.runtime.relayed import relayed_tables
from snnc.runtime.text import count, percent, shown, table
from snnc.targets.artifact import Artifact
from snnc.targets.lava.plan import LAVAS, whose

LAVA_PLAN = "lava.json"
"""Member of a Lava artifact that tells which process each population runs on."""


def overview(artifact: Artifact) -> str:
    """Give all tables."""
    network = artifact.network
    lags = cast("Mapping[str, int]", artifact.account.get("lags", {}))
    lines = [
        f"target {artifact.target}, time step {network.dt:g} s, "
        f"latency {artifact.account.get('latency_steps', 0)} steps",
        "",
        _inputs_table(artifact),
        "",
        _populations_table(network.populations, lags),
        "",
        _projections_table(artifact),
    ]
    if artifact.fixed is not None:
        lines += ["", _hardware_table(artifact.fixed), "", quantization_table(artifact.account)]
        lines += ["", registers_table(artifact.account)]
    for relays in relayed_tables(artifact.account):
        lines += ["", relays]
    if "mapping" in artifact.account:
        lines += ["", mapping_text(artifact.account["mapping"])]
    if "budget" in artifact.account:
        lines += ["", budget_text(artifact.account["budget"])]
    processes = lava_processes(artifact)
    if processes:
        lines += ["", f"form {lava_form(artifact)}: {lava_share(processes)}"]
        lines += [table(tuple(LavaProcess._fields), processes)]
    return "\n".join(lines + choices_and_warnings(artifact))


def facts(artifact: Artifact) -> dict[str, Any]:
    """Give the same as JSON values."""
    network, fixed = artifact.network, artifact.fixed
    return {
        "target": artifact.target,
        "dt": network.dt,
        "inputs": [{"name": i.name, "shape": list(i.shape)} for i in network.inputs],
        "outputs": [{"name": o.name, "source": o.source} for o in network.outputs],
        "populations": [_population(p) for p in network.populations],
        "projections": [{**_way(q), "delay": q.delay} for q in network.projections],
        "hardware_projections": [_on_hardware(q) for q in (fixed.projections if fixed else ())],
        "choices": list(network.choices),
        "account": dict(artifact.account),
        "options": dict(artifact.options),
        "form": lava_form(artifact),
        "processes": [p._asdict() for p in lava_processes(artifact)],
    }


def _population(p: Population) -> dict[str, Any]:
    return {
        "name": p.name,
        "origin": list(p.origin),
        "shape": list(p.shape),
        "neurons": p.size,
        "integration": p.integration.value,
        "reset": p.reset.value,
        "decay": _extent(p.decay),
        "current_decay": _extent(p.current_decay),
        "threshold": _extent(p.threshold) if p.spiking else None,
        "refractory": p.refractory,
    }


def _on_hardware(q: FixedProjection) -> dict[str, Any]:
    return {
        **_way(q),
        "weight_bits": q.weight_bits,
        "sign_mode": q.sign_mode.value,
        "weight_exp": q.weight_exp,
        "delay": q.delay,
    }


def _way(q: Projection | FixedProjection) -> dict[str, Any]:
    return {
        "name": q.name,
        "origin": list(q.origin),
        "source": q.source,
        "target": q.target,
        "operators": [operator_text(o) for o in q.operators],
    }


def quantization_table(account: Mapping[str, Any]) -> str:
    """Give what quantization cost, one row for each population."""
    header = (
        "population",
        "neurons",
        "threshold",
        "bits",
        "exponent",
        "to zero",
        "SQNR dB",
        "tau error",
        "overflow",
        "headroom",
        "error by itself",
        "error",
    )
    return table(header, (_account_row(p) for p in account.get("populations", ())))


def registers_table(account: Mapping[str, Any]) -> str:
    """Give what rounding did to time constants, and how many registers differ."""
    header = (
        "population",
        "tau of v, worst",
        "typical",
        "of current, worst",
        "typical of it",
        "thresholds",
        "if free",
        "SQNR dB if free",
        "biases",
    )
    return table(header, (_registers_row(p) for p in account.get("populations", ())))


def choices_and_warnings(artifact: Artifact) -> list[str]:
    """Give what had to be chosen and what the compiler warns of, as lines."""
    lines = [""] if artifact.network.choices else []
    for choice in artifact.network.choices:
        lines += [f"chosen: {shown(choice)}"]
    for warning in cast("Iterable[str]", artifact.account.get("warnings", ())):
        lines += ["", *map(shown, warning.splitlines())]
    return lines


class LavaProcess(NamedTuple):
    """A node on Lava.

    Attributes:
        id: Of its process, in Lava.
        role: ``input``, ``population``, ``projection`` or ``output``.
        process: Kind of process.
        whose: Whether the process is Lava's or ours.
        of: Name of the node.
    """

    id: str
    role: str
    process: str
    whose: str
    of: str


def lava_processes(artifact: Artifact) -> list[LavaProcess]:
    """Give what each node runs on on Lava; nothing for other targets."""
    rows = cast("Iterable[Mapping[str, str]]", _lava_plan(artifact).get("processes", ()))
    return [
        LavaProcess(r["id"], r["role"], r["process"], whose(r["process"]), r["of"]) for r in rows
    ]


def lava_form(artifact: Artifact) -> str | None:
    """Give the form of a network on Lava; None for other targets."""
    return cast("str | None", _lava_plan(artifact).get("form"))


def lava_share(processes: Iterable[LavaProcess]) -> str:
    """Say how many nodes run on Lava's own processes."""
    owners = [p.whose for p in processes]
    return f"{owners.count(LAVAS)} of {count(len(owners), 'node')} on Lava's own processes"


def _lava_plan(artifact: Artifact) -> Mapping[str, Any]:
    if LAVA_PLAN not in artifact.members:
        return {}
    return cast("Mapping[str, Any]", json.loads(artifact.members[LAVA_PLAN]))


def _inputs_table(artifact: Artifact) -> str:
    steps = {i.name: (i.step, i.max_abs) for i in artifact.fixed.inputs} if artifact.fixed else {}
    rows = [
        (i.name, _shape(i.shape), *(f"{n:g}" for n in steps.get(i.name, (1, 1))))
        for i in artifact.network.inputs
    ]
    return table(("input", "shape", "unit", "largest"), rows)


def _populations_table(populations: Iterable[Population], lags: Mapping[str, int]) -> str:
    rows = [
        (
            p.name,
            _shape(p.shape),
            p.integration.value,
            p.reset.value if p.spiking else "-",
            _range(p.decay),
            _range(p.current_decay) if p.integration.has_current else "-",
            _range(p.threshold) if p.spiking else "read-out",
            str(lags.get(p.name, 0)),
        )
        for p in populations
    ]
    header = ("population", "shape", "integration", "reset", "decay", "of current", "threshold")
    return table((*header, "lag"), rows)


def _projections_table(artifact: Artifact) -> str:
    rows = [
        (q.name, q.source, q.target, _operators(q.operators), str(q.delay))
        for q in artifact.network.projections
    ]
    return table(("projection", "from", "to", "operators", "delay"), rows)


def _hardware_table(network: FixedNetwork) -> str:
    rows = [
        (
            q.name,
            q.source,
            q.target,
            _operators(q.operators),
            str(q.weight_bits),
            q.sign_mode.value,
            str(q.weight_exp),
            str(q.delay),
        )
        for q in network.projections
    ]
    header = ("on hardware", "from", "to", "operators", "bits", "signs", "exponent", "delay")
    return table(header, rows)


def _operators(operators: Iterable[Operator | FixedOperator]) -> str:
    return ", ".join(map(operator_text, operators)) or "as sent"


def operator_text(operator: Operator | FixedOperator) -> str:
    """Give kind and shape of an operator in a few words."""
    match operator:
        case Dense() | FixedDense():
            return f"dense {_shape(operator.weight.shape)}"
        case FixedSparse():
            shape = operator.n_out, operator.begin.size - 1
            return f"sparse {_shape(shape)}, {operator.weight.size} weights"
        case Convolution() | FixedConvolution():
            groups = f" in {operator.groups} groups" if operator.groups > 1 else ""
            return f"convolution {_shape(operator.weight.shape)}{groups}{_steps(operator.window)}"
        case Scaling() | FixedScaling():
            return "elementwise"
        case MaxPooling():
            return f"max pool {_shape(operator.window.kernel)}{_steps(operator.window)}"
        case SumPooling():
            return f"sum pool {_shape(operator.window.kernel)}{_steps(operator.window)}"
        case AveragePooling():
            return f"average pool {_shape(operator.window.kernel)}{_steps(operator.window)}"


def _steps(window: Window) -> str:
    return f" by {_shape(window.stride)}" if max(window.stride) > 1 else ""


def _account_row(p: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = p["threshold_min"], p["threshold_max"]
    exponents = cast("Iterable[int]", p["weight_exp"])
    sqnr, tau = p["weight_sqnr_db"], p["time_constant_error"]
    seen = cast("Mapping[str, float | None]", p["observed"] or {})
    return (
        str(p["name"]),
        str(p["neurons"]),
        str(low) if low == high else f"{low} to {high}",
        str(p["weight_bits"]),
        ", ".join(map(str, exponents)),
        str(p["weights_rounded_to_zero"]),
        "-" if sqnr is None else f"{sqnr:.1f}",
        "infinite" if tau is None else percent(tau),
        str(p["overflow"]),
        _percent(p["headroom"]),
        *(_percent(seen.get(error)) for error in ("error_local", "error")),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _registers_row(p: Mapping[str, Any]) -> tuple[str, ...]:
    free = p["ungrouped"]
    sqnr = free["weight_sqnr_db"] if free else None
    return (
        str(p["name"]),
        *_tau(p["tau_mem"]),
        *_tau(p["tau_syn"]),
        str(p["thresholds"]),
        str(free["thresholds"]) if free else "-",
        "-" if sqnr is None else f"{sqnr:.1f}",
        str(p["biases"]),
    )


def _tau(errors: Mapping[str, float | None] | None) -> tuple[str, str]:
    """Give the worst and the typical error of a time constant."""
    if errors is None:
        return "-", "-"
    worst, typical = (
        "infinite" if e is None else percent(e) for e in (errors["worst"], errors["typical"])
    )
    return worst, typical


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _extent(values: np.typing.NDArray[np.float32]) -> list[float]:
    return [float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))]


def _range(values: np.typing.NDArray[np.float32]) -> str:
    low, high = _extent(values)
    return f"{low:.5g}" if low == high else f"{low:.5g} to {high:.5g}"
