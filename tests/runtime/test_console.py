"""What the command prints, on terminals of all kinds."""

from __future__ import annotations

import io
import json

import pytest

from snnc.runtime.console import emit, emit_json


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [("ascii", rb"net.\xe9\u4e2d"), ("latin-1", b"net.\xe9\\u4e2d"), ("utf-8", "net.é中".encode())],
)
def test_letters_that_a_terminal_has_not(
    encoding: str, printed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stream, encoding=encoding))
    emit("net.é中")
    assert stream.getvalue() == printed + b"\n"


def test_json_is_the_same_on_all(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"name": "é"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {"name": "é"}
