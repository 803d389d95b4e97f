"""Windows that move over arrays: what lies under them, and how much of it is no padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from snnc.compiler.operators import Shape, Window

Scalar = TypeVar("Scalar", bound=np.generic)
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]


def padded(x: npt.NDArray[Scalar], window: Window, fill: float = 0.0) -> npt.NDArray[Scalar]:
    """Give ``x`` with ``fill`` around its last axes, as much as ``window`` asks for."""
    if not any(map(any, window.padding)):
        return x
    others = ((0, 0),) * (x.ndim - len(window.kernel))
    return np.pad(x, others + window.padding, constant_values=fill)


def sliding(x: npt.NDArray[Scalar], window: Window) -> npt.NDArray[Scalar]:
    """Give what lies under ``window`` at each position.

    Args:
        x: Padded, shape ``[..., *extent]``.
        window: Over the last axes.

    Returns:
        A view that can be written to, shape ``[..., *positions, *kernel]``.
    """
    axes = range(x.ndim - len(window.kernel), x.ndim)
    view = sliding_window_view(x, window.reach, axis=tuple(axes), writeable=True)
    strides = (slice(None, None, s) for s in window.stride)
    steps = (slice(None, None, d) for d in window.dilation)
    places: tuple[Any, ...] = (..., *strides, *steps)
    under: npt.NDArray[Scalar] = view[places]
    return under


def elements(x: npt.NDArray[Scalar], window: Window) -> Iterator[npt.NDArray[Scalar]]:
    """Give for each element under ``window``, in their order, what it is at all positions.

    Args:
        x: Padded, shape ``[..., *extent]``.
        window: Over the last axes.

    Yields:
        Views that can be written to, shape ``[..., *positions]``.
    """
    view = sliding(x, window)
    return (view[(..., *element)] for element in np.ndindex(*window.kernel))


def under(
    window: Window, extent: Shape, positions: Sequence[Places]
) -> tuple[Places, Places, Places]:
    """Give every element that lies under a window at some positions, padding left out.

    Args:
        window: Over the last axes.
        extent: Of the value on these axes.
        positions: Of the window on each axis; each of shape ``[n]``.

    Returns:
        Which of the ``n`` positions, which element of the kernel, and where in the extent, both in
        C order; each of shape ``[m]``, element of the kernel by element.
    """
    found: list[tuple[Places, Places]] = []
    for e in np.ndindex(*window.kernel):
        inside = np.ones(len(positions[0]), np.bool_)
        at = np.zeros(len(positions[0]), np.int64)
        for axis, (p, k) in enumerate(zip(positions, e, strict=True)):
            place = p * window.stride[axis] - window.padding[axis][0] + k * window.dilation[axis]
            inside &= (place >= 0) & (place < extent[axis])
            at = at * extent[axis] + place
        found.append((np.flatnonzero(inside), at[inside]))
    element = np.repeat(np.arange(len(found)), [which.size for which, _ in found])
    return np.concatenate([w for w, _ in found]), element, np.concatenate([a for _, a in found])


def halves(total: int) -> tuple[int, int]:
    """Give padding before and after: the odd one behind, as every framework's ``same`` has it."""
    return total // 2, total - total // 2


def trailing(window: Window, extent: Shape, positions: Shape) -> Shape:
    """Give how far the last of ``positions`` reaches behind ``extent``, below 0 if not so far.

    In ``ceil_mode`` that may be further than the padding of ``window``.
    """
    return tuple(
        (count - 1) * s + r - n - before
        for count, s, r, n, (before, _) in zip(
            positions, window.stride, window.reach, extent, window.padding, strict=True
        )
    )


def counted(window: Window, extent: Shape, positions: Shape, *, padding: bool) -> Counts:
    """Give the elements under each window that an average counts, shape ``[*positions]``.

    Args:
        window: With the padding that was asked for.
        extent: Of the value.
        positions: Of the window: in ``ceil_mode`` more than its padding has room for. What lies
            behind the padding never counts (torch, ``aten/src/ATen/native/cpu/AvgPoolKernel.cpp``;
            ONNX, ``Operators.md``, AveragePool).
        padding: Count the padding, too.
    """
    total = np.ones((), np.int64)
    for axis, (n, count) in enumerate(zip(extent, positions, strict=True)):
        before, after = window.padding[axis]
        first = np.arange(count) * window.stride[axis] - before
        place = first[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
        low, high = (-before, n + after) if padding else (0, n)
        total = np.multiply.outer(total, ((low <= place) & (place < high)).sum(axis=1))
    return total
