"""Spike counts of 200 neurons of very different gains: ``python -m tests.benchmarks.random_gains``.

200 neurons with 64 sources each; a row of weights is ``N(1.25, 1)`` times a gain, log-normal with a
deviation of 0.7, so one scale for the layer leaves most rows few of their bits. Sources
spike by chance, 1.5 times in a time constant, for 1000 steps. All weights have a common factor at
which the neurons spike in 1 % of the steps on average (0.5 % at the longest time constant), and
what spikes is reset to 0. Sources pass on the spikes of the input: those of neurons are of one
sign, and overflow has to be proven for less.

Printed are, of the integers against the float network on data that nothing was fitted to, the
spike-count error ``sum |n_i - m_i| / sum n_i`` and the share of spike trains that are identical.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network
from snnc.compiler.quantization import quantize as module
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.quantization.lower import Lowered, lower
from snnc.compiler.quantization.quantize import quantize
from snnc.runtime.observe import Reference, recalibrate_on, refer
from snnc.targets.float import executor as real
from snnc.targets.integer import reference as integers
from tests.builders import network, population, projection, spikes

NEURONS, SOURCES, STEPS = 200, 64, 1000
CALIBRATION, JUDGED = 32, 32
"""Samples to fit to, and others to judge by."""
RATES: Mapping[int, float] = {5: 0.01, 20: 0.01, 100: 0.01, 500: 0.005}
"""Spikes a step that the neurons of each time constant, in steps, should have on average."""
BITS = (8, 6, 4)
INPUT_RATE = 1.5
"""Spikes of a source in a time constant."""

Data = npt.NDArray[np.float32]


def drawn(tau: int, samples: int, seed: int, steps: int = STEPS) -> Data:
    """Draw what enters, shape ``[steps, samples, 64]``."""
    return spikes((steps, samples, SOURCES), seed=seed, rate=min(INPUT_RATE / tau, 0.5))


def layer(tau: int, seed: int, steps: int = STEPS) -> Network:
    """Draw a network, and bisect the common factor of its weights."""
    rng = np.random.default_rng(seed)
    gains = rng.lognormal(0, 0.7, (NEURONS, 1))
    weights = gains * rng.normal(1.25, 1, (NEURONS, SOURCES))
    x = drawn(tau, 2, seed + 1_000, steps)
    low, high = 1e-4, 10.0
    while high > 1.02 * low:
        factor = (low * high) ** 0.5
        rate = real.execute(of_weights(tau, factor * weights), {"x": x}).spikes["lif"].mean()
        low, high = (factor, high) if rate < RATES[tau] else (low, factor)
    return of_weights(tau, low * weights)


def of_weights(tau: int, weights: npt.NDArray[np.float64]) -> Network:
    """Give sources that pass on what enters, and the neurons behind them."""
    passing = population("source", SOURCES, decay=0.0, threshold=0.5)
    lif = population("lif", NEURONS, decay=float(np.exp(-1 / tau)))
    enters = projection("x", "source", np.eye(SOURCES))
    return network([passing, lif], [enters, projection("source", "lif", weights)])


def one_scale(net: Network, decays: Decays) -> tuple[Lowered, ...]:
    """Lower ``net`` with all neurons of a population in one group."""
    assert decays is Decays.NEAREST
    return tuple(replace(n, groups=np.zeros_like(n.groups)) for n in lower(net))


def layer_scale(net: Network, bits: int, reference: Reference) -> FixedNetwork:
    """Quantize with one scale for all neurons."""
    del reference
    with patch.object(module, "lowered_for", one_scale):
        return quantize(net, weight_bits=bits)


def neuron_scale(net: Network, bits: int, reference: Reference) -> FixedNetwork:
    """Quantize with a scale for each, and round to the nearest."""
    del reference
    return quantize(net, weight_bits=bits)


def fed_back(net: Network, bits: int, reference: Reference) -> FixedNetwork:
    """Round with error feedback."""
    return quantize(net, weight_bits=bits, sent=reference.sent)


def recalibrated(net: Network, bits: int, reference: Reference) -> FixedNetwork:
    """Round to the nearest, and move the thresholds."""
    return recalibrate_on(net, neuron_scale(net, bits, reference), reference)


def both(net: Network, bits: int, reference: Reference) -> FixedNetwork:
    """Round with error feedback, and move the thresholds."""
    return recalibrate_on(net, fed_back(net, bits, reference), reference)


WAYS: Mapping[str, Callable[[Network, int, Reference], FixedNetwork]] = {
    "layer": layer_scale,
    "neuron": neuron_scale,
    "feedback": fed_back,
    "thresholds": recalibrated,
    "both": both,
}


def judged(net: Network, fixed: FixedNetwork, x: Data) -> tuple[float, float]:
    """Give the spike-count error and the share of identical trains."""
    n = real.execute(net, {"x": x}).spikes["lif"]
    m = integers.execute(fixed, {"x": x.astype(np.int32)}).spikes["lif"]
    counts = n.sum(axis=0, dtype=np.int64)
    error = np.abs(counts - m.sum(axis=0, dtype=np.int64)).sum() / counts.sum()
    return float(error), float((n == m).all(axis=0).mean())


def measure(
    tau: int, seed: int, bits: int, ways: tuple[str, ...] = tuple(WAYS), steps: int = STEPS
) -> Iterator[tuple[str, float, float]]:
    """Yield each way, its spike-count error and its share of identical trains."""
    net = layer(tau, seed, steps)
    reference = refer(net, {"x": drawn(tau, CALIBRATION, seed + 2_000, steps)})
    x = drawn(tau, JUDGED, seed + 3_000, steps)
    for way in ways:
        yield (way, *judged(net, WAYS[way](net, bits, reference), x))


if __name__ == "__main__":
    print(f"spike-count error / identical trains{'':8}" + "".join(f"{way:>16}" for way in WAYS))
    for tau in RATES:
        for bits in BITS:
            started = time.perf_counter()
            found = np.mean(
                [[row[1:] for row in measure(tau, seed, bits)] for seed in range(3)], axis=0
            )
            cells = "".join(f"{100 * e:9.2f} / {100 * s:2.0f} %" for e, s in found)
            seconds = time.perf_counter() - started
            print(f"tau/dt {tau:3}, {bits} bits{'':26}{cells}   {seconds:4.0f} s", flush=True)
