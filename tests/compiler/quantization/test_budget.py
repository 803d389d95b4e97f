"""Budgets as users write them, the memory of weights, and choices of widths against all choices."""

from __future__ import annotations

import ctypes
import os
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Integration
from snnc.compiler.quantization.budget import (
    Budget,
    Metric,
    Table,
    memory_text,
    read_budget,
    stored_weights,
)
from snnc.compiler.quantization.quantize import quantize
from tests.builders import convolution, network, population, projection


@pytest.mark.parametrize(
    ("text", "metric", "limit"),
    [
        ("top1>=-0.5pt", Metric.ACCURACY, 0.5),
        (" top1 >= -.5 pt\n", Metric.ACCURACY, 0.5),
        ("top1>=0pt", Metric.ACCURACY, 0),
        ("top1>=-100pt", Metric.ACCURACY, 100),
        ("memory<=64KiB", Metric.MEMORY, 64 * 1024 * 8),
        ("memory <= 1.5 MiB", Metric.MEMORY, 1.5 * 1024 * 1024 * 8),
        ("memory<=1B", Metric.MEMORY, 8),
    ],
)
def test_budgets(text: str, metric: Metric, limit: float) -> None:
    assert read_budget(text) == Budget(metric, limit, "".join(text.split()))


FORM = ("METRIC>=NUMBER UNIT or METRIC<=NUMBER UNIT", 'write "top1>=-0.5pt" or "memory<=64KiB"')
METRIC = ("top1 or memory", FORM[1])
POINTS = "top1>=-NUMBERpt: the points of percent, 0 to 100, that accuracy may fall"
BYTES = "memory<=NUMBER UNIT: more than 0 B, KiB or MiB"


@pytest.mark.parametrize(
    ("text", "limit", "remedy"),
    [
        ("", *FORM),
        ("top1", *FORM),
        ("top1>=", *FORM),
        ("top1>=-one pt", *FORM),
        ("memory<=64KiB, top1>=-1pt", BYTES, 'write "memory<=64KiB"'),
        (f"memory<={'9' * 400}B", *FORM),
        ("accuracy>=-1pt", *METRIC),
        ("Top1>=-1pt", *METRIC),
        ("top1>=-0.5%", POINTS, 'write "top1>=-0.5pt"'),
        ("top1>=0.5pt", POINTS, 'write "top1>=-0.5pt"'),
        ("top1<=-0.5pt", POINTS, 'write "top1>=-0.5pt"'),
        ("top1=-0.5pt", POINTS, 'write "top1>=-0.5pt"'),
        ("top1>=-101pt", POINTS, 'write "top1>=-0.5pt"'),
        ("memory<=64KB", BYTES, 'write "memory<=64KiB"'),
        ("memory<=64", BYTES, 'write "memory<=64KiB"'),
        ("memory>=64MiB", BYTES, 'write "memory<=64MiB"'),
        ("memory<=-64KiB", BYTES, 'write "memory<=64KiB"'),
        ("memory<=0B", BYTES, 'write "memory<=64KiB"'),
    ],
)
def test_unusable_budgets(text: str, limit: str, remedy: str) -> None:
    read = read_budget(text)
    assert isinstance(read, Diagnostic)
    assert str(read) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --budget\n"
        f"   found: {text or 'an empty text'}\n"
        f"   limit: {limit}\n"
        f"  remedy: {remedy}"
    )


def test_what_a_remedy_writes_is_a_budget() -> None:
    for text in ("top1>=3%", "memory<=.5kb", "memory<=7 MB", "x>=1"):
        read = read_budget(text)
        assert isinstance(read, Diagnostic)
        assert all(isinstance(read_budget(w), Budget) for w in read.remedy.split('"')[1::2])


def test_memory_counts_kernels_once_and_zeros_as_others() -> None:
    kernels = convolution(np.eye(4, 18).reshape(4, 2, 3, 3), padding=1)
    net = network(
        [population("c", 100, shape=(4, 5, 5)), population("d", 3)],
        [
            projection("x", "c", None, kernels),
            projection("c", "d", np.ones((3, 100))),
            projection("d", "d", np.eye(3), delay=1),
        ],
        inputs={"x": (2, 5, 5)},
    )
    assert stored_weights(quantize(net), "cd") == {"c": 4 * 2 * 9, "d": 300 + 9}


def test_memory_counts_no_carried_bias() -> None:
    """It comes from a neuron of its own, and has 8 bits whatever is chosen."""
    net = network(
        [population("a", 3, integration=Integration.CURRENT_DECAY)],
        [projection("x", "a", np.ones((3, 2)), bias=0.25)],
    )
    assert stored_weights(quantize(net), "a") == {"a": 3 * 2}


@pytest.mark.parametrize(
    ("bits", "text"),
    [(8, "1 B"), (12, "1.5 B"), (8 * 1024, "1.0 KiB"), (8 * 1024**2 * 2.5, "2.5 MiB")],
)
def test_memory_as_text(bits: float, text: str) -> None:
    assert memory_text(bits) == text


WIDTHS = st.sets(st.integers(1, 8), min_size=1, max_size=4)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw up to four populations, each with some widths; errors may repeat, and may fall."""
    errors = st.sampled_from([0.0, 1e-6, 0.5, 1.0]) | st.floats(0, 1).map(lambda e: round(e, 6))
    names = "abcd"[: draw(st.integers(1, 4))]
    return Table(
        {n: draw(st.integers(0, 10**6)) for n in names},
        {n: {b: draw(errors) for b in sorted(draw(WIDTHS))} for n in names},
    )


def choices(table: Table) -> list[dict[str, int]]:
    """Give every choice."""
    names = list(table.errors)
    return [
        dict(zip(names, bits, strict=True)) for bits in product(*(table.errors[n] for n in names))
    ]


@given(tables(), st.data())
def test_least_memory_of_all_choices(table: Table, data: st.DataObject) -> None:
    """The limit is often the very error of a choice."""
    every = choices(table)
    limit = table.error(data.draw(st.sampled_from(every))) * data.draw(
        st.sampled_from([1, 1, 0.999, 0.5])
    )
    fit = [c for c in every if table.error(c) <= limit * (1 + 1e-12)]
    found = table.least_memory(limit)
    if found is None:
        assert not fit
        return
    assert found in fit
    assert table.memory(found) == min(map(table.memory, fit))
    lightest = [c for c in fit if table.memory(c) == table.memory(found)]
    assert table.error(found) <= min(map(table.error, lightest)) + 1e-9


@given(tables(), st.data())
def test_least_error_of_all_choices(table: Table, data: st.DataObject) -> None:
    every = choices(table)
    limit = table.memory(data.draw(st.sampled_from(every))) - data.draw(st.sampled_from([0, 0, 1]))
    fit = [c for c in every if table.memory(c) <= limit]
    found = table.least_error(limit)
    if found is None:
        assert not fit
        return
    assert found in fit
    assert table.error(found) <= min(map(table.error, fit)) + 1e-9
    best = [c for c in fit if table.error(c) <= table.error(found)]
    assert table.memory(found) <= min(map(table.memory, best))


def test_a_limit_that_large_numbers_exceed_by_one_bit() -> None:
    """The solver takes a relative 1e-6 for nothing; memory is counted."""
    table = Table({"a": 10**9, "b": 1}, {"a": {2: 1.0, 4: 0.0}, "b": {2: 0.1, 8: 0.0}})
    assert table.least_error(4 * 10**9 + 8) == {"a": 4, "b": 8}
    assert table.least_error(4 * 10**9 + 7) == {"a": 4, "b": 2}
    assert table.least_error(4 * 10**9 + 1) == {"a": 2, "b": 8}


def test_exchanges_are_the_choices_around_by_their_error() -> None:
    table = Table(
        {"a": 10, "b": 20},
        {"a": {2: 0.3, 4: 0.1, 8: 0.0}, "b": {2: 0.5, 4: 0.2, 8: 0.0}},
    )
    near = list(table.exchanges({"a": 4, "b": 4}, 1000))
    assert near == [{"a": 4, "b": 8}, {"a": 8, "b": 4}, {"a": 2, "b": 8}, {"a": 8, "b": 2}]
    assert list(table.exchanges({"a": 4, "b": 4}, 179)) == near[1:2] + near[3:]


def test_of_the_same_memory_the_least_error_is_taken() -> None:
    table = Table({"a": 3, "b": 3}, {n: {2: e, 4: 0.0} for n, e in (("a", 0.3), ("b", 0.2))})
    assert table.least_memory(0.4) == {"a": 4, "b": 2}
    table = Table({"a": 3, "b": 3}, {n: {2: e, 4: 0.0} for n, e in (("a", 0.2), ("b", 0.3))})
    assert table.least_memory(0.4) == {"a": 2, "b": 4}


@pytest.mark.skipif(os.name != "posix", reason="C's own buffer is reached on POSIX alone")
def test_what_the_solver_says_is_not_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """HiGHS says something there at times; --json has to stay JSON."""
    scipy: Any = import_module("scipy.optimize")
    solve = scipy.milp

    def talkative(*args: Any, **options: Any) -> Any:
        ctypes.CDLL(None).puts(b"in a buffer of C")
        os.write(1, b"at once")
        return solve(*args, **options)

    monkeypatch.setattr(scipy, "milp", talkative)
    assert Table({"a": 1}, {"a": {2: 1.0, 4: 0.0}}).least_error(3) == {"a": 2}
    os.write(1, b"after")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == "after"
