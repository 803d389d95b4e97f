"""What torch's functions with weights and windows mean: dense, convolution, pooling, batch norm."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fused import fused_multiply_add
from snnc.compiler.operators import Window
from snnc.compiler.sliding import counted, halves, trailing
from snnc.frontends.torch.meaning import (
    Maker,
    Meaning,
    Operand,
    Refused,
    applied,
    constant_of,
)
from snnc.frontends.torch.shapes import reshaped
from snnc.frontends.torch.values import (
    AvgPool,
    Constant,
    Convolve,
    Dense,
    MaxPool,
    Normalize,
    Pairs,
    Sequence,
    Shape,
    Value,
    is_constant,
)

if TYPE_CHECKING:
    from torch import Tensor

Reals = npt.NDArray[np.float32]
IN_FRONT = "give it channels and as many axes as its window has"


def _linear(
    maker: Maker,
    results: list[Tensor],
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
) -> list[Value]:
    operator = Dense(constant_of(weight), None if bias is None else constant_of(bias))
    return applied(maker, operator, results[0], x.value)


def _matmul(maker: Maker, results: list[Tensor], x: Operand, other: Operand) -> list[Value]:
    if not is_constant(other.value) or other.tensor.ndim != 2 or x.tensor.ndim < 2:
        raise Refused("of a tensor and no weight matrix behind it", "write it as nn.Linear")
    weight = Constant(other.tensor.T, kept=True)
    return applied(maker, Dense(weight, None), results[0], x.value)


def _convolve(axes: int) -> Meaning:
    def convolve(
        maker: Maker,
        results: list[Tensor],
        x: Operand,
        weight: Operand,
        bias: Operand | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> list[Value]:
        _check_axes(x, axes)
        kernel = weight.shape[2:]
        dilations = _each(dilation, axes)
        operator = Convolve(
            weight=constant_of(weight),
            bias=None if bias is None else constant_of(bias),
            stride=_each(stride, axes),
            padding=_padding(padding, kernel, dilations),
            dilation=dilations,
            groups=groups,
        )
        return applied(maker, operator, results[0], x.value)

    return convolve


def _padding(padding: Any, kernel: Shape, dilation: Shape) -> Pairs:
    """Give zeros before and after; ``same`` puts the odd one after (torch 2, ``Conv2d``)."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        return tuple(halves(d * (k - 1)) for k, d in zip(kernel, dilation, strict=True))
    return tuple((p, p) for p in _each(padding, len(kernel)))


def _check_axes(x: Operand, axes: int) -> None:
    if isinstance(x.value, Sequence) or x.tensor.ndim != axes + 2:
        raise Refused(f"on values of shape {list(x.shape[1:])}", IN_FRONT)


def _each(value: Any, axes: int) -> Shape:
    values = tuple(int(v) for v in value) if isinstance(value, tuple) else (int(value),)
    return values * axes if len(values) == 1 else values


def _max_pool(axes: int) -> Meaning:
    def pool(
        maker: Maker,
        results: list[Tensor],
        x: Operand,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> list[Value]:
        _check_pool(x, axes, return_indices)
        kernel, dilations = _each(kernel_size, axes), _each(dilation, axes)
        strides = kernel if stride in (None, ()) else _each(stride, axes)
        pads = tuple((p, p) for p in _each(padding, axes))
        around = _covered(x, results[0], Window(kernel, strides, pads, dilations))
        del ceil_mode  # shows in the shape of the result
        return applied(maker, MaxPool(kernel, strides, around, dilations), results[0], x.value)

    return pool


def _check_pool(x: Operand, axes: int, indices: bool = False) -> None:
    _check_axes(x, axes)
    if indices:
        raise Refused("with return_indices=True", "use the values alone")


def _covered(x: Operand, result: Tensor, window: Window) -> Pairs:
    """Give the padding of each axis with what ``ceil_mode`` looks at beyond it."""
    behind = trailing(window, x.shape[2:], tuple(result.shape[2:]))
    return tuple(
        (p, max(p, reached)) for (p, _), reached in zip(window.padding, behind, strict=True)
    )


def _avg_pool(axes: int) -> Meaning:
    def pool(
        maker: Maker,
        results: list[Tensor],
        x: Operand,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> list[Value]:
        _check_pool(x, axes)
        kernel = _each(kernel_size, axes)
        strides = kernel if stride in (None, ()) else _each(stride, axes)
        pads = tuple((p, p) for p in _each(padding, axes))
        window, positions = Window(kernel, strides, pads, (1,) * axes), tuple(results[0].shape[2:])
        around = _covered(x, results[0], window)
        del ceil_mode  # shows in the shape of the result
        sizes = counted(window, x.shape[2:], positions, padding=count_include_pad)
        if divisor_override is not None:
            sizes = np.full((1,) * axes, divisor_override)
        plain = bool((sizes == prod(kernel)).all())
        divisors = None if plain else _constant(sizes[None].astype(np.float32))
        return applied(maker, AvgPool(kernel, strides, around, divisors), results[0], x.value)

    return pool


def _adaptive(axes: int, *, largest: bool) -> Meaning:
    def pool(
        maker: Maker,
        results: list[Tensor],
        x: Operand,
        output_size: Any,
        return_indices: bool = False,
    ) -> list[Value]:
        del output_size  # shows in the shape of the result
        _check_pool(x, axes, return_indices)
        extents, counts = x.shape[2:], tuple(results[0].shape[2:])
        if any(n % count for n, count in zip(extents, counts, strict=True)):
            raise Refused(
                f"from {list(extents)} to {list(counts)}, which do not divide",
                "choose a size that divides the size of its input",
            )
        kernel = tuple(n // count for n, count in zip(extents, counts, strict=True))
        nothing = ((0, 0),) * axes
        if largest:
            operator: MaxPool | AvgPool = MaxPool(kernel, kernel, nothing, (1,) * axes)
        else:
            operator = AvgPool(kernel, kernel, nothing, _adaptive_divisors(kernel, counts))
        return applied(maker, operator, results[0], x.value)

    return pool


def _adaptive_divisors(kernel: Shape, counts: Shape) -> Constant | None:
    """Adaptive pooling divides by one extent after the other, but to a single value by all.

    torch 2, ``aten/src/ATen/native/AdaptiveAveragePooling.cpp``.
    """
    if max(counts) == 1:
        return None
    return _constant(np.array(kernel, np.float32).reshape(-1, *(1,) * len(kernel)))


def mean_over_space(
    maker: Maker, results: list[Tensor], x: Operand, dims: tuple[int, ...]
) -> list[Value]:
    """Give the mean over all axes behind the channels.

    Raises:
        Refused: It is over other axes.
    """
    axes = x.tensor.ndim - 2
    if axes not in {1, 2} or {d % x.tensor.ndim for d in dims} != set(range(2, x.tensor.ndim)):
        raise Refused(f"over axes {list(dims)}")
    kernel = x.shape[2:]
    operator = AvgPool(kernel, kernel, ((0, 0),) * axes, None)
    pooled = results[0].reshape(*x.shape[:2], *(1,) * axes)
    (value,) = applied(maker, operator, pooled, x.value)
    return reshaped(maker, results[0], value)


def _batch_norm(
    maker: Maker,
    results: list[Tensor],
    x: Operand,
    running_mean: Operand | None,
    running_var: Operand | None,
    weight: Operand | None = None,
    bias: Operand | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    **options: Any,
) -> list[Value]:
    """``factor * x + shift``, rounded once.

    ``1 / sqrt(var + eps)`` and its product with ``weight`` are rounded to float32, ``shift`` is a
    fused multiply-add (torch 2, ``aten/src/ATen/native/cpu/batch_norm_kernel.cpp``).
    """
    del momentum, options
    if training or running_mean is None or running_var is None:
        raise Refused(
            "takes mean and variance from the batch",
            "make the layer with track_running_stats=True and call model.eval()",
        )
    mean, variance = _reals(running_mean), _reals(running_var)
    root = np.sqrt(variance + np.float32(eps))
    factor = np.asarray(1 / root, np.float32)
    if weight is not None:
        factor = _reals(weight) * factor
    start = np.zeros_like(mean) if bias is None else _reals(bias)
    operator = Normalize(_constant(factor), _constant(fused_multiply_add(-mean, factor, start)))
    if isinstance(x.value, Sequence):
        raise Refused("of several steps at once", "call it in each step")
    return applied(maker, operator, results[0], x.value)


def _reals(operand: Operand) -> Reals:
    tensor = constant_of(operand).tensor
    return np.asarray(tensor.cpu().numpy(), np.float32)


def _constant(values: Reals) -> Constant:
    import torch

    return Constant(torch.from_numpy(np.ascontiguousarray(values)), kept=True)


WINDOWS: dict[str, Meaning] = {
    "linear": _linear,
    "matmul": _matmul,
    "conv1d": _convolve(1),
    "conv2d": _convolve(2),
    "max_pool1d": _max_pool(1),
    "max_pool2d": _max_pool(2),
    "avg_pool1d": _avg_pool(1),
    "avg_pool2d": _avg_pool(2),
    "adaptive_avg_pool1d": _adaptive(1, largest=False),
    "adaptive_avg_pool2d": _adaptive(2, largest=False),
    "adaptive_max_pool1d": _adaptive(1, largest=True),
    "adaptive_max_pool2d": _adaptive(2, largest=True),
    "batch_norm": _batch_norm,
}
"""By the one name of a function."""
