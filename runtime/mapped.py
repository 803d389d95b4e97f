"""What came of laying a network out over cores: as JSON values, and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from snnc.compiler.mapping.bounds import lower_bounds
from snnc.compiler.mapping.ledger import Use
from snnc.compiler.mapping.mapped import Core, MappedNetwork
from snnc.compiler.mapping.regions import Box, Region
from snnc.compiler.mapping.routes import Grid, Traffic, route
from snnc.compiler.mapping.traffic import Rates, flows, km1
from snnc.compiler.mapping.usage import usage
from snnc.runtime.costs import cost_account, metrics_text, sentence
from snnc.runtime.picture import Drawn, picture
from snnc.runtime.text import count, percent, shown, table

RESOURCES = ("of a core", "fullest", "limit", "its share", "on average", "core", "source")
"""Columns of the table of resources."""
_WAYS = ("east", "west", "south", "north")
SHOWN = 24
"""Cores that a table lists one by one."""


def mapping_account(mapped: MappedNetwork, rates: Rates) -> dict[str, Any]:
    """Give all of it as JSON values.

    Args:
        mapped: The network over cores.
        rates: Spikes a step that were counted on; none where a spike of everybody in every step
            was assumed.
    """
    hardware = mapped.hardware
    bound = lower_bounds(mapped.fixed, hardware)[0]
    used = [uses for _, uses in usage(mapped.fixed, hardware, mapped.cores)]
    found = flows(mapped.fixed, mapped.cores, rates)
    chips, slots = zip(*((core.chip, core.slot) for core in mapped.cores), strict=True)
    over = route(found, chips, slots, hardware)
    return {
        "hardware": hardware.name,
        "summary": hardware.summary,
        "seed": mapped.seed,
        "cores": len(mapped.cores),
        "cores_lower_bound": max(1, bound.cores),
        "bound_by": str(bound.resource),
        "chips": len({core.chip for core in mapped.cores}),
        "cores_per_chip": hardware.cores_per_chip,
        "resources": list(_resources(used)),
        "traffic": {"between_cores": km1(found), **_traffic(over)},
        **cost_account(mapped, found, over, rates),
        "per_core": [_core(core, of) for core, of in zip(mapped.cores, used, strict=True)],
    }


def mapping_text(account: Mapping[str, Any]) -> str:
    """Give the same as lines for the terminal."""
    lines = [mapping_headline(account), "", resources_table(account)]
    if account["cores"] <= SHOWN:
        lines += ["", cores_table(account)]
    return "\n".join([*lines, "", traffic_text(account), sentence(account), metrics_text(account)])


def mapping_headline(account: Mapping[str, Any]) -> str:
    """Give cores, chips, and how few cores there could be, in a sentence."""
    cores, chips = count(account["cores"], "core"), count(account["chips"], "chip")
    least = f"no mapping has fewer than {account['cores_lower_bound']}, for {account['bound_by']}"
    return f"{cores} of {shown(account['hardware'])}, on {chips}; {least}"


def resources_table(account: Mapping[str, Any]) -> str:
    """Give one row for each resource of a core."""
    return table(RESOURCES, resource_rows(account))


def resource_rows(account: Mapping[str, Any]) -> Iterator[list[str]]:
    """Give of each resource what the fullest core uses, the limit, and who says so."""
    for r in account["resources"]:
        yield [
            r["resource"],
            f"{r['most']:,}",
            f"{r['limit']:,}",
            percent(r["most"] / max(r["limit"], 1)),
            percent(r["mean"] / max(r["limit"], 1)),
            str(r["core"]),
            f"{r['source']} ({r['certainty']})",
        ]


def cores_table(account: Mapping[str, Any]) -> str:
    """Give one row for each core."""
    names = [r["resource"] for r in account["resources"]]
    rows = [
        [
            str(k),
            f"{core['chip']}.{core['slot']}",
            ", ".join(f"{p['population']} {p['neurons']}" for p in core["parts"]),
            *(f"{core['uses'][name]:,}" for name in names),
        ]
        for k, core in enumerate(account["per_core"])
    ]
    return table(("core", "chip.slot", "neurons of", *names), rows)


def traffic_text(account: Mapping[str, Any]) -> str:
    """Give what goes over the mesh, in a sentence."""
    of = account["traffic"]
    known = "" if account["rates"] == "calibration" else ", if every neuron spiked in every step"
    return (
        f"a step takes {of['between_cores']:,.2f} spikes between cores and "
        f"{of['spike_hops']:,.2f} over links, {of['heaviest_link']:,.2f} over the busiest and "
        f"{of['between_chips']:,.2f} between chips{known}"
    )


def mapping_picture(mapped: MappedNetwork, account: Mapping[str, Any]) -> str:
    """Draw the chips: how full the cores are, and what goes over the links.

    Args:
        mapped: The network over cores.
        account: What ``mapping_account`` gave of it.

    Returns:
        An ``svg`` element; whatever users named is escaped.
    """
    limits = {r["resource"]: max(r["limit"], 1) for r in account["resources"]}
    drawn: list[Drawn] = []
    for core in account["per_core"]:
        shares = {name: used / limits[name] for name, used in core["uses"].items()}
        fullest = max(shares, key=lambda name: shares[name])
        parts = ", ".join(f"{p['population']} {p['neurons']}" for p in core["parts"])
        text = shown(f"{parts}: {percent(shares[fullest])} of {fullest}")
        drawn.append(Drawn(core["chip"], core["slot"], shares[fullest], text))
    links = account["traffic"]["links"]
    grid = Grid.of(mapped.hardware, max(core.chip for core in mapped.cores) + 1)
    arrays = {way: np.array(links[way], np.float64) for way in _WAYS}
    return picture(mapped.hardware, drawn, Traffic(grid=grid, **arrays), "mapping")


def _resources(used: list[tuple[Use, ...]]) -> Iterator[dict[str, Any]]:
    for of_one in zip(*used, strict=True):
        numbers = [use.used for use in of_one]
        limit = of_one[0].limit
        yield {
            "resource": str(of_one[0].resource),
            "most": max(numbers),
            "core": int(np.argmax(numbers)),
            "mean": float(np.mean(numbers)),
            "limit": limit.value,
            "source": limit.source,
            "certainty": str(limit.certainty),
        }


def _traffic(over: Traffic) -> dict[str, Any]:
    return {
        "spike_hops": over.spike_hops,
        "heaviest_link": over.heaviest,
        "between_chips": over.inter_chip,
        "links": {way: getattr(over, way).tolist() for way in _WAYS},
    }


def _core(core: Core, used: tuple[Use, ...]) -> dict[str, Any]:
    return {
        "chip": core.chip,
        "slot": core.slot,
        "parts": [
            {
                "population": part.population,
                "neurons": part.region.size,
                "region": _region(part.region),
            }
            for part in core.parts
        ],
        "encodings": dict(core.encodings),
        "uses": {str(use.resource): use.used for use in used},
    }


def _region(region: Region) -> str:
    """Give ``0:8, 3:9`` of a box, and how many of a list."""
    if isinstance(region, Box):
        axes = zip(region.begin, region.end, strict=True)
        return ", ".join(f"{begin}:{end}" for begin, end in axes)
    return f"{region.size} listed"
