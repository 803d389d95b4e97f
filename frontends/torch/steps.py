"""What torch's functions mean that take steps out of a tensor, or put them together."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from snnc.frontends.torch.meaning import Maker, Meaning, Operand, Refused
from snnc.frontends.torch.shapes import reshape, unsqueeze
from snnc.frontends.torch.values import Add, Constant, Reduced, Sequence, Value, alike
from snnc.frontends.torch.windows import mean_over_space

if TYPE_CHECKING:
    from torch import Tensor


def _stack(
    maker: Maker, results: list[Tensor], parts: tuple[Operand, ...], dim: int = 0
) -> list[Value]:
    del maker
    axis = dim % results[0].ndim
    values = tuple(part.value for part in parts)
    if axis > 1 or any(isinstance(v, Sequence | Reduced) for v in values):
        raise Refused(f"along axis {axis}", "stack steps along the first axis: torch.stack(...)")
    return [Sequence(values, axis)]


def _select(maker: Maker, results: list[Tensor], x: Operand, index: Any) -> list[Value]:
    indices = index if isinstance(index, tuple) else (index,)
    if all(one is None or one is Ellipsis or one == slice(None) for one in indices):
        at_front = indices[0] is None and not isinstance(x.value, Sequence)
        return (unsqueeze if at_front else reshape)(maker, results, x, *[0][:at_front])
    axis = x.value.axis if isinstance(x.value, Sequence) else 0
    chosen, rest = indices[axis : axis + 1], (*indices[:axis], *indices[axis + 1 :])
    if not chosen or any(one not in (slice(None), Ellipsis) for one in rest):
        maker.selects_samples |= len(indices) > 1 and isinstance(indices[1], int)
        raise Refused("takes elements out of a tensor", "use layers that take all elements")
    if not isinstance(x.value, Sequence):
        maker.selects_samples = True
        raise Refused("takes samples out of the batch", "compute the same for every sample")
    if isinstance(chosen[0], slice):
        return [Sequence(x.value.steps[chosen[0]], axis)]
    if not isinstance(chosen[0], int):
        raise Refused("takes steps by a tensor or list", "take one step after the other: x[step]")
    return [x.value.steps[chosen[0]]]


def _select_at(
    maker: Maker, results: list[Tensor], x: Operand, dim: int, index: int
) -> list[Value]:
    return _select(maker, results, x, (*(slice(None),) * (dim % x.tensor.ndim), index))


def _unbind(maker: Maker, results: list[Tensor], x: Operand, dim: int = 0) -> list[Value]:
    del results
    if isinstance(x.value, Sequence) and x.value.axis == dim:
        return list(x.value.steps)
    maker.selects_samples = True
    raise Refused("takes samples out of the batch", "compute the same for every sample")


def _set_step(maker: Maker, results: list[Tensor], x: Operand, index: Any, new: Any) -> list[Value]:
    """``x[step] = new``, of a tensor that was made to hold the steps."""
    del maker, results
    indices = index if isinstance(index, tuple) else (index,)
    axis = 1 if indices[0] == slice(None) else 0
    value = x.value
    if isinstance(value, Constant):
        steps = tuple(Constant(part, kept=False) for part in x.tensor.unbind(axis))
        value = Sequence(steps, axis)
    whole = all(one is Ellipsis or one == slice(None) for one in indices[axis + 1 :])
    fits = isinstance(value, Sequence) and value.axis == axis and whole
    if not (fits and isinstance(indices[axis], int) and isinstance(new, Operand)):
        raise Refused("changes elements of a tensor", "append steps to a list, and torch.stack it")
    changed = list(cast("Sequence", value).steps)
    changed[indices[axis]] = new.value
    return [Sequence(tuple(changed), axis)]


def _summed(maker: Maker, result: Tensor, values: tuple[Value, ...]) -> list[Value]:
    """Give the sum of what is no sequence of steps: torch adds one value after the other."""
    total, *others = values
    for value in others:
        total = maker.make(Add(), (total, value), tuple(result.shape[1:]))
    return [total]


def _reduced(how: str) -> Meaning:
    def reduce(
        maker: Maker, results: list[Tensor], x: Operand, dim: Any = None, **kw: Any
    ) -> list[Value]:
        axis = dim[0] if isinstance(dim, tuple) and len(dim) == 1 else dim
        value = x.value
        if isinstance(value, Sequence) and axis == value.axis and not kw.get("keepdim"):
            if how == "sum" and not alike(*value.steps[-2:]):
                return _summed(maker, results[0], value.steps)
            return [Reduced(how, value.steps)] * len(results)
        if how == "mean" and isinstance(dim, tuple) and not isinstance(value, Sequence):
            return mean_over_space(maker, results, x, dim)
        raise Refused(f"over axis {dim}" if dim is not None else "over all axes")

    return reduce


STEPS: dict[str, Meaning] = {
    "stack": _stack,
    "__getitem__": _select,
    "select": _select_at,
    "unbind": _unbind,
    "__iter__": _unbind,
    "__setitem__": _set_step,
    **{how: _reduced(how) for how in ("sum", "mean", "max")},
    "amax": _reduced("max"),
}
"""By the one name of a function."""
