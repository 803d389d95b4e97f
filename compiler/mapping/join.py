"""What the parts of a network gave, as what the whole one gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snnc.compiler.mapping.cut import Homes, homes, mark
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.trace import Array, Trace


def joined(arrays: Mapping[str, Array], mapped: MappedNetwork) -> dict[str, Array]:
    """Put the signals of parts together.

    Args:
        arrays: Of parts by name, each ``[steps, batch, ...]``.
        mapped: What was cut.

    Returns:
        Of each population whose parts are there, all of them, ``[steps, batch, *shape]``.
    """
    found = homes(mapped)
    return {
        p.name: _together({k: arrays[name] for k, name in names.items()}, found[p.name], p.shape)
        for p in mapped.fixed.populations
        if (names := found[p.name].names).items() and all(n in arrays for n in names.values())
    }


def joined_trace(trace: Trace, mapped: MappedNetwork) -> Trace:
    """Give a trace of the network of parts as one of the whole.

    Args:
        trace: With every part of each output and of whatever was recorded.
        mapped: What was cut.
    """
    found, at = homes(mapped), mark(mapped.fixed)
    shapes = mapped.fixed.shapes
    outputs = {
        o.name: _together(
            {k: trace.outputs[f"{o.name}{at}{k}"] for k in found[o.source].regions},
            found[o.source],
            shapes[o.source],
        )
        for o in mapped.fixed.outputs
    }
    return replace(
        trace,
        outputs=outputs,
        spikes=joined(trace.spikes, mapped),
        u=joined(trace.u, mapped),
        v=joined(trace.v, mapped),
        lags={p.name: p.lag for p in mapped.fixed.populations},
    )


def _together(parts: Mapping[int, Array], of: Homes, shape: tuple[int, ...]) -> Array:
    """Give ``[steps, batch, *shape]`` of the parts on each core."""
    first = next(iter(parts.values()))
    whole = np.empty((*first.shape[:2], of.core.size), first.dtype)
    for core, values in parts.items():
        neurons = of.regions[core].indices(shape)
        whole[:, :, neurons] = values.reshape(*values.shape[:2], -1)
    return whole.reshape(*whole.shape[:2], *shape)
