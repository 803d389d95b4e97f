"""Hold a user's module still: replace what it calls for a while, and leave it as it was."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from snnc.compiler.diagnostics import InputError
from snnc.frontends.torch.framework import is_packaged
from snnc.frontends.torch.raised import raised_problem

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

    from snnc.frontends.torch.framework import Framework

Forward = Callable[..., Any]
OWN_DICTS = ("_buffers", "_parameters", "_modules")


def paths_of(module: Module) -> dict[str, Module]:
    """Give every module by its path; a model that is one layer by the name of its class."""
    paths = dict(module.named_modules())
    own = paths.pop("")
    return {type(own).__name__.lower() if is_packaged(own) else "": own, **paths}


def neurons_of(module: Module, framework: Framework) -> dict[str, Module]:
    """Give the layers that are imported as a whole by their paths."""
    return {path: m for path, m in paths_of(module).items() if framework.is_layer(m)}


def in_training(module: Module) -> tuple[str, ...]:
    """Give the layers in training mode that compute something else in evaluation."""
    from torch import nn

    dropouts = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, *dropouts)
    paths = paths_of(module).items()
    return tuple(path for path, m in paths if m.training and isinstance(m, kinds))


def device_of(module: Module) -> torch.device | str:
    """Give the device of the module's parameters and buffers."""
    for values in (*module.parameters(), *module.buffers()):
        return values.device
    return "cpu"


@contextmanager
def replaced(
    module: Module, replacement: Callable[[str, Module, Forward], Forward]
) -> Generator[None]:
    """Replace the ``forward`` of every module, below the hooks that the user has set."""
    changed: list[tuple[dict[str, Any], Any]] = []
    try:
        for path, part in paths_of(module).items():
            attributes = vars(part)
            changed.append((attributes, attributes.get("forward")))
            attributes["forward"] = replacement(path, part, part.forward)
        yield
    finally:
        for attributes, before in reversed(changed):
            attributes.pop("forward")
            if before is not None:
                attributes["forward"] = before


@contextmanager
def preserved(module: Module) -> Generator[None]:
    """Give every attribute back that was replaced, and every value of a parameter or buffer.

    Attributes are states, counters, lists of what was seen. Values are copied back into the memory
    that they were in: neither it nor what torch counts of changes in place is another afterwards.
    """
    before = [
        (vars(part), dict(vars(part)), {name: dict(vars(part)[name]) for name in OWN_DICTS})
        for part in module.modules()
    ]
    tensors = [*module.parameters(), *module.buffers()]
    memories = [tensor.data for tensor in tensors]
    values = [memory.clone() for memory in memories]
    try:
        yield
    finally:
        for tensor, memory, value in zip(tensors, memories, values, strict=True):
            memory.copy_(value)
            tensor.data = memory
        for attributes, own, inner in before:
            attributes.clear()
            attributes.update(own)
            for name, items in inner.items():
                attributes[name].clear()
                attributes[name].update(items)


@contextmanager
def evaluating(module: Module) -> Generator[None]:
    """Put ``module`` into evaluation mode without gradients, and back as it was."""
    import torch

    with preserved(module), torch.no_grad():
        module.eval()
        yield


def call_model(module: Module, x: torch.Tensor, arguments: dict[str, Any], shape: str) -> Any:
    """Call the user's model; what it prints goes to stderr.

    Raises:
        InputError: SNN113, its ``forward`` raised.
    """
    try:
        with redirect_stdout(sys.stderr):
            return module(x, **arguments)
    except InputError:
        raise
    except Exception as error:
        raise InputError([raised_problem(module, x, arguments, shape, error)]) from error
