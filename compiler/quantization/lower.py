"""From a ``Network`` to what can be scaled: one layer of weights a path, and a reset to 0."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import FixedReset
from snnc.compiler.linear import Doubles, Factors, Kernels, Weighted, shape_after
from snnc.compiler.network import Network, Population, Reset
from snnc.compiler.quantization.bias_neurons import bias_path
from snnc.compiler.quantization.compose import ComposeError, compose
from snnc.compiler.quantization.paths import Arrivals, Path, arrivals

Labels = npt.NDArray[np.intp]

_FIXED_RESET = {
    Reset.NONE: FixedReset.NONE,
    Reset.VALUE: FixedReset.ZERO,  # v is counted from the reset value
    Reset.ZERO: FixedReset.ZERO,
    Reset.ZERO_DELAYED: FixedReset.ZERO,  # the same spikes; v is seen after the reset, not before
    Reset.ZERO_NEXT: FixedReset.ZERO_NEXT,
    Reset.SUBTRACT: FixedReset.SUBTRACT,
    Reset.SUBTRACT_DELAYED: FixedReset.SUBTRACT_DELAYED,
    Reset.SUBTRACT_RETEST: FixedReset.SUBTRACT_RETEST,
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Lowered:
    """One population with ``v = unit * v' + offset``; all below is in units of ``v'``.

    Attributes:
        population: What it was.
        reset: What a spike does to ``v'``.
        unit: Shape ``[n]``, above 0.
        offset: Potential where ``v'`` is 0, shape ``[n]``.
        threshold: Shape ``[n]``, above 0; 0 of a read-out.
        bias: What is added to ``v'`` in every step, shape ``[n]``.
        initial: ``v'`` before the first step, shape ``[n]``.
        paths: What arrives: pooling, one layer of weights, pooling. ``v'`` takes up what they
            give of a spike in the step in which it arrives.
        constant: The same for a source that spikes in every step, where there is one.
        groups: Neurons that must have one scale: of each the first of its group, shape ``[n]``.
    """

    population: Population
    reset: FixedReset
    unit: Doubles
    offset: Doubles
    threshold: Doubles
    bias: Doubles
    initial: Doubles
    paths: tuple[Path, ...]
    constant: Path | None
    groups: Labels

    @property
    def arriving(self) -> tuple[Path, ...]:
        """All paths, and the constant."""
        return self.paths if self.constant is None else (*self.paths, self.constant)


def lower(network: Network) -> tuple[Lowered, ...]:
    """Bring every population of ``network`` to one layer of weights a path, and a reset to 0.

    Whatever multiplies the input of a neuron, its gain, and ``dt / tau`` where that scales the
    input, becomes the unit of its potential, and its weights stay as they are. Where a factor is 0
    or less it goes into the weights, as does the size of the spikes that arrive.

    ``Reset.VALUE`` becomes a reset to 0 of the potential above the reset value. With
    ``v' = v - reset_value`` threshold, leak and initial potential lose as much, and a ``v`` that
    decays to 0 gets a bias of ``-(1 - decay) * reset_value``.

    Raises:
        InputError: SNN120 or SNN122, what lies between two neurons is no layer of weights.
    """
    received = arrivals(network)
    problems: list[Diagnostic] = []
    taken = set(network.shapes)
    lowered = tuple(_lowered(p, received[p.name], taken, problems) for p in network.populations)
    raise_all(problems)
    return lowered


def _lowered(
    p: Population, received: Arrivals, taken: set[str], problems: list[Diagnostic]
) -> Lowered:
    gain = input_gain(p)
    paths, unit = _in_units(_composed(received.paths, problems), gain, problems)
    offset = p.reset_value.astype(np.float64) * (p.reset is Reset.VALUE)
    threshold = (p.threshold - offset) / unit if p.spiking else np.zeros(p.size)
    bias, carried = _leak(p, offset), None
    if p.integration.has_current:
        carried = bias_path(p, received.constants, gain / unit, taken)
    else:
        bias += gain * sum(c.values.ravel() for c in received.constants)
    return Lowered(
        population=p,
        reset=_FIXED_RESET[p.reset] if p.spiking else FixedReset.NONE,
        unit=unit,
        offset=offset,
        threshold=threshold,
        bias=bias / unit,
        initial=(_initial(p) - offset) / unit,
        paths=paths,
        constant=carried,
        groups=_groups(p.size, paths),
    )


def input_gain(p: Population) -> Doubles:
    """Give what one unit of input adds to ``v`` in the step in which it arrives, shape ``[n]``."""
    gain = p.gain.astype(np.float64)
    return gain * p.decay if p.integration.is_euler else gain


def _initial(p: Population) -> Doubles:
    """Give ``v`` before the first step; a delayed reset to zero acts on it before all else."""
    initial = p.initial.astype(np.float64)
    return initial * (initial <= p.threshold) if p.reset is Reset.ZERO_DELAYED else initial


def _leak(p: Population, offset: Doubles) -> Doubles:
    """Give what is added to ``v - offset`` in every step, input apart."""
    decay = p.decay.astype(np.float64)
    if p.integration.is_euler:
        return decay * (p.leak - offset)
    return -(1 - decay) * offset


def _composed(paths: tuple[Path, ...], problems: list[Diagnostic]) -> tuple[Path, ...]:
    made: list[Path] = []
    for path in paths:
        try:
            made.append(replace(path, steps=compose(path.steps, path.shape)))
        except ComposeError as error:
            problems.append(
                Diagnostic(
                    rule=rules.ONE_LAYER,
                    node=" + ".join(path.origin) or path.name,
                    found=error.found,
                    limit=error.limit,
                    remedy="put a spiking layer between them, or pool before the weights",
                )
            )
    return tuple(made)


def _in_units(
    paths: tuple[Path, ...], gain: Doubles, problems: list[Diagnostic]
) -> tuple[tuple[Path, ...], Doubles]:
    """Make ``gain`` the unit of each neuron's potential, or multiply what ``paths`` give by it."""
    if (gain > 0).all():
        return paths, gain
    scaled = tuple(
        replace(p, steps=(*p.steps, Factors(gain.reshape(shape_after(p.steps, p.shape)))))
        for p in paths
    )
    return _composed(scaled, problems), np.ones(gain.size)


def weights_of(path: Path) -> Weighted:
    """Give the one step of ``path`` that has weights."""
    (step,) = (step for step in path.steps if isinstance(step, Weighted))
    return step


def shares_weights(path: Path) -> bool:
    """Say whether weights act on all neurons of a channel: of a kernel, or pooled behind."""
    return isinstance(weights_of(path), Kernels) or not isinstance(path.steps[-1], Weighted)


def _groups(n: int, paths: tuple[Path, ...]) -> Labels:
    """Give the smallest groups that cut no channel with shared weights: their first neurons."""
    labels = np.arange(n)
    channels = {shape_after(path.steps, path.shape)[0] for path in paths if shares_weights(path)}
    before = None
    while before is None or (labels != before).any():
        before = labels
        for c in channels:
            rows = labels.reshape(c, -1)
            labels = np.repeat(rows.min(axis=1), n // c)
    return labels


def over_groups(ufunc: np.ufunc, groups: Labels, values: Doubles) -> Doubles:
    """Give each neuron what ``ufunc`` makes of all values of its group, shape ``[n]``."""
    result = values.copy()
    ufunc.at(result, groups, values)
    return result[groups]
