"""One process reads the files of all tests here: it takes longer to start than to read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from snnc.frontends.hdf5.process import ReaderProcess
from snnc.runtime.data import hdf5, recordings


class Shared(ReaderProcess):
    """Goes on where others end."""

    def __exit__(self, *_: object) -> None:
        """Leave the process for the next test."""


@pytest.fixture(scope="module", autouse=True)
def one_process() -> Iterator[None]:
    shared = Shared()
    with pytest.MonkeyPatch.context() as patch:
        for module in (hdf5, recordings):
            patch.setattr(module, "ReaderProcess", lambda: shared)
        yield
    ReaderProcess.__exit__(shared, None, None, None)
