"""Every operator against torch's, on nodes as the frontends write them.

Convolutions have weights and inputs in 1/16, so that no sum is rounded and its order does not
matter; batch norms and pooling have one order, and are compared on any numbers.
"""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from itertools import product
from typing import Any
from warnings import catch_warnings, simplefilter

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.fused import fused_multiply_add
from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from snnc.compiler.operators import AveragePooling, MaxPooling, Scaling, SumPooling
from snnc.compiler.semantics.node_operators import operators_of
from snnc.targets.float.operators import apply
from tests.builders import dense, window
from tests.frontends.optional import optional

torch, functional = optional("torch"), optional("torch.nn.functional")
needs_torch = pytest.mark.torch
Array = npt.NDArray[Any]


def computed(node: nir.NIRNode, x: Array) -> Array:
    """Give what a network with ``node`` makes of ``x``, shape ``[batch, *shape]``."""
    operators = operators_of(node, x.shape[1:])
    for operator in operators:
        shape = operator.result_shape(x.shape[1:])
        x = apply(operator, x)
        assert x.shape[1:] == shape
    assert x.dtype == np.float32
    return x


def same(given: Array, wanted: Any) -> bool:
    """Compare bit for bit."""
    array = wanted.numpy()
    return given.shape == array.shape and given.tobytes() == np.ascontiguousarray(array).tobytes()


def sixteenths(random: np.random.Generator, *shape: int) -> Array:
    return (random.integers(-16, 17, shape) / 16).astype(np.float32)


def any_numbers(random: np.random.Generator, *shape: int) -> Array:
    return random.normal(0, 3, shape).astype(np.float32)


# --- convolutions ------------------------------------------------------------------------------

OPTIONS = list(product((1, 2, 3), (0, 1, 2), (1, 2), (1, 2, 4), (False, True)))
"""Stride, padding, dilation, groups, bias."""


@needs_torch
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups", "bias"), OPTIONS)
def test_conv2d(stride: int, padding: int, dilation: int, groups: int, bias: bool) -> None:
    """Kernels, strides, paddings and dilations that are not square."""
    random = np.random.default_rng(0)
    x = sixteenths(random, 3, 4, 9, 8)
    weight = sixteenths(random, 8, 4 // groups, 3, 2)
    constant = sixteenths(random, 8) if bias else np.zeros(8, np.float32)
    options: dict[str, Any] = {
        "stride": (stride, max(1, stride - 1)),
        "padding": (padding, padding // 2),
        "dilation": (dilation, 1),
        "groups": groups,
    }
    node = nir.Conv2d(input_shape=(9, 8), weight=weight, bias=constant, **options)
    tensors = (torch.from_numpy(a.astype(np.float64)) for a in (x, weight, constant))
    wanted = functional.conv2d(*tensors, **options)
    given = computed(node, x)
    assert (given == wanted.numpy()).all()
    assert given.any()


@needs_torch
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups", "bias"), OPTIONS)
def test_conv1d(stride: int, padding: int, dilation: int, groups: int, bias: bool) -> None:
    random = np.random.default_rng(1)
    x, weight = sixteenths(random, 3, 4, 11), sixteenths(random, 4, 4 // groups, 3)
    constant = sixteenths(random, 4) if bias else np.zeros(4, np.float32)
    options: dict[str, Any] = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    node = nir.Conv1d(input_shape=11, weight=weight, bias=constant, **options)
    tensors = (torch.from_numpy(a.astype(np.float64)) for a in (x, weight, constant))
    given = computed(node, x)
    assert (given == functional.conv1d(*tensors, **options).numpy()).all()
    assert given.any()


@needs_torch
@pytest.mark.parametrize("kernel", [(2, 3), (4, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(kernel: tuple[int, int], dilation: int, padding: str) -> None:
    """The odd zero of an even kernel stands behind."""
    random = np.random.default_rng(2)
    x, weight = sixteenths(random, 2, 2, 9, 8), sixteenths(random, 3, 2, *kernel)
    options: dict[str, Any] = {"stride": 1, "padding": padding, "dilation": dilation, "groups": 1}
    node = nir.Conv2d(input_shape=(9, 8), weight=weight, bias=np.zeros(3, np.float32), **options)
    with catch_warnings():
        simplefilter("ignore")  # torch warns once of the odd zero
        wanted = functional.conv2d(torch.from_numpy(x), torch.from_numpy(weight), **options)
    assert (computed(node, x) == wanted.numpy()).all()


@needs_torch
def test_padding_that_is_noted() -> None:
    """Other before than behind, which NIR cannot say."""
    random = np.random.default_rng(3)
    x, weight = sixteenths(random, 2, 2, 5, 6), sixteenths(random, 3, 2, 3, 3)
    notes = {"snnc": {"padding": np.array([[0, 2], [1, 3]])}}
    options: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    node = nir.Conv2d(
        input_shape=(5, 6), weight=weight, bias=np.zeros(3, np.float32), **options, metadata=notes
    )
    padded = functional.pad(torch.from_numpy(x), (1, 3, 0, 2))
    wanted = functional.conv2d(padded, torch.from_numpy(weight))
    assert (computed(node, x) == wanted.numpy()).all()


@needs_torch
def test_many_samples_are_convolved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    x, weight = sixteenths(random, 7, 2, 6, 6), sixteenths(random, 3, 2, 3, 3)
    node = nir.Conv2d(
        input_shape=(6, 6),
        weight=weight,
        bias=np.zeros(3, np.float32),
        stride=1,
        padding=1,
        dilation=1,
        groups=1,
    )
    monkeypatch.setattr("snnc.targets.float.operators.CHUNK", 2 * 2 * 36 * 9)
    wanted = functional.conv2d(torch.from_numpy(x), torch.from_numpy(weight), padding=1)
    assert (computed(node, x) == wanted.numpy()).all()


# --- pooling -----------------------------------------------------------------------------------

POOLS = list(product(((2, 2), (3, 2)), (1, 2, 3), (0, 1)))


def pool(kind: type[nir.NIRNode], kernel: Any, stride: Any, padding: Any, **more: Any) -> Any:
    fields = {"kernel_size": kernel, "stride": stride, "padding": padding}
    return kind(**{name: np.array(value) for name, value in (fields | more).items()})


@needs_torch
@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
def test_average_and_sum(kernel: tuple[int, int], stride: int, padding: int) -> None:
    """NIR counts the padding in, as torch does unless it is told not to."""
    x = any_numbers(np.random.default_rng(5), 3, 2, 8, 7)
    average = pool(nir.AvgPool2d, kernel, (stride, stride), (padding, padding))
    wanted = functional.avg_pool2d(torch.from_numpy(x), kernel, stride, padding)
    assert same(computed(average, x), wanted)
    total = pool(nir.SumPool2d, kernel, (stride, stride), (padding, padding))
    ones = functional.avg_pool2d(torch.from_numpy(x), kernel, stride, padding, divisor_override=1)
    assert same(computed(total, x), ones)


@needs_torch
def test_an_average_that_leaves_the_padding_out() -> None:
    """Noted divisors, one for each position."""
    x = any_numbers(np.random.default_rng(6), 3, 2, 6, 5)
    wanted = functional.avg_pool2d(torch.from_numpy(x), 3, 2, 1, count_include_pad=False)
    ones = np.ones((1, 1, 6, 5), np.float32)
    counts = computed(pool(nir.SumPool2d, (3, 3), (2, 2), (1, 1)), ones)[0]
    node = pool(nir.AvgPool2d, (3, 3), (2, 2), (1, 1))
    node.metadata["snnc"] = {"divisors": counts}
    assert same(computed(node, x), wanted)


@needs_torch
def test_an_adaptive_average_divides_twice() -> None:
    x = any_numbers(np.random.default_rng(7), 3, 2, 9, 15)
    node = pool(nir.AvgPool2d, (3, 5), (3, 5), (0, 0))
    node.metadata["snnc"] = {"divisors": np.array([3, 5]).reshape(2, 1, 1)}
    assert same(computed(node, x), functional.adaptive_avg_pool2d(torch.from_numpy(x), (3, 3)))


@needs_torch
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (5, 3, 2)])
def test_average_of_one_axis(kernel: int, stride: int, padding: int) -> None:
    """A convolution of each channel with ``1 / kernel``, noted as the average that it is."""
    x = any_numbers(np.random.default_rng(8), 3, 2, 11)
    node = nir.Conv1d(
        input_shape=11,
        weight=np.full((2, 1, kernel), 1 / kernel, np.float32),
        bias=np.zeros(2, np.float32),
        stride=stride,
        padding=padding,
        dilation=1,
        groups=2,
        metadata={"snnc": {"average": kernel}},
    )
    assert same(
        computed(node, x), functional.avg_pool1d(torch.from_numpy(x), kernel, stride, padding)
    )


@needs_torch
@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
@pytest.mark.parametrize("dilation", [1, 2])
def test_max(kernel: tuple[int, int], stride: int, padding: int, dilation: int) -> None:
    x = any_numbers(np.random.default_rng(9), 3, 2, 8, 7) - 5  # smaller than a padding of zeros
    pads = np.full((2, 2), padding)
    node = pool(MaxPool2d, kernel, (stride, stride), pads, dilation=(dilation, 1))
    wanted = functional.max_pool2d(torch.from_numpy(x), kernel, stride, padding, (dilation, 1))
    assert same(computed(node, x), wanted)
    line = pool(MaxPool1d, (3,), (stride,), pads[:1], dilation=(dilation,))
    wanted = functional.max_pool1d(torch.from_numpy(x[..., 0]), 3, stride, padding, dilation)
    assert same(computed(line, x[..., 0]), wanted)


# --- scaling -----------------------------------------------------------------------------------


def batch_norm(random: np.random.Generator, channels: int) -> tuple[Any, Array, Array]:
    """Give torch's function, and the factor and shift that it comes to."""
    mean, bias = random.normal(0, 1, (2, channels)).astype(np.float32)
    variance, weight = random.uniform(0.1, 4, (2, channels)).astype(np.float32)
    numbers = [torch.from_numpy(a) for a in (mean, variance, weight, bias)]
    inverse = np.float32(1) / np.sqrt(variance + np.float32(1e-5))
    factor = weight * inverse

    def norm(x: Array) -> Any:
        return functional.batch_norm(torch.from_numpy(x), *numbers)

    return norm, factor, fused_multiply_add(-mean, factor, bias)


@needs_torch
@pytest.mark.parametrize("extent", [(), (9,), (7, 6)])
def test_batch_norm(extent: Any) -> None:
    """Bit for bit on 1,000,000 random numbers."""
    random = np.random.default_rng(10)
    norm, factor, shift = batch_norm(random, 8)
    x = any_numbers(random, 1_000_000 // (8 * int(np.prod(extent))) + 1, 8, *extent)
    shape = (8, 1, *(1 for _ in extent))
    options: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 8, "bias": shift}
    node: nir.NIRNode
    if not extent:
        node = nir.Affine(weight=np.diag(factor), bias=shift)
    elif len(extent) == 1:
        node = nir.Conv1d(input_shape=9, weight=factor.reshape(shape), **options)
    else:
        node = nir.Conv2d(input_shape=extent, weight=factor.reshape(shape), **options)
    (operator,) = operators_of(node, x.shape[1:])
    assert isinstance(operator, Scaling)
    assert same(computed(node, x), norm(x))


def test_scaling_keeps_a_shape() -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    each = nir.Scale(scale=np.array([2.0, -1.0]).reshape(2, 1, 1))
    assert (computed(each, x) == x * np.array([2, -1], np.float32).reshape(2, 1, 1)).all()
    flat = nir.Scale(scale=np.arange(12.0))  # behind a Flatten
    assert (computed(flat, x) == x * x).all()


# --- what is not met with NIR ------------------------------------------------------------------


def test_weights_take_values_of_any_shape() -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    assert apply(dense([[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]], 1), x).tolist() == [[16, 6]]


def test_pooling_by_hand() -> None:
    x = np.array([[[1, 2, 4]]], np.float32)
    two = window(2)
    assert apply(MaxPooling(window=two), x).tolist() == [[[2, 4]]]
    assert apply(SumPooling(window=two), x).tolist() == [[[3, 6]]]
    halves = AveragePooling(window=two, divisors=np.array([[2, 4]], np.float32))
    assert apply(halves, x).tolist() == [[[1.5, 1.5]]]


def test_no_operator() -> None:
    with pytest.raises(TypeError) as raised:
        apply("dense", np.zeros((1, 1)))  # type: ignore[arg-type]
    assert str(raised.value) == "str on (1, 1): no operator of a real network"
