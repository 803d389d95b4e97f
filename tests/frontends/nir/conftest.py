"""What tests of `.nir` files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from snnc.frontends.hdf5.process import ReaderProcess
from tests.frontends.nir.refused import READERS


@pytest.fixture(scope="module")
def process() -> Iterator[None]:
    """One process reads all the files, as it would one by one."""
    with ReaderProcess() as reader:
        READERS.append(reader)
        yield
        READERS.clear()
