"""Files that are no description, damaged or made to do harm, are told of like any other fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.targets.hardware.load import load_hardware, parse_hardware
from tests.targets.hardware.said import LOIHI1, line, said


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"\xff\xfe", "no text in UTF-8"), (b"#" * 1_000_001, "more than 1,000,000 bytes")],
    ids=["no text", "large"],
)
def test_no_text(content: bytes, found: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_hardware(str(tmp_path / "x.yaml"))
    assert caught.value.diagnostics[0].found == found


def test_no_path() -> None:
    with pytest.raises(InputError) as caught:
        load_hardware("a\0b")
    assert caught.value.diagnostics[0].found == "embedded null byte"


@pytest.mark.parametrize("key", ["3", "null", "true", "2020-01-01"])
def test_a_key_that_is_no_text(key: str) -> None:
    assert said(f"{LOIHI1}\n{key}: 1\n") == [
        (f"mine.yaml:{line('name:')}", f"an unknown key {key}", "a key of docs/hardware.md")
    ]


@pytest.mark.parametrize(
    ("text", "found", "limit"),
    [
        ("", "null", "keys and values"),
        ("loihi", "loihi", "keys and values"),
        ("a: [1", "expected ',' or ']', but got '<stream end>'", "YAML 1.1 without aliases"),
        ("a: &x [1]\nb: *x", "an alias", "YAML 1.1 without aliases"),
        ("a: &x [*x]", "an alias", "YAML 1.1 without aliases"),
        ("[" * 1000, "nested too deep", "YAML 1.1 without aliases"),
        ("a: 2026-13-01", "no timestamp: 2026-13-01", "YAML 1.1 without aliases"),
        ("a: " + "9" * 5000, "no int: 9999", "YAML 1.1 without aliases"),
        ("a: !!timestamp x", "no timestamp: x", "YAML 1.1 without aliases"),
        ("a: !!bool x", "no bool: x", "YAML 1.1 without aliases"),
        ("a: !!int ''", "no int: ", "YAML 1.1 without aliases"),
        ("? [a]\n: 1", "found unhashable key", "YAML 1.1 without aliases"),
        (
            "a: !!python/object:os.system x",
            "could not determine a constructor",
            "YAML 1.1 without aliases",
        ),
    ],
)
def test_no_description(text: str, found: str, limit: str) -> None:
    ((_, first, second),) = said(text)
    assert first.startswith(found)
    assert second == limit


@settings(max_examples=40)
@given(st.data())
def test_whatever_is_changed_is_told(data: st.DataObject) -> None:
    """Lines that are missing, doubled or full of something else never end in another error."""
    lines = LOIHI1.splitlines()
    odd = ["1: 2", "- 3", "? x", "{", "neurons: ~", "  value: [", "  value: 1.5", "a: *b", "<<: {}"]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        put = data.draw(st.sampled_from([[], [lines[at]] * 2, *([x] for x in odd), ["\t"]]))
        lines[at : at + 1] = put
    problems: tuple[Diagnostic, ...] = ()
    try:
        parse_hardware("\n".join(lines), "mine.yaml")
    except InputError as error:
        problems = error.diagnostics
    assert all(d.rule.code == "SNN406" and d.found and d.limit for d in problems)
