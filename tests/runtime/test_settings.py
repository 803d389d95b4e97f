"""Options in a file: what YAML makes of them is checked, not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.cli import cli
from snnc.runtime.settings import MAX_BYTES, Settings, read_settings

OPTIONS = ("target", "dt", "input-shape", "weight-bits", "targets", "reset")


def read(tmp_path: Path, text: str | bytes) -> dict[str, object]:
    path = tmp_path / "s.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_settings(path, OPTIONS)


WIDTHS = "4, or 4,fc2=8, or {fc2: 8, '*': 4}"


def message(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_values_of_their_types(tmp_path: Path) -> None:
    text = "dt: 1e-3\nweight-bits: 6\ninput-shape: [1, 28, 28]\ntargets: integer,lava\n"
    assert read(tmp_path, text) == {
        "dt": 0.001,
        "weight-bits": 6,
        "input-shape": "1,28,28",
        "targets": "integer,lava",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_empty(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == {}


def test_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    assert message(tmp_path, "tagret: lava\nquiet: 1\ndt: soon\nweight-bits: yes\n") == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: tagret\n"
        "   found: no such option\n"
        "   limit: dt, input-shape, reset, target, targets, weight-bits\n"
        "  remedy: did you mean target?\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: quiet\n"
        "   found: no such option\n"
        "   limit: dt, input-shape, reset, target, targets, weight-bits\n"
        "  remedy: remove it\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: dt\n"
        "   found: 'soon'\n"
        "   limit: a number\n"
        "  remedy: write it as --dt takes it on the command line\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: weight-bits\n"
        "   found: True\n"
        f"   limit: {WIDTHS}\n"
        "  remedy: write it as --weight-bits takes it on the command line"
    )


@pytest.mark.parametrize(
    ("line", "found", "limit"),
    [
        ("reset: no", "False", "text"),
        ("reset: 0", "0", "text"),
        ("dt:", "None", "a number"),
        ("dt: [1]", "[1]", "a number"),
        ("weight-bits: 6.5", "6.5", WIDTHS),
        ("weight-bits: {fc2: yes}", "{'fc2': True}", WIDTHS),
        ("input-shape: [1, x]", "[1, 'x']", "text or a list"),
        ("input-shape: 28", "28", "text or a list"),
    ],
)
def test_wrong_type(line: str, found: str, limit: str, tmp_path: Path) -> None:
    key = line.partition(":")[0]
    assert message(tmp_path, line) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        f"  --> s.yaml: {key}\n"
        f"   found: {found}\n"
        f"   limit: {limit}\n"
        f"  remedy: write it as --{key} takes it on the command line"
    )


BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "list": ("- dt\n", "a list, not a mapping"),
    "text": ("dt", "a str, not a mapping"),
    "key twice": ("dt: 1\ndt: 2\n", "dt stands twice"),
    "alias": ("dt: &a 1\nweight-bits: *a\n", "an alias, or lists within lists"),
    "deep": ("dt: [[1]]", "an alias, or lists within lists"),
    "very deep": ("[" * 5000, "an alias, or lists within lists"),
    "large": ("#" * (MAX_BYTES + 1), "1000001 bytes"),
    "python object": (
        "dt: !!python/object/apply:os.getcwd []",
        "line 1: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.getcwd'",
    ),
    "not text": (b"\xff\xfe\x00", "no UTF-8 text"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file(case: str, tmp_path: Path) -> None:
    text, found = BAD_FILES[case]
    assert message(tmp_path, text) == (
        "error[SNN001]: a file that is named exists and can be read\n"
        "  --> --config s.yaml\n"
        f"   found: {found}\n"
        "   limit: a YAML file of at most 1 MB that maps options to values\n"
        "  remedy: write one option a line, such as weight-bits: 8"
    )


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found: no such file or directory"):
        read_settings(tmp_path / "no.yaml", OPTIONS)


def test_syntax_error_tells_the_line(tmp_path: Path) -> None:
    assert "line 2" in message(tmp_path, "dt: 1\n  x: {\n")


def test_every_setting_is_an_option_of_a_command() -> None:
    options = {o for c in cli.commands.values() for p in c.params for o in p.opts}
    assert {f"--{name.replace('_', '-')}" for name in Settings.model_fields} <= options
