"""What a model can be, and the options that do not go with it: refused, and never ignored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.deploy import compile
from snnc.runtime.models import BELONGS, Kind, is_onnx, is_spec, kind_of
from snnc.runtime.verify import verify
from tests.runtime.conftest import Snnc
from tests.runtime.samples import graph

OPTIONS = "error[SNN004]: options have a value in their range and fit together"


def text(node: str, found: str, limit: str, remedy: str) -> str:
    return f"{OPTIONS}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def misplaced(flag: str, value: str, model: str, kinds: str) -> str:
    return text(flag, f"{value}, and {model}", f"an option of {kinds}", f"leave {flag} out")


@pytest.mark.parametrize(
    "text", ["net.py:f", "a b/net.py:f", "net.py", "net.py:", "net.py:a-b", "NET.PY:f", "net.Py"]
)
def test_a_python_file(text: str) -> None:
    assert is_spec(text)
    assert kind_of(text) is Kind.SPEC


@pytest.mark.parametrize(
    "text", ["net.nir", "net", "C:/net.nir", "net.pyc", "NET.NIR", "net.onnx:f"]
)
def test_another_file(text: str) -> None:
    assert not is_spec(text)
    assert kind_of(text) is Kind.NIR


@pytest.mark.parametrize("text", ["net.onnx", "NET.ONNX", "a/net.Onnx"])
def test_an_onnx_model(text: str) -> None:
    assert is_onnx(text)
    assert kind_of(Path(text)) is Kind.ONNX


def test_a_graph_and_a_module() -> None:
    assert kind_of(graph()) is Kind.GRAPH
    module: Any = object()
    assert kind_of(module) is Kind.MODULE


STATE = ("state", "missing.pt", "missing.pt", "FILE.py:FUNCTION")
SHAPE = ("input_shape", (1, 28, 28), "1,28,28", "FILE.py:FUNCTION or a module")
TRUST = ("trust_input", True, "given", "a .nir file")
DIALECT = ("dialect", "norse", "norse", "a .nir file or a NIR graph")
RESET = ("reset", "zero", "zero", "a .nir file or a NIR graph")
UNFIT: dict[str, tuple[Any, list[tuple[str, Any, str, str]]]] = {
    "m.nir is a .nir file": ("m.nir", [SHAPE, STATE]),
    "m.onnx is an .onnx file": ("m.onnx", [DIALECT, RESET, SHAPE, STATE, TRUST]),
    "f.py:f is FILE.py:FUNCTION": ("f.py:f", [DIALECT, RESET, TRUST]),
    "the model is a NIR graph": (graph(), [SHAPE, STATE, TRUST]),
    "the model is a module": (object(), [DIALECT, RESET, STATE, TRUST]),
}


def verified(model: Any, **options: Any) -> object:
    return verify(model, np.zeros((1, 1, 1)), **options)


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("call", [compile, verified])
def test_options_of_other_models(case: str, call: Callable[..., Any]) -> None:
    model, unfit = UNFIT[case]
    with pytest.raises(InputError) as raised:
        call(model, **{name: value for name, value, _, _ in unfit})
    assert str(raised.value) == "\n\n".join(
        misplaced(f"--{name.replace('_', '-')}", value, case, kinds)
        for name, _, value, kinds in unfit
    )


def test_together_with_what_is_wrong_with_the_others() -> None:
    with pytest.raises(InputError) as raised:
        compile("m.onnx", "lavva", weight_bits=9, state="w.pt")
    assert [d.node for d in raised.value.diagnostics] == ["--target", "--weight-bits", "--state"]


def test_nothing_said_is_nothing_to_refuse() -> None:
    with pytest.raises(InputError) as raised:
        compile("missing.py:f", trust_input=False)
    assert [d.rule.code for d in raised.value.diagnostics] == ["SNN001"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", ["compile", "inspect", "verify"])
def test_every_command_refuses(command: str, snnc: Snnc) -> None:
    more = {
        "compile": ("--target", "integer", "-o", "a"),
        "verify": ("--input", "x.npy", "--report", "r"),
        "inspect": (),
    }
    options = ("--input-shape", "1,28", "--state", "missing.pt", "--dt", "1e-4")
    ended = snnc(command, "model.nir", *options, *more[command])
    where = "model.nir is a .nir file"
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        misplaced("--input-shape", "1,28", where, "FILE.py:FUNCTION or a module")
        + "\n\n"
        + misplaced("--state", "missing.pt", where, "FILE.py:FUNCTION")
        + "\n"
    )


@pytest.mark.usefixtures("here")
def test_an_artifact_has_no_options(snnc: Snnc) -> None:
    ended = snnc("inspect", "model.integer", "--dt", "1", "--trust-input")
    assert (ended.code, ended.out) == (2, "")
    assert (
        ended.err
        == "\n\n".join(
            text(
                flag,
                "an option of compilation, and model.integer is compiled already",
                "options of compilation go with a model",
                f"leave {flag} out, or compile the model again with it",
            )
            for flag in ("--dt", "--trust-input")
        )
        + "\n"
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("file", ["m.onnx", "M.NIR"])
@pytest.mark.parametrize(
    "command", [("import", "-o", "a.nir"), ("compile", "--target", "float"), ("inspect",)]
)
def test_a_function_of_a_file_that_has_none(
    command: tuple[str, ...], file: str, snnc: Snnc
) -> None:
    ended = snnc(command[0], f"{file}:f", *command[1:])
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        text(
            f"{file}:f",
            f"a function, and {file} is no Python file",
            "MODEL.nir, MODEL.onnx or FILE.py:FUNCTION",
            f"name the file alone: {file}",
        )
        + "\n"
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("spec", "found", "remedy"),
    [
        ("x.nir", "a .nir file", "it needs no import: snnc compile x.nir --target NAME"),
        ("x.NIR", "a .nir file", "it needs no import: snnc compile x.NIR --target NAME"),
        (
            "x.pt",
            "neither a Python file nor an .onnx file",
            "name a Python file and a function in it, or an .onnx file",
        ),
    ],
)
def test_what_import_takes(spec: str, found: str, remedy: str, snnc: Snnc) -> None:
    ended = snnc("import", spec, "-o", "a.nir", "--state", "w.pt", "--framework", "norse")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == text(spec, found, "FILE.py:FUNCTION or MODEL.onnx", remedy) + "\n"


def test_a_file_named_with_a_colon_is_a_file(here: Path, snnc: Snnc) -> None:
    (here / "m.nir:f").write_bytes((here / "model.nir").read_bytes())
    assert snnc("inspect", "m.nir:f", "--dt", "1e-4").code == 0


def test_endings_in_upper_case(here: Path, snnc: Snnc) -> None:
    (here / "M.NIR").write_bytes((here / "model.nir").read_bytes())
    assert snnc("inspect", "M.NIR", "--dt", "1e-4").code == 0
    (here / "NET.PY").write_text("def net():\n    raise RuntimeError('called')\n")
    ended = snnc("compile", "NET.PY:net", "--target", "float")
    assert "   found: RuntimeError: called (line 2)\n" in ended.err


def test_the_table_is_of_parameters() -> None:
    from inspect import signature

    named = {*signature(compile).parameters, "calibrate", "percentile"}
    assert named >= set(BELONGS)
