"""What does not fit, in words: what the hardware cannot do, parts too large, too many cores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.bounds import Bound
from snnc.compiler.mapping.demand import Demand, Meter
from snnc.compiler.mapping.hardware import Hardware, Limit
from snnc.compiler.mapping.ledger import Resource, Sent, Use, fits, uses
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.operators import MaxPooling

OURS = "name hardware with weights of 8 bits, as biases and sums that are divided have"
"""What helps where users don't choose the width (``docs/arithmetic.md``)."""

# --- what the hardware cannot do -----------------------------------------------------------------


def incapable(network: FixedNetwork, hardware: Hardware) -> tuple[Diagnostic, ...]:
    """Give all that ``network`` does and ``hardware`` cannot, in the order of the network."""
    found: list[Diagnostic] = []
    for given in network.inputs:
        found += _of_input(given, hardware)
    for population in network.populations:
        found += _of_population(population, hardware)
        for projection in network.incoming(population.name):
            found += _of_projection(network, projection, hardware)
    return tuple(dict.fromkeys(found))


def _of_input(given: FixedInput, hardware: Hardware) -> Iterator[Diagnostic]:
    bits = given.max_abs.bit_length() + 1
    if given.max_abs > 1 and bits > hardware.spike_bits.value:
        yield _incapable(
            given.name,
            f"spikes of {bits} bits: integers up to {given.max_abs} and their sign",
            _limited(hardware.spike_bits, hardware),
            "send spikes into the network: encode the input before it enters",
        )


def _of_population(p: FixedPopulation, hardware: Hardware) -> Iterator[Diagnostic]:
    if p.spiking and p.reset not in hardware.resets:
        there = ", ".join(sorted(r.value for r in hardware.resets))
        yield _incapable(
            " + ".join(p.origin),
            f"the reset {p.reset.value}",
            f"{there} on {hardware.name}",
            "train with a reset that is there; --reset where a .nir file leaves it open",
        )


def _of_projection(
    network: FixedNetwork, q: FixedProjection, hardware: Hardware
) -> Iterator[Diagnostic]:
    node, widest = " + ".join(q.origin), hardware.weight_bits[-1]
    if q.weight_bits > widest:
        yield _incapable(
            node,
            f"weights of {q.weight_bits} bits",
            f"{widest} bits on {hardware.name}",
            f"--weight-bits {q.target}={widest}" if _is_users(network, q) else OURS,
        )
    from_outside = q.source in {i.name for i in network.inputs}
    if q.delay > hardware.max_delay.value and not from_outside:
        yield _incapable(
            node,
            f"a delay of {q.delay} steps",
            _limited(hardware.max_delay, hardware),
            "shorten the delay, or take longer steps (--dt)",
        )
    if any(isinstance(o, MaxPooling) for o in q.operators):
        yield _incapable(
            node,
            "max pooling",
            f"sums of what arrives at a neuron on {hardware.name}",
            "train with average pooling",
        )


def _is_users(network: FixedNetwork, q: FixedProjection) -> bool:
    """Say whether users choose the width of weights: not of what brings a bias or divided sums.

    What snnc adds for these, neurons too, comes from where the projection does.
    """
    ends = [p for p in network.populations if p.name in (q.source, q.target)]
    return all(p.origin != q.origin for p in ends)


def _incapable(node: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rules.HARDWARE_CAPABLE, node, found, limit, remedy)


# --- what is too large ---------------------------------------------------------------------------


def too_large(
    network: FixedNetwork, part: Part, hardware: Hardware, sent: Sent | None = None
) -> tuple[Diagnostic, ...]:
    """Say of each resource that ``part`` alone exceeds how much it needs, and how that adds up.

    Args:
        network: Which the part is of.
        part: The smallest that its population can be cut into.
        hardware: The limits.
        sent: What the part sends; nothing where that is not known.
    """
    sent = Sent() if sent is None else sent
    needed = Meter(network, hardware).demand(part)
    exceeded = [use for use in uses(needed, sent, hardware) if not use.fits]
    remedy = _narrower(network, part, hardware, sent) if exceeded else None
    origin = " + ".join(network.population(part.population).origin)
    return tuple(
        Diagnostic(
            rule=rules.PART_FITS,
            node=origin,
            found=_counted(use, needed, sent),
            limit=_limited(use.limit, hardware),
            remedy=_REMEDIES[use.resource] if remedy is None else remedy,
        )
        for use in exceeded
    )


def _counted(use: Use, needed: Demand, sent: Sent) -> str:
    sum_of = arithmetic(use.resource, needed, sent)
    return f"{use.used} {use.resource}{': ' * bool(sum_of)}{sum_of}"


_REMEDIES = {
    Resource.NEURONS: "train with a reset to zero, which takes one compartment a neuron",
    Resource.SYNAPSE_MEMORY: "prune what enters the population, or pool it before",
    Resource.WORDS_PER_AXON: "train with smaller kernels or fewer channels",
    Resource.INPUT_AXONS: "prune what enters the population, or pool it before",
    Resource.OUTPUT_AXONS: "let the population feed smaller ones",
    Resource.PARAMETER_SETS: "train one decay for the whole population",
    Resource.THRESHOLDS: "--max-thresholds 1",
    Resource.SYNAPSE_FORMATS: "give the weights into the population one width: --weight-bits 8",
    Resource.POPULATIONS: "merge populations of the model",
    Resource.FAN_IN: "prune what enters the population, or pool it before",
    Resource.FAN_OUT: "prune what the population feeds",
    Resource.DESTINATIONS: "let the population feed smaller ones",
}


def _narrower(network: FixedNetwork, part: Part, hardware: Hardware, sent: Sent) -> str | None:
    """Name the widest weights with which the part fits, or give None: none are narrow enough."""
    name = part.population
    incoming = [q for q in network.incoming(name) if _is_users(network, q)]
    narrowed = {q.name for q in incoming}
    widest = max((q.weight_bits for q in incoming), default=0)
    for bits in range(widest - 1, 0, -1):
        projections = tuple(
            replace(q, weight_bits=min(bits, q.weight_bits)) if q.name in narrowed else q
            for q in network.projections
        )
        needed = Meter(replace(network, projections=projections), hardware).demand(part)
        if fits(needed, sent, hardware):
            return f"--weight-bits {name}={bits}"
    return None


def too_many_cores(needed: int, hardware: Hardware, least: Bound) -> Diagnostic:
    """Say that a network needs more cores than there are.

    Args:
        needed: Cores of the best partition that was found.
        hardware: More of which are not there.
        least: How few there could be.
    """
    each, chips = hardware.cores_per_chip, hardware.chips
    all_of = f"{ceil(needed / each)} chips: {needed} cores, {each} a chip"
    return Diagnostic(
        rule=rules.CORES_THERE,
        node=f"--hardware {hardware.name}",
        found=f"{all_of}; no mapping has fewer than {least.cores}, for {least.resource}",
        limit=_limited(chips, hardware),
        remedy="name a description with more chips (docs/hardware.md)",
    )


# --- how it adds up ------------------------------------------------------------------------------


def arithmetic(resource: Resource, needed: Demand, sent: Sent) -> str:
    """Say how much of a resource each projection takes; nothing where that says no more.

    Args:
        resource: Of a core.
        needed: By its parts.
        sent: By its parts.
    """
    match resource:
        case Resource.NEURONS if needed.resets:
            return f"{needed.neurons} and {needed.resets} compartments more to reset them"
        case Resource.SYNAPSE_MEMORY:
            return _sum(
                [f"{p.words} for {p.axons} axons of {p.projection}" for p in needed.projections],
                f"{needed.reset_words} for resets" if needed.resets else "",
            )
        case Resource.WORDS_PER_AXON:
            longest = max(needed.projections, key=lambda p: p.words_per_axon)
            bits, _, _, delay, encoding = longest.format
            late = f" and {delay} of delay" if delay else ""
            return f"{longest.projection} in the encoding {encoding}, {bits} bits a weight{late}"
        case Resource.INPUT_AXONS:
            return _sum(
                [f"{p.axons} of {p.projection}" for p in needed.projections],
                f"{needed.resets} of resets" if needed.resets else "",
            )
        case Resource.OUTPUT_AXONS if needed.resets:
            return f"{sent.axons} to other cores + {needed.resets} of resets"
        case _:
            return ""


def _sum(several: list[str], last: str) -> str:
    return " + ".join([*several, *([last] if last else [])])


def _limited(limit: Limit, hardware: Hardware) -> str:
    return f"{limit.value} on {hardware.name} ({limit.source}; {limit.certainty})"
