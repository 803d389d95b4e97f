"""Which classes of norse are imported, how each computes, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Integration
from snnc.frontends.torch_layers import TORCH_LAYERS, refusal

if TYPE_CHECKING:
    from torch.nn import Module

INTEGRATIONS: Mapping[str, Integration] = {
    "LIFBoxCell": Integration.EULER,
    "LIFCell": Integration.CURRENT_EULER,
    "LIF": Integration.CURRENT_EULER,
    "LIFRecurrentCell": Integration.CURRENT_EULER,
    "LIFRecurrent": Integration.CURRENT_EULER,
    "LIFRefracCell": Integration.CURRENT_EULER,
    "LIFRefracRecurrentCell": Integration.CURRENT_EULER,
    "LIFRefracRecurrent": Integration.CURRENT_EULER,
    "IAFCell": Integration.DECAY,
    "IAF": Integration.DECAY,
    "LIBoxCell": Integration.LEAK_EULER,
    "LICell": Integration.CURRENT_EULER,
    "LI": Integration.CURRENT_EULER,
    "LILinearCell": Integration.CURRENT_EULER,
}
"""Every class that is imported, and how it takes up its input (norse 1.1.0, ``functional/``
``lif_box.py:91-99``, ``lif.py:203-219`` and ``:315-327``, ``lif_refrac.py:93-101``,
``iaf.py:95-100``, ``leaky_integrator_box.py:86-92``, ``leaky_integrator.py:100-132``), in its order
of operations."""
READ_OUTS = frozenset({"LIBoxCell", "LICell", "LI", "LILinearCell"})
"""Those that never spike: what they return is their membrane potential."""
CONTAINERS = "SequentialState, RecurrentSequential, Lift"
"""What holds other layers, and is looked into."""
SUPPORTED = f"{TORCH_LAYERS}, and of norse {CONTAINERS}, {', '.join(INTEGRATIONS)}"
"""What ``from_norse`` imports, for messages."""

_BASES = ("SNNCell", "SNNRecurrentCell", "SNN", "SNNRecurrent", "LILinearCell")
_ALL_STEPS = ("SNN", "SNNRecurrent")
_WAYS_OUT: Mapping[str, tuple[str, str]] = {
    "LIFEx*": (
        "whose v grows by an exponential of v",
        "train with LIFCell or LIFRecurrentCell: no target computes exponentials",
    ),
    "LIFAdEx*": (
        "whose v grows by an exponential of v and adapts",
        "train with LIFCell or LIFRecurrentCell: no target computes exponentials",
    ),
    "LSNN*": (
        "whose threshold adapts to its spikes",
        "train with LIFCell or LIFRecurrentCell: thresholds are constant",
    ),
    "Izhikevich*": (
        "whose v grows by the square of v",
        "train with LIFCell or LIFRecurrentCell: no target computes products of states",
    ),
    "CobaLIF*": (
        "whose synapses are conductances, multiplied by v",
        "train with LIFCell or LIFRecurrentCell: no target computes products of states",
    ),
    "LIFMC*": (
        "whose compartments exchange currents within a step",
        "train with LIFRecurrentCell, whose neurons are one compartment",
    ),
    "LIFCorrelation": (
        "which measures correlations to learn from",
        "use LIFRecurrentCell with the weights that were learned",
    ),
    "*Encoder": (
        "which makes spikes of data",
        "encode the data before: snnc takes spikes as input, [steps, batch, *shape]",
    ),
    "SpikesToTimesDecoder": (
        "which makes times of spikes",
        "leave it to the code that calls the model",
    ),
    "RegularizationCell": (
        "which counts for a loss",
        "leave it out of the trained model: it changes no spike",
    ),
    "LConv2d": (
        "which convolves all steps at once",
        "use Lift(nn.Conv2d(...)) with its weight[..., 0]",
    ),
}
"""By a pattern of their names why others are not imported, and what to do."""


def kind_of(layer: Module) -> str | None:
    """Give the name of a class that is imported, None for any other: a subclass may do anything."""
    from norse import torch as norse

    name = type(layer).__name__
    return name if name in INTEGRATIONS and type(layer) is getattr(norse, name) else None


def is_layer(layer: Module) -> bool:
    """Tell whether ``layer`` is taken or refused as a whole, and not looked into."""
    kinds = [k.__name__ for k in type(layer).mro() if k.__module__.startswith("norse.")]
    return any(name in _BASES or _way_out(name) for name in kinds)


def runs_all_steps(layer: Module) -> bool:
    """Tell whether one call of ``layer`` runs all steps, along the first axis."""
    kinds = [k.__name__ for k in type(layer).mro() if k.__module__.startswith("norse.")]
    return any(name in _ALL_STEPS for name in kinds)


def unsupported(path: str, layer: Module) -> Diagnostic:
    """Tell why a layer of a class that is not imported is not."""
    kind = type(layer)
    found = f"{kind.__module__.partition('.')[0]}: {kind.__name__}"
    reason, remedy = "", "replace the layer; docs/norse.md lists what is supported"
    if kind.__module__.startswith("norse."):
        reason, remedy = _way_out(kind.__name__) or (reason, remedy)
    return refusal(path, ", ".join(filter(None, (found, reason))), SUPPORTED, remedy)


def _way_out(name: str) -> tuple[str, str] | None:
    return next((way for of, way in _WAYS_OUT.items() if fnmatchcase(name, of)), None)
