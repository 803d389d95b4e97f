"""The runner of an artifact, started by a user where snnc is not installed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava.runner import main
from snnc.targets.lava.runner.faults import BadInput
from snnc.targets.lava.runner.program import check_whole
from tests.targets.lava.leftovers import (
    MARK,
    end_leftovers,
    marked_processes,
    segments,
    wait_until_gone,
)
from tests.targets.lava.networks import (
    Array,
    Signals,
    expected,
    population,
    projection,
    random_inputs,
    save_inputs,
    write_artifact,
)

NEEDS = ("asteval", "lava", "networkx", "numpy", "numpy.libs", "safetensors", "scipy", "scipy.libs")
"""Folders of the packages that the runner may use: lava-nc, numpy, safetensors, and Lava's own."""
INSTALL = (
    "pip install asteval networkx scipy and then "
    "pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with links to the packages in ``NEEDS`` and to no other."""
    folder = tmp_path_factory.mktemp("packages")
    for name in NEEDS:
        link_package(name, folder)
    return folder


def link_package(name: str, folder: Path) -> None:
    """Link an installed package, or the libraries that belong to it, into ``folder``."""
    spec = find_spec(name.partition(".")[0])
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(next(iter(spec.submodule_search_locations))).parent / name
    folder.mkdir(exist_ok=True)
    if source.exists():
        (folder / name).symlink_to(source)


def command(script: Path, packages: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Give a command that starts ``script`` without any other package, and its environment."""
    environment = os.environ | {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    return [sys.executable, "-S", str(script), *arguments], environment


def start(script: Path, packages: Path, *arguments: str) -> tuple[int, str]:
    """Run ``script`` to its end, and give exit code and standard error without progress."""
    line, environment = command(script, packages, *arguments)
    done = subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == ""
    return done.returncode, without_progress(done.stderr)


def without_progress(text: str) -> str:
    """Drop the lines that a slow machine makes the runner write."""
    return re.sub(r"^step \d+ of \d+\n", "", text, flags=re.MULTILINE)


def results(path: Path, fixed: FixedNetwork) -> tuple[dict[str, Array], Signals]:
    """Read outputs and recorded signals."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    outputs = {o.name: arrays.pop(o.name) for o in fixed.outputs}
    signals: Signals = {s: {} for s in SIGNALS}
    for name, values in arrays.items():
        population_name, _, kind = name.rpartition(".")
        signals[kind][population_name] = values
    return outputs, signals


def two_inputs() -> FixedNetwork:
    """Give a network with names that are no identifiers, and an input of real values."""
    rng = np.random.default_rng(3)
    return FixedNetwork(
        inputs=(FixedInput("x", (3,)), FixedInput("a/b.c", (2, 2), step=0.25, max_abs=8)),
        populations=(
            population("hidden.0", (2, 3), FixedReset.SUBTRACT_DELAYED, 1, dv=200),
            population("file", (4,), FixedReset.ZERO, 2, dv=100),
        ),
        projections=(
            projection("x", "hidden.0", rng.integers(-50, 128, (6, 3))),
            projection("a/b.c", "hidden.0", rng.integers(-128, 128, (6, 4)), exp=-2),
            projection("hidden.0", "hidden.0", rng.integers(-60, 60, (6, 6)), delay=2),
            projection("hidden.0", "file", rng.integers(-50, 128, (4, 6))),
        ),
        outputs=(Output("allow_pickle", "file"), Output("hidden", "hidden.0")),
        dt=1e-3,
    )


@pytest.mark.lava
def test_user_runs_an_artifact_without_snnc(tmp_path: Path, packages: Path) -> None:
    fixed = two_inputs()
    script = write_artifact(tmp_path / "artifact", fixed)
    line, environment = command(script, packages)
    absent = subprocess.run(
        [*line[:2], "-P", "-c", "import snnc"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'snnc'" in absent.stderr

    inputs = random_inputs(fixed, steps=9, batch=4)
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    assert start(script, packages, *into, "--record", "spikes,u,v") == (0, "")
    outputs, signals = results(tmp_path / "out.npz", fixed)
    wanted = expected(fixed, inputs)
    for kind in SIGNALS:
        for name, values in wanted[kind].items():
            assert np.array_equal(signals[kind][name], values)
    for output in fixed.outputs:
        assert outputs[output.name].dtype == np.uint8
        assert np.array_equal(outputs[output.name], wanted["spikes"][output.source])
        assert outputs[output.name].any()

    assert start(script, packages, *into, "--raw-time") == (0, "")
    raw, signals = results(tmp_path / "out.npz", fixed)
    assert signals == {s: {} for s in SIGNALS}
    assert np.array_equal(raw["allow_pickle"][2:], outputs["allow_pickle"])
    assert np.array_equal(raw["hidden"][1:-1], outputs["hidden"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact", "out.npz", "x.npz"]


FAULTS = {
    "no one added to du": ("neuron.py", "self.du + 1)", "self.du)"),
    "spike at the threshold": ("neuron.py", "spikes = v > theta", "spikes = v >= theta"),
    "floor for truncation": (
        "neuron.py",
        "np.sign(product) * (np.abs(product) >> DECAY_BITS)",
        "product >> DECAY_BITS",
    ),
    "v wraps": (
        "neuron.py",
        "np.clip(v, -(STATE_LIMIT - 1), STATE_LIMIT - 1)",
        "_wrapped(v)",
    ),
    "u saturates": (
        "neuron.py",
        "u = np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)",
        "u = np.clip(u, 1 - STATE_LIMIT, STATE_LIMIT)",
    ),
    "reset before the spike test": (
        "neuron.py",
        "        spikes = v > theta\n",
        "        spikes = v > theta\n        if self.reset == 'zero':\n"
        "            spikes = np.where(spikes, 0, v) > theta\n",
    ),
    "reset of before": ("neuron.py", "v -= theta * spikes\n", "v -= theta * over_before\n"),
    "a step more delay": ("build.py", ".delay - 1\n", ".delay\n"),
    "weights of half": ("build.py", '2 * dense["weight"]', 'dense["weight"]'),
    "stock reset late": ("build.py", "record.lag + 1", "record.lag + 2"),
    "no rest between samples": ("processes.py", "if position[0] == 0:", "if False:"),
    "not silent between samples": (
        "processes.py",
        "        if position is None:\n"
        "            self.s_out.send(self.silence)\n"
        "            return\n"
        "        if position[0] == 0:\n",
        "        if position is not None and position[0] == 0:\n",
    ),
    "no bias exponent": ("neuron.py", ' << integers["bias_exp"]', ""),
    "retest forgets": ("neuron.py", "v += theta * over_before - theta", "v -= theta"),
}


@pytest.fixture(scope="module")
def demanding() -> tuple[FixedNetwork, dict[str, Array], Signals]:
    """Give a network, input and result in which every fault shows."""
    rng = np.random.default_rng(1)

    def weight(low: int, high: int) -> Array:
        return rng.integers(low, high, (4, 4))

    usual = {"du": [0, 900, 2000, 4095], "dv": 300, "threshold": [60, 200, 100, 90]}
    bias = {"bias_mant": [20, -20, 60, 0], "bias_exp": [5, 4, 3, 0]}
    wide = {"du": 400, "dv": [3, 0, 50, 400], "threshold": 90000}
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (4,)),),
        populations=(
            population("stock", (4,), FixedReset.ZERO, 1, **usual, **bias),
            population("zero", (4,), FixedReset.ZERO, 2, **usual, **bias),
            population("subtract", (4,), FixedReset.SUBTRACT, 1, threshold=[60, 30, 90, 40]),
            population("retest", (4,), FixedReset.SUBTRACT_RETEST, 1, **usual, **bias),
            population("wide", (4,), FixedReset.SUBTRACT, 1, **wide),
        ),
        projections=(
            projection("x", "stock", weight(-60, 128)),
            projection("stock", "zero", weight(-60, 128), exp=1),
            projection("zero", "zero", weight(-60, 60), delay=3),
            projection("x", "subtract", np.full((4, 4), 30)),
            projection("subtract", "retest", weight(0, 128), delay=1),
            projection("x", "wide", np.tile([[127], [-128], [100], [-90]], (1, 4)), exp=7),
        ),
        outputs=(Output("out", "zero"),),
        dt=1e-3,
    )
    inputs = {"x": (rng.random((14, 4, 4)) < 0.5).astype(np.int64)}
    return fixed, inputs, expected(fixed, inputs)


@pytest.mark.lava
@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_every_fault_in_the_runner_is_seen(
    tmp_path: Path,
    packages: Path,
    demanding: tuple[FixedNetwork, dict[str, Array], Signals],
    fault: str,
) -> None:
    fixed, inputs, wanted = demanding
    script = write_artifact(tmp_path, fixed)
    if fault != "none":
        file, old, new = FAULTS[fault]
        path = tmp_path / "runner" / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    np.save(tmp_path / "x.npy", inputs["x"])
    into = ("--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "out.npz"))
    assert start(script, packages, *into, "--record", "spikes,u,v") == (0, "")
    _, signals = results(tmp_path / "out.npz", fixed)
    different = {
        kind: sum(int((signals[kind][n] != v).sum()) for n, v in wanted[kind].items())
        for kind in SIGNALS
    }
    if fault == "none":
        assert different == {"spikes": 0, "u": 0, "v": 0}
    else:
        assert any(different.values())


@pytest.mark.lava
def test_time_limit(tmp_path: Path, packages: Path) -> None:
    script = write_artifact(tmp_path, two_inputs())
    save_inputs(tmp_path / "x.npz", random_inputs(two_inputs(), 500, 400))
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    wanted = "error: the run was ended after 0.5 s (--timeout)\n"
    assert start(script, packages, *into, "--timeout", "0.5") == (124, wanted)
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.lava
def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, packages: Path) -> None:
    """The words of each message are in ``test_arrays.py``; here, that it gets out."""
    script = write_artifact(tmp_path / "artifact", two_inputs())
    needed = "error: --input X.npy and --output OUT.npz are needed\n"
    assert start(script, packages) == (2, needed)
    into = ("--input", f"{tmp_path}/x.npz", "--output", f"{tmp_path}/nowhere/out.npz")
    assert start(script, packages, *into, "--record", "u,w") == (
        2,
        "error: --record: 'w' is none of spikes, u, v\n",
    )
    for number in ("-1", "0", "nan"):
        assert start(script, packages, *into, "--timeout", number) == (
            2,
            f"error: --timeout: {number} is not a number of seconds above 0\n",
        )
    assert start(script, packages, *into) == (
        2,
        f"error: {tmp_path}/x.npz: No such file or directory\n",
    )
    save_inputs(tmp_path / "x.npz", random_inputs(two_inputs(), 2, 1))
    assert start(script, packages, *into) == (
        3,
        f"error: {tmp_path}/nowhere: No such file or directory\n",
    )
    assert start(script, packages, *into[:3], str(tmp_path)) == (
        2,
        f"error: {tmp_path}: a directory; --output takes the name of a file\n",
    )


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (OSError(28, "No space left on device"), "the run: No space left on device"),
        (OSError(28, "No space left on device", "o.npz"), "o.npz: No space left on device"),
        (OSError("odd"), "the run: odd"),
    ],
)
def test_fault_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: OSError,
    text: str,
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.setattr("snnc.targets.lava.runner.packages.problem", fail)
    monkeypatch.setattr(main, "end_in_order", lambda: None)
    monkeypatch.setattr("sys.argv", ["run.py"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == f"error: {text}\n"


def problem_of(directory: Path) -> str:
    with pytest.raises(BadInput) as error:
        check_whole(directory)
    return str(error.value)


@pytest.mark.lava
def test_damaged_artifact(tmp_path: Path, packages: Path) -> None:
    script = write_artifact(tmp_path, two_inputs())
    check_whole(tmp_path)
    for name in ("program.json", "weights.safetensors", "lava.json"):
        path = tmp_path / name
        whole = path.read_bytes()
        for damaged in (whole[:-9], whole.replace(b"1", b"2"), b""):
            path.write_bytes(damaged)
            wanted = f"{path}: not as manifest.json describes it; compile the model again"
            assert problem_of(tmp_path) == wanted
        path.unlink()
        assert problem_of(tmp_path) == f"{path}: No such file or directory"
        path.write_bytes(whole)
    wanted = f"{tmp_path}/manifest.json: damaged; compile the model again"
    for text in ("{", "[]", "{}", '{"members": {"program.json": 1}}', "\xff"):
        (tmp_path / "manifest.json").write_text(text, encoding="latin-1")
        assert problem_of(tmp_path) == wanted
    into = ("--input", "x.npz", "--output", "out.npz")
    assert start(script, packages, *into) == (2, f"error: {wanted}\n")


def test_packages_that_lack_are_named(tmp_path: Path) -> None:
    for name in ("numpy", "numpy.libs", "safetensors"):
        link_package(name, tmp_path / "packages")
    script = write_artifact(tmp_path / "artifact", two_inputs())
    into = ("--input", "x.npz", "--output", "out.npz")
    wanted = (3, f"error: no asteval, lava-nc, networkx, scipy: {INSTALL}\n")
    assert start(script, tmp_path / "packages", *into) == wanted
    (tmp_path / "packages" / "lava" / "magma" / "__pycache__").mkdir(parents=True)
    assert start(script, tmp_path / "packages", *into) == wanted  # what a removed one left


@pytest.mark.lava
def test_another_lava_is_named(tmp_path: Path) -> None:
    for name in NEEDS:
        link_package(name, tmp_path / "packages")
    described = tmp_path / "packages" / "lava_nc-0.9.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: lava-nc\nVersion: 0.9.0\n")
    script = write_artifact(tmp_path / "artifact", two_inputs())
    into = ("--input", "x.npz", "--output", "out.npz")
    wanted = (3, f"error: lava-nc 0.9.0: {INSTALL}\n")
    assert start(script, tmp_path / "packages", *into) == wanted


@pytest.mark.lava
@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (signal.SIGINT, 130, "error: interrupted\n"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGKILL, -9, ""),
    ],
)
def test_end_from_outside(
    tmp_path: Path,
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    text: str,
) -> None:
    """Ctrl-C reaches the whole group, as in a terminal; the others only the main process."""
    monkeypatch.setenv(MARK, str(tmp_path))
    script = write_artifact(tmp_path, two_inputs())
    save_inputs(tmp_path / "x.npz", random_inputs(two_inputs(), 500, 400))
    line, environment = command(
        script, packages, "--input", f"{tmp_path}/x.npz", "--output", f"{tmp_path}/out.npz"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    before = set(segments("psm_"))
    with subprocess.Popen(
        line, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        end = time.monotonic() + 30
        while len(marked_processes(str(tmp_path))) < 12 and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        made = set(segments("psm_")) - before
        assert made
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, told = process.communicate(timeout=20)
    assert process.returncode == code
    if number == signal.SIGKILL:  # the resource tracker says that it has cleaned up
        assert "leaked shared_memory objects to clean up" in told
    else:
        assert without_progress(told) == text
    wait_until_gone(str(tmp_path))
    assert end_leftovers(str(tmp_path)) == []
    assert made & set(segments("psm_")) == set()
    assert list(temporary.iterdir()) == []
