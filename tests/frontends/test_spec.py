"""Loading the model that the user names, and every way in which that fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.spec import framework_of, infer_input_shape, input_shape_of, load_model
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch

LOADS = "error[SNN114]: FILE.py:FUNCTION names a function that returns a trained module"
FUNCTION = "a torch.nn.Module, or a function without arguments that returns one"


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(spec: str) -> str:
    with pytest.raises(InputError) as caught:
        load_model(spec)
    return str(caught.value)


def test_a_module_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "beside_the_model.py").write_text("SIZE = 7\n")
    path = tmp_path / "my model.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "import torch\n"
        "from beside_the_model import SIZE\n"
        "@dataclass\n"
        "class Options:\n"
        "    size: 'int' = SIZE\n"
        "def trained():\n"
        "    return torch.nn.Linear(Options().size, 2)\n"
    )
    before = list(sys.path)
    module = load_model(f"{path}:trained")
    assert module.in_features == 7
    assert sys.path == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beside_the_model.py", "my model.py"]


def test_a_path_may_hold_a_colon(tmp_path: Path) -> None:
    path = tmp_path / "a:b.py"
    path.write_text("import torch\ndef trained():\n    return torch.nn.Identity()\n")
    assert isinstance(load_model(f"{path}:trained"), nn.Identity)


def test_a_variable_that_holds_a_module(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import torch\nmodel = torch.nn.Linear(7, 2)\n")
    assert load_model(f"{tmp_path}/m.py:model").in_features == 7


@pytest.mark.parametrize("name", ["model()", "modell", "net"])
def test_the_name_that_is_meant(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.py"
    path.write_text("import torch\nfrom json import loads\nmodel = torch.nn.Identity()\n")
    found = f"no function {name!r} among model"
    remedy = f"{path}:{'FUNCTION' if name == 'net' else 'model'}"
    assert refusal(f"{path}:{name}") == text(LOADS, f"{path}:{name}", found, FUNCTION, remedy)


def test_what_the_file_prints_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.py").write_text(
        "import torch\nprint('loading')\n"
        "def trained():\n    print('building')\n    return torch.nn.Identity()\n"
    )
    load_model(f"{tmp_path}/m.py:trained")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "loading\nbuilding\n")


def test_the_file_does_not_see_the_arguments_of_snnc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.py"
    path.write_text(
        "import argparse, sys, torch\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--size', type=int, default=7)\n"
        "size = parser.parse_args().size\n"
        "def trained():\n"
        "    assert len(sys.argv) == 1\n"
        "    return torch.nn.Linear(size, 2)\n"
    )
    given = ["snnc", "import", f"{path}:trained", "-o", "m.nir"]
    monkeypatch.setattr(sys, "argv", given)
    assert load_model(f"{path}:trained").in_features == 7
    assert sys.argv is given


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/m.py:trained") == text(
        "error[SNN001]: a file that is named exists and can be read",
        f"{tmp_path}/m.py",
        "no such file",
        "a Python file that this user may read",
        "check the path",
    )


@pytest.mark.parametrize(
    ("spec", "remedy"),
    [
        ("m.py", "m.py:FUNCTION"),
        ("m.nir", "FILE.py:FUNCTION"),
        ("m.py:", "FILE.py:FUNCTION"),
        ("m.txt:f", "FILE.py:FUNCTION"),
    ],
)
def test_a_spec_without_a_function(spec: str, remedy: str) -> None:
    assert refusal(spec) == text(LOADS, spec, "no Python file with a function", FUNCTION, remedy)


@pytest.mark.parametrize(
    ("source", "found", "remedy"),
    [
        pytest.param(
            "def other(): ...\ndef another(): ...\ntrained = 3\n",
            "no function 'trained' among other, another",
            "{path}:FUNCTION",
            id="other",
        ),
        pytest.param("", "no function 'trained' among none", "{path}:FUNCTION", id="empty"),
        pytest.param(
            "\ndef trained():\n    raise ValueError('no weights\\nhere')\n",
            "ValueError: no weights (line 3)",
            "run it by itself: python {path}",
            id="raises",
        ),
        pytest.param(
            "import json\ndef trained():\n    return json.loads('{')\n",
            "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 "
            "(char 1) (line 3)",
            "run it by itself: python {path}",
            id="raises elsewhere",
        ),
        pytest.param(
            "def trained():\n    raise SystemExit(4)\n",
            "SystemExit: 4 (line 2)",
            "run it by itself: python {path}",
            id="exits",
        ),
        pytest.param(
            "def trained(size, bias=True, *, other=None, **more):\n    return size\n",
            "trained needs size",
            "write a function without arguments that returns trained(...), and name it",
            id="argument",
        ),
        pytest.param(
            "class trained:\n    def __init__(self, n_in, *, n_out): ...\n",
            "trained needs n_in, n_out",
            "write a function without arguments that returns trained(...), and name it",
            id="class with arguments",
        ),
        pytest.param(
            "def other(): ...\nclass Train: ...\ndef train(): ...\n",
            "no function 'trained' among other, Train, train",
            "{path}:train",
            id="misspelled",
        ),
        pytest.param(
            "def trained():\n    return {}\n",
            "the function returned dict",
            "return the trained torch.nn.Module",
            id="no module",
        ),
    ],
)
def test_a_function_that_gives_no_module(
    tmp_path: Path, source: str, found: str, remedy: str
) -> None:
    path = tmp_path / "m.py"
    path.write_text(source)
    told = text(LOADS, f"{path}:trained", found, FUNCTION, remedy.format(path=path))
    assert refusal(f"{path}:trained") == told


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            "x = 1\nimport not_a_package\n",
            "ModuleNotFoundError: No module named 'not_a_package' (line 2)",
        ),
        ("x = 1\n\ndef f(:\n", "SyntaxError: invalid syntax (m.py, line 3) (line 3)"),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path: Path, source: str, found: str) -> None:
    path = tmp_path / "m.py"
    path.write_text(source)
    told = text(LOADS, str(path), found, FUNCTION, f"run it by itself: python {path}")
    assert refusal(f"{path}:trained") == told


def test_the_input_shape_of_a_dense_model_is_known() -> None:
    assert infer_input_shape(nn.Sequential(nn.Dropout(), nn.Linear(6, 3))) == (6,)
    assert infer_input_shape(nn.Linear(4, 3)) == (4,)
    assert infer_input_shape(nn.Sequential(nn.Flatten(), nn.Linear(6, 3))) is None
    assert infer_input_shape(nn.Sequential()) is None
    assert input_shape_of(nn.Linear(4, 3), None) == (4,)
    assert input_shape_of(nn.Flatten(), (2, 3)) == (2, 3)


def test_an_unknown_input_shape_is_asked_for() -> None:
    with pytest.raises(InputError) as caught:
        input_shape_of(nn.Sequential(nn.Flatten(), nn.Linear(6, 3)), None)
    assert str(caught.value) == text(
        "error[SNN004]: options have a value in their range and fit together",
        "--input-shape",
        "not given, and the model's first layer is not nn.Linear",
        "the shape of one sample at one step",
        "--input-shape 1,28,28, in Python input_shape=(1, 28, 28)",
    )


def test_a_model_without_spiking_neurons() -> None:
    with pytest.raises(InputError) as caught:
        framework_of(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3)))
    assert str(caught.value) == text(
        "error[SNN112]: every layer of the model is one that snnc can import",
        "Sequential",
        "layers Linear, ReLU",
        "neurons of a framework that snnc imports: snntorch, norse",
        "build the model with the neurons of one of them, or export it as a .nir file; a network "
        "of ReLUs as a .onnx file",
    )


def test_a_framework_is_known_by_its_neurons() -> None:
    assert framework_of(nn.Sequential(nn.Linear(3, 3), snn.Leaky(beta=0.5))) == "snntorch"
    subclass = type("Mine", (snn.Leaky,), {})
    assert framework_of(subclass(beta=0.5)) == "snntorch"
    assert framework_of(subclass(beta=0.5), "snntorch") == "snntorch"


def test_another_framework_than_the_model_has() -> None:
    with pytest.raises(InputError) as caught:
        framework_of(snn.Leaky(beta=0.5), "norse")
    assert str(caught.value) == text(
        "error[SNN004]: options have a value in their range and fit together",
        "--framework",
        "norse",
        "snntorch, whose layers the model has",
        "--framework snntorch, or leave it out",
    )


def test_a_line_is_told_whatever_the_path_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.py").write_text("\ndef trained():\n    raise ValueError('no weights')\n")
    monkeypatch.chdir(tmp_path)
    found = "ValueError: no weights (line 3)"
    remedy = "run it by itself: python m.py"
    assert refusal("m.py:trained") == text(LOADS, "m.py:trained", found, FUNCTION, remedy)


@pytest.mark.parametrize("package", ["torch", "snntorch"])
def test_a_framework_that_the_file_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    path = tmp_path / "m.py"
    path.write_text(f"import {package}\n")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentFault) as caught:
        load_model(f"{path}:trained")
    assert str(caught.value) == text(
        "error[SNN501]: the packages that a run needs are installed",
        "framework snntorch",
        f"{package} is not installed",
        "importing a model of snnTorch needs snntorch 1.0 and torch 2.6 or newer",
        "pip install 'snnc[snntorch]'",
    )
