"""What windows read, one axis after the other: from positions back to the elements under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.operators import Window

Places = npt.NDArray[np.int64]
"""Ascending places on one axis."""


@dataclass(frozen=True)
class AxisWindow:
    """A window on one axis; the fields of a ``Window``, one entry each."""

    kernel: int
    stride: int
    padding: tuple[int, int]
    dilation: int


def read_along(
    windows: tuple[AxisWindow, ...], extents: tuple[int, ...], at: Places
) -> tuple[tuple[Places, ...], tuple[AxisWindow, ...]] | None:
    """Go back from positions of the last of ``windows`` to the elements that the first one reads.

    Elements that no window reads, as between those of a stride longer than its kernel, are left
    out where the windows over what remains are windows again; else nothing between is left out.

    Args:
        windows: One after the other, on the same axis.
        extents: Of the value that each window moves over.
        at: Positions of the last window, consecutive.

    Returns:
        What each window reads, and the last of all ``at``; and the windows that make one of the
        other. None where all that is read is padding.
    """
    for skips in (True, False):
        elements, left = [at], list[AxisWindow]()
        for window, extent in zip(windows[::-1], extents[::-1], strict=True):
            found = _read(window, extent, elements[0], skips=skips)
            if found is None:
                break
            elements.insert(0, found[0])
            left.insert(0, found[1])
            if not found[0].size:
                return None
        else:
            return tuple(elements), tuple(left)
    raise InternalError("windows at consecutive positions read what is not consecutive")


def axis_of(window: Window, axis: int) -> AxisWindow:
    """Give the window on one of its axes."""
    return AxisWindow(
        window.kernel[axis], window.stride[axis], window.padding[axis], window.dilation[axis]
    )


def joined_axes(axes: tuple[AxisWindow, ...]) -> Window:
    """Give the window of all axes."""
    return Window(
        tuple(a.kernel for a in axes),
        tuple(a.stride for a in axes),
        tuple(a.padding for a in axes),
        tuple(a.dilation for a in axes),
    )


def _read(
    window: AxisWindow, extent: int, at: Places, *, skips: bool
) -> tuple[Places, AxisWindow] | None:
    """Give the elements under ``window`` at ``at`` and the window over them, None if there is none.

    ``line`` are the elements with their padding, and ``index`` says where on it each lies that is
    under the window: in equal steps, or what is left is no window.
    """
    steps = np.arange(window.kernel)
    places = at[:, None] * window.stride + steps * window.dilation - window.padding[0]
    whole: Places = np.arange(int(places[0, 0]), int(places[-1, -1]) + 1)
    line: Places = np.unique(places) if skips else whole
    index = np.searchsorted(line, places)
    stride = int(index[1, 0]) if at.size > 1 else 1
    dilation = int(index[0, 1]) if steps.size > 1 else 1
    if (index != np.arange(at.size)[:, None] * stride + steps * dilation).any():
        return None
    padding = int((line < 0).sum()), int((line >= extent).sum())
    within = line[(line >= 0) & (line < extent)]
    return within, AxisWindow(window.kernel, stride, padding, dilation)
