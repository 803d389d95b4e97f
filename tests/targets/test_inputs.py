"""User data into what inputs take: what fits, and every way in which it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput
from snnc.targets.inputs import (
    CALIBRATION_DATA,
    integer_inputs,
    named_inputs,
    narrow_inputs,
    real_inputs,
)
from tests.builders import fixed_network, fixed_population, fixed_projection, network, population
from tests.builders import projection as project

ONE = network([population(n=2)], [project("x", "lif", np.ones((2, 3)))], inputs={"x": 3})
TWO = network(
    [population()],
    [project("x", "lif", 1), project("y", "lif", 1)],
    inputs={"x": 1, "y": 1},
)

SHAPE = "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input"
VALUES = "error[SNN503]: input data are integers that the compiled input takes"
RESHAPE = "reshape the data; a single sample gets its batch axis by x[:, None]"
CALIBRATE = "compile with --calibrate X.npy, where X holds typical input data"


def fixed_with(*inputs: FixedInput) -> Any:
    queues = [fixed_projection(i.name, "lif", np.ones((1, i.size))) for i in inputs]
    return fixed_network([fixed_population()], queues, inputs=inputs)


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def named(arrays: str) -> str:
    return f"numpy.savez(path, {arrays}), or a mapping of these"


def test_a_bare_array_belongs_to_the_only_input() -> None:
    x = np.zeros((2, 1, 3))
    assert named_inputs(ONE.inputs, x)["x"] is x
    assert named_inputs(ONE.inputs, x.tolist())["x"].shape == (2, 1, 3)


def test_names_are_kept() -> None:
    x, y = np.zeros((2, 1, 1)), np.ones((2, 1, 1))
    named = named_inputs(TWO.inputs, {"y": y, "x": x})
    assert named["x"] is x
    assert named["y"] is y


def test_a_bare_array_for_two_inputs() -> None:
    with pytest.raises(InputError) as raised:
        named_inputs(TWO.inputs, np.zeros((2, 1, 1)))
    wanted = text(
        SHAPE, "input data", "one array", "an array for each of x, y", named("x=..., y=...")
    )
    assert str(raised.value) == wanted


def test_reals_are_flat_float32() -> None:
    x = np.arange(12).reshape(2, 2, 3)
    values = real_inputs(ONE, {"x": x})["x"]
    assert values.dtype == np.float32
    assert values.shape == (2, 2, 3)
    assert (values == x).all()


def test_images_become_flat_in_c_order() -> None:
    x = np.arange(48).reshape(2, 4, 2, 3)
    declared = fixed_with(FixedInput("x", (2, 3), 1.0, 47))
    assert (integer_inputs(declared, {"x": x})["x"] == x.reshape(2, 4, 6)).all()


SHAPES: dict[str, tuple[Mapping[str, npt.NDArray[Any]], str]] = {
    "other names": (
        {"z": np.zeros((2, 1, 3)), "a": np.zeros(1)},
        text(SHAPE, "input data", "arrays a, z", "an array for each of x", named("x=...")),
    ),
    "no batch axis": (
        {"x": np.zeros((2, 3))},
        text(
            SHAPE,
            "input data: x",
            "shape [2, 3], which has no batch axis",
            "[steps, batch, 3]",
            RESHAPE,
        ),
    ),
    "other shape": (
        {"x": np.zeros((2, 1, 4))},
        text(SHAPE, "input data: x", "shape [2, 1, 4]", "[steps, batch, 3]", RESHAPE),
    ),
    "too few axes": (
        {"x": np.zeros(7)},
        text(SHAPE, "input data: x", "shape [7]", "[steps, batch, 3]", RESHAPE),
    ),
    "no axes": (
        {"x": np.array(1.0)},
        text(SHAPE, "input data: x", "shape []", "[steps, batch, 3]", RESHAPE),
    ),
    "no steps": (
        {"x": np.zeros((0, 1, 3))},
        text(
            SHAPE,
            "input data: x",
            "shape [0, 1, 3]",
            "[steps, batch, 3], one step and one sample at least",
            "give more data",
        ),
    ),
    "no numbers": (
        {"x": np.full((2, 1, 3), "1")},
        text(SHAPE, "input data: x", "data of type <U1", "numbers", "give real numbers"),
    ),
    "complex numbers": (
        {"x": np.zeros((2, 1, 3), complex)},
        text(SHAPE, "input data: x", "data of type complex128", "numbers", "give real numbers"),
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(case: str) -> None:
    x, message = SHAPES[case]
    with pytest.raises(InputError) as real:
        real_inputs(ONE, x)
    with pytest.raises(InputError) as integer:
        integer_inputs(fixed_with(FixedInput("x", (3,))), x)
    assert str(real.value) == message
    assert str(integer.value) == message


@pytest.mark.parametrize(
    ("names", "arrays"),
    [
        (("a",), "a=..."),
        (("a", "b1"), "a=..., b1=..."),
        (("a", "in.1"), "**{'a': ..., 'in.1': ...}"),
        (("class",), "**{'class': ...}"),
        (("file", "b"), "**{'file': ..., 'b': ...}"),
    ],
)
def test_the_remedy_for_names(names: tuple[str, ...], arrays: str) -> None:
    declared = fixed_with(*(FixedInput(name, (1,)) for name in names))
    with pytest.raises(InputError) as raised:
        integer_inputs(declared, {})
    limit = f"an array for each of {', '.join(names)}"
    assert str(raised.value) == text(SHAPE, "input data", "arrays none", limit, named(arrays))


def test_calibration_data_are_called_so() -> None:
    def messages(x: Mapping[str, npt.NDArray[Any]]) -> str:
        with pytest.raises(InputError) as raised:
            real_inputs(ONE, x, CALIBRATION_DATA)
        return str(raised.value)

    what = "calibration data"
    limit = "an array for each of x"
    assert messages({}) == text(SHAPE, what, "arrays none", limit, named("x=..."))
    assert messages({"x": np.zeros((2, 1, 4))}) == text(
        SHAPE, f"{what}: x", "shape [2, 1, 4]", "[steps, batch, 3]", RESHAPE
    )
    assert messages({"x": np.full((2, 1, 3), np.nan)}).startswith(f"{VALUES}\n  --> {what}: x\n")
    with pytest.raises(InputError) as raised:
        named_inputs(TWO.inputs, np.zeros(1), CALIBRATION_DATA)
    assert [d.node for d in raised.value.diagnostics] == [what]


def test_lengths_differ() -> None:
    with pytest.raises(InputError) as raised:
        real_inputs(TWO, {"x": np.zeros((2, 1, 1)), "y": np.zeros((3, 1, 1))})
    assert str(raised.value) == text(
        SHAPE,
        "input data",
        "x [2, 1], y [3, 1]",
        "the same steps and batch for every input",
        RESHAPE,
    )


def test_all_shapes_at_once() -> None:
    with pytest.raises(InputError) as raised:
        real_inputs(TWO, {"x": np.zeros((2, 1, 2)), "y": np.zeros((2, 1, 3))})
    assert [d.node for d in raised.value.diagnostics] == ["input data: x", "input data: y"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_reals_not_finite(bad: float) -> None:
    x = np.zeros((2, 1, 3))
    x[1, 0, 2] = bad
    with pytest.raises(InputError) as raised:
        real_inputs(ONE, {"x": x})
    assert str(raised.value) == text(
        VALUES,
        "input data: x",
        "1 values that are NaN or infinite",
        "finite numbers that float32 can hold",
        "clean the data",
    )


def test_integers_not_finite() -> None:
    with pytest.raises(InputError) as raised:
        integer_inputs(fixed_with(FixedInput("x", (1,))), {"x": np.full((2, 1, 1), np.nan)})
    assert str(raised.value) == text(
        VALUES,
        "input data: x",
        "2 values that are NaN or infinite",
        "finite numbers that float32 can hold",
        "clean the data",
    )


def test_spikes_of_any_type() -> None:
    declared = fixed_with(FixedInput("x", (1,)))
    for kind in (bool, np.uint8, np.int64, np.float16, np.float64):
        x = np.array([0, 1, 1], kind)[:, None, None]
        values = integer_inputs(declared, {"x": x})["x"]
        assert values.dtype == np.int32
        assert values.ravel().tolist() == [0, 1, 1]


def test_reals_are_rounded_to_the_step() -> None:
    declared = fixed_with(FixedInput("x", (1,), 0.5, 127))
    x = np.array([0.0, 0.2, 0.3, -0.8, 63.5])[:, None, None]
    assert integer_inputs(declared, {"x": x})["x"].ravel().tolist() == [0, 0, 1, -2, 127]


@pytest.mark.parametrize(("limit", "kind"), [(127, np.int8), (128, np.int32)])
def test_eight_bits_where_they_do(limit: int, kind: type[np.generic]) -> None:
    declared = fixed_with(FixedInput("x", (1,), 1.0, limit))
    x = np.array([0, -limit, limit], np.int64)[:, None, None]
    values = narrow_inputs(declared, {"x": x})["x"]
    assert values.dtype == kind
    assert values.ravel().tolist() == [0, -limit, limit]


@pytest.mark.parametrize(
    ("kind", "value"), [(np.int8, -128), (np.uint8, 255), (np.uint64, 2**63 + 2**20)]
)
def test_extremes_of_a_type_are_out_of_range(kind: type[np.generic], value: int) -> None:
    x = np.array([0, 1, value], kind)[:, None, None]
    for encode in (integer_inputs, narrow_inputs):
        with pytest.raises(InputError, match="found: a value of"):
            encode(fixed_with(FixedInput("x", (1,))), {"x": x})


def test_values_between_integers() -> None:
    x = np.array([0.0, 0.25, 0.75])[:, None, None]
    with pytest.raises(InputError) as raised:
        integer_inputs(fixed_with(FixedInput("x", (1,))), {"x": x})
    assert str(raised.value) == text(
        VALUES,
        "input data: x",
        "2 values between integers, such as 0.25",
        "spikes: 0, 1 or -1, since no calibration data show anything else",
        CALIBRATE,
    )


@pytest.mark.parametrize("value", [2, -2])
def test_more_than_a_spike(value: int) -> None:
    with pytest.raises(InputError) as raised:
        integer_inputs(fixed_with(FixedInput("x", (1,))), {"x": np.full((2, 1, 1), value)})
    assert str(raised.value) == text(
        VALUES,
        "input data: x",
        f"a value of {value}",
        "spikes: 0, 1 or -1, since no calibration data show anything else",
        CALIBRATE,
    )


def test_beyond_the_calibrated_range() -> None:
    declared = fixed_with(FixedInput("x", (1,), 0.5, 127))
    with pytest.raises(InputError) as raised:
        integer_inputs(declared, {"x": np.full((2, 1, 1), -64.0)})
    assert str(raised.value) == text(
        VALUES,
        "input data: x",
        "a value of -64",
        "integers from -127 to 127, in units of 0.5",
        CALIBRATE,
    )
