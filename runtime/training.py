"""A module that computes with the integers, and can be trained on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Unpack

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import raise_all
from snnc.compiler.fixed import ALIGN_BITS, FixedNetwork, FixedPopulation
from snnc.compiler.network import Network, Population, Reset
from snnc.compiler.operators import Reals, weights_in_full
from snnc.compiler.quantization.decays import Decays, lowered_for
from snnc.compiler.quantization.scale import UNIT, step_of, weight_rows
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.importer import follow_module
from snnc.frontends.torch.exact import Exact, Rounded
from snnc.runtime.data.source import Data
from snnc.runtime.deploy import typical_data
from snnc.runtime.quantization import Quantization, QuantizationOptions, Quantizer
from snnc.targets.inputs import integer_inputs
from snnc.targets.integer.reference import Recording, execute

if TYPE_CHECKING:
    from torch.nn import Module

    from snnc.frontends.torch.graph import Imported


def quantized_module(
    module: Module,
    *,
    calibration: Data | None = None,
    input_shape: tuple[int, ...] | None = None,
    dt: float | None = None,
    **quantization: Unpack[QuantizationOptions],
) -> Module:
    """Give a module that computes with the integers of ``module``, and trains it.

    Its ``forward`` takes ``[steps, batch, *shape]`` and gives ``[steps, batch, *shape]``, float32:
    to the last bit what ``snnc.compile(module, ...).run(x)`` gives with the same options and the
    parameters that ``module`` has at that moment; of several outputs a dict by their names.
    Gradients go straight through all rounding, into the parameters of ``module`` itself.

    Args:
        module: A module that ``snnc.compile`` takes. It is shared, not copied.
        calibration: Typical input data.
        input_shape: Shape of one sample at one step.
        dt: Length of a step in seconds.
        quantization: How real numbers become integers, as ``compile`` takes it. Whatever follows
            calibration data does so in every call: ``rounding="nearest"`` trains fastest.

    Raises:
        InputError: What ``compile`` cannot use; SNN323, what cannot be trained.
    """
    from snnc.frontends.torch.quantized import quantized

    options = Quantization(**quantization)
    raise_all(options.problems(calibrated=calibration is not None))

    def run(graph: nir.NIRGraph, x: npt.NDArray[Any]) -> Exact:
        network, fixed = integers(graph)
        return _exact(network, fixed, x, options.kept)

    def integers(graph: nir.NIRGraph) -> tuple[Network, FixedNetwork]:
        network = discretize(graph, dt=dt)
        typical = typical_data(network, calibration, samples=False)
        return network, Quantizer(network, typical, options).integers(options.widths(network))

    def follow(module: Module) -> Imported:
        return follow_module(module, input_shape=input_shape, dt=dt)

    integers(follow(module).graph)  # what cannot be compiled is told now
    return quantized(module, follow, run)


def _exact(network: Network, fixed: FixedNetwork, x: npt.NDArray[Any], decays: Decays) -> Exact:
    """Run ``fixed``, and give what it did in the units of ``network``."""
    (entry,) = fixed.inputs
    entered = integer_inputs(fixed, {entry.name: x})
    recording = execute(fixed, entered)
    trace = aligned_trace(
        fixed,
        {"spikes": recording.spikes, "u": recording.u, "v": recording.v},
        executor="integer",
        steps=len(x),
        record=("spikes",),
        raw_time=False,
        seconds=0.0,
    )
    populations = {p.name: p for p in network.populations}
    return Exact(
        inputs=(entered[entry.name] * entry.step).astype(np.float32).reshape(x.shape),
        spikes={name: trace.spikes[name] for name, p in populations.items() if p.spiking},
        sizes={name: p.spike for name, p in populations.items() if p.spiking},
        v={
            name: _potentials(p, fixed.population(name), recording)
            for name, p in populations.items()
        },
        outputs={name: values.astype(np.float32) for name, values in trace.outputs.items()},
        weights=tuple(_rounded(network, fixed, decays)),
    )


def _potentials(p: Population, fixed: FixedPopulation, recording: Recording) -> Reals:
    """Give the potential that ``p`` goes on from after each step, ``[steps, batch, *shape]``.

    It stands above the threshold in float32 exactly where it does in integers, as a framework
    compares it with the threshold once more: after a delayed reset to zero, where a spike was.
    """
    v = recording.v[p.name]
    values = (v / fixed.scale + fixed.offset).astype(np.float32)
    if p.spiking:
        above = v > fixed.threshold.astype(np.int64) << ALIGN_BITS
        if p.reset is Reset.ZERO_DELAYED:
            above = recording.spikes[p.name] > 0
        least = np.nextafter(p.threshold, np.float32(np.inf))
        values = np.where(above, np.maximum(values, least), np.minimum(values, p.threshold))
    return np.asarray(values.reshape(*v.shape[:2], *p.shape), np.float32)


def _rounded(network: Network, fixed: FixedNetwork, decays: Decays) -> Iterator[Rounded]:
    """Give the weights of ``network``, and what they are in ``fixed``."""
    projections = {q.name: q for q in fixed.projections}
    inputs = {i.name: i for i in fixed.inputs}
    for lowered in lowered_for(network, decays):
        scale = fixed.population(lowered.population.name).scale * lowered.unit / UNIT
        for path in lowered.paths:
            q = projections[path.name]
            real = weight_rows(path)
            unit = step_of(path, inputs) * scale[:: scale.size // len(real), None]
            integers = weights_in_full(q.operators).reshape(real.shape) * 2.0**q.weight_exp
            yield Rounded(origin=path.origin, real=real, rounded=integers / unit)
