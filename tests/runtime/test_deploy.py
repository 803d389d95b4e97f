"""Which models ``compile`` takes for a Python file."""

from __future__ import annotations

from pathlib import Path

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.deploy import compile


def test_a_python_file_without_a_function(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("")
    with pytest.raises(InputError) as caught:
        compile(path)
    assert str(caught.value) == (
        "error[SNN114]: FILE.py:FUNCTION names a function that returns a trained module\n"
        f"  --> {path}\n"
        "   found: no Python file with a function\n"
        "   limit: a torch.nn.Module, or a function without arguments that returns one\n"
        f"  remedy: {path}:FUNCTION"
    )
