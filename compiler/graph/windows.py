"""The windows of NIR's convolutions and pools, whatever form their fields have."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from snnc.compiler.graph.nodes import CONVOLUTIONS, Convolved, MaxPool1d, MaxPool2d, Pooled
from snnc.compiler.graph.notes import metadata
from snnc.compiler.operators import ShapeError, Window
from snnc.compiler.sliding import halves

_Pads = tuple[tuple[int, int], ...]


def window_of(node: Convolved | Pooled) -> Window:
    """Give the window of ``node``, its padding in numbers.

    NIR lets a field be one number for all axes, one for each, or, for the padding of a
    convolution, ``"valid"`` (none) or ``"same"``: zeros so that the result is as large as the
    input, the odd one behind (torch 2.13, ``nn/modules/conv.py``, ``_ConvNd.__init__``). Zeros of
    which there are others before than behind are noted by snnc's frontends, as NIR cannot say them.

    Raises:
        ShapeError: A field has other axes, or no whole numbers in its range.
    """
    if isinstance(node, CONVOLUTIONS):
        kernel: tuple[int, ...] = np.shape(node.weight)[2:]
        axes = 1 if isinstance(node, nir.Conv1d) else 2
        if len(kernel) != axes:
            raise ShapeError(f"a weight of shape {list(np.shape(node.weight))}")
    else:
        axes = 1 if isinstance(node, MaxPool1d) else 2
        kernel = _each("kernel_size", node.kernel_size, axes, 1)
    stride = _each("stride", node.stride, axes, 1)
    dilation = _each("dilation", getattr(node, "dilation", 1), axes, 1)
    padding = _padding(node.padding, kernel, stride, dilation)
    if "padding" in metadata(node):
        padding = _noted_padding(metadata(node)["padding"], axes)
    window = Window(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if isinstance(node, MaxPool2d):
        _check_covered(window)
    return window


def _each(name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    numbers = np.asarray(value)
    whole = numbers.dtype.kind in "iu" and numbers.size in {1, axes} and numbers.ndim < 2
    if not whole or (numbers < least).any():
        raise ShapeError(f"{name} {_shown(value)} for {axes} axes: whole numbers from {least} on")
    return tuple(int(n) for n in np.broadcast_to(numbers, (axes,)))


def _padding(
    value: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> _Pads:
    axes = len(kernel)
    if isinstance(value, str):
        if value not in {"valid", "same"}:
            raise ShapeError(f"padding {_shown(value)}: numbers, 'valid' or 'same'")
        if value == "same" and max(stride) > 1:
            raise ShapeError(f"padding 'same' with stride {list(stride)}: it needs stride 1")
        same = value == "same"
        return tuple(halves(same * d * (k - 1)) for k, d in zip(kernel, dilation, strict=True))
    numbers = np.asarray(value)
    if numbers.shape == (axes, 2):
        before, after = (_each("padding", side, axes, 0) for side in numbers.T)
        return tuple(zip(before, after, strict=True))
    return tuple((n, n) for n in _each("padding", value, axes, 0))


def _noted_padding(noted: Any, axes: int) -> _Pads:
    numbers = np.asarray(noted)
    if numbers.dtype.kind not in "iu" or numbers.shape != (axes, 2) or numbers.min() < 0:
        raise ShapeError(f"a padding of {numbers.tolist()}")
    return tuple((int(before), int(after)) for before, after in numbers)


def _check_covered(window: Window) -> None:
    """Padding of a max pool is smaller than any value, so no window may hold nothing else.

    Half a window is torch's bound (2.13, ``aten/src/ATen/native/Pool.h``, ``pool2d_shape_check``);
    behind an axis its ``ceil_mode`` looks further, but begins no window behind the last element.
    """
    for width, (before, after) in zip(window.reach, window.padding, strict=True):
        if 2 * before > width or after >= width:
            raise ShapeError(
                f"padding {max(before, after)} of a window of {width}: half of it at most, and "
                "behind an axis less than all of it"
            )


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return np.array2string(np.asarray(value), threshold=8)
