"""What torch's arithmetic means: sums, products with constants, values as they are."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from snnc.frontends.torch.meaning import (
    Maker,
    Meaning,
    Operand,
    Refused,
    applied,
    check_type,
    lead,
)
from snnc.frontends.torch.values import (
    Add,
    Constant,
    Multiply,
    Reduced,
    Sequence,
    Shift,
    Spikes,
    Value,
    is_constant,
    is_kept,
)

if TYPE_CHECKING:
    from torch import Tensor


def _numbers(number: Any, x: Operand) -> Constant:
    """Give what is added or multiplied with as it stands for one sample."""
    import torch

    if not isinstance(number, Operand):
        return Constant(torch.as_tensor(number, dtype=torch.float32), kept=True)
    values, axes = number.tensor, lead(x.value)
    for _ in range(values.ndim - (x.tensor.ndim - axes)):
        if bool((values != values[:1]).any()):
            raise Refused("with other numbers for each sample or step")
        values = values[0]
    return Constant(values.to(torch.float32), kept=is_kept(number.value))


def _depending(a: Any, b: Any) -> Operand | None:
    """Give the one of the two that depends on the input; None where both do."""
    of_input = [x for x in (a, b) if isinstance(x, Operand) and not is_constant(x.value)]
    if not of_input:
        return a if isinstance(a, Operand) else cast("Operand", b)
    return of_input[0] if len(of_input) == 1 else None


def _add(maker: Maker, results: list[Tensor], a: Any, b: Any, *, alpha: float = 1) -> list[Value]:
    if alpha != 1:
        raise Refused(f"with alpha={alpha:g}", "multiply first, then add")
    x = _depending(a, b)
    if x is None:
        return _sum(maker, results[0], a, b)
    other = b if x is a else a
    if isinstance(other, Operand) and not is_kept(other.value):
        return _sum(maker, results[0], x, other)  # a state before the first step, perhaps
    numbers = _numbers(other, x)
    if numbers.zero and not isinstance(other, Operand):
        return [x.value]  # Python's sum() begins with 0
    _check_shape(results[0], x)
    return applied(maker, Shift(numbers), results[0], x.value)


def _sum(maker: Maker, result: Tensor, a: Operand, b: Operand) -> list[Value]:
    if tuple(result.shape) != a.shape or a.shape[lead(a.value) :] != b.shape[lead(b.value) :]:
        raise Refused(f"of {list(a.shape)} and {list(b.shape)}, which are repeated to fit")
    return applied(maker, Add(), result, a.value, b.value)


def _check_shape(result: Tensor, x: Operand) -> None:
    if tuple(result.shape) != x.shape:
        raise Refused(f"repeats {list(x.shape)} to {list(result.shape)}")


def _multiply(maker: Maker, results: list[Tensor], a: Any, b: Any) -> list[Value]:
    x = _depending(a, b)
    if x is None:
        raise Refused("of two tensors that both depend on the input", "send spikes through weights")
    other = b if x is a else a
    if isinstance(x.value, Reduced):
        factor = x.value.factor * _numbers(other, x).tensor.numpy(force=True)
        return [replace(x.value, factor=factor)]
    _check_shape(results[0], x)
    return applied(maker, Multiply(_numbers(other, x)), results[0], x.value)


def _divide(maker: Maker, results: list[Tensor], a: Any, b: Any, **options: Any) -> list[Value]:
    import torch

    x = _depending(a, b)
    if options or x is None or x is not a:
        raise Refused
    if isinstance(x.value, Reduced):
        count = b if isinstance(b, int | float) else 0
        if count == len(x.value.steps) and x.value.how == "sum":
            return [replace(x.value, how="mean")]
        return [replace(x.value, factor=x.value.factor / _numbers(b, x).tensor.numpy(force=True))]
    numbers = _numbers(b, x).tensor
    inverse = 1 / numbers
    if not bool((torch.frexp(numbers).mantissa.abs() == 0.5).all()):
        raise Refused(
            "by numbers that are no power of two", "multiply by the inverse, and train with that"
        )
    _check_shape(results[0], x)
    return applied(maker, Multiply(Constant(inverse, kept=True)), results[0], x.value)


def _negate(maker: Maker, results: list[Tensor], x: Operand) -> list[Value]:
    return _multiply(maker, results, x, -1)


def _subtract(
    maker: Maker, results: list[Tensor], a: Any, b: Any, *, alpha: float = 1
) -> list[Value]:
    """``a - b`` is ``a + (-b)``, to the last bit."""
    if isinstance(b, Operand):
        negative = Operand(-b.tensor, _negate(maker, [b.tensor], b)[0])
        return _add(maker, results, a, negative, alpha=alpha)
    return _add(maker, results, a, -b, alpha=alpha)


def _subtract_from(
    maker: Maker, results: list[Tensor], b: Any, a: Any, *, alpha: float = 1
) -> list[Value]:
    return _subtract(maker, results, a, b, alpha=alpha)


def _same(maker: Maker, results: list[Tensor], x: Operand, *args: Any, **kw: Any) -> list[Value]:
    """The values as they are."""
    del maker, args, kw
    check_type(results[0])
    return [x.value]


def _rectify(maker: Maker, results: list[Tensor], x: Operand, **kw: Any) -> list[Value]:
    """Spikes are 0 or 1 already."""
    del maker, results, kw
    steps = x.value.steps if isinstance(x.value, Sequence) else (x.value,)
    if not all(isinstance(step, Spikes) and step.call.chain.binary for step in steps):
        raise Refused
    return [x.value]


ARITHMETIC: dict[str, Meaning] = {
    "add": _add,
    "sub": _subtract,
    "rsub": _subtract_from,
    "mul": _multiply,
    "div": _divide,
    "neg": _negate,
    "relu": _rectify,
    **dict.fromkeys(("alias", "clone", "contiguous", "cpu", "cuda", "detach", "float"), _same),
    **dict.fromkeys(("positive", "requires_grad", "to", "type", "type_as"), _same),
    **dict.fromkeys(
        ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), _same
    ),  # in evaluation; in training they draw random numbers
}
"""By the one name of a function."""
