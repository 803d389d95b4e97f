"""Every kind of file that takes other readers down is refused, with the whole text compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.nir.file import parse
from tests.frontends.nir.malformed import CASES, make_file


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderProcess]:
    with ReaderProcess() as process:
        yield process


@pytest.mark.parametrize("name", CASES)
def test_malformed(tmp_path: Path, reader: ReaderProcess, name: str) -> None:
    path = tmp_path / "a.nir"
    expected = make_file(name, path)
    with pytest.raises(InputError) as caught:
        parse(str(path), reader.read(path))
    first = caught.value.diagnostics[0]
    if expected.found.endswith("..."):  # what HDF5 says, or a place in the file
        assert first.found.startswith(expected.found[:-3])
        first = replace(first, found=expected.found)
    assert str(first) == str(expected)
    assert str(caught.value).startswith(str(caught.value.diagnostics[0]))
