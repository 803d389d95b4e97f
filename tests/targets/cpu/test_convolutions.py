"""Every way in which the native engine adds up convolutions gives the integers of the reference."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedConvolution, FixedOperator, SumPooling, Window
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from tests.builders import fixed_convolution, window
from tests.targets.cpu.equality import LEVELS
from tests.targets.cpu.operators import weights
from tests.targets.cpu.test_engine import different, layers
from tests.targets.lava.networks import population, projection

TILES = SumPooling(window=window(2, 2, stride=2))
OPERATORS: dict[str, tuple[tuple[int, ...], tuple[FixedOperator, ...]]] = {
    "eight channels": ((2, 9, 30), (fixed_convolution(weights(8, 2, 3, 3)),)),
    "eight channels at the margin": ((1, 9, 29), (fixed_convolution(weights(8, 1, 5, 3)), TILES)),
    "narrow rows": ((1, 9, 4), (fixed_convolution(weights(16, 1, 3, 3)),)),
    "narrow rows of many channels": ((1, 6, 5), (fixed_convolution(weights(48, 1, 2, 3)),)),
    "narrow rows in blocks": ((1, 6, 4), (fixed_convolution(weights(56, 1, 2, 3)),)),
    "narrow rows of 8 bits without a sign": (
        (1, 9, 4),
        (fixed_convolution(weights(16, 1, 3, 3, wide=True)),),
    ),
    "narrow rows whose sums need 32 bits": (
        (1, 12, 7),
        (fixed_convolution(np.full((16, 1, 5, 4), 120)), TILES),
    ),
    "narrow rows between pooled sums": (
        (1, 13, 7),
        (SumPooling(window=window(2, 1)), fixed_convolution(weights(16, 1, 3, 4)), TILES),
    ),
    "narrow rows and pooled sums that overlap": (
        (1, 13, 7),
        (
            fixed_convolution(weights(16, 1, 3, 3), padding=1),
            SumPooling(window=window(3, 3, stride=2, padding=1)),
        ),
    ),
    "narrow rows in strides": (
        (1, 11, 9),
        (
            FixedConvolution(
                weight=weights(16, 1, 3, 2),
                window=Window((3, 2), (3, 4), ((1, 0), (0, 1)), (2, 1)),
                groups=1,
            ),
        ),
    ),
}


@pytest.mark.parametrize("largest", [1, 9])
@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str, largest: int) -> None:
    shape, operators = OPERATORS[name]
    fixed = layers(*operators, shape=shape, largest=largest)
    rng = np.random.default_rng(5)
    x = rng.integers(0 if largest == 1 else -largest, largest + 1, (7, 2, *shape))
    x = x * (rng.random(x.shape) < 0.4)
    x[3], x[4] = 0, largest
    inputs = {"x": x.reshape(7, 2, -1)}
    assert [different(fixed, inputs, level) for level in LEVELS] == [0 for _ in LEVELS]
    wanted = execute(fixed, {"x": inputs["x"].astype(np.int32)})
    assert np.unique(wanted.u["p"]).size > 5


def behind_each_other() -> FixedNetwork:
    """Give three convolutions, to ever narrower rows."""
    names = ("x", "first", "second", "third")
    shapes = ((1, 8, 9), (5, 6, 7), (16, 4, 4), (32, 3, 3))
    moved = (window(3, 3), Window((3, 3), (1, 2), ((0, 0), (1, 1)), (1, 1)), window(2, 2))
    kernels = [
        FixedConvolution(weight=weights(n, m, *w.kernel), window=w, groups=1)
        for (m, *_), (n, *_), w in zip(shapes, shapes[1:], moved, strict=False)
    ]
    return FixedNetwork(
        inputs=(FixedInput("x", shapes[0]),),
        populations=tuple(
            population(name, shape, FixedReset.ZERO, lag, threshold=300)
            for lag, (name, shape) in enumerate(zip(names[1:], shapes[1:], strict=True), start=1)
        ),
        projections=tuple(
            projection(source, target, kernel)
            for source, target, kernel in zip(names, names[1:], kernels, strict=False)
        ),
        outputs=(Output("out", "third"),),
        dt=1e-3,
    )


def test_rows_of_many_channels() -> None:
    """The neurons behind a convolution lie row by row, as those before narrow rows have to."""
    fixed = behind_each_other()
    x = (np.random.default_rng(6).random((20, 2, 72)) < 0.3).astype(np.int64)
    assert [different(fixed, {"x": x}, level) for level in LEVELS] == [0 for _ in LEVELS]
    wanted = execute(fixed, {"x": x.astype(np.int32)})
    assert all(0.02 < wanted.spikes[p.name].mean() < 0.98 for p in fixed.populations)


def test_pooled_sums_that_tile_take_few_kernels() -> None:
    """There is one for each channel and phase of the strides, and none for each kind of edge."""
    engine = Engine(layers(fixed_convolution(weights(16, 8, 5, 5)), TILES, shape=(8, 12, 12)))
    kernels, kinds = 2 * (2 * 2) * 8 * (3 * 3 * 16), 3 * 3  # of 16 bits; of edges
    assert kernels < engine.bytes < kinds * kernels
