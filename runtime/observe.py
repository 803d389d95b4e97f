"""Typical data through the float network and the integers, population by population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network
from snnc.compiler.quantization.observed import Observed, Signals, observe
from snnc.compiler.retime import unretimed
from snnc.targets.artifact import Artifact
from snnc.targets.base import Inputs
from snnc.targets.float import executor as real
from snnc.targets.inputs import integer_inputs, real_inputs
from snnc.targets.integer import reference as integers

SAMPLES = 32
"""Samples that are run: some hundreds of spikes of each population tell a rate to a few percent."""
HELD_STEPS = 32
"""Steps for which data of one step are held."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """What the float network makes of typical data.

    Attributes:
        inputs: The first samples, float32 of each input, shape ``[steps, batch, n]``.
        signals: What they make every population do.
    """

    inputs: Mapping[str, npt.NDArray[np.float32]]
    signals: Signals


def refer(network: Network, typical: Mapping[str, npt.NDArray[np.float32]]) -> Reference:
    """Run ``network`` on the first samples of ``typical``, ``[steps, batch, n]`` of each input."""
    few = {name: values[:, :SAMPLES] for name, values in typical.items()}
    inputs = held(few)
    return Reference(inputs=inputs, signals=real.execute(network, inputs))


def held(typical: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Give data ``[steps, batch, n]`` as they are run: a single step is held for some."""
    return {n: np.repeat(x, HELD_STEPS, 0) if len(x) == 1 else x for n, x in typical.items()}


def observe_artifact(artifact: Artifact, data: Inputs) -> dict[str, Observed]:
    """Compare the float network and the integers of ``artifact`` on the first samples of ``data``.

    Args:
        artifact: With integers.
        data: Of each input, ``[steps, batch, *shape]``; they fit.
    """
    network, fixed = artifact.network, unretimed(artifact.required_fixed)
    return observe_on(network, fixed, refer(network, real_inputs(network, data)))


def observe_on(network: Network, fixed: FixedNetwork, reference: Reference) -> dict[str, Observed]:
    """Run the integers on the same data: as they are, and each population by itself.

    Args:
        network: The float network.
        fixed: Its integers, not retimed.
        reference: What ``network`` did.
    """
    shaped = {
        i.name: reference.inputs[i.name].reshape(*reference.inputs[i.name].shape[:2], *i.shape)
        for i in fixed.inputs
    }
    x = integer_inputs(fixed, shaped)
    wanted = reference.signals
    return observe(
        network,
        fixed,
        wanted,
        integers.execute(fixed, x),
        integers.execute(fixed, x, forced=wanted.spikes),
    )
