"""C++ becomes shared libraries, once: what is built is kept under the hash of all it is made of."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
KEPT = ROOT / ".cuda_cache"
FLAGS = ("-std=c++17", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{HERE}")


@cache
def here() -> str:
    """Give the text of all C++ in this folder."""
    return "".join(
        path.read_text() for path in sorted(HERE.glob("*.[hc]*")) if path.suffix != ".py"
    )


def kept(kind: str, suffix: str, *made_of: str) -> tuple[Path, bool]:
    """Give where something is kept that is made of texts, and whether it is there."""
    name = hashlib.sha256("\0".join((kind, *made_of)).encode()).hexdigest()[:32]
    path = KEPT / kind / f"{name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, path.exists()


def library(source: str, *flags: str, made_of: Sequence[str] = ()) -> Path:
    """Give the shared library of a text of C++.

    Args:
        source: The text; it may include what is in this folder.
        flags: Beside those of all.
        made_of: Texts of other files that it includes.

    Raises:
        AssertionError: It does not compile; with what the compiler says.
    """
    path, there = kept("library", ".so", source, here(), *FLAGS, *flags, *made_of)
    if not there:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            built = Path(folder) / path.name
            done = subprocess.run(
                ["g++", "-x", "c++", *FLAGS, *flags, "-o", built, "-"],
                input=source,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            built.replace(path)
    return path


def write(path: Path, text: str) -> None:
    """Write a file that others may look for at the same time."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that others may look for at the same time."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    Path(part.name).replace(path)
