"""Spikes of typical data side by side: numbers by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from snnc.compiler.quantization.observed import observe
from tests.builders import one_fixed, one_neuron


@dataclass
class Run:
    """What a run recorded."""

    spikes: dict[str, Any]
    u: dict[str, Any]
    v: dict[str, Any]
    u_peak: dict[str, int]
    v_peak: dict[str, int]


def run(spikes: Any, v: Any = 0, u_peak: int = 0, v_peak: int = 0) -> Run:
    """Make a run of one population; ``spikes`` are ``[steps, batch, n]``."""
    s = np.asarray(spikes, np.uint8)
    potential = np.broadcast_to(np.asarray(v, np.float64), s.shape)
    return Run({"lif": s}, {"lif": s}, {"lif": potential}, {"lif": u_peak}, {"lif": v_peak})


REAL = run([[[1, 0]], [[1, 1]], [[1, 0]]])


def test_counts_by_hand() -> None:
    """3 and 1 spikes became 1 and 2, and by itself 3 and 2."""
    seen = observe(
        one_neuron([[1], [1]], refractory=1),
        one_fixed([[1], [1]]),
        REAL,
        run([[[0, 1]], [[1, 0]], [[0, 1]]], u_peak=2**21, v_peak=2**22),
        run([[[1, 1]], [[1, 0]], [[1, 1]]]),
    )["lif"]
    assert (seen.samples, seen.possible) == (1, 2 * 2)
    assert (seen.reference, seen.spikes, seen.spikes_local) == (4, 3, 5)
    assert (seen.error, seen.error_local) == (3 / 4, 1 / 4)
    rates = {"rate_error": -1 / 4, "rate_error_local": 1 / 4}
    assert seen.as_json().items() >= rates.items()
    assert (seen.u_seen, seen.v_seen, seen.largest) == (0.25, 0.5, 0.5)


def test_silence_has_no_error() -> None:
    silent = run(np.zeros((3, 1, 2)))
    net, fixed = one_neuron([[1], [1]]), one_fixed([[1], [1]])
    seen = observe(net, fixed, silent, REAL, silent)["lif"]
    assert (seen.reference, seen.spikes, seen.error) == (0, 4, None)
    assert seen.as_json()["rate_error"] is seen.as_json()["rate_error_local"] is None


def test_potential_by_hand() -> None:
    """A read-out of 10 counts a unit, 0.5 above: 3 and 4 became 3.5 and 4, by itself all right."""
    net = one_neuron([[1], [1]], spiking=False)
    fixed = one_fixed([[1], [1]], scale=10, offset=0.5, threshold=0, reset="none", spiking=False)
    none = np.zeros((1, 1, 2))
    real = run(none, [[[3.0, 4.0]]])
    seen = observe(net, fixed, real, run(none, [[[30, 35]]]), run(none, [[[25, 35]]]))["lif"]
    assert (seen.possible, seen.reference, seen.spikes) == (0, 0, 0)
    assert seen.error == pytest.approx(0.5 / 5)
    assert seen.error_local == 0


def test_potentials_are_averaged_over_time() -> None:
    """What one step is too high and the next too low is no error; classes are told by sums."""
    net = one_neuron([[1]], spiking=False)
    fixed = one_fixed([[1]], scale=10, threshold=0, reset="none", spiking=False)
    none = np.zeros((2, 1, 1))
    real, swung = run(none, [[[2.0]], [[4.0]]]), run(none, [[[40]], [[20]]])
    seen = observe(net, fixed, real, swung, run(none, [[[20]], [[46]]]))["lif"]
    assert seen.error == 0
    assert seen.error_local == pytest.approx(0.3 / 3)
