"""Records taken apart: every value has its place, and every change is told."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.runtime.changes.leaves import changes_of, leaves
from snnc.runtime.changes.records import Change


def changes(a: Any, b: Any) -> list[Change]:
    return list(changes_of(dict(leaves(a, {})), dict(leaves(b, {}))))


def told(a: Any, b: Any) -> list[tuple[str, str, object, object]]:
    return [(c.part, c.what, c.first, c.second) for c in changes(a, b)]


def test_one_value() -> None:
    assert told({"a": {"b": 1, "c": None}}, {"a": {"b": 2, "c": None}}) == [("a", "b", 1, 2)]
    assert told({"a": True}, {"a": 1}) == [("", "a", True, 1)]
    assert told({"a": None}, {"a": ""}) == [("", "a", None, "")]
    assert told({"a": "NaN"}, {"a": "NaN"}) == []


def test_parts_are_known_by_their_names() -> None:
    a = {
        "links": [
            {"reference": "x", "other": "y", "n": 1},
            {"reference": "y", "other": "z", "n": 2},
        ]
    }
    b = {"links": [*reversed(a["links"])]}
    assert told(a, b) == []
    c = {"links": [{**a["links"][0], "n": 3}]}
    assert told(a, c) == [
        ("links / x -> y", "n", 1, 3),
        ("links / y -> z", "reference", "y", None),
        ("links / y -> z", "other", "z", None),
        ("links / y -> z", "n", 2, None),
    ]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"name": "lif", "origin": ["a"]}, "lif"),
        ({"population": "lif", "signal": "u"}, "lif -> u"),
        ({"population": "lif", "width": 3}, "lif"),
        ({"source": "a", "target": "b"}, "a -> b"),
        ({"kind": "Dense"}, "0"),
    ],
)
def test_names(item: dict[str, Any], name: str) -> None:
    paths = dict(leaves([item], {}))
    assert {path[0] for path in paths} == {name}


def test_two_of_a_name() -> None:
    items = [{"name": "a", "n": 1}, {"name": "a", "n": 2}]
    assert told(items, [items[0], {"name": "a", "n": 5}]) == [("a (2)", "n", 2, 5)]


def test_sentences_are_there_or_not() -> None:
    a, b = {"warnings": ["one", "two"]}, {"warnings": ["two", "three"]}
    assert told(a, b) == [("warnings", "one", "there", None), ("warnings", "three", None, "there")]


def test_arrays() -> None:
    (change,) = changes({"w": [[1, 2], [3, 4]]}, {"w": [[1, 7], [3, 3]]})
    assert change == Change(
        part="", what="w", first=2, second=7, differing=2, values=4, largest=5.0, place=(0, 1)
    )
    assert told({"w": [1, 2]}, {"w": [1, 2, 3]}) == [("", "w", "[2] values", "[3] values")]
    assert told({"w": []}, {"w": [1]}) == [("", "w", "[]", "[1] values")]
    assert told({"w": [1, 2]}, {"w": 5}) == [("", "w", "[2] values", 5)]
    assert told({"w": [1, None]}, {"w": [1, 2]}) == [
        ("w", "0", 1, None),
        ("w", "1", "there", None),
        ("", "w", None, "[2] values"),
    ]


LEFT_OUT: list[tuple[dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]] = [
    ({"w": []}, {}, [("", "w", "[]", None)]),
    ({}, {"w": {}}, [("", "w", None, "{}")]),
    ({"w": []}, {"w": {}}, [("", "w", "[]", "{}")]),
    ({"w": [{}]}, {"w": [{}, {}]}, [("w", "1", None, "{}")]),
    ({"w": {}}, {"w": {"n": 0}}, [("w", "n", None, 0)]),
    ({"w": []}, {"w": ["one"]}, [("w", "one", None, "there")]),
    ({"w": 0}, {}, [("", "w", 0, None)]),
    ({"w": False}, {}, [("", "w", False, None)]),
    ({"w": [True, 2]}, {"w": [1, 2]}, [("w", "0", True, None), ("w", "1", 2, None)]),
    ({"w": [2**53 + 1, 0.5]}, {"w": [2**53 + 1, 0.5]}, []),
    ({"w": [2**53 + 1, 0.5]}, {"w": [2**53 + 2, 0.5]}, [("w", "0", 2**53 + 1, 2**53 + 2)]),
    ({"w": float("nan")}, {"w": float("nan")}, []),
    ({"w": ["a", "a (2)", "a"]}, {"w": ["a", "a (2)"]}, [("w", "a (3)", "there", None)]),
]


@pytest.mark.parametrize(("a", "b", "expected"), LEFT_OUT)
def test_nothing_is_left_out(a: Any, b: Any, expected: list[tuple[Any, ...]]) -> None:
    """Of what holds nothing, is 0, or is nearly the same."""
    assert [t for t in told(a, b) if t[3] != "[2] values"] == expected


def test_how_far_apart() -> None:
    (change,) = changes({"w": [2**62 + 1, 3]}, {"w": [2**62, 3]})
    assert change.largest == 1.0
    nan = float("nan")
    (change,) = changes({"w": [nan, 1.0]}, {"w": [2.0, 1.0]})
    assert (change.differing, change.largest) == (1, None)
    (change,) = changes({"w": [nan, 1.0]}, {"w": [2.0, 5.0]})
    assert (change.differing, change.largest) == (2, 4.0)


def test_tensors() -> None:
    def taken(values: np.ndarray[Any, Any]) -> dict[Any, Any]:
        return dict(leaves({"w": {"tensor": "t"}}, {"t": values}))

    nan = np.array([1.0, np.nan], np.float32)
    assert list(changes_of(taken(nan), taken(nan.copy()))) == []
    (change,) = changes_of(taken(nan), taken(np.array([1.0, 2.0], np.float32)))
    assert (change.differing, change.place, change.second) == (1, (1,), 2.0)
    spikes = np.array([True, False])
    (change,) = changes_of(taken(spikes), taken(~spikes))
    assert (change.differing, change.largest) == (2, 1.0)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON.map(lambda x: {"x": x}))
def test_nothing_differs_from_itself(data: Any) -> None:
    assert changes(data, json.loads(json.dumps(data))) == []


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)), st.data())
def test_every_change_is_told(data: dict[str, int], drawn: st.DataObject) -> None:
    other = drawn.draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)))
    expected = {n for n in "abc" if data.get(n) != other.get(n)}
    assert {c.what for c in changes({"x": data}, {"x": other})} == expected
