"""What moves a window over the last axes of a value: convolution and pooling of ONNX."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np

from snnc.compiler import rules
from snnc.compiler.operators import Window
from snnc.compiler.sliding import counted, halves, padded, sliding, trailing
from snnc.frontends.onnx.model import Array, OnnxNode, OperatorError, Shape

Pads: TypeAlias = tuple[tuple[int, int], ...]
MAX_VALUES = 2**28
"""Numbers in one value: 1 GiB of float32."""


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse a value before it is made.

    Raises:
        OperatorError: It is over ``MAX_VALUES``.
    """
    if prod(shape) > MAX_VALUES:
        limit = f"{MAX_VALUES:,} numbers in one value"
        raise OperatorError(
            f"a result of {prod(shape):,} numbers", limit, "make it smaller", rules.ONNX_SAFE
        )


@dataclass(frozen=True)
class Windows:
    """Positions of a window on the axes behind batch and channel; one entry an axis.

    Attributes:
        extent: Of the value.
        kernel: Elements under the window.
        stride: Elements from one position to the next.
        dilation: Elements from one under the window to the next.
        pads: Elements of padding before and after the value.
        positions: Of the window. With ``ceil_mode`` the last may reach over the padding.
    """

    extent: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    pads: Pads
    positions: Shape

    @classmethod
    def of(cls, node: OnnxNode, shape: Shape, kernel: Shape) -> Windows:
        """Read the attributes of ``node`` (Operators.md of ONNX, Conv and AveragePool).

        Args:
            node: A convolution or a pooling.
            shape: Of the value, with batch and channel.
            kernel: Of the weights, or of a pooling.

        Raises:
            OperatorError: The attributes are not of so many axes, or no window fits.
        """
        extent, axes = shape[2:], len(kernel)
        if len(extent) != axes or min(kernel, default=0) < 1 or min(shape, default=0) < 1:
            raise OperatorError(f"kernel {list(kernel)} on {list(shape)}", "one size an axis")
        stride, dilation = node.get("strides", (1,) * axes), node.get("dilations", (1,) * axes)
        for name, given in (("strides", stride), ("dilations", dilation)):
            if len(given) != axes or min(given) < 1:
                raise OperatorError(f"{name} = {list(given)}", f"{axes} of 1 or more")
        effective = Window(kernel, stride, (), dilation).reach
        pads = _pads(node, extent, effective, stride)
        ceil = node.get("ceil_mode", 0) != 0
        counts = tuple(
            _positions(*sizes, ceil=ceil)
            for sizes in zip(extent, effective, stride, pads, strict=True)
        )
        if min(counts) < 1:
            raise OperatorError(f"kernel {list(kernel)} on {list(shape)}", "a kernel that fits")
        return cls(extent, kernel, stride, dilation, pads, counts)

    @property
    def window(self) -> Window:
        """The window with the padding that was asked for."""
        return Window(self.kernel, self.stride, self.pads, self.dilation)

    @property
    def padding(self) -> Pads:
        """Elements before and behind the value that windows cover, in ``ceil_mode`` or not."""
        behind = trailing(self.window, self.extent, self.positions)
        return tuple((b, max(a, 0)) for (b, _), a in zip(self.pads, behind, strict=True))

    @property
    def reach(self) -> Shape:
        """Elements from the first to the last that any window covers, padding included."""
        behind = trailing(self.window, self.extent, self.positions)
        return tuple(b + n + a for n, (b, _), a in zip(self.extent, self.pads, behind, strict=True))

    def around(self, extent: Shape, pads: Pads) -> Windows:
        """Give the same windows on what ``pads`` were put around, of ``extent``."""
        total = tuple((a + c, b + d) for (a, b), (c, d) in zip(pads, self.pads, strict=True))
        return replace(self, extent=extent, pads=total)

    @property
    def meets_everywhere(self) -> bool:
        """Whether some of the value is under every window; padding is half of it at most."""
        halves = all(max(p) <= k // 2 for p, k in zip(self.padding, self.kernel, strict=True))
        return halves and bool(self.counts(include_pad=False).min() > 0)

    def view(self, x: Array, fill: float) -> Array:
        """Give what is under the window, shape ``[batch, channels, *positions, *kernel]``."""
        check_size((*x.shape[:2], *self.reach))
        check_size((*x.shape[:2], *self.positions, *self.kernel))
        covering = replace(self.window, padding=self.padding)
        return sliding(padded(x, covering, fill), covering)

    def counts(self, *, include_pad: bool) -> Array:
        """Give the elements under each window that an average divides by, ``[*positions]``.

        Those of the padding count with ``include_pad``; those that only ``ceil_mode`` adds behind
        the padding never do.
        """
        return counted(self.window, self.extent, self.positions, padding=include_pad)


def _pads(node: OnnxNode, extent: Shape, effective: Shape, stride: Shape) -> Pads:
    mode = node.get("auto_pad", "NOTSET")
    axes = len(extent)
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        total = [
            max((-(-n // s) - 1) * s + e - n, 0)
            for n, e, s in zip(extent, effective, stride, strict=True)
        ]
        pairs = map(halves, total)
        return tuple(pairs if mode == "SAME_UPPER" else ((b, a) for a, b in pairs))
    pads = node.get("pads", (0,) * (2 * axes))
    if mode not in {"NOTSET", "VALID"} or len(pads) != 2 * axes or min(pads) < 0:
        found = f"auto_pad = {mode}, pads = {list(pads)}"
        raise OperatorError(found, f"{2 * axes} pads of 0 or more, or SAME_UPPER, SAME_LOWER")
    if mode == "VALID":
        return ((0, 0),) * axes
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def _positions(
    extent: int, effective: int, stride: int, pads: tuple[int, int], *, ceil: bool
) -> int:
    """Count the positions; with ``ceil`` none begins in the padding behind the value."""
    room = extent + sum(pads) - effective
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - ((count - 1) * stride >= extent + pads[0])


def convolve(x: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """Give the cross-correlation of ``x`` with ``weight``.

    Args:
        x: Shape ``[batch, c_in, *extent]``.
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        windows: Of the kernel's size.
        groups: Channels are convolved in so many independent groups.

    Raises:
        OperatorError: The channels of both do not fit.
    """
    c_out, c_in = weight.shape[:2]
    if groups < 1 or x.shape[1] != c_in * groups or c_out % groups:
        found = f"weights {list(weight.shape)} in {groups} groups on {list(x.shape)}"
        raise OperatorError(found, "weights [c_out, c_in / groups, *kernel]")
    check_size((x.shape[0], c_out, *windows.positions))
    view = windows.view(x, 0)
    axes = len(windows.kernel)
    over = [1, *range(2 + axes, 2 + 2 * axes)]
    parts = [
        np.tensordot(
            view[:, g * c_in : (g + 1) * c_in],
            weight[g * (c_out // groups) : (g + 1) * (c_out // groups)],
            (over, list(range(1, 2 + axes))),
        )
        for g in range(groups)
    ]
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)


def max_pool(x: Array, windows: Windows) -> Array:
    """Give the largest element under each window; padding is smaller than any."""
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    axes = tuple(range(-len(windows.kernel), 0))
    return np.asarray(windows.view(x, lowest).max(axis=axes))


def average_pool(x: Array, windows: Windows, *, include_pad: bool) -> Array:
    """Give the average under each window."""
    axes = tuple(range(-len(windows.kernel), 0))
    total = windows.view(x, 0).sum(axis=axes)
    return np.asarray(total / windows.counts(include_pad=include_pad).astype(x.dtype))
