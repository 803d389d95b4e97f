"""Placement: what it costs by the trees, and that nothing simple is better."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from snnc.compiler.mapping import place as module
from snnc.compiler.mapping.chips import chips_of
from snnc.compiler.mapping.curves import hilbert_order, spectral_order
from snnc.compiler.mapping.hardware import Hardware, Mesh
from snnc.compiler.mapping.mapped import Flows
from snnc.compiler.mapping.pairs import Pairs, pairs_of, shared_pairs
from snnc.compiler.mapping.place import place
from snnc.compiler.mapping.prices import PairPrice, Price, TreePrice
from snnc.compiler.mapping.routes import route
from snnc.compiler.mapping.swaps import swapped
from snnc.compiler.mapping.system import CROSSING, System
from tests.compiler.mapping.made import flows_of, hardware_of, random_flows

ONE = hardware_of(Mesh(4, 4, 2))
SEVERAL = hardware_of(Mesh(2, 3, 2), chip_columns=2, chips=7)


def cost_of(flows: Flows, chip: np.ndarray, slot: np.ndarray, hardware: Hardware) -> float:
    """Give links, and what those between chips count for on top."""
    traffic = route(flows, chip, slot, hardware)
    return traffic.spike_hops + CROSSING * traffic.inter_chip


def chain(n: int) -> Flows:
    """Give cores in a row, each with spikes for the next."""
    return flows_of(*((i, (i + 1,), 1.0) for i in range(n - 1)))


def layers(n: int, width: int) -> Flows:
    """Give layers of cores, each of which sends to all of the next."""
    return flows_of(
        *(
            (i, tuple(range((i // width + 1) * width, (i // width + 2) * width)), 1.0)
            for i in range((n - 1) * width)
        )
    )


@pytest.mark.parametrize("hardware", [ONE, SEVERAL])
@pytest.mark.parametrize("seed", range(4))
def test_places(hardware: Hardware, seed: int) -> None:
    n = 3 + 9 * seed
    flows = random_flows(n, 40, seed)
    chip, slot = place(flows, n, hardware, seed)
    again = place(flows, n, hardware, seed)
    assert (chip.tolist(), slot.tolist()) == tuple(a.tolist() for a in again)
    assert len(set(zip(chip.tolist(), slot.tolist(), strict=True))) == n
    assert chip.min() >= 0
    assert chip.max() < -(-n // hardware.cores_per_chip)
    assert slot.min() >= 0
    assert slot.max() < hardware.cores_per_chip
    found = cost_of(flows, chip, slot, hardware)
    row_by_row = np.divmod(np.arange(n), hardware.cores_per_chip)
    assert found <= cost_of(flows, *row_by_row, hardware)
    rng = np.random.default_rng(seed)
    places = (rng.permutation(n) for _ in range(20))
    drawn = [cost_of(flows, *np.divmod(p, hardware.cores_per_chip), hardware) for p in places]
    assert found <= min(drawn)


def test_the_order_of_cores_is_kept_where_nothing_is_better() -> None:
    line = hardware_of(Mesh(9, 1, 1))
    chip, slot = place(chain(9), 9, line, 0)
    assert cost_of(chain(9), chip, slot, line) == 8


def test_a_shuffled_chain_becomes_a_path() -> None:
    """32 cores on 16 routers: at best every second spike goes over a link."""
    order = np.random.default_rng(3).permutation(32)
    pairs = zip(order[:-1].tolist(), order[1:].tolist(), strict=True)
    flows = flows_of(*((a, (b,), 1.0) for a, b in pairs))
    assert cost_of(flows, *place(flows, 32, ONE, 0), ONE) == 15


def test_layers_lie_side_by_side() -> None:
    """Four layers of eight cores, each a column: one link to the next, three along it."""
    flows = layers(4, 8)
    assert cost_of(flows, *place(flows, 32, ONE, 0), ONE) == 24 * 4


def test_what_enters_from_outside_lies_near_to_the_host() -> None:
    flows = flows_of((-1, (2,), 100.0), (2, (0,), 1.0))
    chip, slot = place(flows, 3, ONE, 0)
    assert (chip[2], slot[2] // 2) == (0, 0)


def test_few_spikes_between_chips() -> None:
    """Two groups of twelve, shuffled, and one spike between them."""
    order = np.random.default_rng(5).permutation(24).tolist()
    groups = order[:12], order[12:]
    inner = ((a, (b,), 5.0) for group in groups for a in group for b in group if a != b)
    flows = flows_of(*inner, (order[0], (order[12],), 1.0))
    chip, slot = place(flows, 24, SEVERAL, 0)
    assert route(flows, chip, slot, SEVERAL).inter_chip == 1


def test_one_core_and_no_flows() -> None:
    assert [a.tolist() for a in place(flows_of(), 1, ONE, 0)] == [[0], [0]]
    assert [a.tolist() for a in place(flows_of((-1, (0,), 1.0)), 1, ONE, 0)] == [[0], [0]]


def test_more_cores_than_there_are() -> None:
    with pytest.raises(ValueError, match=r"^33 cores on 32$"):
        place(flows_of(), 33, ONE, 0)


@pytest.mark.parametrize("hardware", [ONE, SEVERAL])
def test_without_assignment(hardware: Hardware, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large systems: spectra, chips by METIS, and swaps by pairs."""
    monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(module, "ALIKE", 0)
    monkeypatch.setattr(module, "ENDS", 0)
    flows = random_flows(32, 200, 1, most=3)
    row_by_row = np.divmod(np.arange(32), hardware.cores_per_chip)
    found = cost_of(flows, *place(flows, 32, hardware, 0), hardware)
    assert found < 0.9 * cost_of(flows, *row_by_row, hardware)


@pytest.mark.parametrize("hardware", [ONE, SEVERAL])
@pytest.mark.parametrize("kind", ["trees", "pairs"])
@pytest.mark.parametrize("seed", range(3))
def test_changes(hardware: Hardware, kind: str, seed: int) -> None:
    """Every swap alone against the cost of all flows before and after it."""
    n = 14
    rng = np.random.default_rng(seed)
    system, flows = System.of(hardware, n), random_flows(n, 30, seed)
    near, outside = pairs_of(flows, n)
    price: Price = TreePrice(flows, system, n)
    if kind == "pairs":
        price = PairPrice(near, outside, system)
        flows = flows_of(
            *(
                (int(flows.source[k]), (int(t),), float(flows.rate[k]))
                for k in range(30)
                for t in flows.target[flows.begin[k] : flows.begin[k + 1]]
            )
        )
    places = rng.permutation(system.places)[:n]
    before = price.stand(places)
    assert before == pytest.approx(
        cost_of(flows, system.chip[places], system.slot[places], hardware)
    )
    at = np.full(system.places, -1)
    at[places] = np.arange(n)
    core, place = (a.reshape(-1) for a in np.mgrid[:n, : system.places])
    core, place = core[places[core] != place], place[places[core] != place]
    changes = price.changes(core, place, at[place])
    for c, to, change in zip(core.tolist(), place.tolist(), changes.tolist(), strict=True):
        moved = places.copy()
        if at[to] >= 0:
            moved[at[to]] = places[c]
        moved[c] = to
        after = cost_of(flows, system.chip[moved], system.slot[moved], hardware)
        assert change == pytest.approx(after - before, abs=1e-9)


def test_swaps_end_where_no_swap_helps() -> None:
    n, flows = 20, random_flows(20, 40, 2)
    system, (near, _) = System.of(ONE, n), pairs_of(flows, n)
    price = TreePrice(flows, system, n)
    places = swapped(price, near, system, np.arange(n), effort=10**9, seed=0)
    cost = price.stand(places)
    assert cost < price.stand(np.arange(n))
    price.stand(places)
    at = np.full(system.places, -1)
    at[places] = np.arange(n)
    core, place = (a.reshape(-1) for a in np.mgrid[:n, : system.places])
    core, place = core[places[core] != place], place[places[core] != place]
    assert price.changes(core, place, at[place]).min() > -1e-6


def test_weights() -> None:
    flows = flows_of((0, (0, 1, 2), 3.0), (1, (0,), 1.0), (-1, (2,), 5.0))
    near, outside = pairs_of(flows, 3)
    assert near.matrix.tolist() == [[0, 4, 3], [4, 0, 0], [3, 0, 0]]
    assert outside.tolist() == [0, 0, 5]
    shared = shared_pairs(flows, 3)
    assert shared.matrix.tolist() == [[0, 1.5, 1], [1.5, 0, 1], [1, 1, 0]]


def test_chips_are_not_too_full() -> None:
    near, _ = pairs_of(random_flows(24, 100, 0, most=3), 24)
    chip = chips_of(near, 2, 12, 0)
    assert np.bincount(chip).tolist() == [12, 12]
    crowd, _ = pairs_of(flows_of(*((i, (0,), 1.0) for i in range(1, 24))), 24)
    assert max(np.bincount(chips_of(crowd, 6, 4, 0))) == 4


def test_hilbert_goes_from_neighbor_to_neighbor() -> None:
    y, x = (a.reshape(-1) for a in np.mgrid[:8, :8])
    order = hilbert_order(x, y)
    assert sorted(order) == list(range(64))
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert steps.tolist() == [1] * 63


@pytest.mark.parametrize("n", [1, 2, 3, 40, 1200])
def test_spectrum_of_a_shuffled_chain(n: int) -> None:
    order = np.random.default_rng(n).permutation(n)
    pairs = zip(order[:-1].tolist(), order[1:].tolist(), strict=True)
    near, _ = pairs_of(flows_of(*((a, (b,), 1.0) for a, b in pairs)), n)
    found = spectral_order(near, 0)
    rank = np.argsort(order)[found]
    assert sorted(found) == list(range(n))
    if n < 1000:
        assert np.abs(np.diff(rank)).tolist() == [1] * (n - 1)
    else:  # roughly
        assert np.median(np.abs(np.diff(rank))) <= 2


def test_sums_are_those_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """BLAS adds up in another order on several, and who is nearest can hang on the last digit."""
    threads = set[int]()

    def order(near: Pairs, seed: int) -> npt.NDArray[np.int64]:
        pools = cast("list[dict[str, Any]]", threadpool_info())
        threads.update(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")
        return spectral_order(near, seed)

    monkeypatch.setattr(module, "spectral_order", order)
    with cast("Any", threadpool_limits)(2, "blas"):
        place(chain(40), 40, hardware_of(Mesh(8, 8, 1)), 0)
    assert threads == {1}
