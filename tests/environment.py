"""Make a virtual environment, once: ``python -m tests.environment .venv torch==2.13.0``.

Each argument after the directory is one call of ``pip install``, in that order. When all of them
have succeeded, what they were is written into the environment. While that record, the dependencies
in ``pyproject.toml``, the sources of the native engine and the interpreter stay the same, a second
call does nothing; a half-finished environment has no record and is finished by the next call.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make_environment(directory: Path, installs: list[str]) -> Path:
    """Bring the environment up to date and give its interpreter.

    Args:
        directory: Where it is made, for the interpreter that runs this.
        installs: For each ``pip install`` its arguments, as on a command line.

    Raises:
        CalledProcessError: pip failed; it has said why.
    """
    python = directory / "bin" / "python"
    stamp = directory / "installed.json"
    found: dict[str, object] = json.loads(stamp.read_text()) if stamp.exists() else {}
    wanted = _wanted(directory, installs)
    if found == wanted and python.exists():
        return python
    started = time.monotonic()
    stamp.unlink(missing_ok=True)
    _say(f"{directory}: making it with Python {sys.version.partition(' ')[0]}")
    # What another interpreter, another place or a broken-off call left there is of no use.
    venv.create(directory, with_pip=True, clear=found.get("base") != wanted["base"])
    for number, install in enumerate(installs, start=1):
        _say(f"{directory}: {number} of {len(installs)}: pip install {install}")
        _pip_install(python, install)
    stamp.write_text(json.dumps(wanted, indent=1))
    _say(f"{directory}: ready after {time.monotonic() - started:.0f} s")
    return python


def _wanted(directory: Path, installs: list[str]) -> dict[str, object]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {
        "base": [sys.version, sys.base_prefix, str(directory.absolute())],
        "installs": installs,
        "build-system": project["build-system"],
        "project": project["project"],
        "engine": _digest_of_engine(),
    }


def _digest_of_engine() -> str:
    """Sum up the sources that pip compiles."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "targets" / "native").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _pip_install(python: Path, install: str) -> None:
    command = [str(python), "-m", "pip", "install", *shlex.split(install)]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        make_environment(Path(sys.argv[1]), sys.argv[2:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {shlex.join(error.cmd)} failed; the lines above say why")
    except OSError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: the next call starts the environment anew")
