"""Real numbers that integers stand for: the float network that an artifact of a part holds.

An artifact holds the network that its integers were made from. Those of a part were made from none,
so it is given the one that they would be made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    MAX_DU,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.network import Input, Integration, Network, Population, Projection, Reset
from snnc.compiler.operators import (
    Convolution,
    Dense,
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    Operator,
    Scaling,
    Shape,
)
from snnc.compiler.retime import unretimed

Doubles = npt.NDArray[np.float64]


def meant_by(fixed: FixedNetwork) -> Network:
    """Give the network of real numbers that ``fixed`` stands for, in units of its own integers.

    A potential is counted from where the integers have 0, in the units of their scale. A neuron
    spikes where ``v > 64 * threshold``, which integers are from ``64 * threshold + 1`` on: the real
    threshold is half-way. What has no place in real numbers is told as a choice: the bias of a
    population whose current has a memory and whose potential never decays.

    Args:
        fixed: Retimed or not; the integer 1 of its inputs stands for 1. Where its lags are none
            of ``retime``, delays stay those of the hardware.
    """
    of_model = unretimed(fixed)
    fixed = fixed if any(check_fixed(of_model)) else of_model
    populations, shapes = {p.name: p for p in fixed.populations}, fixed.shapes
    choices = [
        f"the bias of {p.name} is in the integers alone"
        for p in fixed.populations
        if _bias(p).any() and _integration(p) is Integration.CURRENT_DECAY
    ]
    projections = [
        _projection(q, shapes[q.source], populations[q.target]) for q in fixed.projections
    ]
    return Network(
        inputs=tuple(Input(i.name, i.shape) for i in fixed.inputs),
        junctions=(),
        populations=tuple(map(_population, fixed.populations)),
        projections=(*projections, *_biases(fixed)),
        outputs=fixed.outputs,
        dt=fixed.dt,
        choices=("the real numbers were made from the integers", *choices),
    )


def _integration(p: FixedPopulation) -> Integration:
    """Choose what computes what the integers do: a current with a memory, a bias or not."""
    if (p.du == MAX_DU).all():
        return Integration.DECAY
    biased = _bias(p).any() and (p.dv > 0).all()
    return Integration.CURRENT_EULER if biased else Integration.CURRENT_DECAY


def _population(p: FixedPopulation) -> Population:
    integration = _integration(p)
    share = p.dv / 2.0**DECAY_BITS
    decay, gain, leak = 1 - share, np.ones(p.size), np.zeros(p.size)
    current = 1 - (p.du + 1) / 2.0**DECAY_BITS
    if integration is Integration.DECAY:
        current = np.zeros(p.size)
    elif integration is Integration.CURRENT_EULER:
        decay, current, gain, leak = share, 1 - current, 1 / share, _bias(p) / share
    reals: Mapping[str, Doubles] = {
        "decay": decay,
        "current_decay": current,
        "gain": gain,
        "leak": leak,
        "initial": p.initial / p.scale,
        "threshold": (2.0**ALIGN_BITS * p.threshold + 0.5) / p.scale,
        "reset_value": np.zeros(p.size),
        "spike": np.ones(p.size),
    }
    return Population(
        name=p.name,
        origin=p.origin,
        shape=p.shape,
        integration=integration,
        inclusive=False,
        reset=Reset(p.reset.value),
        refractory=p.refractory,
        spiking=p.spiking,
        **{field: values.astype(np.float32) for field, values in reals.items()},
    )


def _bias(p: FixedPopulation) -> Doubles:
    exponent: Doubles = np.exp2(p.bias_exp)
    return p.bias_mant * exponent / p.scale


def _on_projection(p: FixedPopulation) -> bool:
    """Say whether its bias comes with the input of each step."""
    return bool(_bias(p).any()) and _integration(p) is Integration.DECAY


def _biases(fixed: FixedNetwork) -> Iterator[Projection]:
    """Yield projections of weights 0 from the first input that bring nothing but biases."""
    (first, *_) = fixed.inputs
    taken = {q.name for q in fixed.projections}
    for p in fixed.populations:
        if _on_projection(p):
            weight = np.zeros((p.size, first.size), np.float32)
            name = f"{p.name}.bias" if f"{p.name}.bias" not in taken else f"{p.name}.bias.bias"
            yield Projection(
                name=name,
                origin=p.origin,
                source=first.name,
                target=p.name,
                operators=(Dense(weight=weight, bias=_bias(p).astype(np.float32)),),
                delay=0,
            )


def _projection(q: FixedProjection, shape: Shape, target: FixedPopulation) -> Projection:
    """Give what the integers of a weight are in units of the target's potential."""
    factor = 2.0 ** (q.weight_exp + ALIGN_BITS) / target.scale
    operators: list[Operator] = []
    for o in q.operators:
        operators.append(_operator(o, factor, shape))
        shape = o.result_shape(shape)
    return Projection(
        name=q.name,
        origin=q.origin,
        source=q.source,
        target=q.target,
        operators=tuple(operators),
        delay=q.delay,
    )


def _operator(o: FixedOperator, factor: Doubles, shape: Shape) -> Operator:
    match o:
        case FixedDense():
            return _dense(o.weight * _rows(factor, o.weight.shape[0])[:, np.newaxis])
        case FixedSparse():
            return _dense(o.matrix * _rows(factor, o.n_out)[:, np.newaxis])
        case FixedScaling():
            factors = o.weight * _rows(factor, o.weight.size)
            reals = factors.astype(np.float32).reshape(shape)
            return Scaling(factor=reals, shift=np.zeros(shape, np.float32))
        case FixedConvolution():
            channels = int(o.weight.shape[0])
            weight = o.weight * _rows(factor, channels).reshape(
                channels, *[1] * (o.weight.ndim - 1)
            )
            return Convolution(
                weight=weight.astype(np.float32),
                bias=np.zeros(channels, np.float32),
                window=o.window,
                groups=o.groups,
            )
        case _:
            return o


def _dense(weight: Doubles) -> Dense:
    return Dense(weight=weight.astype(np.float32), bias=np.zeros(int(weight.shape[0]), np.float32))


def _rows(factor: Doubles, n: int) -> Doubles:
    """Give a factor for each of ``n`` rows or channels, whose neurons share one scale."""
    return np.resize(factor[:: max(factor.size // n, 1)], n)
