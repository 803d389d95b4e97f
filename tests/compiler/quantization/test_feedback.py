"""Error feedback: traces as plain loops give them, and rows that err no more than the nearest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import SignMode
from snnc.compiler.network import Integration, Network
from snnc.compiler.operators import FixedConvolution, FixedDense, SumPooling, Weights
from snnc.compiler.quantization import feedback, psp
from snnc.compiler.quantization.feedback import fed_back, round_rows
from snnc.compiler.quantization.grid import Grid
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.psp import FILTERS, filters, products
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.scale import weight_rows
from tests.builders import convolution, network, one_neuron, population, projection, spikes, window

Doubles = npt.NDArray[np.float64]


def correlated(m: int, seed: int) -> Doubles:
    """Give ``H`` of traces that have few causes."""
    rng = np.random.default_rng(seed)
    traces = rng.random((200, 3)) @ rng.random((3, m)) + 0.1 * rng.random((200, m))
    return np.asarray(traces.T @ traces / 200)


def cost(error: Iterable[Doubles], h: Doubles) -> Doubles:
    return np.asarray([e @ h @ e for e in error])


def one_after_the_other(
    wanted: Doubles, h: Doubles, damped: Doubles, low: Doubles, high: Doubles
) -> Doubles:
    """Round a row: what a weight loses goes where the rest of it errs least by ``damped``."""
    order = np.argsort(-h.diagonal(), kind="stable")
    w, q, left = wanted.copy(), np.zeros_like(wanted), list(order)
    while left:
        j, left = left[0], left[1:]
        q[j] = np.clip(np.rint(w[j]), low[j], high[j])
        rest = damped[np.ix_(left, left)]
        w[left] += np.linalg.solve(rest, damped[left, j] * (w[j] - q[j]))
    nearest = np.clip(np.rint(wanted), low, high)
    return q if cost([wanted - q], h) <= cost([wanted - nearest], h) else nearest


@pytest.mark.parametrize("m", [1, 5, 200])
def test_rows_err_far_less_than_the_nearest(m: int) -> None:
    rng = np.random.default_rng(m)
    wanted, h = rng.normal(0, 3, (20, m)), correlated(m, m)
    q = round_rows(wanted, h, -7, 7)
    nearest = np.clip(np.rint(wanted), -7, 7)
    ours, theirs = cost(wanted - q, h), cost(wanted - nearest, h)
    assert (q == np.rint(q)).all()
    assert np.abs(q).max() <= 7
    assert (ours <= theirs).all()
    assert ours.sum() < (0.5 if m > 1 else 1.01) * theirs.sum()


def test_no_row_errs_more_than_the_nearest_where_traces_are_independent() -> None:
    wanted = np.random.default_rng(0).normal(0, 3, (200, 12))
    rng = np.random.default_rng(1)
    root = rng.normal(0, 1, (12, 12))
    h = root @ root.T
    ours = cost(wanted - round_rows(wanted, h, -7, 7), h)
    assert (ours <= cost(wanted - np.clip(np.rint(wanted), -7, 7), h)).all()


def test_two_weights_that_always_act_together_make_up_for_each_other() -> None:
    """0.4 and 0.4 are 0 and 0 by themselves, and nearly 1 together."""
    h = np.ones((2, 2))
    assert round_rows(np.array([[0.4, 0.4]]), h, -7, 7).sum() == 1


def test_a_weight_of_0_takes_nothing_over() -> None:
    """The range ends at 7, and only a weight that is there could make up for the rest."""
    h = np.ones((2, 2))
    assert round_rows(np.array([[9.0, 0.0], [9.0, 0.1]]), h, -7, 7).tolist() == [[7, 0], [7, 2]]


def few_of(rows: int, m: int, counts: npt.NDArray[Any], seed: int) -> Doubles:
    """Give rows of so many weights that are not 0, at places of their own."""
    rng = np.random.default_rng(seed)
    wanted = np.zeros((rows, m))
    for row, k in zip(wanted, counts, strict=True):
        row[rng.choice(m, int(k), replace=False)] = rng.normal(0, 3, int(k))
    return wanted


def test_few_weights_of_a_row_make_up_for_each_other() -> None:
    """Rows of 0 to 20 weights among 200, which are rounded on the products of their own columns."""
    h = correlated(200, 1)
    wanted = few_of(42, 200, np.arange(42) // 2, 2)
    q = round_rows(wanted, h, -7, 7)
    nearest = np.clip(np.rint(wanted), -7, 7)
    ours, theirs = cost(wanted - q, h), cost(wanted - nearest, h)
    assert (q[wanted == 0] == 0).all()
    assert (q == np.rint(q)).all()
    assert np.abs(q).max() == 7
    assert (ours <= theirs).all()
    assert ours.sum() < 0.3 * theirs.sum()


def test_few_weights_are_rounded_as_if_the_others_were_not_there() -> None:
    h = correlated(200, 3)
    wanted = few_of(30, 200, np.full(30, 20), 4)
    low, high = np.linspace(-9, -3, 200).round(), np.linspace(4, 9, 200).round()
    mean = np.trace(h) / 200
    for row, found in zip(wanted, round_rows(wanted, h, low, high), strict=True):
        c = np.flatnonzero(row)
        own = h[np.ix_(c, c)]
        damped = own + feedback.DAMPING * mean * np.eye(20)
        np.testing.assert_array_equal(
            found[c], one_after_the_other(row[c], own, damped, low[c], high[c])
        )


def test_rows_of_few_weights_and_of_many_side_by_side() -> None:
    h = correlated(60, 5)
    wanted = few_of(8, 60, np.array([9, 60, 0, 40, 3, 60, 1, 9]), 6)
    together = round_rows(wanted, h, -7, 7)
    for row, found in zip(wanted, together, strict=True):
        np.testing.assert_array_equal(round_rows(row[None], h, -7, 7)[0], found)


def test_rows_of_few_weights_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    h, wanted = correlated(200, 7), few_of(42, 200, np.arange(42) // 2, 8)
    whole = round_rows(wanted, h, -7, 7)
    monkeypatch.setattr(feedback, "CHUNK", 1000)
    np.testing.assert_array_equal(round_rows(wanted, h, -7, 7), whole)


def test_sources_that_are_silent_are_rounded_to_the_nearest() -> None:
    wanted = np.array([[0.6, -1.7, 2.2]])
    assert round_rows(wanted, np.zeros((3, 3)), -7, 7).tolist() == [[1, -2, 2]]


# --- traces ------------------------------------------------------------------------------------


def plain(x: Doubles, alpha: float, beta: float, delay: int) -> Doubles:
    """Give the trace of one sample, ``[steps, n]``: a sum over all spikes before."""
    traces = np.zeros_like(x)
    for t in range(len(x)):
        for sent in range(t - delay + 1):
            age = t - delay - sent
            kernel = sum(alpha**k * beta ** (age - k) for k in range(age + 1))
            traces[t] += kernel * x[sent]
    return traces


def test_products_of_matrices() -> None:
    net = network(
        [population("lif", 2)],
        [projection("x", "lif", np.ones((2, 3))), projection("lif", "lif", np.eye(2), delay=2)],
    )
    x, s = spikes((9, 4, 3), seed=1).astype(float), spikes((9, 4, 2), seed=2).astype(float)
    (n,) = lower(net)
    (found,) = products(n.paths, {"x": x, "lif": s}, 0.25, 0.5)
    both = [
        np.concatenate([plain(x[:, b], 0.25, 0.5, 0), plain(s[:, b], 0.25, 0.5, 2)], axis=1)
        for b in range(4)
    ]
    traces = np.concatenate(both)
    np.testing.assert_allclose(found, [traces.T @ traces / len(traces)], rtol=1e-12)


def pooled_convolution() -> Network:
    """Sum pooling before and behind a convolution in two groups."""
    pool = SumPooling(window=window(2, stride=2))
    kernels = convolution(np.random.default_rng(0).normal(0, 1, (4, 1, 3)), groups=2, padding=1)
    return network(
        [population("lif", 8, shape=(4, 2))],
        [projection("x", "lif", None, pool, kernels, pool)],
        inputs={"x": (2, 8)},
    )


def test_products_of_kernels() -> None:
    (n,) = lower(pooled_convolution())
    x = spikes((6, 3, 16), seed=3).astype(float)
    traces = np.stack([plain(x[:, b], 0.0, 0.5, 0) for b in range(3)], axis=1)
    traces = traces.reshape(18, 2, 4, 2).sum(axis=3)  # pooled before
    around = np.pad(traces, ((0, 0), (0, 0), (1, 1)))
    for g in range(2):
        seen = [
            sum(around[f, g, 2 * p + k : 2 * p + k + 3] for k in range(2))
            for f in range(18)
            for p in range(2)
        ]
        wanted = np.array(seen).T @ np.array(seen) / len(seen)
        np.testing.assert_allclose(products(n.paths, {"x": x}, 0.0, 0.5)[0][g], wanted, rtol=1e-12)


def test_rows_of_equal_decays_share_a_filter() -> None:
    du, dv = np.full(6, 4095), np.array([8, 41, 8, 41, 8, 8])
    found = [(rows.tolist(), alpha, beta) for rows, alpha, beta in filters(du, dv)]
    assert found == [([0, 2, 4, 5], 0.0, 1 - 8 / 4096), ([1, 3], 0.0, 1 - 41 / 4096)]


def test_many_decays_share_that_of_their_median() -> None:
    dv = np.random.default_rng(0).permutation(np.arange(1, 101))
    found = list(filters(np.full(100, 4095), dv))
    assert len(found) == FILTERS
    assert np.sort(np.concatenate([rows for rows, _, _ in found])).tolist() == [*range(100)]
    for rows, _, beta in found:
        assert np.sort(dv[rows])[::-1][len(rows) // 2] == round(4096 * (1 - beta))
        assert np.ptp(dv[rows]) < 14


# --- populations -------------------------------------------------------------------------------


def weights(
    net: Network, bits: int, sent: dict[str, Any] | None, calibration: dict[str, Any] | None = None
) -> list[Weights]:
    fixed = quantize(net, weight_bits=bits, sent=sent, calibration=calibration)
    assert list(check_fixed(fixed)) == []
    assert all(bound.proven.all() for bound in bound_states(fixed).values())
    return [
        operator.weight
        for q in fixed.projections
        for operator in q.operators
        if isinstance(operator, FixedDense | FixedConvolution)
    ]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_weights_fit_their_width_and_come_out_the_same_twice(bits: int) -> None:
    rng = np.random.default_rng(5)
    recurrent = network(
        [population("lif", 20, integration=Integration.CURRENT_DECAY)],
        [
            projection("x", "lif", rng.normal(0, 0.5, (20, 30)), bias=0.1),
            projection("lif", "lif", rng.normal(0, 0.3, (20, 20)), delay=1),
        ],
    )
    sent = {"x": spikes((20, 8, 30), seed=1), "lif": spikes((20, 8, 20), seed=2)}
    once, again, nearest = (weights(recurrent, bits, s) for s in (sent, sent, None))
    assert [w.tobytes() for w in once] == [w.tobytes() for w in again]
    assert [w.tobytes() for w in once] != [w.tobytes() for w in nearest]
    in_, recurrent_, bias = once
    assert max(int(np.abs(w.astype(int)).max()) for w in (in_, recurrent_)) <= 2 ** (bits - 1) - 1
    assert int(np.abs(bias.astype(int)).max()) <= 255


def test_the_kernels_of_a_group_follow_what_they_see() -> None:
    rng = np.random.default_rng(0)
    kernels = convolution(rng.normal(0, 1, (8, 1, 5)), groups=2, padding=2)
    lif = population("lif", 64, shape=(8, 8))
    net = network([lif], [projection("x", "lif", None, kernels)], inputs={"x": (2, 8)})
    x = spikes((40, 8, 2, 8), seed=1, rate=0.5)
    x[:, :, 1] = x[:, :, 1, ::2].repeat(2, axis=-1)  # the second channel sees pairs
    sent = {"x": x.reshape(40, 8, 16)}
    (n,), fixed = lower(net), quantize(net, weight_bits=3, sent=sent)
    (h,) = products(n.paths, sent, 0.0, 0.5)
    (q,), (p,) = fixed.projections, fixed.populations
    wanted = kernels.weight.reshape(8, 5) * (p.scale[::8, None] / 64 / 2.0**q.weight_exp)
    (found,) = weights(net, 3, sent)
    for g in range(2):
        rows = slice(4 * g, 4 * g + 4)
        mine, other = (round_rows(wanted[rows], of, -3, 3) for of in (h[g], h[1 - g]))
        np.testing.assert_array_equal(found.reshape(8, 5)[rows], mine)
        assert (mine != other).any()


def test_matrices_of_different_exponents_are_rounded_jointly() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(0, 2, (6, m)).astype(np.float32).astype(np.float64) for m in (5, 4)]
    net = network(
        [population("lif", 6)],
        [projection("x", "lif", rows[0]), projection("y", "lif", rows[1])],
        inputs={"x": 5, "y": 4},
    )
    sent = {"x": spikes((30, 4, 5), seed=1), "y": spikes((30, 4, 4), seed=2, rate=0.6)}
    (n,) = lower(net)
    du, dv = np.full(6, 4095, np.int32), np.full(6, 2048, np.int32)
    grids = [
        Grid(path=path, scale=np.ones(6), exponent=e, bits=4, mode=SignMode.MIXED)
        for path, e in zip(n.paths, (2, -1), strict=True)
    ]
    found = fed_back(n.paths, du, dv, sent)(grids)
    units = np.repeat([4.0, 0.5], [5, 4])
    h = products(n.paths, sent, 0.0, 0.5)[0][0] * units * units[:, None]
    wanted = round_rows(np.concatenate(rows, axis=1), h, -7, 7)
    np.testing.assert_array_equal(np.concatenate(found, axis=1), wanted)


def test_wide_rows_are_rounded_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products grow with the columns, and not with their square."""
    rng = np.random.default_rng(0)
    net = one_neuron(rng.normal(0, 1, (6, 10)))
    sent = {"x": spikes((30, 4, 10), seed=1)}
    (n,) = lower(net)
    (h,) = products(n.paths, sent, 0.0, 0.5)
    monkeypatch.setattr(psp, "COLUMNS", 4)
    blocks = products(n.paths, sent, 0.0, 0.5)
    parts = [slice(0, 4), slice(4, 8), slice(8, 10)]
    for block, c in zip(blocks, parts, strict=True):
        np.testing.assert_allclose(block, h[:, c, c], rtol=1e-12)
    fixed = quantize(net, weight_bits=3, sent=sent)
    (q,), (p,) = fixed.projections, fixed.populations
    wanted = weight_rows(n.paths[0]) * (p.scale[:, None] / 64 / 2.0**q.weight_exp)
    mine = [round_rows(wanted[:, c], b[0], -3, 3) for b, c in zip(blocks, parts, strict=True)]
    (found,) = weights(net, 3, sent)
    np.testing.assert_array_equal(found, np.concatenate(mine, axis=1))


def test_real_input_counts_in_the_units_of_its_integers() -> None:
    """A thousand times the values and a thousandth of the weights are the same integers."""
    x = np.random.default_rng(0).normal(0, 1, (10, 8, 6)).astype(np.float32)
    rng = np.random.default_rng(1)
    of_x, of_y = rng.normal(0, 0.1, (4, 6)), rng.normal(0, 0.3, (4, 5))

    def made(k: int) -> list[Weights]:
        net = network(
            [population("lif", 4)],
            [projection("x", "lif", of_x / k), projection("y", "lif", of_y)],
            inputs={"x": 6, "y": 5},
        )
        data = {"x": k * x, "y": spikes((10, 8, 5))}
        return weights(net, 3, data, calibration=data)

    for one, other in zip(made(1), made(1024), strict=True):
        np.testing.assert_array_equal(one, other)


def test_neurons_with_one_weight_are_rounded_to_the_nearest() -> None:
    net = network([population("lif", 3)], [projection("x", "lif")], inputs={"x": 3})
    x = spikes((10, 4, 3))
    one, other = (quantize(net, weight_bits=4, sent=sent) for sent in ({"x": x}, None))
    assert [replace(p, operators=()) for p in one.projections] == [
        replace(p, operators=()) for p in other.projections
    ]


# --- exponents ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("largest", "exponents"), [(1, {0}), (100, set(range(-7, 0)))])
def test_a_sum_is_rounded_down_only_where_weights_gain_by_it(
    largest: int, exponents: set[int]
) -> None:
    """Slow neurons have few counts; spikes leave the sum small, large integers do not."""
    rng = np.random.default_rng(0)
    net = one_neuron(rng.normal(0, 1 / largest, (20, 64)), decay=0.998)
    x = np.zeros((2, 1, 64), np.float32)
    x[0, 0, 0] = largest
    (q,) = quantize(net, calibration={"x": x}).projections
    assert q.weight_exp in exponents


def test_weights_of_one_sign_keep_it_and_have_all_bits() -> None:
    """Beside a path of both signs: what one loses the other makes up for, within its own range."""
    rng = np.random.default_rng(2)
    net = network(
        [population("lif", 12)],
        [
            projection("x", "lif", np.abs(rng.normal(0, 1, (12, 20)))),
            projection("y", "lif", rng.normal(0, 1, (12, 20))),
        ],
        inputs={"x": 20, "y": 20},
    )
    sent = {"x": spikes((30, 8, 20), seed=1), "y": spikes((30, 8, 20), seed=2)}
    of_x, of_y = weights(net, 3, sent)
    assert of_x.min() == 0
    assert 3 < of_x.max() <= 7
    assert (of_y.min(), of_y.max()) == (-3, 3)
    assert any((w != n).any() for w, n in zip((of_x, of_y), weights(net, 3, None), strict=True))
