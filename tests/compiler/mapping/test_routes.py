"""Loads of links against paths that are walked one link at a time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from snnc.compiler.mapping.hardware import Hardware, Mesh
from snnc.compiler.mapping.mapped import Flows
from snnc.compiler.mapping.routes import (
    Grid,
    Traffic,
    crossings_of,
    ends,
    links_of,
    route,
    routers,
    trees,
)
from tests.compiler.mapping.made import flows_of, hardware_of, random_flows

Router = tuple[int, int]
Link = tuple[Router, Router]

SYSTEMS = (
    (Mesh(8, 4, 4), 1, 1),
    (Mesh(5, 1, 1), 1, 1),
    (Mesh(1, 6, 2), 1, 1),
    (Mesh(1, 1, 9), 1, 1),
    (Mesh(3, 2, 2), 2, 5),
    (Mesh(2, 2, 1), 3, 9),
)


def where(core: int, chip: list[int], slot: list[int], hardware: Hardware) -> Router:
    """Give the router of a core, written out; of an input the first."""
    if core < 0:
        return 0, 0
    mesh, router = hardware.mesh, slot[core] // hardware.mesh.cores_per_router
    return (
        chip[core] % hardware.chip_columns * mesh.columns + router % mesh.columns,
        chip[core] // hardware.chip_columns * mesh.rows + router // mesh.columns,
    )


def path(at: Router, to: Router) -> set[Link]:
    """Walk along x, then along y."""
    links: set[Link] = set()
    while at != to:
        dx, dy = int(np.sign(to[0] - at[0])), int(np.sign(to[1] - at[1]))
        step = (at[0] + dx, at[1]) if dx else (at[0], at[1] + dy)
        links.add((at, step))
        at = step
    return links


def walked(flows: Flows, chip: list[int], slot: list[int], hardware: Hardware) -> list[set[Link]]:
    """Give the links of every tree."""
    return [
        set().union(
            *(
                path(where(source, chip, slot, hardware), where(target, chip, slot, hardware))
                for target in flows.target[begin:end].tolist()
            )
        )
        for source, begin, end in zip(
            flows.source.tolist(), flows.begin[:-1], flows.begin[1:], strict=True
        )
    ]


def loads(traffic: Traffic) -> dict[Link, float]:
    """Give the load of every link that has any."""
    found: dict[Link, float] = {}
    for (dx, dy), of in {
        (1, 0): traffic.east,
        (-1, 0): traffic.west,
        (0, 1): traffic.south,
        (0, -1): traffic.north,
    }.items():
        for row, column in np.argwhere(of).tolist():
            begin = column + (dx < 0), row + (dy < 0)
            found[begin, (begin[0] + dx, begin[1] + dy)] = float(of[row, column])
    return found


def is_border(link: Link, grid: Grid) -> bool:
    """Say whether a link leads to another chip."""
    chips = [(x // grid.chip_columns, y // grid.chip_rows) for x, y in link]
    return chips[0] != chips[1]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("mesh", "chip_columns", "chips"), SYSTEMS)
def test_links(mesh: Mesh, chip_columns: int, chips: int, seed: int) -> None:
    hardware = hardware_of(mesh, chip_columns=chip_columns, chips=chips)
    n = min(hardware.cores, 12)
    flows = random_flows(n, 20, seed)
    places = np.random.default_rng(seed).permutation(hardware.cores)[:n]
    chip, slot = (a.tolist() for a in np.divmod(places, hardware.cores_per_chip))
    expected = walked(flows, chip, slot, hardware)
    total: Counter[Link] = Counter()
    for links, rate in zip(expected, flows.rate.tolist(), strict=True):
        total.update(dict.fromkeys(links, rate))

    traffic = route(flows, chip, slot, hardware)
    assert loads(traffic) == pytest.approx(dict(total))
    borders = {link: load for link, load in total.items() if is_border(link, traffic.grid)}
    inside = {link: load for link, load in total.items() if link not in borders}
    assert traffic.spike_hops == pytest.approx(sum(total.values()))
    assert traffic.inter_chip == pytest.approx(sum(borders.values()))
    kinds = {
        "hop.x": [load for (a, b), load in inside.items() if a[1] == b[1]],
        "hop.y": [load for (a, b), load in inside.items() if a[1] != b[1]],
        "hop.chip": [*borders.values()],
    }
    for kind, loads_of in kinds.items():
        assert traffic.hops[kind].total == pytest.approx(sum(loads_of))
        assert traffic.hops[kind].heaviest == pytest.approx(max(loads_of, default=0))
    assert traffic.heaviest == pytest.approx(max(total.values(), default=0))
    if total:
        assert traffic.heaviest_link is not None
        assert total[traffic.heaviest_link] == pytest.approx(traffic.heaviest)
    else:
        assert traffic.heaviest_link is None

    x, y, target_x, target_y = ends(flows, *routers(chip, slot, hardware))
    t = trees(x, y, flows.begin, target_x, target_y)
    assert links_of(t).tolist() == [len(links) for links in expected]
    assert crossings_of(t, traffic.grid).tolist() == [
        sum(is_border(link, traffic.grid) for link in links) for links in expected
    ]


def test_a_tree_goes_over_a_link_once() -> None:
    hardware = hardware_of(Mesh(4, 3, 1))
    traffic = route(flows_of((0, (0, 1, 2), 2.0)), [0, 0, 0], [0, 11, 7], hardware)
    assert loads(traffic) == {
        ((0, 0), (1, 0)): 2,
        ((1, 0), (2, 0)): 2,
        ((2, 0), (3, 0)): 2,
        ((3, 0), (3, 1)): 2,
        ((3, 1), (3, 2)): 2,
    }


def test_no_flows() -> None:
    traffic = route(flows_of(), [0], [3], hardware_of(Mesh(2, 2, 1)))
    assert (traffic.spike_hops, traffic.heaviest, traffic.inter_chip) == (0, 0, 0)
    assert traffic.heaviest_link is None
