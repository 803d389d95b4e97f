"""Laws of every pass: its input stays as it was, its result is well formed and read-only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed, check_network, ensure
from snnc.compiler.diagnostics import InputError, InternalError
from snnc.compiler.network import Network
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.compiler.semantics.discretize import discretize
from tests.builders import fixed_population, one_fixed, one_neuron, population
from tests.drawn.fixed import fixed_networks
from tests.drawn.graphs import graphs
from tests.drawn.networks import networks

Pass = Callable[[Any], Any]

PASSES: dict[str, tuple[st.SearchStrategy[Any], Pass]] = {
    "discretize": (graphs(), lambda g: discretize(g, dt=1e-3)),
    "lower": (networks(), lower),
    "quantize": (networks(), quantize),
    "retime": (fixed_networks(retimed=False), retime),
    "bound_states": (fixed_networks(), bound_states),
    "account_for": (networks(), lambda n: account_for(n, quantize(n))),
}


def arrays_of(value: Any) -> Iterator[npt.NDArray[Any]]:
    """Walk through records, containers and NIR nodes."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from arrays_of(tuple(cast("dict[str, Any]", value).values()))
    elif isinstance(value, list | tuple):
        for item in cast("tuple[object, ...]", value):
            yield from arrays_of(item)
    elif isinstance(value, nir.NIRNode) or dataclasses.is_dataclass(value):
        yield from arrays_of(vars(value))


def content(value: Any) -> tuple[str, list[bytes]]:
    """Give all of ``value`` for comparison: its text without arrays' memory, and their bytes."""
    return repr(value), [a.tobytes() for a in arrays_of(value)]


@pytest.mark.parametrize("name", PASSES)
def test_the_input_stays_as_it_was(name: str) -> None:
    strategy, apply = PASSES[name]

    @given(strategy)
    @settings(max_examples=25)
    def check(before: Any) -> None:
        was = content(before)
        try:
            apply(before)
        except InputError:
            assume(False)
        assert content(before) == was

    check()


@given(graphs())
@settings(max_examples=25)
def test_results_are_well_formed_and_read_only(g: nir.NIRGraph) -> None:
    network = discretize(g, dt=1e-3)
    assert list(check_network(network)) == []
    fixed = quantize(network)
    assert list(check_fixed(fixed)) == []
    timed = retime(fixed)
    assert list(check_fixed(timed)) == []
    assert retime(timed) is timed
    for stage in (network, fixed, timed):
        assert not any(a.flags.writeable for a in arrays_of(stage))


@given(networks())
@settings(max_examples=50)
def test_integers_are_well_formed_read_only_and_retimed_once(network: Network) -> None:
    fixed = quantize(network)
    assert list(check_fixed(fixed)) == []
    timed = retime(fixed)
    assert list(check_fixed(timed)) == []
    assert retime(timed) is timed
    for stage in (fixed, timed):
        assert not any(a.flags.writeable for a in arrays_of(stage))


def test_records_take_copies_of_what_can_change() -> None:
    threshold = np.ones(2, np.float32)
    p = population(n=2)
    q = dataclasses.replace(p, threshold=threshold)
    threshold[0] = 7
    assert q.threshold.tolist() == [1, 1]
    assert threshold.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        q.threshold[0] = 7
    view = q.threshold[:1]
    assert dataclasses.replace(p, shape=(1,), threshold=view).threshold.base is None
    assert dataclasses.replace(q).threshold is q.threshold  # nothing to copy


def test_populations_by_name() -> None:
    for stage in (one_fixed(), one_neuron()):
        assert stage.population("lif") is stage.populations[0]
        assert [q.name for q in stage.incoming("lif")] == ["fc"]
        with pytest.raises(KeyError):
            stage.population("x")


def test_ensure_is_our_own_fault() -> None:
    bad = one_fixed()
    bad = dataclasses.replace(bad, populations=(fixed_population(dv=4097),))
    ensure(check_fixed(one_fixed()), after="a pass")
    with pytest.raises(InternalError) as raised:
        ensure(check_fixed(bad), after="a pass")
    assert str(raised.value) == "after a pass:\n" + "\n\n".join(map(str, check_fixed(bad)))
