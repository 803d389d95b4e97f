"""The import directions of the design, read from the source of every file.

runtime -> targets, frontends, compiler; targets -> compiler; frontends -> compiler; compiler ->
nothing of ours. Inside the compiler: semantics -> graph, and quantization knows nothing of NIR.
Frameworks and vendors' packages are imported where they are used and late, so that
everything else works without them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MAY_IMPORT = {
    "compiler": {"compiler"},
    "frontends": {"frontends", "compiler"},
    "targets": {"targets", "compiler"},
    "runtime": {"runtime", "targets", "frontends", "compiler"},
    "snnc": {"runtime", "targets", "frontends", "compiler"},
}

STAGES = {
    "compiler": set[str](),
    "compiler/graph": {"graph"},
    "compiler/semantics": {"graph", "semantics"},
    "compiler/quantization": {"quantization"},
}
"""For each folder of the compiler, from which of its folders it may import."""

_FOLDERS = {name for allowed in STAGES.values() for name in allowed}

RUNNERS = ("targets/cuda/runner/", "targets/lava/runner/")
HOMES = {
    "aedat": "frontends/",
    "cuda": "targets/cuda/runner/",
    "lava": "targets/lava/runner/",
    "norse": "frontends/",
    "onnx": "frontends/",
    "snntorch": "frontends/",
    "torch": "frontends/",
}
"""For each package that may be missing, where it is imported."""

RUNNER_NEEDS = {"cuda", "lava", "numpy", "safetensors", "scipy"}
"""A runner is copied into artifacts, which run where nothing else is installed. Lava needs scipy
itself."""

LATE_NAME = re.compile(r"snnc\.(compiler|frontends|targets|runtime)(\.\w+)*(:\w+)?")
"""A module that is imported by its name, such as the values of ``targets.TARGETS``."""


@dataclass(frozen=True)
class Import:
    """One module that a file imports.

    Attributes:
        line: Line of the statement.
        name: The module's full name; of a relative import what stands after the dots.
        level: Number of dots; 0 for an absolute import.
        when: ``load`` with the file, ``late`` in a function, ``types`` only by type checkers.
    """

    line: int
    name: str
    level: int
    when: str


def imports_of(node: ast.AST, when: str = "load") -> Iterator[Import]:
    """Give every import below ``node``."""
    if isinstance(node, ast.Import):
        yield from (Import(node.lineno, alias.name, 0, when) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
        if node.module == "snnc":
            names = [f"snnc.{alias.name}" for alias in node.names]
        yield from (Import(node.lineno, name, node.level, when) for name in names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if LATE_NAME.fullmatch(node.value):
            yield Import(node.lineno, node.value.partition(":")[0], 0, "late")
    else:
        for child in ast.iter_child_nodes(node):
            yield from imports_of(child, _when(node, child, when))


def _when(node: ast.AST, child: ast.AST, when: str) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return "late"
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return "types" if child in node.body else when
    return when


def complaints(path: str, source: str) -> list[str]:
    """Say what is wrong with the imports of a file; ``path`` is relative to the checkout."""
    found = imports_of(ast.parse(source))
    return [f"{path}:{one.line}: {text}" for one in found for text in _complaints(path, one)]


def _complaints(path: str, one: Import) -> Iterator[str]:
    if one.level:
        if not path.startswith(RUNNERS) or one.level > 1:
            yield "a relative import; absolute ones can be searched for"
    elif path.startswith(RUNNERS):
        package = one.name.partition(".")[0]
        if package not in RUNNER_NEEDS | sys.stdlib_module_names:
            yield f"the runner imports {package}, which is not there where an artifact runs"
    else:
        yield from _direction(path, one)
        yield from _vendor(path, one)


def _direction(path: str, one: Import) -> Iterator[str]:
    part = path.partition("/")[0]
    package, inner = (*one.name.split("."), "")[:2]
    if package in MAY_IMPORT and package != "snnc":
        yield f"imports {package}; the package is snnc.{package}"
    if package == "snnc" and inner not in MAY_IMPORT[part] | {"__version__"}:
        yield f"{part} imports {one.name}"
    folder, name = path.rpartition("/")[0], (*one.name.split("."), "", "")[2]
    if folder in STAGES and inner == "compiler" and name in _FOLDERS - STAGES[folder]:
        yield f"{folder} imports {one.name}"


def _vendor(path: str, one: Import) -> Iterator[str]:
    package = one.name.partition(".")[0]
    if package not in HOMES or one.when == "types":
        return
    if not path.startswith(HOMES[package]):
        yield f"imports {package}, which is imported in {HOMES[package]} only"
    elif one.when == "load":
        yield f"imports {package} outside a function"


def test_the_tree_keeps_the_directions() -> None:
    files = [path for part in MAY_IMPORT for path in sorted((ROOT / part).glob("**/*.py"))]
    assert {path.relative_to(ROOT).parts[0] for path in files} == set(MAY_IMPORT)
    broken = [
        complaint
        for path in files
        for complaint in complaints(path.relative_to(ROOT).as_posix(), path.read_text())
    ]
    assert broken == []


BROKEN = {
    "compiler imports a target": (
        "compiler/a.py",
        "from snnc.targets.base import Target",
        "compiler imports snnc.targets.base",
    ),
    "compiler imports the runtime late": (
        "compiler/a.py",
        "def f():\n    import snnc.runtime.cli",
        "compiler imports snnc.runtime.cli",
    ),
    "what all stages share imports one": (
        "compiler/a.py",
        "from snnc.compiler.graph.nodes import MaxPool1d",
        "compiler imports snnc.compiler.graph.nodes",
    ),
    "numbers import semantics": (
        "compiler/quantization/a.py",
        "from snnc.compiler.semantics.discretize import discretize",
        "compiler/quantization imports snnc.compiler.semantics.discretize",
    ),
    "frontend imports a target": (
        "frontends/a.py",
        "from snnc import targets",
        "frontends imports snnc.targets",
    ),
    "target imports a frontend": (
        "targets/float/a.py",
        "import snnc.frontends.snntorch.frontend as s",
        "targets imports snnc.frontends.snntorch.frontend",
    ),
    "target imports the runtime by its name": (
        "targets/a.py",
        "X = {'a': 'snnc.runtime.cli:main'}",
        "targets imports snnc.runtime.cli",
    ),
    "for types only, and still in the wrong direction": (
        "compiler/a.py",
        "if TYPE_CHECKING:\n    from snnc.targets.base import Target",
        "compiler imports snnc.targets.base",
    ),
    "the public names are for users": (
        "runtime/a.py",
        "from snnc import compile",
        "runtime imports snnc.compile",
    ),
    "the whole package": ("runtime/a.py", "import snnc", "runtime imports snnc"),
    "second copy": (
        "runtime/a.py",
        "from compiler.network import Network",
        "imports compiler; the package is snnc.compiler",
    ),
    "relative": (
        "compiler/a.py",
        "from .network import Network",
        "a relative import; absolute ones can be searched for",
    ),
    "relative, out of the runner": (
        "targets/lava/runner/a.py",
        "from ..target import LavaTarget",
        "a relative import; absolute ones can be searched for",
    ),
    "torch with the file": (
        "frontends/a.py",
        "import torch.nn as nn",
        "imports torch outside a function",
    ),
    "torch in the class": (
        "frontends/a.py",
        "class A:\n    from torch import nn",
        "imports torch outside a function",
    ),
    "torch where types are not": (
        "frontends/a.py",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import torch",
        "imports torch outside a function",
    ),
    "torch in a target": (
        "targets/float/a.py",
        "def f():\n    import torch",
        "imports torch, which is imported in frontends/ only",
    ),
    "lava beside its runner": (
        "targets/lava/a.py",
        "async def f():\n    from lava.proc.lif.process import LIF",
        "imports lava, which is imported in targets/lava/runner/ only",
    ),
    "runner imports us": (
        "targets/lava/runner/a.py",
        "from snnc.compiler.fixed import FixedNetwork",
        "the runner imports snnc, which is not there where an artifact runs",
    ),
    "runner imports another package": (
        "targets/lava/runner/a.py",
        "def f():\n    import rich",
        "the runner imports rich, which is not there where an artifact runs",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_complaint(name: str) -> None:
    path, source, complaint = BROKEN[name]
    line = source.count("\n") + 1
    assert complaints(path, source) == [f"{path}:{line}: {complaint}"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("compiler/a.py", "from snnc.compiler.fixed import FixedNetwork"),
        ("compiler/a.py", "from snnc import __version__"),
        ("compiler/semantics/a.py", "from snnc.compiler.graph.nodes import MaxPool1d"),
        ("compiler/graph/a.py", "from snnc.compiler.graph.nodes import MaxPool1d"),
        ("compiler/a.py", "TEXT = 'snnc.targets are not for the compiler'"),
        ("compiler/a.py", "TEXT = 'snnc.verify'"),
        ("targets/a.py", "X = 'snnc.targets.float.target:FloatTarget'"),
        ("frontends/a.py", "def f():\n    import torch"),
        ("frontends/a.py", "if typing.TYPE_CHECKING:\n    import torch"),
        ("runtime/a.py", "if TYPE_CHECKING:\n    import torch"),
        ("runtime/a.py", "from snnc.targets import get_target"),
        ("targets/lava/runner/a.py", "import os\nimport numpy\nfrom lava.utils import x"),
        ("targets/lava/runner/a.py", "from .program import Program\nfrom . import program"),
    ],
)
def test_no_complaint(path: str, source: str) -> None:
    assert complaints(path, source) == []
