"""What a part of a population needs of a projection into it: elements of the source, and operators.

A projection into a part gives to the last bit what the whole projection gives there, as every sum
keeps all its terms. Convolutions and pooling are cut as boxes of what they give; what weights alone
bring may be cut in any way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod

import numpy as np

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.mapping.regions import Box, Listed, Neurons, Region
from snnc.compiler.mapping.sliced import (
    channels_read,
    columns_read,
    kept,
    sliced_kernels,
    sliced_matrix,
)
from snnc.compiler.mapping.windows import AxisWindow, Places, axis_of, joined_axes, read_along
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    Window,
)

Operators = tuple[FixedOperator, ...]
Grid = tuple[Places, ...]
"""Elements of a value: those whose place on each axis is one of these, all of them ascending."""


class NotABox(ValueError):
    """A part is no box of what the windows of a projection give; the text says both."""


@dataclass(frozen=True, eq=False)
class Piece:
    """What a projection is to a part of its target.

    Attributes:
        source: The elements of the source that it reads.
        shape: Of these elements, as ``operators`` see them; in C order they ascend.
        operators: Give what the part is to get of them.
    """

    source: Region
    shape: Shape
    operators: Operators


def box_shape(operators: Operators, shape: Shape) -> Shape | None:
    """Give the shape of which a part has to be a box, None where it may be any neurons.

    Args:
        operators: Of a projection.
        shape: Of its source.
    """
    if isinstance(operators[-1], FixedDense | FixedSparse) or not _windowed(operators):
        return None
    return _shapes(operators, shape)[-1]


def elements_read(operators: Operators, shape: Shape, part: Region, whole: Shape) -> Region | None:
    """Give the elements of a source that a part of its target reads, None where there are none.

    Of dense weights these are the columns that are not all 0, or a box around them where they see
    pooled values; of windows all that is ever under them.

    Args:
        operators: Of the projection.
        shape: Of the source.
        part: Neurons of the target.
        whole: Shape of the target.

    Raises:
        NotABox: The part cannot be cut out; see ``box_shape``.
    """
    if not _windowed(operators):
        return _elements(operators[-1], shape, part, whole)
    way = _way_back(operators, _shapes(operators, shape), part, whole)
    return None if way is None else _region(way.grids[0], shape)


def piece(operators: Operators, shape: Shape, part: Region, whole: Shape) -> Piece | None:
    """Give what a projection is to a part of its target, None where it brings nothing.

    Args:
        operators: Of the projection.
        shape: Of the source.
        part: Neurons of the target.
        whole: Shape of the target.

    Raises:
        NotABox: The part cannot be cut out; see ``box_shape``.
    """
    if _windowed(operators):
        return _windowed_piece(operators, shape, part, whole)
    source = _elements(operators[-1], shape, part, whole)
    if source is None:
        return None
    rows = part.indices(whole)
    if isinstance(operators[-1], FixedScaling):
        return Piece(source, source.shape, (FixedScaling(weight=kept(operators[-1].weight[rows])),))
    cut = sliced_matrix(_matrix(operators[-1]), rows, source.indices(shape))
    return Piece(source, source.shape, (cut,))


# --- weights alone -----------------------------------------------------------------------------


def _elements(operator: FixedOperator, shape: Shape, part: Region, whole: Shape) -> Region | None:
    if isinstance(operator, FixedScaling):
        return part if shape == whole else Listed(part.indices(whole))
    columns = columns_read(_matrix(operator), part.indices(whole))
    if not columns.size:
        return None
    return Box.whole(shape) if columns.size == prod(shape) else Listed(columns)


def _matrix(operator: FixedOperator) -> FixedDense | FixedSparse:
    if isinstance(operator, FixedDense | FixedSparse):
        return operator
    raise InternalError(f"a {type(operator).__name__} is no matrix")


# --- windows -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Way:
    """From what windows give back to what they read.

    Attributes:
        grids: What the first operator reads, what it gives of that, and so on.
        windows: What is left of the window of each operator.
    """

    grids: tuple[Grid, ...]
    windows: tuple[Window, ...]


def _windowed(operators: Operators) -> bool:
    return any(isinstance(o, FixedConvolution | SumPooling | MaxPooling) for o in operators)


def _shapes(operators: Operators, shape: Shape) -> tuple[Shape, ...]:
    """Give the shape of the source and those behind each operator."""
    return tuple(accumulate(operators, lambda s, o: o.result_shape(s), initial=shape))


def _windowed_piece(operators: Operators, shape: Shape, part: Region, whole: Shape) -> Piece | None:
    shapes = _shapes(operators, shape)
    way = _way_back(operators, shapes, part, whole)
    if way is None:
        return None
    cut: list[FixedOperator] = []
    for operator, window, given, result, grid in zip(
        operators, way.windows, shapes, way.grids[1:], way.grids, strict=False
    ):
        cut.append(_cut_operator(operator, window, given, grid, result))
    if len(way.windows) < len(operators):
        columns = np.ravel_multi_index(np.ix_(*way.grids[-1]), shapes[-2]).reshape(-1)
        cut.append(sliced_matrix(_matrix(operators[-1]), part.indices(whole), columns))
    return Piece(_region(way.grids[0], shape), tuple(map(len, way.grids[0])), tuple(cut))


def _cut_operator(
    operator: FixedOperator, window: Window, shape: Shape, grid: Grid, result: Grid
) -> FixedOperator:
    """Give the operator that makes ``result`` of ``grid``, elements of a value of ``shape``."""
    match operator:
        case SumPooling() | MaxPooling():
            return replace(operator, window=window)
        case FixedConvolution():
            channels = result[0]
            weight, groups = sliced_kernels(operator, int(channels[0]), int(channels[-1]) + 1)
            return FixedConvolution(weight=weight, window=window, groups=groups)
        case FixedScaling():
            factors = operator.weight.reshape(shape)[np.ix_(*grid)]
            return FixedScaling(weight=kept(factors.reshape(-1)))
        case _:
            raise InternalError(f"a {type(operator).__name__} before other operators")


def _way_back(
    operators: Operators, shapes: tuple[Shape, ...], part: Region, whole: Shape
) -> _Way | None:
    """Go back from a part to the source, None where all that is read is padding or has no weight.

    A matrix at the end reads a box of what is pooled before it.
    """
    last = operators[-1]
    if isinstance(last, FixedDense | FixedSparse):
        columns = columns_read(last, part.indices(whole))
        if not columns.size:
            return None
        operators = operators[:-1]
        box = _box_around(columns, shapes[-2])
    else:
        box = _box_of(part, whole, shapes[-1])
    axes: list[tuple[Places, ...]] = [_channels_back(operators, box.begin[0], box.end[0])]
    windows: list[tuple[AxisWindow, ...]] = []
    for axis in range(1, len(box.shape)):
        found = read_along(
            tuple(_along(operator, axis - 1) for operator in operators),
            tuple(shape[axis] for shape in shapes[: len(operators)]),
            np.arange(box.begin[axis], box.end[axis]),
        )
        if found is None:
            return None
        axes.append(found[0])
        windows.append(found[1])
    return _Way(tuple(zip(*axes, strict=True)), tuple(map(joined_axes, zip(*windows, strict=True))))


def _channels_back(operators: Operators, begin: int, end: int) -> tuple[Places, ...]:
    """Give the channels of the source and those behind each operator."""
    found = [np.arange(begin, end)]
    for operator in operators[::-1]:
        if isinstance(operator, FixedConvolution):
            begin, end = channels_read(operator, begin, end)
        found.insert(0, np.arange(begin, end))
    return tuple(found)


def _along(operator: FixedOperator, axis: int) -> AxisWindow:
    """Give the window of an operator on one axis: of factors it is an element wide."""
    match operator:
        case FixedConvolution() | SumPooling() | MaxPooling():
            return axis_of(operator.window, axis)
        case _:
            return AxisWindow(1, 1, (0, 0), 1)


def _box_of(part: Region, whole: Shape, shape: Shape) -> Box:
    """Give a part of a population of shape ``whole`` as a box of ``shape``.

    Raises:
        NotABox: It is none.
    """
    if isinstance(part, Box) and whole == shape:
        return part
    neurons = part.indices(whole)
    box = _box_around(neurons, shape)
    if box.size != neurons.size:
        raise NotABox(f"{neurons.size} neurons within a box {list(box.shape)} of {list(shape)}")
    return box


def _box_around(elements: Neurons, shape: Shape) -> Box:
    places = np.unravel_index(elements, shape)
    return Box(tuple(int(p.min()) for p in places), tuple(int(p.max()) + 1 for p in places))


def _region(grid: Grid, shape: Shape) -> Region:
    """Give the elements of a grid, which are a box where they are consecutive on each axis."""
    begin, end = tuple(int(p[0]) for p in grid), tuple(int(p[-1]) + 1 for p in grid)
    box = Box(begin, end)
    if box.shape == tuple(map(len, grid)):
        return box
    return Listed(np.ravel_multi_index(np.ix_(*grid), shape).reshape(-1))
