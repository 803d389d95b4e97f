"""The functions of torch by one name each, and where their meaning is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from snnc.frontends.torch.arithmetic import ARITHMETIC
from snnc.frontends.torch.meaning import Maker, Meaning, Refused
from snnc.frontends.torch.shapes import SHAPES
from snnc.frontends.torch.steps import STEPS
from snnc.frontends.torch.values import Value
from snnc.frontends.torch.windows import WINDOWS

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


MEANINGS: dict[str, Meaning] = {**ARITHMETIC, **SHAPES, **STEPS, **WINDOWS}
"""By the one name of a function."""


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
    return MEANINGS.get(name, _unknown)


def _unknown(maker: Maker, results: list[Tensor], *args: Any, **kwargs: Any) -> list[Value]:
    del maker, results, args, kwargs
    raise Refused
