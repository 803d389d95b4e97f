"""Runs all simulators on one network, in turns, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.peers.environments import NotAvailable, interpreter
from tests.benchmarks.peers.simulators import ENGINE, REFERENCE, SIMULATORS

ROOT = Path(__file__).resolve().parents[3]
TOLERANCE = 0.1
"""Largest share by which a rate may differ from the reference's."""
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
SLOWER_BLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that some machines set for old builds of OpenBLAS and that slow a current one."""


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        rounds: Times that every simulator has its turn.
        seconds: Processor time of one turn, about.
        timeout: Seconds in which a worker has to answer.
        environments: Folder of the environments.
        genn: Folder of GeNN's source, or None.
        say: Told what is going on.
    """

    rounds: int
    seconds: float
    timeout: float
    environments: Path
    genn: Path | None
    say: Callable[[str], None]


@dataclass
class Row:
    """What one simulator did on one network.

    Attributes:
        network: Spec of the network.
        batch: Samples at once.
        simulator: Key of ``SIMULATORS``.
        reason: Why it was not measured, or an empty string.
        samples: Steps of the whole batch a second of processor time, one for each round.
        rates: Spikes a neuron and step, by population.
        spikes: Digest of the last population's spikes, where the simulator has integers.
        exact: Whether these are the reference's.
        differs: Populations whose rate is more than 10 % off the reference's.
        peak_mib: Most memory used.
        prepared_s: Processor time until it could run.
        remark: What else the simulator has to say.
        versions: Of the simulator and what it computes with.
    """

    network: str
    batch: int
    simulator: str
    reason: str = ""
    samples: list[float] = field(default_factory=list[float])
    rates: dict[str, float] = field(default_factory=dict[str, float])
    spikes: str | None = None
    exact: bool | None = None
    differs: list[str] = field(default_factory=list[str])
    peak_mib: float | None = None
    prepared_s: float | None = None
    remark: str = ""
    versions: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def steps_s(self) -> float | None:
        """Median of the samples."""
        return median(self.samples) if self.samples else None

    def record(self) -> dict[str, Any]:
        """Give everything as JSON has it."""
        return asdict(self) | {"steps_s": self.steps_s}


class Worker:
    """A worker process; between its answers it and what it started stand still."""

    def __init__(
        self, python: Path, module: str, spec: str, batch: int, settings: Settings
    ) -> None:
        self._timeout = settings.timeout
        variables = {k: v for k, v in os.environ.items() if k not in SLOWER_BLAS}
        folder = settings.environments.absolute() / "work" / module / spec.replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    python,
                    "-m",
                    f"tests.benchmarks.peers.workers.{module}",
                    spec,
                    str(batch),
                    folder,
                ],
                cwd=ROOT,
                env=variables | ONE_THREAD | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def answer(self) -> dict[str, Any]:
        """Read an answer.

        Raises:
            NotAvailable: The worker ended, or took too long.
        """
        assert self._process.stdout is not None
        late: list[float] = []

        def give_up() -> None:
            late.append(self._timeout)
            self._process.kill()

        alarm = threading.Timer(self._timeout, give_up)
        alarm.start()
        self._signal(signal.SIGCONT)
        try:
            line = self._process.stdout.readline()
            while line and not line.startswith("{"):  # a greeting of a library
                line = self._process.stdout.readline()
        finally:
            self._signal(signal.SIGSTOP)
            alarm.cancel()
        if not line:
            raise NotAvailable(
                f"no answer in {self._timeout:.0f} s" if late else self._last_words()
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def sample(self, seconds: float) -> float:
        """Let it run for a while, and give steps a second of processor time.

        Raises:
            NotAvailable: The worker ended, or took too long.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"sample {seconds}\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise NotAvailable(self._last_words()) from error
        return float(self.answer()["steps_s"])

    def end(self) -> dict[str, Any]:
        """Ask for the last answer.

        Raises:
            NotAvailable: There is none.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.answer()

    def kill(self) -> None:
        """End it and what it started, however far it is."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        lines = [line for line in self._errors.read_text().splitlines() if line.strip()]
        return lines[-1].strip() if lines else "the worker ended without a word"


def measure(spec: str, batch: int, names: list[str], settings: Settings) -> list[Row]:
    """Measure simulators on a network in turns.

    Args:
        spec: Key of ``SPECS``, or what ``network`` reads.
        batch: Samples at once.
        names: Keys of ``SIMULATORS``.
        settings: How.

    Returns:
        A row for each of ``names``, whether it could be measured or not.
    """
    rows = {name: Row(spec, batch, name) for name in SIMULATORS if name in names}
    workers: dict[str, Worker] = {}
    told: dict[str, dict[str, Any]] = {}
    try:
        for name, row in rows.items():
            with noted(row, settings):
                workers[name] = _started(name, row, settings)
                told[name] = _told(row, workers[name].answer())
        for _ in range(settings.rounds):
            for name, row in rows.items():
                if not row.reason:
                    with noted(row, settings):
                        row.samples.append(workers[name].sample(settings.seconds))
        for name, row in rows.items():
            if not row.reason:
                with noted(row, settings):
                    last = workers[name].end()
                    row.peak_mib, row.versions = last["peak_mib"], last["versions"]
                    row.remark = last["remark"]
    finally:
        for worker in workers.values():
            worker.kill()
    compare(list(rows.values()), told)
    return list(rows.values())


@contextmanager
def noted(row: Row, settings: Settings) -> Generator[None]:
    """Make ``NotAvailable`` the reason of a row."""
    try:
        yield
    except NotAvailable as error:
        row.reason = str(error)
        row.samples.clear()
        settings.say(f"{row.simulator}: not measured: {error}")


def _started(name: str, row: Row, settings: Settings) -> Worker:
    simulator = SIMULATORS[name]
    if reason := simulator.reason(row.batch):
        raise NotAvailable(reason)
    python = Path(sys.executable)
    if simulator.environment is not None:
        python = interpreter(
            simulator.environment, settings.environments, settings.genn, settings.say
        )
    return Worker(python, simulator.worker, row.network, row.batch, settings)


def _told(row: Row, answer: dict[str, Any]) -> dict[str, Any]:
    row.rates, row.spikes = answer["rates"], answer.get("spikes")
    row.prepared_s = answer["prepared_s"]
    return answer


def compare(rows: list[Row], told: dict[str, dict[str, Any]]) -> None:
    """Note whose rates differ from the reference's, and refuse who had another network.

    Args:
        rows: Of one network.
        told: The first answer of each worker that gave one.
    """
    reference = told.get(REFERENCE)
    for row in rows:
        if reference is None or row.reason:
            continue
        answer = told[row.simulator]
        if answer["network"] != reference["network"]:
            row.reason, row.samples = "it drew another network than the reference", []
        for name, rate in row.rates.items():
            means = reference["means"][name]
            # a layer that runs behind has had fewer of the input's steps
            wanted = sum(means[: len(means) - answer.get("lags", {}).get(name, 0)]) / len(means)
            if abs(rate - wanted) > TOLERANCE * wanted:
                row.differs.append(name)
        if row.spikes is not None:
            row.exact = row.spikes == reference["spikes"]


def ratios(rows: list[Row]) -> dict[str, float]:
    """Give for each simulator how many times as fast the engine is."""
    speeds = {row.simulator: speed for row in rows if (speed := row.steps_s) is not None}
    if ENGINE not in speeds:
        return {}
    return {name: speeds[ENGINE] / speed for name, speed in speeds.items()}
