"""Numbers of few bits: QuantizeLinear and DequantizeLinear of ONNX."""

from __future__ import annotations

import numpy as np

from snnc.frontends.onnx.model import Array, Call, OnnxNode, OperatorError

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
