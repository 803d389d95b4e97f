"""Operators of every form that the native engine has for them."""

from __future__ import annotations

import numpy as np

from snnc.compiler.operators import (
    FixedConvolution,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
    Window,
)
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.lava.networks import Array


def weights(*shape: int, wide: bool = False) -> Array:
    rng = np.random.default_rng(3)
    return (
        rng.integers(0, 256, shape, np.int16) if wide else rng.integers(-128, 128, shape, np.int8)
    )


def kernels(moved: Window) -> FixedConvolution:
    return FixedConvolution(weight=weights(5, 3, *moved.kernel), window=moved, groups=1)


LONG = 700
"""More rows than 16 bits hold the sum of."""
MANY, SPARSE = (
    weights(300, 64) * (np.random.default_rng(4).random((300, 64)) < share).astype(np.int8)
    for share in (0.1, 0.02)
)
"""Enough for rows of all weights, and so few that there are lists."""
OPERATORS: dict[str, tuple[tuple[int, ...], tuple[FixedOperator, ...]]] = {
    "dense": ((40,), (fixed_dense(weights(33, 40)),)),
    "dense of many columns": ((300,), (fixed_dense(weights(700, 300)),)),
    "dense, of the largest weights": ((LONG,), (fixed_dense(np.full((5, LONG), 127)),)),
    "dense, of the smallest weights": ((LONG,), (fixed_dense(np.full((5, LONG), -128)),)),
    "dense, inhibitory": ((LONG,), (fixed_dense(-weights(50, LONG, wide=True)),)),
    "dense, 8 bits without a sign": ((300,), (fixed_dense(weights(70, 300, wide=True)),)),
    "dense, even": ((LONG,), (fixed_dense(weights(71, LONG) & ~1),)),
    "dense, of 7 bits": ((LONG,), (fixed_dense(weights(71, LONG) // 2),)),
    "dense, even, 9 bits": ((300,), (fixed_dense(weights(70, 300).astype(np.int16) * 2),)),
    "dense, even, 8 bits without a sign": (
        (300,),
        (fixed_dense(weights(70, 300, wide=True) & ~1),),
    ),
    "few of a matrix": ((64,), (fixed_dense(SPARSE),)),
    "few of a matrix, 8 bits without a sign": ((64,), (fixed_dense(SPARSE.astype(np.int16) * 2),)),
    "enough of lists": ((4, 16), (FixedSparse.of(MANY),)),
    "enough of lists, behind pooling": (
        (2, 10, 8),
        (SumPooling(window=window(2, 2, stride=2)), FixedSparse.of(MANY[:, :40])),
    ),
    "enough of lists, inhibitory": ((64,), (FixedSparse.of(-abs(MANY.astype(np.int16))),)),
    "sparse": ((4, 16), (FixedSparse.of(SPARSE),)),
    "sparse, 8 bits without a sign": ((64,), (FixedSparse.of(SPARSE.astype(np.int16) * 2),)),
    "sparse behind pooling": (
        (2, 10, 8),
        (SumPooling(window=window(2, 2, stride=2)), FixedSparse.of(SPARSE[:, :40])),
    ),
    "scaling": ((3, 5), (FixedScaling(weight=weights(15)),)),
    "scaling, 8 bits without a sign": ((3, 5), (FixedScaling(weight=weights(15, wide=True)),)),
    "kernels in runs": ((3, 9, 8), (fixed_convolution(weights(5, 3, 3, 4)),)),
    "kernels of whole vectors": ((2, 9, 8), (fixed_convolution(weights(16, 2, 3, 5)),)),
    "kernels, 8 bits without a sign": (
        (3, 9, 8),
        (fixed_convolution(weights(5, 3, 3, 4, wide=True)),),
    ),
    "kernels whose sums need 32 bits": (
        (40, 9, 8),
        (fixed_convolution(np.full((3, 40, 3, 3), 127)),),
    ),
    "kernels of many channels": ((2, 7, 7), (fixed_convolution(weights(40, 2, 3, 3)),)),
    "kernels of half the value": ((3, 5, 6), (fixed_convolution(weights(4, 3, 4, 5)),)),
    "kernels of the whole value": ((3, 5, 6), (fixed_convolution(weights(4, 3, 5, 6)),)),
    "each channel alone": ((20, 6, 7), (fixed_convolution(weights(20, 1, 3, 3), groups=20),)),
    "sum behind": (
        (1, 12, 12),
        (fixed_convolution(weights(8, 1, 5, 5)), SumPooling(window=window(2, 2, stride=2))),
    ),
    "sum behind, padded": (
        (2, 9, 9),
        (
            fixed_convolution(weights(4, 2, 3, 3), padding=1),
            SumPooling(window=window(3, 3, stride=2, padding=1)),
        ),
    ),
    "sum before, padded kernels": (
        (2, 11, 11),
        (
            SumPooling(window=window(3, 3, stride=2, padding=1)),
            fixed_convolution(weights(4, 2, 3, 3), padding=1),
        ),
    ),
    "sum of everything behind": (
        (2, 9, 9),
        (fixed_convolution(weights(40, 2, 3, 3)), SumPooling(window=window(7, 7))),
    ),
    "sum behind groups": (
        (4, 9, 8),
        (fixed_convolution(weights(6, 2, 3, 4), groups=2), SumPooling(window=window(2, 2))),
    ),
    "largest behind groups": (
        (4, 9, 8),
        (fixed_convolution(weights(6, 2, 3, 4), groups=2), MaxPooling(window=window(2, 2))),
    ),
    "one axis": ((3, 20), (fixed_convolution(weights(5, 3, 4), padding=(1, 2)),)),
    "padding on one side": (
        (3, 9, 8),
        (kernels(Window((3, 4), (1, 1), ((2, 0), (0, 3)), (1, 1))),),
    ),
    "strides": ((3, 9, 8), (kernels(Window((3, 4), (2, 3), ((0, 0), (0, 0)), (1, 1))),)),
    "rows in strides": ((3, 9, 8), (kernels(Window((3, 4), (2, 1), ((0, 0), (0, 0)), (1, 1))),)),
    "dilation": (
        (3, 11, 12),
        (kernels(Window((3, 4), (1, 1), ((1, 1), (2, 2)), (2, 3))),),
    ),
    "groups": ((4, 9, 8), (fixed_convolution(weights(6, 2, 3, 4), groups=2),)),
    "largest before kernels": (
        (3, 10, 8),
        (MaxPooling(window=window(2, 2, stride=2)), fixed_convolution(weights(5, 3, 3, 2))),
    ),
    "sum before and behind": (
        (3, 10, 8),
        (
            SumPooling(window=window(3, 2)),
            fixed_convolution(weights(5, 3, 3, 2)),
            SumPooling(window=window(2, 2)),
        ),
    ),
    "largest behind": (
        (3, 10, 8),
        (fixed_convolution(weights(5, 3, 3, 2)), MaxPooling(window=window(2, 2, stride=2))),
    ),
    "largest behind factors": (
        (3, 10, 8),
        (FixedScaling(weight=weights(240)), MaxPooling(window=window(2, 3, stride=2))),
    ),
    "two poolings on each side": (
        (2, 12, 12),
        (
            SumPooling(window=window(2, 2)),
            MaxPooling(window=window(2, 2)),
            FixedScaling(weight=weights(200)),
            MaxPooling(window=window(2, 2)),
            SumPooling(window=window(2, 2)),
        ),
    ),
}
