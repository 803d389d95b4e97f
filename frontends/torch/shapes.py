"""What torch's changes of shape mean: the same values in the same order, or side by side."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from snnc.frontends.torch.meaning import Maker, Meaning, Operand, Refused, applied, lead
from snnc.frontends.torch.values import (
    Concatenate,
    Operation,
    Reduced,
    Reshape,
    Sequence,
    Shape,
    Value,
)

if TYPE_CHECKING:
    from torch import Tensor


def reshape(maker: Maker, results: list[Tensor], x: Operand, *args: Any, **kw: Any) -> list[Value]:
    """Give the values of ``x`` in the shape of the result; the batch and the steps stay."""
    del args, kw
    axes, shape = lead(x.value), tuple(results[0].shape)
    value = x.value
    if isinstance(value, Sequence) and len(value.steps) == 1:
        only = (*x.shape[: value.axis], *x.shape[value.axis + 1 :])
        if shape == only:
            return [value.steps[0]]
    if shape[:axes] != x.shape[:axes]:
        raise Refused(
            f"makes {list(shape)} of {list(x.shape)} and moves the batch",
            "keep the batch as the first axis: x.flatten(1), not x.flatten()",
        )
    return reshaped(maker, results[0], value)


def reshaped(maker: Maker, result: Tensor, value: Value) -> list[Value]:
    """Give a value in the shape of ``result``; nothing where it has it already."""
    shape = tuple(result.shape[lead(value) :])
    if isinstance(value, Sequence):
        steps = tuple(_reshaped_step(maker, shape, step) for step in value.steps)
        return [Sequence(steps, value.axis)]
    return [_reshaped_step(maker, shape, value)]


def _reshaped_step(maker: Maker, shape: Shape, value: Value) -> Value:
    if isinstance(value, Operation) and isinstance(value.operator, Reshape):
        value = value.sources[0]
    return value if value.shape == shape else maker.make(Reshape(), (value,), shape)


def unsqueeze(maker: Maker, results: list[Tensor], x: Operand, dim: int) -> list[Value]:
    """Give a sequence of one step, or another axis of a sample."""
    axis = dim % results[0].ndim
    if axis == 0 and not isinstance(x.value, Sequence | Reduced):
        return [Sequence((x.value,), axis)]
    return reshape(maker, results, x)


def _transpose(maker: Maker, results: list[Tensor], x: Operand, a: int, b: int) -> list[Value]:
    del maker, results
    axes = {a % x.tensor.ndim, b % x.tensor.ndim}
    return [_swapped(x, axes == {0, 1}, len(axes) == 1)]


def _permute(maker: Maker, results: list[Tensor], x: Operand, *dims: Any) -> list[Value]:
    del maker, results
    order = [int(d) % x.tensor.ndim for d in (dims[0] if isinstance(dims[0], tuple) else dims)]
    rest = order[2:] == list(range(2, x.tensor.ndim))
    return [_swapped(x, rest and order[:2] == [1, 0], order == sorted(order))]


def _swapped(x: Operand, swapped: bool, same: bool) -> Value:
    if same:
        return x.value
    if swapped and isinstance(x.value, Sequence):
        return Sequence(x.value.steps, 1 - x.value.axis)
    raise Refused("reorders the axes", "use values in the order in which layers give them")


def _expand(maker: Maker, results: list[Tensor], x: Operand, *args: Any, **kw: Any) -> list[Value]:
    """The same values at every step."""
    del maker, args, kw
    shape = tuple(results[0].shape)
    if shape == x.shape:
        return [x.value]
    if isinstance(x.value, Sequence) and len(x.value.steps) == 1:
        axis = x.value.axis
        if shape[:axis] + shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]:
            return [Sequence(x.value.steps * shape[axis], axis)]
    elif shape[1:] == x.shape and not isinstance(x.value, Sequence | Reduced):
        return [Sequence((x.value,) * shape[0], 0)]
    raise Refused(f"repeats {list(x.shape)} to {list(shape)}")


def _concatenate(
    maker: Maker, results: list[Tensor], parts: tuple[Operand, ...], dim: int = 0
) -> list[Value]:
    values = tuple(part.value for part in parts)
    axis = dim % results[0].ndim
    if all(isinstance(v, Sequence) and v.axis == axis for v in values):
        steps = (step for v in cast("tuple[Sequence, ...]", values) for step in v.steps)
        return [Sequence(tuple(steps), axis)]
    if axis != max(map(lead, values)):
        raise Refused(f"along axis {axis}", "join along the channels: torch.cat(..., 1)")
    return applied(maker, Concatenate(), results[0], *values)


SHAPES: dict[str, Meaning] = {
    **dict.fromkeys(("flatten", "reshape", "squeeze", "unflatten", "view", "view_as"), reshape),
    "unsqueeze": unsqueeze,
    "transpose": _transpose,
    "permute": _permute,
    "expand": _expand,
    "repeat": _expand,
    "cat": _concatenate,
}
"""By the one name of a function."""
