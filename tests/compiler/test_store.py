"""Networks as JSON and tensors: every field comes back bit for bit, and nothing else is taken."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.network import Network
from snnc.compiler.store import StoreError, Tensors, from_json, to_json
from tests.builders import one_fixed, one_neuron
from tests.drawn.deployed import deployed_networks
from tests.drawn.fixed import fixed_networks
from tests.drawn.mapped import LOIHI, mapped_networks
from tests.drawn.networks import networks


def same(one: Any, two: Any) -> bool:
    """Compare all fields, arrays by type and bytes."""
    return bool(parts(one) == parts(two))


def parts(value: Any) -> Any:
    """Give ``value`` with arrays and records taken apart, down to what ``==`` compares."""
    if isinstance(value, np.ndarray):
        array = cast("npt.NDArray[Any]", value)
        return str(array.dtype), array.shape, array.tobytes()
    if is_dataclass(cast("object", value)):
        return type(value), [parts(getattr(value, f.name)) for f in fields(value)]
    if isinstance(value, tuple):
        return [parts(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, dict):
        fields_of = cast("dict[object, object]", value)
        return dict, [(type(k), k, parts(v)) for k, v in fields_of.items()]
    return type(value), value


@given(networks() | fixed_networks())
@settings(max_examples=60)
def test_round_trip(stage: Network | FixedNetwork) -> None:
    tensors: Tensors = {}
    data = json.loads(json.dumps(to_json(stage, "stage", tensors)))
    assert same(from_json(type(stage), data, tensors), stage)


@given(deployed_networks().flatmap(mapped_networks))
@settings(max_examples=30)
def test_round_trip_of_a_mapping(mapped: MappedNetwork) -> None:
    for stage in (mapped, cut(mapped)):
        tensors: Tensors = {}
        data = json.loads(json.dumps(to_json(stage, "stage", tensors)))
        assert same(from_json(type(stage), data, tensors), stage)


def test_names_of_fields() -> None:
    tensors: Tensors = {}
    data = to_json(LOIHI, "hardware", tensors)
    assert data["resets"] == {str(reset): n for reset, n in LOIHI.resets.items()}
    cases: tuple[tuple[str, Any, str], ...] = (
        ("resets", [], "Hardware.resets: an object is expected, not []"),
        (
            "resets",
            {"soft": 1},
            "Hardware.resets: 'soft' is none of none, zero, zero-next, subtract, "
            "subtract-delayed, subtract-retest",
        ),
        ("resets", {"zero": "1"}, "Hardware.resets.zero: int is expected, not '1'"),
    )
    for field, value, message in cases:
        with pytest.raises(StoreError) as raised:
            from_json(Hardware, data | {field: value}, tensors)
        assert str(raised.value) == message


def test_same_sees_a_bit() -> None:
    assert same(one_neuron(), one_neuron())
    assert not same(one_neuron(), one_neuron(np.nextafter(np.float32(1), np.float32(2))))


def stored() -> tuple[dict[str, Any], Tensors]:
    tensors: Tensors = {}
    return to_json(one_fixed(), "program", tensors), tensors


def test_tensors_are_named_by_their_place() -> None:
    data, tensors = stored()
    assert sorted(tensors) == [
        "program.populations.0.bias_exp",
        "program.populations.0.bias_mant",
        "program.populations.0.du",
        "program.populations.0.dv",
        "program.populations.0.initial",
        "program.populations.0.offset",
        "program.populations.0.scale",
        "program.populations.0.threshold",
        "program.projections.0.operators.0.weight",
    ]
    assert data["projections"][0]["operators"] == [
        {"kind": "FixedDense", "weight": {"tensor": "program.projections.0.operators.0.weight"}}
    ]
    assert data["populations"][0]["reset"] == "zero"


Path = tuple[str | int, ...]
OPERATOR: Path = ("projections", 0, "operators", 0)
WEIGHT: Path = (*OPERATOR, "weight")

WRONG: dict[str, tuple[Path, Any, str]] = {
    "no object": ((), 7, "FixedNetwork: an object is expected, not 7"),
    "no list": (("inputs",), {}, "FixedNetwork.inputs: a list is expected, not {}"),
    "no record": (
        ("inputs",),
        ["x"],
        "FixedNetwork.inputs[0]: an object is expected, not 'x'",
    ),
    "float for int": (
        ("projections", 0, "delay"),
        1.0,
        "FixedNetwork.projections[0].delay: int is expected, not 1.0",
    ),
    "bool for int": (
        ("projections", 0, "delay"),
        True,
        "FixedNetwork.projections[0].delay: int is expected, not True",
    ),
    "nothing for int": (
        ("populations", 0, "lag"),
        None,
        "FixedNetwork.populations[0].lag: int is expected, not None",
    ),
    "text for float": (("dt",), "1", "FixedNetwork.dt: float is expected, not '1'"),
    "number for text": (
        ("populations", 0, "name"),
        3,
        "FixedNetwork.populations[0].name: str is expected, not 3",
    ),
    "number in shape": (
        ("populations", 0, "shape"),
        ["1"],
        "FixedNetwork.populations[0].shape[0]: int is expected, not '1'",
    ),
    "unknown reset": (
        ("populations", 0, "reset"),
        "zero-delayed",
        "FixedNetwork.populations[0].reset: 'zero-delayed' is none of none, zero, zero-next, "
        "subtract, subtract-delayed, subtract-retest",
    ),
    "list for reset": (
        ("populations", 0, "reset"),
        ["zero"],
        "FixedNetwork.populations[0].reset: ['zero'] is none of none, zero, zero-next, "
        "subtract, subtract-delayed, subtract-retest",
    ),
    "no tensor": (
        WEIGHT,
        {"tensor": "elsewhere"},
        "FixedNetwork.projections[0].operators[0].weight: no tensor 'elsewhere'",
    ),
    "numbers for a tensor": (
        WEIGHT,
        [[1]],
        "FixedNetwork.projections[0].operators[0].weight: no tensor None",
    ),
    "list as a name": (
        WEIGHT,
        {"tensor": ["a"]},
        "FixedNetwork.projections[0].operators[0].weight: no tensor ['a']",
    ),
    "tensor of another type": (
        WEIGHT,
        {"tensor": "program.populations.0.dv"},
        "FixedNetwork.projections[0].operators[0].weight: the tensor is int32, not int8 or int16",
    ),
    "an operator of another stage": (
        (*OPERATOR, "kind"),
        "Dense",
        "FixedNetwork.projections[0].operators[0]: 'Dense' is none of FixedDense, "
        "FixedSparse, FixedConvolution, FixedScaling, SumPooling, MaxPooling",
    ),
    "an operator of no kind": (
        OPERATOR,
        {},
        "FixedNetwork.projections[0].operators[0]: None is none of FixedDense, "
        "FixedSparse, FixedConvolution, FixedScaling, SumPooling, MaxPooling",
    ),
    "a list for an operator": (
        OPERATOR,
        [],
        "FixedNetwork.projections[0].operators[0]: None is none of FixedDense, "
        "FixedSparse, FixedConvolution, FixedScaling, SumPooling, MaxPooling",
    ),
    "a list as a kind": (
        (*OPERATOR, "kind"),
        [],
        "FixedNetwork.projections[0].operators[0]: [] is none of FixedDense, "
        "FixedSparse, FixedConvolution, FixedScaling, SumPooling, MaxPooling",
    ),
    "long": (
        ("dt",),
        "x" * 1000,
        "FixedNetwork.dt: float is expected, not '" + "x" * 59,
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case: str) -> None:
    path, value, message = WRONG[case]
    data, tensors = stored()
    whole: Any = {"": data}
    place: Any = whole
    for step in ("", *path)[:-1]:
        place = place[step]
    place[("", *path)[-1]] = value
    with pytest.raises(StoreError) as raised:
        from_json(FixedNetwork, whole[""], tensors)
    assert str(raised.value) == message


def test_missing_and_unknown_fields() -> None:
    data, tensors = stored()
    del data["dt"], data["inputs"]
    with pytest.raises(StoreError) as raised:
        from_json(FixedNetwork, data, tensors)
    assert str(raised.value) == "FixedNetwork: no dt, inputs"
    data, tensors = stored()
    data["populations"][0] |= {"vth": 3, "a": 1}
    with pytest.raises(StoreError) as raised:
        from_json(FixedNetwork, data, tensors)
    assert str(raised.value) == "FixedNetwork.populations[0]: unknown a, vth"


def test_an_integer_is_a_float_of_json() -> None:
    data, tensors = stored()
    data["dt"] = 1
    again = from_json(FixedNetwork, data, tensors)
    assert type(again.dt) is float


def test_what_cannot_be_stored() -> None:
    with pytest.raises(TypeError) as raised:
        to_json({1, 2}, "program", {})
    assert str(raised.value) == "program: a set cannot be stored"
