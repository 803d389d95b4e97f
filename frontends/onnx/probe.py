"""Run what was recognized beside the model, on random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snnc.frontends.onnx.algebra import Atom
from snnc.frontends.onnx.model import Array, OnnxModel, OnnxNode, Shape
from snnc.frontends.onnx.neurons import AT_ONCE, Equations, Update
from snnc.frontends.onnx.ops import compute

PROBES = 2**16
"""Neurons whose step is compared, at least."""


@dataclass(frozen=True)
class Deviation:
    """How far equations are from what a model computes.

    Attributes:
        spikes: Neurons that spike in one and not in the other.
        bits: Neurons of which a spike or a state differs in a bit.
        largest: Difference of a state where both spike or none does.
        probes: Neurons compared.
    """

    spikes: int
    bits: int
    largest: float
    probes: int


@dataclass(frozen=True, eq=False)
class Probe:
    """Compares equations with the operators of a model.

    Attributes:
        model: The model.
        constants: Numbers by name, those that nodes compute included.
        nodes: The operators of the neurons, in order.
        names: The value that is a spike, by its atom.
    """

    model: OnnxModel
    constants: Mapping[str, Array]
    nodes: Sequence[OnnxNode]
    names: Mapping[Atom, str]

    def deviation(
        self, equations: Equations, update: Update, results: tuple[str, str], shape: Shape
    ) -> Deviation:
        """Run both on the same random states and currents.

        Args:
            equations: With float32 numbers.
            update: What the model computes.
            results: Names of the next potential and, where there is one, of the next current.
            shape: Of the population.
        """
        feeds = _random(equations, update, shape)
        found = self._computed({a.name: x for a, x in feeds.items()})
        i = feeds.get(update.i) if update.i is not None else None
        currents = [feeds[c] for c in update.currents]
        s, v, next_i = equations.step(feeds[update.v], i, currents, _heaviside)
        pairs = [(found[results[0]], v)]
        if update.i is not None:
            pairs.append((found[results[1]], next_i))
        same = np.ones(v.shape, np.bool_)
        spikes = 0
        if update.spike is not None:
            fired = np.broadcast_to(found[self.names[update.spike]], v.shape).astype(np.float32)
            same = fired == s
            spikes = int((~same).sum())
        differ = ~same
        largest = 0.0
        for given, wanted in pairs:
            off = (given != wanted) & ~(np.isnan(given) & np.isnan(wanted))
            differ |= off
            largest = max(largest, float(np.abs(given - wanted)[off & same].max(initial=0)))
        return Deviation(spikes, int(differ.sum()), largest, int(differ.size))

    def _computed(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        values: dict[str, Array | None] = {"": None, **self.constants, **feeds}
        for node in self.nodes:
            if node.outputs[0] not in values and all(n in values for n in node.inputs):
                operands = [values[n] for n in node.inputs]
                values[node.outputs[0]] = compute(node, operands, self.model.opset)
        return {name: x for name, x in values.items() if x is not None}


def _heaviside(x: Array) -> Array:
    return (x > 0).astype(np.float32)


def _random(equations: Equations, update: Update, shape: Shape) -> dict[Atom, Array]:
    """Give states and currents about as large as the threshold, some of them at it."""
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    batch = -(-PROBES // size)
    threshold = equations.threshold
    scale = max(float(np.abs(threshold).max()), 1e-6) if update.spike is not None else 1.0
    atoms = [a for a in (update.v, update.i, *update.currents) if a is not None]
    feeds = {
        a: (2 * scale * rng.standard_normal((batch, *shape))).astype(np.float32) for a in atoms
    }
    v = feeds[update.v]
    v[::64] = np.broadcast_to(threshold, v[::64].shape)
    if equations.reset in AT_ONCE:  # no step begins above the threshold
        feeds[update.v] = np.minimum(v, threshold)
    return feeds
