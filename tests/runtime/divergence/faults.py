"""What executors may do wrong: the list of mutations."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedPopulation
from snnc.runtime.divergence.explanation import Cause
from tests.runtime.divergence.machine import Ints
from tests.runtime.divergence.mutations import Mutation

P = FixedPopulation


def keep_u(p: P) -> Ints:
    return np.asarray(4095 - p.du.astype(np.int64))


def keep_v(p: P) -> Ints:
    return np.asarray(4096 - p.dv.astype(np.int64))


def bias(p: P) -> Ints:
    return p.bias_mant.astype(np.int64) << p.bias_exp.astype(np.int64)


def saturated(x: Ints, bits: int) -> Ints:
    return np.asarray(np.minimum(np.maximum(x, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1))


def wrapped(x: Ints, bits: int) -> Ints:
    return np.asarray((x + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1))


def one(x: Ints, place: Any, off: int) -> Ints:
    x = np.array(x)
    x[place] += off
    return x


def _two_of_five(x: Ints) -> Ints:
    return np.asarray(np.arange(x.size).reshape(x.shape) * 7 % 5 < 2, np.int64)


def _sums(matrix: Ints, x: Ints, order: Any, kind: Any = np.float16, *, chunks: int = 1) -> Ints:
    """Add up products one after the other in a narrow float, in chunks that are added up last."""
    products = (matrix[None] * x[:, None]).astype(np.float32)[..., order]
    total = np.zeros(products.shape[:2], kind)
    for chunk in np.array_split(products, chunks, axis=-1):
        part = np.zeros_like(total)
        for k in range(chunk.shape[-1]):
            part = (part + chunk[..., k].astype(kind)).astype(kind)
        total = (total + part).astype(kind)
    return total.astype(np.int64)


def _short(matrix: Ints, x: Ints) -> Ints:
    """Add up products in float32, each sum cut to the 8 bits of a bfloat16."""
    total = np.zeros((len(x), len(matrix)), np.float32)
    for k in range(matrix.shape[1]):
        added = (total + (x[:, k, None] * matrix[:, k]).astype(np.float32)).view(np.uint32)
        total = ((added + 0x7FFF + (added >> 16 & 1)) & 0xFFFF0000).astype(np.uint32)
        total = total.view(np.float32)
    return total.astype(np.int64)


LATE = Cause.LATENCY
LATENCIES = (
    Mutation(LATE, "begins one step late", "zero", "h", "begin", lambda _p: 1),
    Mutation(LATE, "begins two steps late", "subtract", "o", "begin", lambda _p: 2),
    Mutation(LATE, "begins three steps late", "refractory", "h", "begin", lambda _p: 3),
    Mutation(LATE, "begins one step late", "image", "o", "begin", lambda _p: 1),
    Mutation(LATE, "is recorded one step late", "delayed", "h", "recorded", lambda _p: 1),
    Mutation(LATE, "is recorded one step early", "subtract", "o", "recorded", lambda _p: -1),
    Mutation(LATE, "is recorded two steps early", "refractory", "o", "recorded", lambda _p: -2),
)

ROUND = Cause.WEIGHT_ROUNDING
WEIGHTS = (
    Mutation(ROUND, "weights cut to even ones", "zero", "x->h", "weight", lambda _q, w: w // 2 * 2),
    Mutation(
        ROUND,
        "weights to the nearest multiple of 4",
        "subtract",
        "h->o",
        "weight",
        lambda _q, w: np.rint(w / 4).astype(np.int64) * 4,
    ),
    Mutation(
        ROUND,
        "weights cut to multiples of 8",
        "delayed",
        "h->h",
        "weight",
        lambda _q, w: np.trunc(w / 8).astype(np.int64) * 8,
    ),
    Mutation(ROUND, "each weight shifted", "image", "x->c", "weight", lambda _q, w: w // 4 * 4),
    Mutation(
        ROUND,
        "the sum is shifted toward zero",
        "image",
        "x->c",
        "exponent",
        lambda q, y: np.trunc(y / 2**-q.weight_exp).astype(np.int64),
    ),
    Mutation(ROUND, "one weight + 1", "zero", "x->h", "weight", lambda _q, w: one(w, (3, 4), 1)),
    Mutation(ROUND, "one weight - 2", "loud", "h->o", "weight", lambda _q, w: one(w, (2, 5), -2)),
    Mutation(
        ROUND,
        "one weight of a kernel + 3",
        "image",
        "x->c",
        "weight",
        lambda _q, w: one(w, (5, 1, 2, 0), 3),
    ),
    Mutation(
        ROUND,
        "two of five weights - 1",
        "subtract",
        "x->o",
        "weight",
        lambda _q, w: w - _two_of_five(w),
    ),
)

CLIP = Cause.WEIGHT_CLIP
CLIPS = (
    Mutation(CLIP, "weights of 7 bits", "zero", "x->h", "weight", lambda _q, w: saturated(w, 7)),
    Mutation(CLIP, "weights of 6 bits", "image", "x->c", "weight", lambda _q, w: saturated(w, 6)),
    Mutation(
        CLIP,
        "weights up to 50",
        "delayed",
        "x->h",
        "weight",
        lambda _q, w: np.minimum(np.maximum(w, -50), 50),
    ),
    Mutation(CLIP, "no weights below 0", "zero", "h->o", "weight", lambda _q, w: np.maximum(w, 0)),
    Mutation(
        CLIP,
        "recurrent weights up to 15",
        "subtract",
        "h->h",
        "weight",
        lambda _q, w: np.minimum(np.maximum(w, -15), 15),
    ),
    Mutation(
        CLIP,
        "weights of 6 bits in a read-out",
        "loud",
        "x->o",
        "weight",
        lambda _q, w: saturated(w, 6),
    ),
)

LEVEL = Cause.BIAS_OR_THRESHOLD_ROUNDING
LEVELS = (
    Mutation(LEVEL, "threshold + 3", "zero", "h", "theta", lambda p: p.threshold * 64 + 192),
    Mutation(LEVEL, "threshold - 2", "delayed", "o", "theta", lambda p: p.threshold * 64 - 128),
    Mutation(
        LEVEL,
        "threshold of one neuron + 5",
        "subtract",
        "h",
        "theta",
        lambda p: one(p.threshold * 64, 6, 5 * 64),
    ),
    Mutation(
        LEVEL,
        "threshold in multiples of 16",
        "refractory",
        "h",
        "theta",
        lambda p: p.threshold // 16 * 16 * 64,
    ),
    Mutation(LEVEL, "bias of one neuron + 1", "zero", "h", "bias", lambda p: one(bias(p), 4, 1)),
    Mutation(LEVEL, "no bias", "subtract", "o", "bias", lambda p: 0 * bias(p)),
    Mutation(
        LEVEL,
        "bias in multiples of 64",
        "delayed",
        "h",
        "bias",
        lambda p: bias(p) // 64 * 64,
    ),
    Mutation(LEVEL, "initial potential", "image", "o", "initial", lambda p: p.initial + 700),
)

DECAY = Cause.DECAY_ROUNDING
DECAYS = (
    Mutation(
        DECAY, "of v rounded down", "zero", "h", "decay_v", lambda p, v: v * keep_v(p) // 4096
    ),
    Mutation(
        DECAY, "of u rounded down", "subtract", "h", "decay_u", lambda p, u: u * keep_u(p) // 4096
    ),
    Mutation(
        DECAY,
        "of v to the nearest",
        "delayed",
        "o",
        "decay_v",
        lambda p, v: np.rint(v * keep_v(p) / 4096).astype(np.int64),
    ),
    Mutation(
        DECAY,
        "of v in float32",
        "loud",
        "o",
        "decay_v",
        lambda p, v: np.rint(v.astype(np.float32) * (keep_v(p) / np.float32(4096))).astype(int),
    ),
    Mutation(DECAY, "v - (v dv >> 12)", "image", "c", "decay_v", lambda p, v: v - (v * p.dv >> 12)),
    Mutation(
        DECAY,
        "dv + 1",
        "refractory",
        "h",
        "decay_v",
        lambda p, v: np.trunc(v * (keep_v(p) - 1) / 4096).astype(np.int64),
    ),
    Mutation(
        DECAY,
        "du, and not du + 1",
        "zero",
        "o",
        "decay_u",
        lambda p, u: np.trunc(u * (keep_u(p) + 1) / 4096).astype(np.int64),
    ),
    Mutation(
        DECAY,
        "dv of one neuron + 7",
        "subtract",
        "o",
        "decay_v",
        lambda p, v: np.trunc(v * one(keep_v(p), 2, -7) / 4096).astype(np.int64),
    ),
    Mutation(
        DECAY,
        "of v by a power of two",
        "zero",
        "h",
        "decay_v",
        lambda _p, v: np.trunc(v * 3584 / 4096).astype(np.int64),
    ),
)

WRAP = Cause.WRAP
WRAPS = (
    Mutation(WRAP, "input at 10 bits", "zero", "h", "input", lambda _p, a: wrapped(a, 10)),
    Mutation(WRAP, "u at 16 bits", "subtract", "h", "hold_u", lambda _p, u: wrapped(u, 16)),
    Mutation(WRAP, "v at 16 bits", "zero", "h", "hold_v", lambda _p, v: wrapped(v, 16)),
    Mutation(WRAP, "u at 20 bits", "loud", "h", "hold_u", lambda _p, u: wrapped(u, 20)),
    Mutation(WRAP, "v at 24 bits", "loud", "o", "hold_v", lambda _p, v: wrapped(v, 24)),
    Mutation(WRAP, "u does not wrap", "loud", "o", "hold_u", lambda _p, u: u),
    Mutation(WRAP, "v at 22 bits", "loud", "h", "hold_v", lambda _p, v: wrapped(v, 22)),
)

HOLD = Cause.SATURATION
SATURATIONS = (
    Mutation(HOLD, "input at 10 bits", "zero", "h", "input", lambda _p, a: saturated(a, 10)),
    Mutation(HOLD, "u at 16 bits", "delayed", "h", "hold_u", lambda _p, u: saturated(u, 16)),
    Mutation(HOLD, "v at 16 bits", "zero", "h", "hold_v", lambda _p, v: saturated(v, 16)),
    Mutation(HOLD, "u at 24 bits", "loud", "o", "hold_u", lambda _p, u: saturated(u, 24)),
    Mutation(HOLD, "v has no limit", "loud", "o", "hold_v", lambda _p, v: v),
    Mutation(HOLD, "v at 22 bits", "loud", "h", "hold_v", lambda _p, v: saturated(v, 22)),
)


def to_zero(_p: P, v: Ints, s: Ints, _r: Ints, _theta: Ints) -> Ints:
    return v * (1 - s)


def subtracted(_p: P, v: Ints, s: Ints, _r: Ints, theta: Ints) -> Ints:
    return v - theta * s


def untouched(_p: P, v: Ints, _s: Ints, _r: Ints, _theta: Ints) -> Ints:
    return v


RESET = Cause.RESET
RESETS = (
    Mutation(RESET, "subtracts, not to zero", "zero", "h", "after", subtracted),
    Mutation(RESET, "to zero, does not subtract", "subtract", "h", "after", to_zero),
    Mutation(RESET, "none", "zero", "o", "after", untouched),
    Mutation(RESET, "none", "subtract", "o", "after", untouched),
    Mutation(
        RESET,
        "before the decay",
        "delayed",
        "h",
        "entering",
        lambda _p, v, r, theta: (v - r * theta, 0 * r),
    ),
    Mutation(RESET, "of u as well", "zero", "h", "clear", lambda _p, u, s: u * (1 - s)),
    Mutation(RESET, "2 refractory steps", "refractory", "h", "refractory", lambda _p: 2),
    Mutation(RESET, "4 refractory steps", "refractory", "o", "refractory", lambda _p: 4),
    Mutation(RESET, "a refractory step", "subtract", "h", "refractory", lambda _p: 1),
    Mutation(
        RESET,
        "v goes on in refractory steps",
        "refractory",
        "h",
        "resting",
        lambda _p, _before, after: after,
    ),
)

LATER = Cause.DELAY
DELAYS = (
    Mutation(LATER, "recurrent + 1", "zero", "h->h", "delay", lambda q: q.delay + 1),
    Mutation(LATER, "recurrent - 1", "subtract", "h->h", "delay", lambda q: q.delay - 1),
    Mutation(LATER, "of an input - 1", "delayed", "x->o", "delay", lambda q: q.delay - 1),
    Mutation(LATER, "of an input + 2", "zero", "x->o", "delay", lambda q: q.delay + 2),
    Mutation(LATER, "between layers + 1", "refractory", "h->o", "delay", lambda q: q.delay + 1),
    Mutation(LATER, "left out", "image", "c->o", "delay", lambda _q: 0),
    Mutation(LATER, "of an input + 1", "subtract", "x->h", "delay", lambda q: q.delay + 1),
)


def at_least(_p: P, v: Ints, theta: Ints) -> Any:
    return v >= theta


TIE = Cause.TIE
TIES = (
    Mutation(TIE, ">= and not >", "counters", "h", "above", at_least),
    Mutation(TIE, ">= and not >", "counters", "o", "above", at_least),
    Mutation(TIE, ">= and not >", "counters, subtract", "h", "above", at_least),
    Mutation(TIE, ">= and not >", "counters, subtract", "o", "above", at_least),
    Mutation(TIE, ">= and not >", "counters, delayed", "h", "above", at_least),
)

ORDER = Cause.FLOAT_ORDER
FORWARD, BACKWARD = slice(None), slice(None, None, -1)
ORDERS = (
    Mutation(
        ORDER,
        "float16, one after the other",
        "loud",
        "x->h",
        "products",
        lambda _q, m, x: _sums(m, x, FORWARD),
    ),
    Mutation(
        ORDER,
        "float16, the last first",
        "loud",
        "x->h",
        "products",
        lambda _q, m, x: _sums(m, x, BACKWARD),
    ),
    Mutation(
        ORDER,
        "float16, in two halves",
        "loud",
        "x->o",
        "products",
        lambda _q, m, x: _sums(m, x, FORWARD, chunks=2),
    ),
    Mutation(
        ORDER,
        "bfloat16, one after the other",
        "zero",
        "x->h",
        "products",
        lambda _q, m, x: _short(m, x),
    ),
    Mutation(
        ORDER,
        "bfloat16, one after the other",
        "loud",
        "x->o",
        "products",
        lambda _q, m, x: _short(m, x),
    ),
)

MUTATIONS = (
    *LATENCIES,
    *WEIGHTS,
    *CLIPS,
    *LEVELS,
    *DECAYS,
    *WRAPS,
    *SATURATIONS,
    *RESETS,
    *DELAYS,
    *TIES,
    *ORDERS,
)
