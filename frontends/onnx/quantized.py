"""Numbers of few bits: QuantizeLinear and DequantizeLinear of ONNX."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnc.frontends.onnx.model import Array, Call, OnnxNode, OperatorError, Shape

TYPES = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16"}
"""``TensorProto.DataType`` to what it stands for, of the types to quantize to."""
INTEGERS = ("uint8", "int8", "uint16", "int16", "int32")


def quantize(call: Call) -> Array:
    """Give ``saturate(round_half_even(x / scale) + zero_point)``.

    The type is that of the zero point, else ``output_dtype``, else uint8 (Operators.md of ONNX).
    """
    x, scale = call.operands[:2]
    to = call.node.get("output_dtype", 0)
    zero = np.zeros((), TYPES.get(to, "uint8")) if call.given(2) is None else call.given(2)
    kind = np.asarray(zero).dtype
    if kind.name not in INTEGERS or (to and TYPES.get(to) != kind.name):
        raise OperatorError(f"to numbers of type {kind}", ", ".join(INTEGERS))
    scale, zero = (_spread(call.node, p, x) for p in (scale, zero))
    info = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(x / scale) + zero, info.min, info.max).astype(kind))


def dequantize(call: Call) -> Array:
    """Give ``(x - zero_point) * scale`` in the type of the scale."""
    x, scale = call.operands[:2]
    zero = np.asarray(0 if call.given(2) is None else call.given(2))
    if x.dtype.name not in INTEGERS:
        raise OperatorError(f"numbers of type {x.dtype}", ", ".join(INTEGERS))
    scale, zero = (_spread(call.node, p, x) for p in (scale, zero))
    return np.asarray((x.astype(np.int64) - zero).astype(scale.dtype) * scale)


@dataclass(frozen=True, eq=False)
class Quantizer:
    """A QuantizeLinear.

    Attributes:
        node: The operator.
        scale: Difference of values that stand for neighboring integers.
        zero: The integer that stands for 0.
    """

    node: OnnxNode
    scale: Array
    zero: Array

    @classmethod
    def of(cls, call: Call) -> Quantizer:
        """Read its numbers."""
        to = TYPES.get(call.node.get("output_dtype", 0), "uint8")
        zero = np.zeros((), to) if call.given(2) is None else np.asarray(call.given(2))
        return cls(call.node, np.asarray(call.given(1)), zero)

    def held(self, shape: Shape, over: float = 0.0) -> tuple[Array, Array]:
        """Give the least and the largest value that integers stand for.

        Args:
            shape: Of the values, with batch.
            over: How far a value may be outside, in units of the scale.

        Returns:
            Both broadcast to the values.
        """
        like = np.broadcast_to(np.float32(0), shape)
        scale, zero = (
            _spread(self.node, p.astype(np.float64), like) for p in (self.scale, self.zero)
        )
        info = np.iinfo(self.zero.dtype)
        low, high = (info.min - zero - over) * scale, (info.max - zero + over) * scale
        return np.asarray(low), np.asarray(high)

    def range(self, shape: Shape) -> str:
        """Tell of the values that integers stand for."""
        low, high = self.held(shape)
        return f"{low.min():g} to {high.max():g}, the values that {self.zero.dtype} stands for"

    def clipped(self, x: Array) -> int:
        """Count the values that are clipped, and not only rounded."""
        low, high = self.held(x.shape, 0.5)
        return int(((x < low) | (x > high)).sum())


def _spread(node: OnnxNode, values: Array, x: Array) -> Array:
    """Give one number for all, or one along an axis, or one for each block of an axis."""
    if values.size == 1:
        return values.reshape(())
    axis, block = node.get("axis", 1), node.get("block_size", 0)
    if block:
        repeated = np.repeat(values, block, axis=axis)
        return repeated[tuple(slice(n) for n in x.shape)]
    shape = [1] * x.ndim
    shape[axis] = -1
    return values.reshape(shape)
