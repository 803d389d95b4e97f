"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.lava.standalone import NEEDS, link_package


@pytest.fixture(scope="package")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with links to the packages in ``NEEDS`` and to no other."""
    folder = tmp_path_factory.mktemp("packages")
    for name in NEEDS:
        link_package(name, folder)
    return folder
