"""Where in the user's model a run is, and what is said of what it does there."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch.framework import PACKAGES, is_packaged, layer_name
from snnc.frontends.torch.layers import unknown_layer
from snnc.frontends.torch.values import Origin

if TYPE_CHECKING:
    from torch.nn import Module

LISTED = "the layers and functions that docs/frontends.md lists"
WAYS_OUT = {
    "relu": "a ReLU network is converted, not imported: export it to ONNX",
    "interpolate": "use a convolution with a stride, or pooling, to change sizes",
    "layer_norm": "use nn.BatchNorm, whose numbers are fixed in evaluation",
    "instance_norm": "use nn.BatchNorm, whose numbers are fixed in evaluation",
    "group_norm": "use nn.BatchNorm, whose numbers are fixed in evaluation",
    "softmax": "leave it to the code that calls the model",
    "log_softmax": "leave it to the code that calls the model",
    "pad": "use the padding of a convolution or pooling layer, with zeros",
    "dropout": "give it the mode of the model: training=self.training",
    "__bool__": "compute the same whatever the values are",
    "item": "compute the same whatever the values are",
}
"""By the name of the function."""


@dataclass
class Place:
    """Where a run is.

    Attributes:
        supported: The layers that are imported, for messages.
        modules: The model, and the modules whose ``forward`` runs, by path.
        function: Name of the function of torch that runs.
    """

    supported: str
    modules: list[tuple[str, Module]]
    function: str = ""

    @property
    def origin(self) -> Origin:
        """What is told of an operation."""
        path, module = self.modules[-1]
        return Origin(path, self.function, is_packaged(module), line_of_user())

    @property
    def name(self) -> str:
        """Name of the innermost module, with the line of the user's that runs."""
        path, module = self.modules[-1]
        line = line_of_user()
        return (path or f"{type(module).__name__}.forward") + (f" ({line})" if line else "")

    def problem(self, why: str = "", remedy: str = "") -> Diagnostic:
        """Tell that the function that runs cannot be followed."""
        path, module = self.modules[-1]
        way_out = remedy or WAYS_OUT.get(self.function, "")
        if is_packaged(module) and not why:
            found = layer_name(module)
            if self.function == "pad":
                found += f" with padding_mode={module.padding_mode!r}"
            return unknown_layer(path, found, self.supported, way_out)
        return Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=self.name,
            found=f"{self.function} {why}".rstrip(),
            limit=LISTED,
            remedy=way_out or "replace it by one of these",
        )

    def untraced(self, found: str) -> Diagnostic:
        """Tell of a tensor of which nobody knows where it comes from."""
        return Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=self.name,
            found=found,
            limit="parameters, buffers, and what functions of torch give",
            remedy="make it a parameter or a buffer, and change no view of a tensor in place",
        )


def is_of_user(frame: FrameType) -> bool:
    """Say whether the code of ``frame`` is no package's."""
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    ours = package in (*PACKAGES, "snnc", "contextlib", "functools")
    return not (ours or frame.f_code.co_filename.startswith("<"))


def line_of_user() -> str:
    """Give file and line of the innermost code that no package defines, or nothing."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "snnc.frontends.torch.follow":
            return ""  # from there the model was called
        if is_of_user(frame):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
