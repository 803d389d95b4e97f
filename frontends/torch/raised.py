"""What to say and to do about an exception in the user's ``forward``."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.spec import neuron_packages
from snnc.frontends.torch.place import is_of_user

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

VIEW = re.compile(r"shape '\[(\d+), .*\]' is invalid for input of size")
"""What torch says of ``x.view(128, -1)`` where ``x`` has other than 128 samples."""
BATCH = re.compile(r"size of tensor a \((\d+)\) .* tensor b \((\d+)\) .* dimension 0$")
"""What torch says of tensors of different numbers of samples."""
BLANK = re.compile(r"\(0\)|\b\d+x0\b")
"""What torch says of a tensor of no elements, as a state is before the first step."""


def raised_problem(
    module: Module, x: Tensor, arguments: Mapping[str, Any], shape: str, error: Exception
) -> Diagnostic:
    """Tell that ``forward`` raised, at which line of the user's file, and what to do.

    Args:
        module: The user's.
        x: Its input.
        arguments: What ``forward`` takes beside, by name.
        shape: The meaning of the axes of ``x``.
        error: What ``forward`` raised.
    """
    line = _line_of(error)
    first_line = str(error).partition("\n")[0]
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=f"{type(module).__name__}.forward" + (f" ({line})" if line else ""),
        found=f"{type(error).__name__}: {first_line}",
        limit=f"forward runs on a tensor of shape {list(x.shape)}, {shape}",
        remedy=_of_model(module, first_line) or _of_call(x, arguments, error, first_line),
    )


def _line_of(error: Exception) -> str:
    """Give file and line of the user's code in which ``error`` was raised, or nothing."""
    line, place = "", error.__traceback__
    while place is not None:
        if is_of_user(place.tb_frame):
            line = _line(place.tb_frame, place.tb_lineno)
        place = place.tb_next
    return line


def _line(frame: FrameType, number: int) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{number}"


def _of_model(module: Module, message: str) -> str:
    """Give what to do about the model itself, or nothing."""
    import torch

    for name, value in module.state_dict().items():
        if value.is_floating_point() and value.dtype != torch.float32:
            return f"convert the model, of which {name} is {value.dtype}: module.float()"
    if "tuple" not in message:
        return ""
    packages = neuron_packages(module)
    if len(packages) > 1:
        return f"build the model with neurons of one framework, not of {' and '.join(packages)}"
    if packages == ["norse"]:
        return "put the cells in norse's SequentialState, or take their spikes: z, s = cell(x, s)"
    if any(getattr(part, "init_hidden", None) is False for part in module.modules()):
        return "make neurons with init_hidden=True, or take their spikes: spk, mem = lif(x, mem)"
    return ""


def _of_call(x: Tensor, arguments: Mapping[str, Any], error: Exception, message: str) -> str:
    """Give what to do about what ``forward`` is called with."""
    sizes = [VIEW.search(message), BATCH.search(message)]
    samples = {int(size) for found in sizes if found for size in found.groups()}
    if samples - {*x.shape[:2]}:
        return "take the number of samples from the input, x.size(0): snnc runs a batch of 2"
    names = ", ".join(arguments)
    if names and BLANK.search(message):
        return f"leave {names} out: a model takes one input, and beside it states of its neurons"
    if names:
        return f"check --input-shape; what forward takes beside its input ({names}) must be states"
    if isinstance(error, RuntimeError | IndexError | ValueError):
        return "check --input-shape, in Python input_shape"
    return f"run the model by itself: module(torch.zeros({list(x.shape)}))"
