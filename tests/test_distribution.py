"""The sdist and the wheel hold every file of the code, and the wheel works where little else is.

Installs from the package index that pip is set up for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import snnc
from tests.test_package import PARTS, ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("distribution"),  # the engine is compiled once for all of them
]

BESIDE_THE_CODE = {
    "CHANGELOG.md",
    "LICENSE",
    "MANIFEST.in",
    "PKG-INFO",
    "README.md",
    "pyproject.toml",
    "setup.cfg",
}


ENGINE = "snnc/targets/cpu/_engine.abi3.so"
NO_COMPILER = {"CC": "/absent/cc", "CXX": "/absent/c++"}
ARITHMETIC = "snnc/targets/native/arithmetic.h"
"""The kernels of the CUDA target include it, which are compiled where they run."""


@dataclass(frozen=True)
class Built:
    """A copy of the tree and what ``python -m build`` made of it."""

    tree: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    tree = tmp_path_factory.mktemp("built") / "snnc"
    skip = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "*.so")
    shutil.copytree(ROOT, tree, symlinks=True, ignore=skip)
    out = tree.parent / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Built(tree, sdist, wheel)


@pytest.fixture(scope="module")
def scripts(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with the core's needs and nothing else; give the folder of commands."""
    return make_environment(tmp_path_factory.mktemp("installed"), built.wheel)


def test_names_have_the_version(built: Built) -> None:
    assert built.sdist.name == f"snnc-{snnc.__version__}.tar.gz"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert built.wheel.name == f"snnc-{snnc.__version__}-cp311-abi3-{platform}.whl"


def test_wheel_holds_the_code_and_nothing_else(built: Built) -> None:
    names = zipfile.ZipFile(built.wheel).namelist()
    assert {n for n in names if ".dist-info/" not in n} == code_files() | {ENGINE}


def test_wheel_holds_the_license(built: Built) -> None:
    names = zipfile.ZipFile(built.wheel).namelist()
    assert f"snnc-{snnc.__version__}.dist-info/licenses/LICENSE" in names


def test_sdist_holds_the_code_and_no_tests(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        files = {m.name.partition("/")[2] for m in archive if m.isfile()}
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "targets" / "native").iterdir()}
    assert {n for n in files if ".egg-info/" not in n} == code_files() | BESIDE_THE_CODE | sources


def test_engine_of_the_wheel(scripts: Path) -> None:
    code = "from snnc.targets import get_target; print(get_target('cpu').missing())"
    assert run_bare(scripts, "python", "-c", code) == "None\n"


def test_without_a_compiler_there_is_no_engine_and_all_else(built: Built, tmp_path: Path) -> None:
    shutil.copytree(
        built.tree, tmp_path / "snnc", symlinks=True, ignore=shutil.ignore_patterns("build")
    )
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel")
    run(*build, "--outdir", tmp_path, tmp_path / "snnc", env=os.environ | NO_COMPILER)
    (wheel,) = tmp_path.glob("*.whl")
    assert {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n} == code_files()


def test_neither_frameworks_nor_compilers_are_there(scripts: Path) -> None:
    """What the tests below rest on."""
    code = (
        "from importlib.util import find_spec; from shutil import which;"
        "print(*(n for n in ('torch', 'snntorch', 'norse', 'lava', 'onnx') if find_spec(n)),"
        "*(c for c in ('cc', 'gcc', 'c++', 'g++', 'clang', 'nvcc') if which(c)))"
    )
    assert run_bare(scripts, "python", "-c", code) == "\n"


@pytest.mark.parametrize("argument", ["--help", "--version", "targets"])
def test_command_of_the_wheel(scripts: Path, argument: str) -> None:
    said = run_bare(scripts, "snnc", argument)
    assert said
    assert said == run_bare(scripts, "python", "-m", "snnc", argument)


def test_import_of_the_wheel(scripts: Path) -> None:
    said = run_bare(scripts, "python", "-c", "import snnc; print(snnc.__version__)")
    assert said == f"{snnc.__version__}\n"


def test_editable_install_is_a_path_and_no_import_hook(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Type checkers follow a path; they cannot follow an import hook."""
    for name, absent in NO_COMPILER.items():
        monkeypatch.setenv(name, absent)  # the engine is compiled above
    scripts = make_environment(tmp_path / "editable", "--no-deps", "-e", built.tree)
    (packages,) = tmp_path.glob("editable/lib/python*/site-packages")
    hooks = [p.read_text().strip() for p in packages.glob("__editable__*")]
    assert hooks == [str(built.tree)]
    said = run_bare(scripts, "python", "-c", "import snnc.compiler as c; print(c.__file__)")
    assert said == f"{built.tree}/snnc/compiler/__init__.py\n"


def code_files() -> set[str]:
    """Name every file of the code as the wheel has to hold it."""
    files = {"snnc/__init__.py", "snnc/__main__.py", "snnc/py.typed", ARITHMETIC}
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            if path.is_file() and not {"__pycache__", "native", ".so"} & {*path.parts, path.suffix}:
                files.add(f"snnc/{path.relative_to(ROOT).as_posix()}")
    return files


def make_environment(directory: Path, *install: str | Path) -> Path:
    venv.create(directory, with_pip=True)
    run(directory / "bin" / "python", "-m", "pip", "install", "--quiet", *install)
    return directory / "bin"


def run_bare(scripts: Path, name: str, *arguments: str) -> str:
    """Run a command of an environment, with no other command to be found, outside the checkout."""
    bare = {"PATH": str(scripts), "HOME": str(scripts.parent), "LC_ALL": "C.UTF-8"}
    return run(scripts / name, *arguments, cwd=scripts.parent, env=bare)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env or dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
