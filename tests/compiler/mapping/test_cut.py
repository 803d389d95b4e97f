"""What parts compute is what the network computes, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.join import joined
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import integers_for
from tests.drawn.deployed import deployed_networks
from tests.drawn.mapped import mapped_networks
from tests.drawn.numbers import SEEDS
from tests.targets.cpu.equality import LEVELS, SIGNALS, narrowest


@settings(max_examples=60)
@given(st.data(), SEEDS)
def test_parts_compute_the_same(data: st.DataObject, seed: int) -> None:
    """On the reference, and on the engine with each set of instructions."""
    mapped = data.draw(deployed_networks().flatmap(mapped_networks))
    parts = cut(mapped)
    assert [*map(str, check_fixed(parts))] == []
    longest = max((q.delay for q in mapped.fixed.projections), default=1)
    x = integers_for(mapped.fixed, steps=4 + longest, batch=2, seed=seed)
    whole, cores = execute(mapped.fixed, x), execute(parts, x)
    record = dict.fromkeys(SIGNALS, tuple(p.name for p in parts.populations))
    runs = [{signal: getattr(cores, signal) for signal in SIGNALS}]
    for level in LEVELS:
        engine = Engine(parts, level)
        runs += [engine.run(y, record, 1, no_progress) for y in (x, narrowest(x))]
    for run in runs:
        for signal in SIGNALS:
            wanted, found = getattr(whole, signal), joined(run[signal], mapped)
            assert found.keys() == wanted.keys()
            for name, values in wanted.items():
                assert np.array_equal(found[name].reshape(values.shape), values), (signal, name)
