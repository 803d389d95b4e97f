"""What a step of a mapped network takes, in what users see: as JSON values, and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnc.compiler.mapping.cost import Estimate, Event, estimate
from snnc.compiler.mapping.mapped import Flows, MappedNetwork
from snnc.compiler.mapping.metrics import metrics_of
from snnc.compiler.mapping.routes import Traffic
from snnc.compiler.mapping.traffic import Rates
from snnc.runtime.text import table


def cost_account(
    mapped: MappedNetwork, flows: Flows, traffic: Traffic, rates: Rates
) -> dict[str, Any]:
    """Give energy and time of a step, and NeuroBench's metrics.

    Args:
        mapped: The network over cores.
        flows: Of the same.
        traffic: Of the same.
        rates: Spikes a step of inputs and populations; 1 where nothing is said.
    """
    return {
        "rates": "calibration" if rates else "assumed",
        "estimate": _estimate(estimate(mapped, flows, traffic, rates)),
        "neurobench": metrics_of(mapped.fixed, rates).as_json(),
    }


def cost_text(account: Mapping[str, Any]) -> str:
    """Give the same as lines for the terminal."""
    of = account["estimate"]
    header = ("event", "a step", "energy of one", "of all", "time of one", "source")
    lines = [table(header, (_row(event) for event in of["events"])), "", sentence(account)]
    return "\n".join([*lines, metrics_text(account)])


def sentence(account: Mapping[str, Any]) -> str:
    """Give energy and time of a step, and what is not in them."""
    of = account["estimate"]
    if of["certainty"] is None:
        return "what a step takes is not known: the description has no costs"
    unknown = [
        f"the {what} of {', '.join(names)}"
        for what, names in (("energy", of["without_energy"]), ("time", of["without_time"]))
        if names
    ]
    left = f"; not in it: {', '.join(unknown)}" if unknown else ""
    all_spike = "" if account["rates"] == "calibration" else ", if every neuron spiked in each"
    return (
        f"a step takes {quantity(of['joules'], 'J')} and {quantity(of['seconds'], 's')}{all_spike} "
        f"(estimated; costs are {of['certainty']} or surer{left})"
    )


def metrics_text(account: Mapping[str, Any]) -> str:
    """Give NeuroBench's metrics, under its names."""
    of = account["neurobench"]
    done = of["synaptic_operations"]
    sparsity = of["activation_sparsity"]
    activation = "none spikes" if sparsity is None else f"{sparsity:.4f}"
    return (
        f"NeuroBench: footprint {of['footprint']:,.0f} bytes, connection_sparsity "
        f"{of['connection_sparsity']:.4f}, activation_sparsity {activation}, synaptic_operations "
        f"a step: Effective_MACs {done['Effective_MACs']:,.1f}, Effective_ACs "
        f"{done['Effective_ACs']:,.1f}, Dense {done['Dense']:,.0f}"
    )


def quantity(value: float | None, unit: str) -> str:
    """Give a number with three digits and a prefix of the unit; ``-`` where it is not known."""
    if value is None:
        return "-"
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9)):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value / 1e-12:.3g} p{unit}"


def _estimate(of: Estimate) -> dict[str, Any]:
    return {
        "joules": of.joules,
        "seconds": of.seconds,
        "core_seconds": float(of.core_seconds.max(initial=0)),
        "link_seconds": of.link_seconds,
        "barrier_seconds": of.barrier_seconds,
        "certainty": None if of.certainty is None else str(of.certainty),
        "without_energy": list(of.without_energy),
        "without_time": list(of.without_time),
        "events": [_event(event) for event in of.events],
    }


def _event(event: Event) -> dict[str, Any]:
    c = event.coefficient
    return {
        "event": event.name,
        "count": event.count,
        "joules": None if c is None else c.joules,
        "seconds": None if c is None else c.seconds,
        "source": "" if c is None else c.source,
        "certainty": None if c is None else str(c.certainty),
    }


def _row(event: Mapping[str, Any]) -> tuple[str, ...]:
    each = event["joules"]
    return (
        event["event"],
        f"{event['count']:,.2f}",
        quantity(each, "J"),
        quantity(None if each is None else each * event["count"], "J"),
        quantity(event["seconds"], "s"),
        f"{event['source']} ({event['certainty']})" if event["certainty"] else "-",
    )
