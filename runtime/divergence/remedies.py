"""What to do next, by where two executions part and why."""

from __future__ import annotations

from snnc.compiler.fixed import MAX_WEIGHT_BITS
from snnc.runtime.divergence.explanation import Cause
from snnc.targets.artifact import Artifact

PAGE = "docs/accuracy_dropped.md"
"""The decision page; every remedy points to it."""
_OVERFLOW = (
    "Train with smaller weights in {layer}, and calibrate with --calibrate X.npy, so that "
    "overflows on your data are found at compile time."
)
_ROUNDING = {
    Cause.WEIGHT_CLIP: "Train with smaller weights in {layer}, or allow wider ones{wider}.",
    Cause.BIAS_OR_THRESHOLD_ROUNDING: "Leave --max-thresholds out, and let calibration data move "
    "thresholds by --rounding recalibrated.",
    Cause.DECAY_ROUNDING: "Try --decays gain, which keeps what a steady input leads to, or train "
    "with shorter time constants.",
    Cause.WRAP: _OVERFLOW,
    Cause.SATURATION: _OVERFLOW,
    Cause.INPUT_ROUNDING: "Bring the inputs to one range, or give them as spikes: a real input has "
    "8 bits with its sign.",
    Cause.TIE: "Nothing has to be repaired in {layer}: a spike at the threshold is decided by the "
    "last bit. Judge the network by its accuracy.",
}
_FRAMEWORK = {
    Cause.TIE: "Nothing has to be repaired: the order of a float32 sum decides about a spike at "
    "the threshold.",
    Cause.FLOAT_ORDER: "Nothing has to be repaired: rounding in float32 adds up from step to step.",
}


def for_rounding(cause: Cause, layer: str, artifact: Artifact, population: str) -> str:
    """Give the remedy of ``float -> integer``."""
    wider = _wider(artifact, population)
    if cause is Cause.WEIGHT_ROUNDING:
        said = _weights(layer, artifact, wider)
    elif cause in _ROUNDING:
        said = _ROUNDING[cause].format(layer=layer, wider=f" with {wider}" if wider else "")
    else:
        said = "The integers are not those of this network: compile the model again."
    return f"{said} {PAGE} tells how to go on."


def _weights(layer: str, artifact: Artifact, wider: str) -> str:
    ways = [f"give {layer} wider weights with {wider}"] if wider else []
    if artifact.options.get("rounding") == "nearest":
        ways.append("calibrate with --calibrate X.npy, so that weights make up for each other")
    ways.append("fine-tune on the integers with snnc.quantized_module")
    said = "; or ".join(ways)
    return f"{said[:1].upper()}{said[1:]}, if the accuracy asks for it."


def _wider(artifact: Artifact, population: str) -> str:
    """Give the option for the widest weights, where these are not the widest."""
    if artifact.fixed is None:
        return ""
    widths = [q.weight_bits for q in artifact.fixed.incoming(population)]
    narrow = widths and min(widths) < MAX_WEIGHT_BITS
    return f"--weight-bits {population}={MAX_WEIGHT_BITS}" if narrow else ""


def for_framework(cause: Cause) -> str:
    """Give the remedy of ``framework -> float``."""
    said = _FRAMEWORK.get(
        cause,
        "Name the very module and weights that the network was made from (--model, --state), or "
        "compile them again; if it stays, this is a fault of snnc: please report it.",
    )
    return f"{said} {PAGE} tells how to go on."


def for_target(target: str) -> str:
    """Give the remedy of a target that does not compute what the integers say."""
    return (
        f"snnc bisect narrows it to the smallest part of the network on which {target} fails, and "
        f"snnc reduce makes a small example of it: please report that. {PAGE} tells how to go on."
    )
