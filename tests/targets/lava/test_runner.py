"""The runner of an artifact, started by a user where snnc is not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.network import Output
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava.runner import main
from snnc.targets.lava.runner.faults import BadInput
from snnc.targets.lava.runner.program import check_whole
from tests.builders import fixed_convolution
from tests.targets.lava.cuts import mapped_to
from tests.targets.lava.leftovers import (
    LONG,
    MARK,
    end_leftovers,
    mapped_segments,
    marked_processes,
    segments,
    wait_until_gone,
)
from tests.targets.lava.networks import (
    expected,
    expected_outputs,
    population,
    projection,
    random_inputs,
    save_inputs,
    write_artifact,
)
from tests.targets.lava.standalone import (
    NEEDS,
    command,
    link_package,
    results,
    start,
    without_progress,
)

INSTALL = (
    "pip install asteval networkx scipy and then "
    "pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
)


def two_inputs() -> FixedNetwork:
    """Give a network with names that are no identifiers, and an input of real values."""
    rng = np.random.default_rng(3)
    return FixedNetwork(
        inputs=(FixedInput("x", (3,)), FixedInput("a/b.c", (2, 2), step=0.25, max_abs=8)),
        populations=(
            population("hidden.0", (2, 3), FixedReset.SUBTRACT_DELAYED, 1, dv=200),
            population("file", (4,), FixedReset.ZERO, 2, dv=100),
            population(
                "potential", (2, 2), FixedReset.NONE, 3, spiking=False, scale=3.7, offset=-1.1
            ),
        ),
        projections=(
            projection("x", "hidden.0", rng.integers(-50, 128, (6, 3))),
            projection("a/b.c", "hidden.0", rng.integers(-128, 128, (6, 4)), exp=-2),
            projection("hidden.0", "hidden.0", rng.integers(-60, 60, (6, 6)), delay=2),
            projection("hidden.0", "file", rng.integers(-50, 128, (4, 6))),
            projection(
                "hidden.0",
                "potential",
                fixed_convolution(rng.integers(-90, 128, (2, 1, 2)), groups=2),
                delay=2,
            ),
        ),
        outputs=(
            Output("allow_pickle", "file"),
            Output("hidden", "hidden.0"),
            Output("real", "potential"),
        ),
        dt=1e-3,
    )


def on_three_cores(fixed: FixedNetwork) -> MappedNetwork:
    """Cut ``two_inputs`` into lists and boxes."""

    def neurons(*indices: int) -> Listed:
        return Listed(np.array(indices))

    return mapped_to(
        fixed,
        {"hidden.0": neurons(0, 3, 4), "file": neurons(1, 2)},
        {"hidden.0": neurons(1, 2, 5), "potential": Box((0, 0), (1, 2))},
        {"file": neurons(0, 3), "potential": Box((1, 0), (2, 2))},
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
    for name, values in expected_outputs(fixed, wanted).items():
        assert outputs[name].dtype == values.dtype
        assert np.array_equal(outputs[name], values)
        assert values.any()

    assert start(script, packages, *into, "--raw-time") == (0, "")
    raw, signals = results(tmp_path / "out.npz", fixed)
    assert signals == {s: {} for s in SIGNALS}
    assert np.array_equal(raw["allow_pickle"][2:-1], outputs["allow_pickle"])
    assert np.array_equal(raw["hidden"][1:-2], outputs["hidden"])
    assert np.array_equal(raw["real"][3:], outputs["real"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact", "out.npz", "x.npz"]


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


def test_nothing_is_there(tmp_path: Path) -> None:
    script = write_artifact(tmp_path / "artifact", two_inputs())
    wanted = "error: no numpy, safetensors: pip install numpy safetensors\n"
    assert start(script, tmp_path / "packages", "--help") == (3, wanted)


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
    with subprocess.Popen(
        line, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        made = set[str]()
        while len(marked_processes(str(tmp_path))) < 12 or len(made) < 5:
            assert process.poll() is None
            made = mapped_segments(str(tmp_path))
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, told = process.communicate(timeout=LONG)
    assert process.returncode == code
    if number == signal.SIGKILL:  # the resource tracker says that it has cleaned up
        assert "leaked shared_memory objects to clean up" in told
    else:
        assert without_progress(told) == text
    wait_until_gone(str(tmp_path))
    assert end_leftovers(str(tmp_path)) == []
    assert made & set(segments("")) == set()
    assert list(temporary.iterdir()) == []
