"""The packages of others that the runner needs, looked for without importing any of them."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from .faults import ProcessFault

LAVA_VERSION = "0.10.0"
NEEDS = {
    "asteval": "asteval",
    "lava-nc": "lava",
    "networkx": "networkx",
    "numpy": "numpy",
    "safetensors": "safetensors",
    "scipy": "scipy",
}
"""Names for pip and for Python of what the runner imports, and what lava-nc 0.10.0 imports."""


def problem() -> str | None:
    """Say which packages are absent, or which lava-nc is there in place of the right one."""
    absent = [name for name, module in NEEDS.items() if not _is_there(module)]
    if absent:
        return f"no {', '.join(absent)}"
    try:
        version = metadata.version("lava-nc")
    except metadata.PackageNotFoundError:  # a copy that pip did not install
        return None
    return None if version == LAVA_VERSION else f"lava-nc {version}"


def require() -> None:
    """Go on only where all packages are there.

    Raises:
        ProcessFault: One is not.
    """
    found = problem()
    if found is not None:
        raise ProcessFault(
            f"{found}: pip install asteval networkx scipy and then pip install --no-deps "
            f"--ignore-requires-python lava-nc=={LAVA_VERSION}"
        )


def _is_there(module: str) -> bool:
    """Find ``module``; for Lava its core too, as any leftover folder ``lava`` can be imported."""
    spec = find_spec(module)
    if spec is None or module != "lava":
        return spec is not None
    folders = map(Path, spec.submodule_search_locations or ())
    return any((folder / "magma" / "core" / "run_configs.py").is_file() for folder in folders)
