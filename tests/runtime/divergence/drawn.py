"""Random faults in random networks: what nobody looked at before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.runtime.divergence.explanation import Cause
from tests.builders import fixed_network, fixed_population, fixed_projection, integers_for
from tests.runtime.divergence.faults import (
    at_least,
    bias,
    keep_u,
    keep_v,
    one,
    saturated,
    subtracted,
    to_zero,
    untouched,
    wrapped,
)
from tests.runtime.divergence.machine import Fault, Ints, Part

Choice = tuple[Cause, str, Part]


@dataclass(frozen=True)
class Drawn:
    """A network, its inputs, a fault and its class.

    Attributes:
        cause: The class.
        network: Not retimed.
        inputs: ``[steps, batch, n]``.
        fault: Drawn.
    """

    cause: Cause
    network: FixedNetwork
    inputs: dict[str, npt.NDArray[np.int32]]
    fault: Fault

    @property
    def population(self) -> str:
        """The population in which the fault shows first."""
        targets = {q.name: q.target for q in self.network.projections}
        return targets.get(self.fault.where, self.fault.where)


def drawn(seed: int) -> Drawn:
    """Draw all of it."""
    rng = np.random.default_rng(seed)
    network = _network(rng)
    x = integers_for(network, steps=int(rng.integers(20, 60)), batch=2, seed=seed)
    p = network.populations[rng.integers(2)]
    q = network.projections[rng.integers(len(network.projections))]
    of_neurons, of_weights = _of_neurons(rng, p), _of_weights(rng, q)
    k = int(rng.integers(len(of_neurons) + len(of_weights)))
    where = p.name if k < len(of_neurons) else q.name
    cause, part, does = (*of_neurons, *of_weights)[k]
    return Drawn(cause, network, x, Fault(where, part, does))


def _network(rng: np.random.Generator) -> FixedNetwork:
    n_x, n_h, n_o = (int(n) for n in rng.integers(3, 15, 3))

    def weights(n_out: int, n_in: int) -> npt.NDArray[np.int64]:
        values = rng.normal(0, rng.choice([10, 30, 50]), (n_out, n_in)).round()
        return np.clip(values, -128, 127).astype(np.int64)

    def exponent() -> int:
        return int(rng.integers(-2, 3))

    def delay(least: int = 0) -> int:
        return int(rng.integers(least, least + 3))

    projections = [
        fixed_projection("x", "h", weights(n_h, n_x), weight_exp=exponent(), delay=delay()),
        fixed_projection("h", "o", weights(n_o, n_h), weight_exp=exponent(), delay=delay()),
    ]
    if rng.random() < 0.5:
        projections.append(fixed_projection("h", "h", weights(n_h, n_h) // 3, delay=delay(1)))
    if rng.random() < 0.5:
        projections.append(fixed_projection("x", "o", weights(n_o, n_x), delay=delay(1)))
    largest = int(rng.choice([1, 1, 1, 7]))
    return fixed_network(
        [_population(rng, "h", n_h), _population(rng, "o", n_o)],
        projections,
        inputs=[FixedInput("x", (n_x,), 1.0, largest)],
    )


def _population(rng: np.random.Generator, name: str, n: int) -> FixedPopulation:
    same = rng.random() < 0.5
    return fixed_population(
        name,
        n,
        du=int(rng.choice([4095, 3000, 1000, 100])),
        dv=int(rng.choice([4096, 2000, 400, 30, 0])),
        threshold=rng.integers(20, 400, 1 if same else n),
        bias_mant=rng.integers(-100, 200, n) * int(rng.random() < 0.6),
        bias_exp=int(rng.integers(0, 5)),
        initial=int(rng.integers(-2000, 2000)) * int(rng.random() < 0.3),
        reset=tuple(FixedReset)[rng.integers(6)],
        refractory=int(rng.choice([0, 0, 0, 1, 3])),
    )


def _of_neurons(rng: np.random.Generator, p: FixedPopulation) -> tuple[Choice, ...]:
    """Draw a fault of each kind that a population may have."""
    off = int(rng.choice([-5, -3, -2, -1, 1, 2, 3, 5]))
    neuron, bits = int(rng.integers(p.size)), int(rng.integers(8, 22))

    def toward_zero(x: Ints, factor: Ints) -> Ints:
        return np.trunc(x * np.clip(factor, 0, 4096) / 4096).astype(np.int64)

    level, decay = Cause.BIAS_OR_THRESHOLD_ROUNDING, Cause.DECAY_ROUNDING
    wrap, hold, reset = Cause.WRAP, Cause.SATURATION, Cause.RESET
    return (
        (Cause.LATENCY, "begin", lambda _p: abs(off)),
        (Cause.LATENCY, "recorded", lambda _p: 1),
        (level, "theta", lambda p: (p.threshold + off) * 64),
        (level, "theta", lambda p: one(p.threshold * 64, neuron, 64 * off)),
        (level, "bias", lambda p: bias(p) + off),
        (level, "bias", lambda p: one(bias(p), neuron, off)),
        (decay, "decay_v", lambda p, v: v * keep_v(p) // 4096),
        (decay, "decay_u", lambda p, u: u * keep_u(p) // 4096),
        (decay, "decay_v", lambda p, v: np.rint(v * keep_v(p) / 4096).astype(np.int64)),
        (decay, "decay_v", lambda p, v: toward_zero(v, keep_v(p) + off)),
        (decay, "decay_u", lambda p, u: toward_zero(u, keep_u(p) + off)),
        (wrap, "input", lambda _p, a: wrapped(a, bits - 4)),
        (wrap, "hold_u", lambda _p, u: wrapped(u, bits)),
        (wrap, "hold_v", lambda _p, v: wrapped(v, bits)),
        (hold, "input", lambda _p, a: saturated(a, bits - 4)),
        (hold, "hold_u", lambda _p, u: saturated(u, bits)),
        (hold, "hold_v", lambda _p, v: saturated(v, bits)),
        (reset, "after", to_zero),
        (reset, "after", subtracted),
        (reset, "after", untouched),
        (reset, "refractory", lambda p: p.refractory + 1),
        (reset, "clear", lambda _p, u, s: u * (1 - s)),
        (Cause.TIE, "above", at_least),
    )


def _of_weights(rng: np.random.Generator, q: FixedProjection) -> tuple[Choice, ...]:
    """Draw a fault of each kind that a projection may have."""
    off = int(rng.choice([-5, -3, -2, -1, 1, 2, 3, 5]))
    size, limit, unit = rng.random(2), int(rng.integers(10, 100)), int(2 ** rng.integers(1, 4))
    coin = rng.integers(-1, 1, 15 * 15)

    def somewhere(w: Ints) -> tuple[int, int]:
        return int(size[0] * w.shape[0]), int(size[1] * w.shape[1])

    round_, clip = Cause.WEIGHT_ROUNDING, Cause.WEIGHT_CLIP
    return (
        (round_, "weight", lambda _q, w: one(w, somewhere(w), off)),
        (round_, "weight", lambda _q, w: w // unit * unit),
        (round_, "weight", lambda _q, w: w + coin[: w.size].reshape(w.shape)),
        (clip, "weight", lambda _q, w: np.minimum(np.maximum(w, -limit), limit)),
        (clip, "weight", lambda _q, w: saturated(w, 6)),
        (Cause.DELAY, "delay", lambda _q: q.delay + 1),
        (Cause.DELAY, "delay", lambda _q: q.delay + abs(off)),
    )
