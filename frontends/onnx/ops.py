"""What the operators of ONNX compute, in NumPy: plain, for calibration, folding and comparison.

The meaning of each, and how it changed from one version to the next, is in ONNX's Operators.md and
Changelog.md.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from snnc.frontends.onnx.model import Array, Call, OnnxNode, Operands, OperatorError
from snnc.frontends.onnx.quantized import dequantize, quantize
from snnc.frontends.onnx.windows import (
    Windows,
    average_pool,
    check_size,
    convolve,
    max_pool,
)

Compute = Callable[[Call], Array]

CASTS = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    11: np.float64,
}
"""``TensorProto.DataType`` to the types that ``Cast`` may give."""


def compute(node: OnnxNode, operands: Operands, opset: int) -> Array:
    """Give the first output of ``node``; no other is computed.

    Args:
        node: An operator.
        operands: Its inputs, None where an optional one is left out.
        opset: Version of the operators.

    Raises:
        OperatorError: The operator, or what it asks for, is not known.
    """
    if node.op not in OPERATORS:
        raise OperatorError(f"the operator {node.op}", ", ".join(sorted(OPERATORS)))
    if node.op != "Constant" and (not operands or operands[0] is None):
        raise OperatorError("no input", f"an input of {node.op}")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(OPERATORS[node.op](Call(node, operands, opset)))
    except OperatorError:
        raise
    except (ValueError, IndexError, TypeError, OverflowError, AttributeError) as error:
        raise misfit(Call(node, operands, opset), error) from error


def misfit(call: Call, error: Exception) -> OperatorError:
    """Tell of inputs that NumPy does not compute with."""
    shapes = ", ".join(str(list(o.shape)) for o in call.operands if o is not None)
    reason = str(error).partition("\n")[0]
    found = f"inputs of shape {shapes}: {reason}"
    return OperatorError(found, f"inputs as ONNX defines {call.node.op}")


def _axes(call: Call) -> tuple[int, ...] | None:
    """Axes are an attribute of older operators and the second input of newer ones."""
    given = call.given(1)
    if given is not None:
        return tuple(int(a) for a in np.asarray(given).reshape(-1))
    return call.node.get("axes", ()) if "axes" in call.node.attributes else None


def _binary(function: Callable[[Array, Array], Array]) -> Compute:
    def apply(call: Call) -> Array:
        a, b = call.operands
        if call.opset < 7 and call.node.get("broadcast", 0):
            axis = call.node.get("axis", a.ndim - b.ndim)  # b lies along the axes of a from here on
            b = b.reshape((*b.shape, *(1,) * (a.ndim - axis - b.ndim)))
        check_size(np.broadcast_shapes(a.shape, b.shape))
        return function(a, b)

    return apply


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    return np.asarray(np.trunc(a / b)).astype(a.dtype)


def _sum(call: Call) -> Array:
    total = call.operands[0]
    for other in call.operands[1:]:
        check_size(np.broadcast_shapes(total.shape, other.shape))
        total = total + other
    return np.asarray(total)


def _matmul(call: Call) -> Array:
    a, b = call.operands
    if a.ndim > 1 and b.ndim > 1:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        check_size((*batch, a.shape[-2], b.shape[-1]))
    return np.asarray(a @ b)


def _gemm(call: Call) -> Array:
    a, b = call.operands[:2]
    a = a.T if call.node.get("transA", 0) else a
    b = b.T if call.node.get("transB", 0) else b
    check_size((a.shape[0], b.shape[1]))
    y = np.asarray(a @ b)
    alpha, beta = call.node.get("alpha", 1.0), call.node.get("beta", 1.0)
    y = y if alpha == 1 else y * y.dtype.type(alpha)
    c = call.given(2)
    if c is None:
        return y
    return np.asarray(y + (c if beta == 1 else c * y.dtype.type(beta)))


def _conv(call: Call) -> Array:
    x, weight = call.operands[:2]
    kernel = call.node.get("kernel_shape", weight.shape[2:])
    if kernel != weight.shape[2:]:
        raise OperatorError(f"kernel_shape {list(kernel)}", f"{list(weight.shape[2:])} of weights")
    windows = Windows.of(call.node, x.shape, kernel)
    y = convolve(x, weight, windows, call.node.get("group", 1))
    bias = call.given(2)
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(kernel))


def _max_pool(call: Call) -> Array:
    x = call.operands[0]
    return max_pool(x, Windows.of(call.node, x.shape, call.node.get("kernel_shape", ())))


def _average_pool(call: Call) -> Array:
    x = call.operands[0]
    windows = Windows.of(call.node, x.shape, call.node.get("kernel_shape", ()))
    return average_pool(x, windows, include_pad=call.node.get("count_include_pad", 0) != 0)


def _global(function: Callable[..., Any]) -> Compute:
    def apply(call: Call) -> Array:
        x = call.operands[0]
        return np.asarray(function(x, axis=tuple(range(2, x.ndim)), keepdims=True))

    return apply


def _reduce_mean(call: Call) -> Array:
    x = call.operands[0]
    axes = reduced_axes(call, x.ndim)
    return np.asarray(np.mean(x, axis=axes, keepdims=call.node.get("keepdims", 1) != 0))


def reduced_axes(call: Call, ndim: int) -> tuple[int, ...]:
    """Give the axes of a mean, counted from 0: all where none are named.

    Args:
        call: ``ReduceMean``, or ``GlobalAveragePool``: all behind the channels.
        ndim: Axes of the value.
    """
    if call.node.op == "GlobalAveragePool":
        return tuple(range(2, ndim))
    axes = _axes(call)
    if not axes and call.node.get("noop_with_empty_axes", 0):
        return ()
    return tuple(sorted(a % ndim for a in axes)) if axes else tuple(range(ndim))


def _batch_norm(call: Call) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, in evaluation."""
    if call.node.get("training_mode", 0) or (call.opset < 7 and not call.node.get("is_test", 0)):
        raise OperatorError("training mode", "the statistics of the training, as numbers")
    x, *parameters = call.operands
    scale, bias, mean, var = (p.reshape(-1, *(1,) * (x.ndim - 2)) for p in parameters)
    factor = scale / np.sqrt(var + var.dtype.type(call.node.get("epsilon", 1e-5)))
    return np.asarray(x * factor + (bias - mean * factor))


def _clip(call: Call) -> Array:
    x = call.operands[0]
    low, high = _bounds(call)
    y = x if low is None else np.maximum(x, np.asarray(low, x.dtype))
    return np.asarray(y if high is None else np.minimum(y, np.asarray(high, x.dtype)))


def _bounds(call: Call) -> tuple[Any, Any]:
    if call.opset >= 11:
        return call.given(1), call.given(2)
    return call.node.attributes.get("min"), call.node.attributes.get("max")


def clip_bounds(call: Call) -> tuple[float, float]:
    """Give the bounds of ``Clip``, infinite where there are none.

    Raises:
        OperatorError: They depend on the data.
    """
    low, high = (
        d if b is None else b for b, d in zip(_bounds(call), (-np.inf, np.inf), strict=True)
    )
    if np.size(low) != 1 or np.size(high) != 1:
        raise OperatorError("bounds that are not one number each", "numbers")
    return float(np.asarray(low).item()), float(np.asarray(high).item())


def _softmax(call: Call) -> Array:
    """Along one axis; before version 13 along all from that axis on."""
    x = call.operands[0]
    axis = call.node.get("axis", -1 if call.opset >= 13 else 1)
    over = (axis,) if call.opset >= 13 else tuple(range(axis % x.ndim, x.ndim))
    shifted = x - x.max(axis=over, keepdims=True)
    total = np.exp(shifted).sum(axis=over, keepdims=True)
    return np.asarray(shifted - np.log(total) if "Log" in call.node.op else np.exp(shifted) / total)


def _reshape(call: Call) -> Array:
    x, shape = call.operands
    zeros = call.node.get("allowzero", 0)
    sizes = [int(n) for n in shape.reshape(-1)]
    wanted = [x.shape[i] if n == 0 and not zeros else n for i, n in enumerate(sizes)]
    return np.asarray(x.reshape(wanted))


def _flatten(call: Call) -> Array:
    x, axis = call.operands[0], call.node.get("axis", 1)
    first = prod(x.shape[: axis if axis >= 0 else axis + x.ndim])
    return np.asarray(x.reshape(first, x.size // max(first, 1)))


def _transpose(call: Call) -> Array:
    x = call.operands[0]
    return np.asarray(np.transpose(x, call.node.get("perm", tuple(reversed(range(x.ndim))))))


def _squeeze(call: Call) -> Array:
    return np.asarray(np.squeeze(call.operands[0], _axes(call)))


def _unsqueeze(call: Call) -> Array:
    axes = _axes(call) or ()
    if len(axes) > 8:
        raise OperatorError(f"{len(axes)} new axes", "8")
    return np.asarray(np.expand_dims(call.operands[0], axes))


def _concat(call: Call) -> Array:
    return np.concatenate(list(call.operands), axis=call.node.get("axis", 1))


def _pad(call: Call) -> Array:
    x, mode = call.operands[0], call.node.get("mode", "constant")
    before, after = pad_widths(call, x.ndim)
    value = call.given(2) if call.opset >= 11 else call.node.get("value", 0.0)
    cut = tuple(
        slice(max(-b, 0), n - max(-a, 0)) for n, b, a in zip(x.shape, before, after, strict=True)
    )
    widths = [(max(b, 0), max(a, 0)) for b, a in zip(before, after, strict=True)]
    check_size(tuple(n + sum(w) for n, w in zip(x.shape, widths, strict=True)))
    if mode == "constant":
        fill = 0 if value is None else np.asarray(value).reshape(-1)[0]
        return np.pad(x[cut], widths, constant_values=fill)
    if mode not in {"edge", "reflect", "wrap"}:
        raise OperatorError(f"mode = {mode}", "constant, edge, reflect, wrap")
    return np.pad(x[cut], widths, mode=mode)  # type: ignore[call-overload,no-any-return]


def pad_widths(call: Call, ndim: int) -> tuple[list[int], list[int]]:
    """Give what ``Pad`` adds before and after each axis."""
    given = call.operands[1] if call.opset >= 11 else call.node.get("pads", ())
    pads = [int(p) for p in np.asarray(given).reshape(-1)]
    axes = call.given(3)
    chosen = range(ndim) if axes is None else [int(a) % ndim for a in axes]
    if len(pads) != 2 * len(chosen):
        raise OperatorError(f"{len(pads)} pads", f"{2 * len(chosen)}")
    before, after = [0] * ndim, [0] * ndim
    for i, axis in enumerate(chosen):
        before[axis], after[axis] = pads[i], pads[i + len(chosen)]
    return before, after


def _constant(call: Call) -> Array:
    types = {"value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
    for name, value in call.node.attributes.items():
        if name == "value":
            return np.asarray(value)
        if name in types:
            return np.asarray(value, types[name])
    raise OperatorError("no number", "a tensor, or numbers")


def _constant_of_shape(call: Call) -> Array:
    shape = tuple(int(n) for n in call.operands[0].reshape(-1))
    check_size(shape)
    value = call.node.attributes.get("value")
    fill = np.float32(0) if value is None else np.asarray(value).reshape(-1)[0]
    return np.full(shape, fill)


def _shape(call: Call) -> Array:
    ndim = call.operands[0].ndim
    return np.array(
        call.operands[0].shape[call.node.get("start", 0) : call.node.get("end", ndim)], np.int64
    )


def _gather(call: Call) -> Array:
    x, indices = call.operands
    axis = call.node.get("axis", 0)
    check_size((*x.shape[: axis % x.ndim], *indices.shape, *x.shape[axis % x.ndim + 1 :]))
    return np.asarray(np.take(x, indices, axis=axis))


def _slice(call: Call) -> Array:
    x = call.operands[0]
    names = ("starts", "ends", "axes", "steps")
    if call.opset < 10:
        given = [call.node.get(n, ()) for n in names]
    else:
        given = [() if o is None else o for o in (call.given(i + 1) for i in range(4))]
    starts, ends, axes, steps = ([int(n) for n in np.asarray(g).reshape(-1)] for g in given)
    cut = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis, step = axes[i] if axes else i, steps[i] if steps else 1
        stop = None if step < 0 and end < -x.shape[axis] else end
        cut[axis] = slice(start, stop, step)
    return np.asarray(x[tuple(cut)])


def _cast(call: Call) -> Array:
    to = call.node.get("to", 0)
    x = np.asarray(call.operands[0])
    if to not in CASTS or x.dtype.kind not in "biuf":
        raise OperatorError(
            f"{x.dtype} to type {to}", "float32, float64, int8, uint8, int32, int64, bool"
        )
    return x.astype(CASTS[to])


def _same(call: Call) -> Array:
    training = call.given(2)
    if call.node.op == "Dropout" and training is not None and np.any(training):
        raise OperatorError("training mode", "evaluation")
    return np.asarray(call.operands[0])


OPERATORS: dict[str, Compute] = {
    "Add": _binary(np.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "DequantizeLinear": dequantize,
    "Div": _binary(_divide),
    "Dropout": _same,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global(np.mean),
    "GlobalMaxPool": _global(np.max),
    "Greater": _binary(np.greater),
    "Identity": _same,
    "Less": _binary(np.less),
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": _binary(np.multiply),
    "Neg": lambda call: np.negative(call.operands[0]),
    "Pad": _pad,
    "QuantizeLinear": quantize,
    "ReduceMean": _reduce_mean,
    "Relu": lambda call: np.maximum(call.operands[0], 0),
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _binary(np.subtract),
    "Sum": _sum,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""By the operator's name."""
