"""A run that was killed goes on where it was, and gives the same report."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError, SnncError
from snnc.runtime.verification import outcome
from snnc.runtime.verification.batch import tally_batch
from snnc.runtime.verification.journal import Header, Journal
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.tally import Tally
from tests.runtime.conftest import Snnc
from tests.runtime.verification.samples import (
    ARGUMENTS,
    begin,
    contents,
    ended,
    many,
    report,
    small_batches,
    truth,
    write_samples,
)

HEADER = Header(identity={"network": "a", "input x": "b"}, size=4)


def one(first: int) -> Outcome:
    return Outcome(first=first, samples=4, complete=True, tally=Tally())


def filled(path: Path, *firsts: int) -> bytes:
    with Journal(path, HEADER) as journal:
        for first in firsts:
            journal.add(one(first))
    return path.read_bytes()


# --- the file -----------------------------------------------------------------------------------


def test_what_is_added_is_there_again(tmp_path: Path) -> None:
    filled(tmp_path / "j", 8, 0)
    with Journal(tmp_path / "j", Header(identity=HEADER.identity, size=99)) as journal:
        assert journal.size == 4
        assert journal.done == {0, 8}
        journal.add(one(4))
        assert [o.first for o in journal.outcomes()] == [0, 4, 8]
        journal.remove()
    assert not (tmp_path / "j").exists()


def test_without_a_path_nothing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal(None, HEADER) as journal:
        journal.add(one(4))
        journal.add(one(0))
        assert [o.first for o in journal.outcomes()] == [0, 4]
        journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_cut_at_any_byte_it_holds_the_batches_before(tmp_path: Path) -> None:
    whole = filled(tmp_path / "j", 0, 4)
    lines = whole.splitlines(keepends=True)
    ends = [len(lines[0]), len(lines[0] + lines[1]), len(whole)]
    near = {end + by for end in ends for by in (-66, -65, -1, 0, 1) if end + by <= len(whole)}
    for cut in sorted(near | {*range(0, len(whole), 17)}):
        (tmp_path / "j").write_bytes(whole[:cut])
        with Journal(tmp_path / "j", HEADER) as journal:
            done = {first for first, end in zip((0, 4), ends[1:], strict=True) if cut >= end}
            assert journal.done == done
            for first in {0, 4} - done:
                journal.add(one(first))
            assert [o.first for o in journal.outcomes()] == [0, 4]
        assert sorted((tmp_path / "j").read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_flipped_bit_is_not_taken_for_a_batch(tmp_path: Path) -> None:
    whole = filled(tmp_path / "j", 0, 4)
    places = range(whole.index(b"\n") + 1, len(whole))
    for place in places[::5]:
        spoiled = bytearray(whole)
        spoiled[place] ^= 1
        (tmp_path / "j").write_bytes(spoiled)
        with Journal(tmp_path / "j", HEADER) as journal:
            assert journal.done < {0, 4}


# --- what is refused ----------------------------------------------------------------------------


def message(kind: type[SnncError], work: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        work()
    return str(caught.value)


def test_another_run(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, 0)
    other = Header(identity={"network": "a", "input x": "c", "labels": "d"}, size=4)
    assert message(InputError, lambda: Journal(path, other)) == (
        "error[SNN601]: a journal is continued by the run that began it\n"
        f"  --> {path}\n"
        "   found: the journal of a run with another input x and another labels\n"
        "   limit: the journal of a run of the same network on the same data\n"
        f"  remedy: repeat the command that began it, or remove {path} to begin anew"
    )
    assert path.read_bytes() == whole


def test_in_use(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, HEADER):
        assert message(EnvironmentFault, lambda: Journal(path, HEADER)) == (
            "error[SNN602]: one run at a time writes a journal\n"
            f"  --> {path}\n"
            "   found: a process that is writing it\n"
            "   limit: one run for each report at a time\n"
            "  remedy: wait for the other run to end, or name another directory with --report"
        )
    Journal(path, HEADER).__exit__(None, None, None)


def test_something_else(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text("my notes\n")
    assert message(InputError, lambda: Journal(path, HEADER)) == (
        "error[SNN603]: what stands in the place of the journal is a journal\n"
        f"  --> {path}\n"
        "   found: a file that is no journal\n"
        "   limit: no file of that name, or the journal of this run\n"
        "  remedy: move the file away, or name another directory with --report"
    )
    assert path.read_text() == "my notes\n"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    assert message(EnvironmentFault, lambda: Journal(tmp_path, HEADER)).startswith(
        "error[SNN002]: the place that is named can be written\n"
        f"  --> {tmp_path}\n"
        "   found: Is a directory\n"
    )


# --- runs ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """Ends a run as nothing else does: nobody catches it."""


def ending_after(batches: int, end: type[BaseException]) -> Callable[..., Tally]:
    """Give what runs so many batches and then raises."""
    run, left = tally_batch, [batches]

    def ending(*given: Any) -> Tally:
        if not left[0]:
            raise end
        left[0] -= 1
        return run(*given)

    return ending


def run_until(
    batches: int, monkeypatch: pytest.MonkeyPatch, path: Path, **options: Any
) -> str | None:
    """Verify, and be killed after so many batches; give the report, if it came to that."""
    with monkeypatch.context() as patch:
        patch.setattr(outcome, "tally_batch", ending_after(batches, Killed))
        try:
            return report(journal=path, **options).json_text()
        except Killed:
            return None


def test_a_run_goes_on_batch_by_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    wanted = report().json_text()
    path = tmp_path / "deep" / "r.journal"
    for _ in range(5):
        assert run_until(1, monkeypatch, path) is None
    assert run_until(1, monkeypatch, path) == wanted
    assert run_until(0, monkeypatch, path) == wanted  # killed before the report was written


def test_other_batches_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    wanted = report().json_text()
    assert run_until(3, monkeypatch, tmp_path / "j") is None
    small_batches(monkeypatch, size=128)
    assert run_until(3, monkeypatch, tmp_path / "j") == wanted


def test_max_drop_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It judges what was counted, and is no part of it."""
    small_batches(monkeypatch)
    assert run_until(3, monkeypatch, tmp_path / "j") is None
    wanted = report(max_drop=0.5).json_text()
    assert run_until(3, monkeypatch, tmp_path / "j", max_drop=0.5) == wanted


@pytest.mark.parametrize("change", ["labels", "targets", "input"])
def test_another_run_is_refused(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snnc.runtime.verify import verify
    from tests.runtime.samples import artifact

    small_batches(monkeypatch)
    assert run_until(1, monkeypatch, tmp_path / "j") is None
    x, y = many(), truth()
    x[2, 5, 1] = 1 - x[2, 5, 1]
    given: dict[str, Any] = {"labels": y, "targets": ("integer", "cpu")}
    changed: dict[str, tuple[dict[str, Any], Any, str]] = {
        "labels": ({"labels": (y + 1) % 3}, many(), "labels"),
        "targets": ({"targets": ("integer",)}, many(), "choice of targets"),
        "input": ({}, x, "input input"),
    }
    options, data, name = changed[change]
    found = message(
        InputError,
        lambda: verify(artifact(), data, journal=tmp_path / "j", **(given | options)),
    )
    assert f"   found: the journal of a run with another {name}\n" in found


def test_a_single_batch_needs_no_journal(tmp_path: Path) -> None:
    report(journal=tmp_path / "j")
    assert list(tmp_path.iterdir()) == []


# --- kill -9 ------------------------------------------------------------------------------------


def killed_again_and_again(directory: Path, times: int, *more: str) -> int:
    """Kill the command so often, each time in the third batch; give the batches that were kept."""
    journal = directory / "r.journal"
    for turn in range(1, times + 1):
        process = begin(directory, *more, batches=2)
        while process.poll() is None and _lines(journal) < 2 * turn:
            time.sleep(0.01)
        process.kill()
        assert ended(process)[0] == -signal.SIGKILL
    return _lines(journal)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def uninterrupted(directory: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Give the files of a report that is made in this process, and remove them."""
    monkeypatch.chdir(directory)
    small_batches(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["snnc", *ARGUMENTS])
    assert snnc(*ARGUMENTS).code == 0
    files = contents(directory / "r")
    assert sorted(files) == ["junit.xml", "report.html", "report.json"]
    shutil.rmtree(directory / "r")
    return files


@pytest.mark.slow
def test_kill_9(tmp_path: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    write_samples(tmp_path)
    wanted = uninterrupted(tmp_path, snnc, monkeypatch)
    assert killed_again_and_again(tmp_path, 2) == 4
    assert not (tmp_path / "r").exists()
    assert ended(begin(tmp_path)) == (0, "")
    assert contents(tmp_path / "r") == wanted
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "r", "x.npy", "y.npy"]


def test_the_command_refuses_other_data(
    tmp_path: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_samples(tmp_path)
    monkeypatch.chdir(tmp_path)
    small_batches(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(outcome, "tally_batch", ending_after(2, KeyboardInterrupt))
        interrupted = snnc(*ARGUMENTS)
    assert (interrupted.code, interrupted.out) == (130, "")
    assert interrupted.err == (
        "what is done is kept in r.journal: the same command goes on from there\n\ninterrupted\n"
    )
    assert _lines(tmp_path / "r.journal") == 2
    np.save(tmp_path / "y.npy", (truth() + 1) % 3)
    refused = snnc(*ARGUMENTS)
    assert (refused.code, refused.out) == (2, "")
    assert "   found: the journal of a run with another labels\n" in refused.err
