"""Which parameters of a module the weights of projections are, and their rounded values."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from snnc.frontends.torch.exact import Doubles, Rounded
from snnc.frontends.torch.layers import reals

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter

ALIKE = 1e-4
"""Relative error of a weight as a parameter times a factor; float32 products have some 1e-7."""


def rounded_parameters(
    module: Module, weights: Iterable[Rounded]
) -> Iterator[tuple[Module, str, Tensor]]:
    """Give the parameters that are weights of projections, as rounding leaves them.

    A parameter is the weights of a projection if each row of one is a multiple of that of the
    other: gains, batch norms and pooling are such factors. Of several projections the mean is
    taken. What is the product of several layers belongs to none of them, and is not given.

    Args:
        module: The user's.
        weights: What rounding made of the weights of the projections.

    Yields:
        The module that holds the parameter, its name there, and its rounded value.
    """
    import torch

    found: dict[int, list[Doubles]] = {}
    places: list[tuple[Module, str, Parameter]] = []
    for path, part in module.named_modules(remove_duplicate=False):
        for name, parameter in part.named_parameters(recurse=False):
            whole = f"{path}.{name}" if path else name
            places.append((part, name, parameter))
            for one in weights:
                named = any(
                    whole == o or path == o or whole.startswith(f"{o}.") for o in one.origin
                )
                value = _rounded(reals(parameter), one) if named else None
                if value is not None:
                    found.setdefault(id(parameter), []).append(value)
    for part, name, parameter in places:
        if id(parameter) in found:
            mean = np.mean(found[id(parameter)], axis=0).astype(np.float32)
            yield part, name, torch.from_numpy(mean).reshape(parameter.shape)


def _rounded(values: np.ndarray, one: Rounded) -> Doubles | None:
    """Give ``values`` rounded as ``one`` was, None where it is of something else."""
    if values.size != one.real.size or values.ndim < 2:
        return None
    rows = values.reshape(one.real.shape).astype(np.float64)
    power = (rows * rows).sum(axis=1, keepdims=True)
    factor = (rows * one.real).sum(axis=1, keepdims=True) / np.where(power > 0, power, 1)
    error = np.abs(one.real - factor * rows).max(axis=1, initial=0)
    if (error > ALIKE * np.abs(one.real).max(axis=1, initial=0)).any():
        return None
    acts = factor != 0
    return np.where(acts, one.rounded / np.where(acts, factor, 1), rows)
