"""What is run, how often, and what is said of parts that an execution cannot run."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import snnc
from snnc.compiler import rules
from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    InputError,
    SnncError,
    TimeLimitExceeded,
)
from snnc.compiler.fixed import FixedNetwork
from snnc.runtime.bisection.bench import TIMEOUTS
from snnc.runtime.bisection.page import page_of
from snnc.runtime.bisection.telling import text_of
from snnc.targets.integer.reference import Recording, execute
from tests.runtime.bisection.faulty import (
    Fault,
    artifact,
    layers,
    make_faulty,
    of_network,
    spikes,
    with_neuron,
    with_population,
)
from tests.runtime.bisection.test_executors import (
    computing,
    narrow,
    of_populations_late,
    rounded_down,
)

NETWORK = layers(20, 30, 12, 5)
X = spikes(30, 6, 20)
Ints = dict[str, npt.NDArray[np.int32]]


def lower(network: FixedNetwork) -> FixedNetwork:
    """Let ``p2`` spike earlier."""
    names = [p.name for p in network.populations if p.name.endswith("p2")]
    for name in names:
        network = with_population(network, name, threshold=network.population(name).threshold - 9)
    return network


def refusing(refused: Callable[[FixedNetwork], bool], kind: type[SnncError], fault: Fault) -> Fault:
    def run(network: FixedNetwork, x: Ints) -> Recording:
        if refused(network):
            found = f"{sum(p.size for p in network.populations)} neurons"
            raise kind([Diagnostic(rules.WORKER_FINISHED, "faulty", found, "12", "none")])
        return fault(network, x)

    return run


def bisected(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> snnc.Bisection:
    make_faulty(monkeypatch, fault)
    return snnc.bisect(artifact(NETWORK), X, targets=("integer", "faulty"))


# --- what cannot be run -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [InputError, EnvironmentFault, TimeLimitExceeded])
def test_a_refused_part_is_told_of(monkeypatch: pytest.MonkeyPatch, kind: type[SnncError]) -> None:
    """A single neuron cannot be run; that is no word on whether it differs."""
    one_neuron = refusing(
        lambda n: any(p.size == 1 for p in n.populations), kind, of_network(lower)
    )
    b = bisected(monkeypatch, one_neuron)
    assert (b.isolated, b.populations) == (True, ("p2",))
    assert len(b.neurons) == 2
    told = b.unresolved[0]
    assert (told.stage, told.execution) == ("narrowing to a population", "faulty")
    assert (told.unresolved, told.rule, told.found) == (1, "SNN505", "1 neurons")
    assert sum(u.unresolved for u in b.unresolved) < b.tried
    line = (
        f"narrowing to a population: faulty could not run 1 of {told.tried} tries, so what they "
        "show is not known (SNN505: 1 neurons)"
    )
    assert line in text_of(b)
    assert json.loads(b.model_dump_json())["unresolved"][0]["unresolved"] == 1


def test_a_population_that_cannot_be_run_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is claimed of it, and what can be run is narrowed."""
    fault = refusing(lambda n: len(n.populations) == 1, InputError, of_network(lower))
    make_faulty(monkeypatch, fault)
    case = snnc.reduce(artifact(NETWORK), X, targets=("integer", "faulty"))
    b = case.whole
    assert (b.isolated, b.narrowed, b.populations) == (None, True, ("p1", "p2"))
    line = (
        "whether p2 (net.fc2 + net.lif2) shows it by itself, fed with what integer sends, is not "
        "known; p1 and p2 together show it"
    )
    assert line in text_of(b)
    assert "could not run" in page_of(case)


def test_no_part_can_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter([False, False])  # the whole with all samples, then with the one
    b = bisected(
        monkeypatch, refusing(lambda _: next(runs, True), EnvironmentFault, of_network(lower))
    )
    assert (b.alone, b.narrowed, b.local) == (True, False, ())
    assert "no part of the network that both could run shows it by itself" in text_of(b)
    stages = {u.stage: u.unresolved for u in b.unresolved}
    assert stages["running each population by itself"] == 4
    assert stages["narrowing to a population"] == sum(
        u.tried for u in b.unresolved if u.stage == "narrowing to a population"
    )


def test_parts_that_take_too_long_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter(range(100))
    fault = refusing(lambda _: next(runs) > 1, TimeLimitExceeded, of_network(lower))
    with pytest.raises(TimeLimitExceeded):
        bisected(monkeypatch, fault)
    assert next(runs) == 2 + TIMEOUTS


# --- how often ----------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Fault, int, int]] = {
    "decay rounded down": (computing(decayed=rounded_down), 6, 10),
    "narrow potential": (computing(clip=narrow), 6, 8),
    "two populations": (of_network(of_populations_late), 14, 16),
}


@pytest.mark.parametrize("name", FAULTS)
def test_few_runs(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On Lava a run costs seconds, whatever is run."""
    fault, of_bisect, of_reduce = FAULTS[name]
    runs: list[int] = []

    def counted(network: FixedNetwork, x: Ints) -> Recording:
        runs.append(1)
        return fault(network, x)

    make_faulty(monkeypatch, counted)
    for command, most in ((snnc.bisect, of_bisect), (snnc.reduce, of_reduce)):
        runs.clear()
        command(artifact(NETWORK), X, targets=("integer", "faulty"))
        assert len(runs) <= most


def test_what_is_kept_is_run_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution that is right of parts side by side, and wrong of each by itself."""

    def late(network: FixedNetwork, x: Ints) -> Recording:
        beside = any(p.name.startswith("0.") for p in network.populations)
        return execute(network if beside else of_populations_late(network), x)

    make_faulty(monkeypatch, late)
    case = snnc.reduce(artifact(NETWORK), X, targets=("integer", "faulty"))
    assert (case.whole.isolated, case.whole.populations) == (False, ("p1", "p2"))
    assert case.neurons == 2


def test_what_differs_side_by_side_alone_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(network: FixedNetwork, x: Ints) -> Recording:
        made = execute(of_populations_late(network), x)
        for name in made.v:
            if name.endswith(".p2"):  # beside others every p2 is wrong
                made.u[name] += 1
        return made

    make_faulty(monkeypatch, late)
    case = snnc.reduce(artifact(NETWORK), X, targets=("integer", "faulty"))
    assert (case.whole.isolated, case.whole.narrowed) == (False, True)
    assert (case.expected.population, case.neurons) == ("p2", 2)


def test_a_neuron_that_needs_others_of_its_population(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth is wrong, wherever it is: three stay with it."""

    def fourth(network: FixedNetwork) -> FixedNetwork:
        for p in network.populations:
            if p.name.endswith("p2") and p.size > 3:
                network = with_neuron(network, p.name, "threshold", 3, 40)
        return network

    b = bisected(monkeypatch, of_network(fourth))
    assert (b.isolated, b.populations) == (True, ("p2",))
    assert len(b.neurons) == 4
