"""What the functions of torch mean: arithmetic, changes of shape, and steps of time."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from snnc.frontends.torch_values import (
    Add,
    Concatenate,
    Constant,
    Multiply,
    Operation,
    Operator,
    Reduced,
    Reshape,
    Sequence,
    Shape,
    Shift,
    Spikes,
    Value,
    alike,
    is_constant,
    is_kept,
)

if TYPE_CHECKING:
    from torch import Tensor

READS_NO_VALUES = frozenset(
    (
        *("__format__", "__hash__", "__len__", "__repr__", "__str__", "_set_grad_enabled"),
        *("data_ptr", "device", "dim", "dtype", "element_size", "get_device", "grad", "grad_fn"),
        *("is_complex", "is_contiguous", "is_cpu", "is_cuda", "is_floating_point", "is_leaf"),
        *("is_nested", "is_sparse", "itemsize", "layout", "names", "ndim", "ndimension"),
        *("nelement", "numel", "requires_grad", "retain_grad", "shape", "size"),
        *("storage_offset", "stride"),
    )
)
"""Functions and properties that tell of a tensor's form, or show it to a reader."""
MAKES_NEW = frozenset(
    (
        *("empty_like", "full_like", "ones_like", "zeros_like"),
        *("new_empty", "new_full", "new_ones", "new_zeros"),
    )
)
"""Functions that take the form of a tensor and none of its values."""
MOVES = frozenset(
    (
        *("__getitem__", "__iter__", "__setitem__", "select", "unbind", "stack", "cat"),
        *("flatten", "reshape", "squeeze", "unflatten", "unsqueeze", "view", "view_as"),
        *("expand", "repeat", "permute", "transpose"),
    )
)
"""Functions that compute nothing: of constants they give constants."""
OTHER_NAMES = {
    **{f"__{mark}{name}__": name for name in ("add", "mul") for mark in ("", "r", "i")},
    **{f"__{mark}sub__": "sub" for mark in ("", "i")},
    **{f"__{mark}truediv__": "div" for mark in ("", "i")},
    "__rsub__": "rsub",
    "__neg__": "neg",
    "__matmul__": "matmul",
    "negative": "neg",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "concat": "cat",
    "concatenate": "cat",
    "mm": "matmul",
    "swapaxes": "transpose",
    "swapdims": "transpose",
}


class Refused(Exception):
    """A function is called in a way that no operator expresses.

    Attributes:
        why: What it does, to be read after its name.
        remedy: What to do instead, where there is more to say than what can be followed.
    """

    def __init__(self, why: str = "", remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor that a function is given, and what it is.

    Attributes:
        tensor: The tensor.
        value: What it is.
    """

    tensor: Tensor
    value: Value

    @property
    def shape(self) -> Shape:
        """With all axes."""
        return tuple(self.tensor.shape)


class Maker(Protocol):
    """Makes operations, each once."""

    selects_samples: bool

    def make(self, operator: Operator, sources: tuple[Value, ...], shape: Shape) -> Operation:
        """Give the one operation of ``operator`` on ``sources``."""
        ...


Meaning = Callable[..., list[Value]]
"""Takes a maker, the results, and what the function was called with; gives one value a result."""


def name_of(function: Callable[..., Any]) -> str:
    """Give one name to all forms of a function: ``add`` of ``Tensor.__iadd__``."""
    name = str(getattr(function, "__name__", function))
    if name == "__get__":
        name = str(getattr(getattr(function, "__self__", None), "__name__", name))
    if not name.endswith("__"):
        name = name.removesuffix("_")
    return OTHER_NAMES.get(name, name)


def meaning_of(name: str) -> Meaning:
    """Give what a function means; one that is not known refuses."""
    from snnc.frontends.torch_windows import WINDOWS

    return {**MEANINGS, **WINDOWS}.get(name, _unknown)


def applied(maker: Maker, operator: Operator, result: Tensor, *sources: Value) -> list[Value]:
    """Give what ``operator`` makes of one step, or of each of several.

    Raises:
        Refused: The result is not of float32, or steps do not fit together.
    """
    check_type(result)
    if any(isinstance(source, Reduced) for source in sources):
        raise Refused("of steps that were made one before", "decode after the model, not within")
    steps = [source for source in sources if isinstance(source, Sequence)]
    if not steps:
        return [maker.make(operator, sources, tuple(result.shape[1:]))]
    if len({(len(s.steps), s.axis) for s in steps}) > 1:
        raise Refused("of sequences of different form")
    made = tuple(
        maker.make(operator, tuple(_at(s, t) for s in sources), tuple(result.shape[2:]))
        for t in range(len(steps[0].steps))
    )
    return [Sequence(made, steps[0].axis)]


def _at(source: Value, step: int) -> Value:
    return source.steps[step] if isinstance(source, Sequence) else source


def lead(value: Value) -> int:
    """Give the number of axes before those of one sample at one step."""
    return 2 if isinstance(value, Sequence) else 1


def check_type(result: Tensor) -> None:
    """Refuse everything but float32."""
    import torch

    if result.dtype != torch.float32:
        raise Refused(f"gives {result.dtype}", "compute in torch.float32: module.float()")


def constant_of(operand: Operand) -> Constant:
    """Give the values of a weight."""
    if not is_constant(operand.value):
        raise Refused("with weights that depend on the input")
    if isinstance(operand.value, Constant):
        return operand.value
    return Constant(operand.tensor, kept=True)


def _unknown(maker: Maker, results: list[Tensor], *args: Any, **kwargs: Any) -> list[Value]:
    del maker, results, args, kwargs
    raise Refused


# Arithmetic.


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
        return [x.value]
    _check_shape(results[0], x)
    return applied(maker, Multiply(_numbers(other, x)), results[0], x.value)


def _divide(maker: Maker, results: list[Tensor], a: Any, b: Any, **options: Any) -> list[Value]:
    import torch

    x = _depending(a, b)
    if options or x is None or x is not a:
        raise Refused
    if isinstance(x.value, Reduced):
        count = b if isinstance(b, int | float) else 0
        how = "mean" if count == len(x.value.steps) and x.value.how == "sum" else x.value.how
        return [Reduced(how, x.value.steps)]
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


# Changes of shape.


def _reshape(maker: Maker, results: list[Tensor], x: Operand, *args: Any, **kw: Any) -> list[Value]:
    del args, kw
    axes, shape = lead(x.value), tuple(results[0].shape)
    value = x.value
    if (
        isinstance(value, Sequence)
        and shape
        == (
            *x.shape[: value.axis],
            *x.shape[value.axis + 1 :],
        )
        and len(value.steps) == 1
    ):
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


def _unsqueeze(maker: Maker, results: list[Tensor], x: Operand, dim: int) -> list[Value]:
    axis = dim % results[0].ndim
    if axis == 0 and not isinstance(x.value, Sequence | Reduced):
        return [Sequence((x.value,), axis)]
    return _reshape(maker, results, x)


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


# Steps.


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
        return (_unsqueeze if at_front else _reshape)(maker, results, x, *[0][:at_front])
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


def _rectify(maker: Maker, results: list[Tensor], x: Operand, **kw: Any) -> list[Value]:
    """Spikes are 0 or 1 already."""
    del maker, results, kw
    steps = x.value.steps if isinstance(x.value, Sequence) else (x.value,)
    if not all(isinstance(step, Spikes) and step.call.chain.binary for step in steps):
        raise Refused
    return [x.value]


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
        from snnc.frontends.torch_windows import mean_over_space

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


MEANINGS: dict[str, Meaning] = {
    "add": _add,
    "sub": _subtract,
    "rsub": _subtract_from,
    "mul": _multiply,
    "div": _divide,
    "neg": _negate,
    "relu": _rectify,
    **dict.fromkeys(
        ("alias", "clone", "contiguous", "cpu", "cuda", "detach", "float", "requires_grad"), _same
    ),
    **dict.fromkeys(("to", "type", "type_as", "positive"), _same),
    **dict.fromkeys(
        ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), _same
    ),  # in evaluation; in training they draw random numbers
    **dict.fromkeys(("flatten", "reshape", "squeeze", "unflatten", "view", "view_as"), _reshape),
    "unsqueeze": _unsqueeze,
    "transpose": _transpose,
    "permute": _permute,
    "expand": _expand,
    "repeat": _expand,
    "cat": _concatenate,
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
