"""What a projection makes of what its source sends: weights, pooling, one after the other.

Every operator takes one value and gives one, of a shape that follows from its own fields. Real
operators belong to a ``Network``, integer ones to a ``FixedNetwork``; pooling without a divisor is
the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen

Shape: TypeAlias = tuple[int, ...]
Reals = npt.NDArray[np.float32]
Weights = npt.NDArray[np.int8 | np.int16]
"""The second where weights of one sign have 8 bits: up to 255 in magnitude."""


class ShapeError(ValueError):
    """A value has a shape that an operator does not take; the text says both."""


@dataclass(frozen=True)
class Window:
    """A window that moves over the last axes of a value; one entry an axis.

    Attributes:
        kernel: Elements under the window.
        stride: Elements from one position to the next.
        padding: Zeros before the first and after the last element.
        dilation: Elements from one under the window to the next.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def reach(self) -> Shape:
        """Elements from the first under the window to the last, both included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def positions(self, shape: Shape) -> Shape:
        """Give the number of positions of the window on each axis.

        Args:
            shape: Extent of the value on the axes of the window.

        Raises:
            ShapeError: The window is larger than the padded value, or has other axes.
        """
        if not self.kernel or len(shape) != len(self.kernel):
            raise ShapeError(f"a window of {len(self.kernel)} axes on {list(shape)}")
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            raise ShapeError(f"a window of {list(self.kernel)} in steps of {list(self.stride)}")
        counts = tuple(
            (n + before + after - reach) // s + 1
            for n, reach, s, (before, after) in zip(
                shape, self.reach, self.stride, self.padding, strict=True
            )
        )
        if min(counts) < 1:
            raise ShapeError(f"a window of {list(self.kernel)} does not fit on {list(shape)}")
        return counts


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Frozen):
    """``y = W x + b``; ``x`` of any shape, flattened in C order.

    Attributes:
        weight: ``W``, shape ``[n_out, n_in]``.
        bias: ``b``, shape ``[n_out]``.
    """

    tagged: ClassVar[bool] = True
    weight: Reals
    bias: Reals

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[n_out]``."""
        _check_bias(self.bias.shape, self.weight.shape)
        return _dense_shape(self.weight.shape, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Frozen):
    """Cross-correlation with ``weight``, as every framework's convolution: nothing is flipped.

    Attributes:
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        bias: Shape ``[c_out]``.
        window: Of the kernel's shape.
        groups: Channels are convolved in so many independent groups.
    """

    tagged: ClassVar[bool] = True
    weight: Reals
    bias: Reals
    window: Window
    groups: int

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c_out, *positions]`` of ``[c_in, *extent]``."""
        _check_bias(self.bias.shape, self.weight.shape)
        return _convolution_shape(self.weight.shape, self.window, self.groups, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaling(Frozen):
    """``y = factor * x + shift`` for each element, rounded once (a fused multiply-add).

    That is how torch computes a batch norm in evaluation; without a shift it is a product.

    Attributes:
        factor: Shape of the value, or one that broadcasts to it.
        shift: The same.
    """

    tagged: ClassVar[bool] = True
    factor: Reals
    shift: Reals

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``shape``."""
        for array in (self.factor, self.shift):
            _check_broadcast(array.shape, shape)
        return shape


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling(Frozen):
    """Sum under the window in the order of its elements, then divided.

    Attributes:
        window: Over the axes behind the first.
        divisors: Shape ``[m, *positions]`` or one that broadcasts to it: divided by one after the
            other, as ``sum / 9`` and ``sum / 3 / 3`` differ in the last bit.
    """

    tagged: ClassVar[bool] = True
    window: Window
    divisors: Reals

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c, *positions]`` of ``[c, *extent]``."""
        result = _pooled_shape(self.window, shape)
        _check_broadcast(self.divisors.shape[1:], result[1:])
        return result


@dataclass(frozen=True, kw_only=True)
class SumPooling:
    """Sum under the window."""

    tagged: ClassVar[bool] = True
    window: Window

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c, *positions]`` of ``[c, *extent]``."""
        return _pooled_shape(self.window, shape)


@dataclass(frozen=True, kw_only=True)
class MaxPooling:
    """Largest element under the window; padding is smaller than any."""

    tagged: ClassVar[bool] = True
    window: Window

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c, *positions]`` of ``[c, *extent]``."""
        return _pooled_shape(self.window, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedDense(Frozen):
    """``y = W x`` in integers.

    Attributes:
        weight: Two's complement, shape ``[n_out, n_in]``.
    """

    tagged: ClassVar[bool] = True
    weight: Weights

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[n_out]``."""
        return _dense_shape(self.weight.shape, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedConvolution(Frozen):
    """Cross-correlation in integers; see ``Convolution``."""

    tagged: ClassVar[bool] = True
    weight: Weights
    window: Window
    groups: int

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c_out, *positions]`` of ``[c_in, *extent]``."""
        return _convolution_shape(self.weight.shape, self.window, self.groups, shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedScaling(Frozen):
    """``y = w x`` for each element: one synapse a neuron.

    Attributes:
        weight: Two's complement, shape ``[n]``, ``n`` the size of the value.
    """

    tagged: ClassVar[bool] = True
    weight: Weights

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``shape``."""
        if self.weight.shape != (prod(shape),):
            raise ShapeError(f"{list(self.weight.shape)} weights on {list(shape)}")
        return shape


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedSparse(Frozen):
    """``y = W x`` in integers, of a large matrix of which few weights are not zero.

    They stand source by source: those of source ``j`` at ``begin[j]`` to ``begin[j + 1] - 1``.

    Attributes:
        weight: Shape ``[nnz]``.
        target: The row of each weight, 0 to ``n_out - 1``, ascending within a source; shape
            ``[nnz]``.
        begin: Shape ``[n_in + 1]``, from 0 to ``nnz``.
        n_out: Rows of the matrix.
    """

    tagged: ClassVar[bool] = True
    weight: Weights
    target: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    n_out: int

    def __post_init__(self) -> None:
        """Keep read-only copies.

        Raises:
            ValueError: The arrays are no such lists.
        """
        super().__post_init__()
        problem = _list_problem(self)
        if problem is not None:
            raise ValueError(problem)

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[n_out]``."""
        return _dense_shape(self.shape, shape)

    @classmethod
    def of(cls, weight: Weights) -> FixedSparse:
        """Give what is not zero in a matrix of shape ``[n_out, n_in]``."""
        sources, targets = np.nonzero(weight.T)
        begin = np.zeros(weight.shape[1] + 1, np.int64)
        np.cumsum(np.bincount(sources, minlength=weight.shape[1]), out=begin[1:])
        return cls(
            weight=weight[targets, sources],
            target=targets.astype(np.int32),
            begin=begin,
            n_out=weight.shape[0],
        )

    @property
    def shape(self) -> Shape:
        """Of the matrix, ``[n_out, n_in]``."""
        return self.n_out, self.begin.size - 1

    @property
    def source(self) -> npt.NDArray[np.int64]:
        """The column of each weight, shape ``[nnz]``."""
        return np.repeat(np.arange(self.begin.size - 1), np.diff(self.begin))

    @property
    def matrix(self) -> Weights:
        """The whole matrix, shape ``[n_out, n_in]``: of use only where there is room for it."""
        matrix = np.zeros(self.shape, self.weight.dtype)
        matrix[self.target, self.source] = self.weight
        return matrix


Operator: TypeAlias = Dense | Convolution | Scaling | AveragePooling | SumPooling | MaxPooling
"""In real numbers."""
FixedWeighted: TypeAlias = FixedDense | FixedSparse | FixedConvolution | FixedScaling
"""In integers, with weights."""
FixedOperator: TypeAlias = (
    FixedDense | FixedSparse | FixedConvolution | FixedScaling | SumPooling | MaxPooling
)
"""In integers."""


def result_shape(operators: tuple[Operator | FixedOperator, ...], shape: Shape) -> Shape:
    """Give the shape that ``operators``, one after the other, make of ``shape``.

    Raises:
        ShapeError: One of them does not take what the one before gives.
    """
    for operator in operators:
        shape = operator.result_shape(shape)
    return shape


def _list_problem(o: FixedSparse) -> str | None:
    """Say what is wrong with lists of weights, or give None."""
    nnz = o.weight.size
    if o.weight.ndim != 1 or o.target.shape != (nnz,):
        return f"weights of shape {list(o.weight.shape)} in rows of shape {list(o.target.shape)}"
    if o.begin.ndim != 1 or not o.begin.size or o.begin[0] != 0 or o.begin[-1] != nnz:
        return f"lists that do not begin at 0 and end at {nnz}"
    if (o.begin[1:] < o.begin[:-1]).any():
        return "lists that do not begin one after the other"
    if nnz and not 0 <= o.target.min() <= o.target.max() < o.n_out:
        return f"rows {o.target.min()} to {o.target.max()} of a matrix of {o.n_out}"
    follows = o.target[1:] > o.target[:-1]
    first = o.begin[(o.begin > 0) & (o.begin < nnz)]
    follows[first - 1] = True  # of another source
    return None if follows.all() else "rows that do not ascend within a source"


def weights_in_full(operators: tuple[FixedOperator, ...]) -> Weights:
    """Give the weights of the one operator that has any, with all their zeros."""
    (weighted,) = (o for o in operators if isinstance(o, FixedWeighted))
    return weighted.matrix if isinstance(weighted, FixedSparse) else weighted.weight


def _check_bias(bias: Shape, weight: Shape) -> None:
    if bias != weight[:1]:
        raise ShapeError(f"a bias of shape {list(bias)} beside a weight of shape {list(weight)}")


def _dense_shape(weight: Shape, shape: Shape) -> Shape:
    if len(weight) != 2 or weight[1] != prod(shape):
        raise ShapeError(f"a weight of shape {list(weight)} on {prod(shape)} values")
    return weight[:1]


def _convolution_shape(weight: Shape, window: Window, groups: int, shape: Shape) -> Shape:
    if weight[2:] != window.kernel or len(weight) < 3:
        raise ShapeError(f"a weight of shape {list(weight)} for a kernel {list(window.kernel)}")
    if groups < 1 or weight[0] % groups:
        raise ShapeError(f"a weight of shape {list(weight)} in {groups} groups")
    if len(shape) != len(weight) - 1 or shape[0] != weight[1] * groups:
        wanted = [weight[1] * groups, *("*" for _ in window.kernel)]
        raise ShapeError(
            f"a weight of shape {list(weight)} in {groups} groups takes "
            f"[{', '.join(map(str, wanted))}], not {list(shape)}"
        )
    return weight[0], *window.positions(shape[1:])


def _pooled_shape(window: Window, shape: Shape) -> Shape:
    if len(shape) != len(window.kernel) + 1:
        raise ShapeError(
            f"pooling over {len(window.kernel)} axes behind the first of {list(shape)}"
        )
    return shape[0], *window.positions(shape[1:])


def _check_broadcast(array: Shape, shape: Shape) -> None:
    try:
        fits = np.broadcast_shapes(array, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"numbers of shape {list(array)} for values of shape {list(shape)}")
