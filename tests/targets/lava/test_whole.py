"""What a fused network computes, in this process and without Lava: kernels, cuts, ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.targets.integer.reference import execute
from snnc.targets.lava.runner import whole
from snnc.targets.lava.runner.kernels import Matrix
from snnc.targets.lava.runner.neuron import WRAP_LIMIT, Neurons
from tests.drawn.fixed import fixed_networks
from tests.targets.lava.alone import differing_values, run_whole, whole_of
from tests.targets.lava.networks import (
    Array,
    networks,
    population,
    projection,
    random_inputs,
    recurrent,
)
from tests.targets.lava.test_neuron import PARAMETERS


@settings(max_examples=60)
@given(fixed_networks() | networks(), st.integers(0, 2**32 - 1), st.sampled_from((1, 3000, 2**24)))
def test_random_networks(fixed: FixedNetwork, seed: int, memory: int) -> None:
    """Whatever the batch is cut into, every bit is the oracle's."""
    inputs = random_inputs(fixed, steps=6, batch=5, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "MEMORY", memory)
        assert differing_values(fixed, inputs) == 0


@pytest.mark.parametrize("n", [3, 40, 150, 600])
@pytest.mark.parametrize("batch", [1, 2, 9])
@pytest.mark.parametrize("limits", [(-128, 128), (0, 256), (-255, 1)])
def test_product_of_spikes(n: int, batch: int, limits: tuple[int, int]) -> None:
    """All densities, so that rows are picked and BLAS is asked; sums leave 16 bits."""
    rng = np.random.default_rng(n)
    weight = rng.integers(*limits, (n, 1200)).astype(np.int16)
    matrix = Matrix(weight, 1200 * 255)
    for density in (0, 0.001, 0.03, 0.2, 0.5, 1):
        x = rng.random((batch, 1200)) < density
        x[-1] = density > 0.1
        wanted = x.astype(np.int64) @ weight.T.astype(np.int64)
        assert np.array_equal(matrix.times(x), wanted)


def test_rows_are_picked_where_spikes_are_few() -> None:
    """The floats, four times as many bytes, are not made before they are needed."""
    rng = np.random.default_rng(0)
    matrix = Matrix(rng.integers(-128, 128, (512, 512)), 2**16)
    assert matrix.rows.dtype == np.int8
    matrix.times(rng.random((1, 512)) < 0.05)
    matrix.times(rng.random((8, 512)) < 0.05)
    assert getattr(matrix, "floats") is None  # noqa: B009
    matrix.times(rng.random((8, 512)) < 0.9)
    assert matrix.floats is not None
    assert matrix.floats.dtype == np.float32


@pytest.mark.parametrize(("largest", "dtype"), [(2**24, np.float32), (2**24 + 1, np.float64)])
def test_sums_beyond_single_precision(largest: int, dtype: type[Any]) -> None:
    """An odd sum above ``2**24`` is none of float32's."""
    matrix = Matrix(np.array([[127, 1]]), largest)
    x = np.array([[(largest - 1) // 127, (largest - 1) % 127]])
    assert matrix.times(x).tolist() == [[largest - 1]]
    assert matrix.floats is not None
    assert matrix.floats.dtype == dtype


@given(
    reset=st.sampled_from(list(FixedReset)),
    seed=st.integers(0, 2**32 - 1),
    largest=st.sampled_from((9, 2**12, 2**17, WRAP_LIMIT, 2**25 - 1)),
    refractory=st.sampled_from((0, 2)),
)
def test_neurons_as_floats(reset: FixedReset, seed: int, largest: int, refractory: int) -> None:
    """Up to the largest inputs that float64 is used for, without memory and with it."""
    rng = np.random.default_rng(seed)
    values = {
        "du": rng.choice([0, 1, 900, 4095] if largest <= WRAP_LIMIT else [4095], 6),
        "dv": rng.choice([0, 1, 300, 4096], 6),
        "threshold": rng.choice([0, 50, 131071], 6),
        "bias_mant": rng.choice([0, -4095, 300], 6),
        "bias_exp": rng.integers(0, 8, 6),
        "initial": rng.choice([0, 2**23 - 1, 1 - 2**23, -777], 6),
    }
    if rng.random() < 0.5:
        values = {name: np.full(6, of[0]) for name, of in values.items()}
    record = population("p", (6,), reset, 0, refractory=refractory, **values)
    parameters = {name: getattr(record, name) for name in PARAMETERS}
    slow = Neurons(str(reset), parameters, refractory)
    fast = Neurons(str(reset), parameters, refractory, largest=largest)
    assert (slow.dtype, fast.dtype) == (np.int64, np.float64)
    for neurons in (slow, fast):
        neurons.rest(3)
    for _ in range(25):
        a = rng.integers(-largest, largest + 1, (3, 6))
        a = np.where(rng.random(6) < 0.5, largest * (1 - 2 * (seed % 2)), a)
        assert np.array_equal(slow.step(a), fast.step(a))
        assert np.array_equal(slow.u, fast.u)
        assert np.array_equal(slow.v, fast.v)


def wide(max_abs: int, exp: int, du: int = 0) -> FixedNetwork:
    return FixedNetwork(
        inputs=(FixedInput("x", (2,), max_abs=max_abs),),
        populations=(population("p", (2,), FixedReset.SUBTRACT, 1, du=du, threshold=131071),),
        projections=(projection("x", "p", np.array([[127, -128], [-127, 127]]), exp=exp),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )


@pytest.mark.parametrize(
    ("max_abs", "exp", "du", "dtype"),
    [
        (2**10, 0, 0, np.float64),
        (1, 10, 0, np.float64),
        (2**10 + 1, 0, 0, np.int64),
        (2**12 - 1, 4, 2047, np.float64),
        (2**12, 4, 2047, np.int64),
        (2**17 - 1, 0, 4095, np.float64),
        (2**17, 0, 4095, np.int64),
    ],
)
def test_inputs_too_large_for_floats(max_abs: int, exp: int, du: int, dtype: type[Any]) -> None:
    """Two weights of 128 at most and ``2**10`` are ``2**18``; beyond it, decay has to help."""
    fixed = wide(max_abs, exp, du)
    x = np.full((40, 2, 2), max_abs)
    x[:, 1, 1] *= -1
    (layer,) = whole_of(fixed, {"x": x})[0].layers
    assert layer.neurons.dtype is dtype
    assert differing_values(fixed, {"x": x}) == 0


@pytest.mark.parametrize(
    ("batch", "most", "sizes"),
    [
        (1, 5, [1]),
        (5, 5, [5]),
        (6, 5, [3, 3]),
        (11, 5, [3, 4, 4]),
        (3, 0, [1, 1, 1]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_cuts(batch: int, most: int, sizes: list[int]) -> None:
    cuts = whole.equal_parts(batch, most)
    assert [s.stop - s.start for s in cuts] == sizes
    assert [i for s in cuts for i in range(s.start, s.stop)] == list(range(batch))


@pytest.mark.parametrize("samples", [1, 2, 3, 5, 6])
def test_cut_batch_is_as_if_whole(monkeypatch: pytest.MonkeyPatch, samples: int) -> None:
    """Nothing of a cut reaches the next; the last may be smaller."""
    fixed = recurrent()
    inputs = random_inputs(fixed, steps=9, batch=6)
    together, _ = whole_of(fixed, inputs)
    assert together.cuts == [slice(0, 6)]
    assert together.steps == 9 + fixed.latency
    monkeypatch.setattr(whole, "MEMORY", samples * together.sample_bytes)
    cut, _ = whole_of(fixed, inputs)
    assert [s.stop - s.start for s in cut.cuts] == {
        1: [1] * 6,
        2: [2] * 3,
        3: [3, 3],
        5: [3, 3],
        6: [6],
    }[samples]
    assert cut.steps == len(cut.cuts) * (9 + fixed.latency)
    assert differing_values(fixed, inputs) == 0


def test_large_layers() -> None:
    """Several hundred neurons, against the reference: rows of many blocks, and batches."""
    rng = np.random.default_rng(5)
    n = 400
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (n,)), FixedInput("y", (n,), max_abs=200)),
        populations=(
            population("a", (n,), FixedReset.ZERO, 1, du=900, dv=400, threshold=3000),
            population("b", (n,), FixedReset.SUBTRACT_RETEST, 2, dv=400, threshold=2000),
        ),
        projections=(
            projection("x", "a", rng.integers(-100, 128, (n, n))),
            projection("y", "a", rng.integers(-128, 128, (n, n)), exp=-6),
            projection("a", "b", rng.integers(-90, 128, (n, n)), delay=2),
            projection("b", "a", rng.integers(-128, 60, (n, n)), delay=3, exp=-2),
        ),
        outputs=(Output("out", "b"),),
        dt=1e-3,
    )
    for batch, rate in ((1, 0.04), (1, 0.95), (4, 0.04), (4, 0.5)):
        x = (rng.random((12, batch, n)) < rate).astype(np.int32)
        y = rng.integers(-200, 201, (12, batch, n)).astype(np.int32)
        wanted = execute(fixed, {"x": x, "y": y})
        found = run_whole(fixed, {"x": x, "y": y})
        for signal in ("spikes", "u", "v"):
            reference: dict[str, Array] = getattr(wanted, signal)
            for name, values in reference.items():
                assert np.array_equal(found[signal][name], values)
        assert wanted.spikes["b"].any()


def test_negative_input_of_magnitude_one_is_no_spike() -> None:
    fixed = replace(wide(1, 3), populations=(population("p", (2,), FixedReset.NONE, 1),))
    x = np.array([[[1, -1]], [[-1, -1]], [[1, 0]]])
    assert differing_values(fixed, {"x": x}) == 0
    u = run_whole(fixed, {"x": x})["u"]["p"][1:, 0]
    assert u.tolist() == [[64 * 8 * 255, 64 * 8 * -254], [64 * 8, 0], [64 * 8 * 127, 64 * 8 * -127]]
