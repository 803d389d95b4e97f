"""Integers that are put together of those with one width for all are those made at once."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Integration, Network
from snnc.compiler.store import Tensors, to_json
from snnc.runtime.quantization import Quantization, Quantizer
from tests.builders import network, population, projection, spikes


def two_layers() -> Network:
    """Make two layers with currents, whose biases neurons of their own carry."""
    rng = np.random.default_rng(3)
    fields = {"integration": Integration.CURRENT_DECAY}
    return network(
        [population("a", 6, **fields), population("b", 4, **fields)],
        [
            projection("x", "a", rng.normal(size=(6, 5)), bias=0.1),
            projection("a", "a", 0.1 * rng.normal(size=(6, 6)), delay=1),
            projection("a", "b", rng.normal(size=(4, 6)), bias=0.2),
        ],
    )


def written(fixed: FixedNetwork) -> tuple[object, dict[str, list[int]]]:
    """Give all that an artifact would hold of it."""
    tensors: Tensors = {}
    told = to_json(fixed, "fixed", tensors)
    return told, {name: values.ravel().tolist() for name, values in tensors.items()}


@pytest.mark.parametrize("options", [Quantization(), Quantization(max_thresholds=2)])
@pytest.mark.parametrize("calibrated", [False, True])
def test_mixed_is_what_is_made_at_once(options: Quantization, calibrated: bool) -> None:
    typical = {"x": spikes((20, 8, 5)).astype(np.float32)} if calibrated else None
    made = Quantizer(two_layers(), typical, options)
    for a, b in product((2, 5, 8), repeat=2):
        widths = {"a": a, "b": b}
        assert written(made.mixed(widths)) == written(made.integers(widths))


def test_mixed_where_one_width_is_too_narrow_for_another_population() -> None:
    """``b`` has weights of both signs and cannot have 1 bit; ``a`` alone can."""
    net = network(
        [population("a", 2), population("b", 1)],
        [projection("x", "a", np.ones((2, 3))), projection("a", "b", [[1.0, -1.0]])],
    )
    made = Quantizer(net, None, Quantization())
    widths = {"a": 1, "b": 8}
    assert written(made.mixed(widths)) == written(made.integers(widths))
    with pytest.raises(InputError):
        made.mixed({"a": 1, "b": 1})


def test_a_budget_may_narrow_what_is_not_named() -> None:
    """A name says nothing of the others; ``*`` does."""
    net, unsaid = two_layers(), 2
    named = Quantization(weight_bits={"a": 4})
    assert named.widths(net) == {"a": 4, "b": 8}
    assert named.widths(net, unsaid) == {"a": 4, "b": 2}
    assert Quantization(weight_bits={"a": 4, "*": 6}).widths(net, unsaid) == {"a": 4, "b": 6}
