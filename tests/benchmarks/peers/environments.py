"""The virtual environment of each simulator, made once by pip and then found again."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TORCH = "torch==2.13.0 numpy scipy"
"""The build without CUDA where pip's sources have one; numpy, as torch imports it."""
STAMP = "installed.json"
GENN = "GENN_SOURCE"
"""Stands for the folder of GeNN's source."""


class NotAvailable(Exception):
    """A simulator cannot be had here; the text says why."""


@dataclass(frozen=True)
class Environment:
    """What pip puts into an environment.

    Attributes:
        installs: For each call of ``pip install`` its arguments, as on a command line.
    """

    installs: tuple[str, ...]


# Brian2 2.9.0 needs an attribute that NumPy 2.4 has not. norse, snnTorch and SpikingJelly would
# pull in torchvision, and that a torch with CUDA.
ENVIRONMENTS = {
    "lava": Environment(
        (
            "numpy scipy networkx asteval scikit-learn",
            "--no-deps --ignore-requires-python lava-nc==0.10.0",
        )
    ),
    "norse": Environment((TORCH, "nir==1.0.8", "--no-deps norse==1.1.0 nirtorch==2.6")),
    "snntorch": Environment((TORCH, "nir==1.0.8", "--no-deps snntorch==1.0.0 nirtorch==2.6")),
    "spikingjelly": Environment(
        (TORCH, "tqdm matplotlib tensorboard loguru", "--no-deps spikingjelly==2.0.0")
    ),
    "brian2": Environment(("numpy<2.4 scipy setuptools", "brian2==2.9.0")),
    "genn": Environment(
        (
            "numpy setuptools wheel pybind11 psutil pkgconfig",
            f"--no-build-isolation {GENN}",
        )
    ),
    "nest": Environment(("numpy scipy nest-simulator==3.10.0",)),
    "plots": Environment(("matplotlib",)),
}


def interpreter(name: str, folder: Path, genn: Path | None, say: Callable[[str], None]) -> Path:
    """Bring the environment ``name`` below ``folder`` up to date, and give its interpreter.

    Args:
        name: A key of ``ENVIRONMENTS``.
        folder: Holds one folder for each environment.
        genn: Folder of GeNN's source, or None.
        say: Told what is being made.

    Raises:
        NotAvailable: pip failed, or GeNN's source is missing.
    """
    installs = [_filled(install, genn) for install in ENVIRONMENTS[name].installs]
    directory = folder / name
    python, stamp = directory / "bin" / "python", directory / STAMP
    wanted = {"python": sys.version, "installs": installs}
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return python
    say(f"making {directory}")
    try:
        venv.create(directory, with_pip=True, clear=True)
        for install in installs:
            _pip(python, install, directory / "pip.log")
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotAvailable(_reason(error, directory / "pip.log")) from error
    stamp.write_text(json.dumps(wanted, indent=1))
    return python


def _filled(install: str, genn: Path | None) -> str:
    if GENN not in install:
        return install
    if genn is None:
        raise NotAvailable("pip has no GeNN; give the folder of its source with --genn-source")
    return install.replace(GENN, shlex.quote(str(genn.resolve())))


def _pip(python: Path, install: str, log: Path) -> None:
    command = [str(python), "-m", "pip", "install", *shlex.split(install)]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    with log.open("a") as file:
        file.write(f"{shlex.join(command)}\n")
        file.flush()
        subprocess.run(command, env=os.environ | quiet, stdout=file, stderr=file, check=True)


def _reason(error: Exception, log: Path) -> str:
    """Give the last line in which pip told of an error, or what else went wrong."""
    lines = log.read_text().splitlines() if log.exists() else []
    told = [line.strip() for line in lines if line.lower().lstrip().startswith("error")]
    return told[-1] if told else f"{type(error).__name__}: {error}"
