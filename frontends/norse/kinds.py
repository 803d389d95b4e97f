"""Which classes of norse are imported, how each computes, and what to do without the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from snnc.compiler.network import Integration
from snnc.frontends.torch.layers import TORCH_LAYERS

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
_EXPONENTIAL = "v grows by an exponential, which no target computes: train with LIFCell"
_ADAPTIVE = "its threshold follows its spikes, and here thresholds are constant: train with LIFCell"
_PRODUCT = "v is multiplied by a state, which no target computes: train with LIFCell"
_COMPARTMENTS = "its neurons exchange currents within a step: train with LIFRecurrentCell"
_ENCODER = "it makes spikes of data: do so before, and give the spikes as [steps, batch, *shape]"
WAYS_OUT: Mapping[str, str] = {
    **dict.fromkeys(("LIFExCell", "LIFExRecurrentCell", "LIFEx", "LIFExRecurrent"), _EXPONENTIAL),
    **dict.fromkeys(
        ("LIFAdExCell", "LIFAdExRecurrentCell", "LIFAdEx", "LIFAdExRecurrent"), _EXPONENTIAL
    ),
    **dict.fromkeys(
        ("LIFAdExRefracCell", "LIFAdExRefracRecurrentCell", "LIFAdExRefracRecurrent"), _EXPONENTIAL
    ),
    **dict.fromkeys(("LSNNCell", "LSNNRecurrentCell", "LSNN", "LSNNRecurrent"), _ADAPTIVE),
    **dict.fromkeys(
        ("IzhikevichCell", "IzhikevichRecurrentCell", "Izhikevich", "IzhikevichRecurrent"), _PRODUCT
    ),
    "CobaLIFCell": _PRODUCT,
    **dict.fromkeys(("LIFMCRecurrentCell", "LIFMCRefracRecurrentCell"), _COMPARTMENTS),
    "LIFCorrelation": "it measures what to learn from: use LIFRecurrentCell with what was learned",
    **dict.fromkeys(
        (
            "ConstantCurrentLIFEncoder",
            "PoissonEncoder",
            "PoissonEncoderStep",
            "PopulationEncoder",
            "SignedPoissonEncoder",
            "SignedPoissonEncoderStep",
            "SpikeLatencyEncoder",
            "SpikeLatencyLIFEncoder",
        ),
        _ENCODER,
    ),
    "ExpFilter": "it runs all steps by a rule of its own: use LILinearCell",
    "SpikesToTimesDecoder": "it makes times of spikes: leave that to the code behind the model",
    "RegularizationCell": "it counts for a loss and changes no spike: leave it out after training",
    "LConv2d": "it convolves all steps at once: use Lift(nn.Conv2d(...)) with its weight[..., 0]",
}
"""By the name of their class why others are not imported, and what to do."""


def kind_of(layer: Module) -> str | None:
    """Give the name of a class that is imported, None for any other: a subclass may do anything."""
    from norse import torch as norse

    name = type(layer).__name__
    return name if name in INTEGRATIONS and type(layer) is getattr(norse, name) else None


def is_layer(layer: Module) -> bool:
    """Tell whether ``layer`` is taken or refused as a whole, and not looked into."""
    return any(name in _BASES or name in WAYS_OUT for name in _names_of_norse(layer))


def runs_all_steps(layer: Module) -> bool:
    """Tell whether one call of ``layer`` runs all steps, along the first axis."""
    return any(name in _ALL_STEPS for name in _names_of_norse(layer))


def _names_of_norse(layer: Module) -> list[str]:
    """Give the names of the class and of those that it derives from, as far as they are norse's."""
    return [k.__name__ for k in type(layer).mro() if k.__module__.startswith("norse.")]
