"""The same equalities on a GPU: ``make test-gpu``, which writes down what it saw.

The kernels, the driver and the device are real here. Where a stand-in takes the driver's place the
tests pass or fail as well, and nothing is written of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest

from snnc.compiler.fixed import FixedNetwork, FixedReset
from snnc.compiler.operators import FixedSparse
from snnc.targets.cuda.evidence import EMULATED, Evidence, write_evidence
from snnc.targets.cuda.runner.driver import survey
from snnc.targets.cuda.runner.faults import CudaFault
from snnc.targets.cuda.runner.running import Code, run_on_gpu
from snnc.targets.cuda.sources import kernel_hash, kernel_sources
from snnc.targets.cuda.target import program_for
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import fixed_dense, fixed_network
from tests.targets.cpu.operators import OPERATORS, weights
from tests.targets.cpu.test_engine import flat, layers
from tests.targets.lava.networks import (
    Array,
    Signals,
    population,
    projection,
    random_inputs,
    recurrent,
)

pytestmark = [pytest.mark.gpu, pytest.mark.xdist_group("gpu")]
SIGNALS = ("spikes", "u", "v")
Case = tuple[FixedNetwork, dict[str, Array]]


@pytest.fixture(scope="module", autouse=True)
def device() -> None:
    """Skip where there is no GPU."""
    try:
        survey()
    except CudaFault as fault:
        pytest.skip(f"no GPU here: {fault}")


def of_operators(name: str, largest: int) -> Case:
    shape, operators = OPERATORS[name]
    fixed = layers(*operators, shape=shape, largest=largest)
    rng = np.random.default_rng(5)
    x = rng.integers(0 if largest == 1 else -largest, largest + 1, (7, 3, int(np.prod(shape))))
    return fixed, {"x": x * (rng.random(x.shape) < 0.4)}


def circles(batch: int) -> Case:
    fixed = recurrent()
    return fixed, flat(fixed, random_inputs(fixed, steps=40, batch=batch))


def sums_of_64_bits() -> Case:
    """Every reset, with synaptic input beyond what 32 bits hold."""
    names = [str(reset) for reset in FixedReset]
    fixed = fixed_network(
        [population(str(r), (70,), r, 2, du=20, dv=3, threshold=90000) for r in FixedReset],
        [
            *(projection("x", name, fixed_dense(weights(70, 40)), exp=7) for name in names),
            *(projection(a, b, fixed_dense(weights(70, 70))) for a, b in pairwise(names)),
        ],
        inputs=layers(fixed_dense(weights(1, 40)), shape=(40,), largest=3000).inputs,
    )
    return fixed, {"x": np.random.default_rng(6).integers(-3000, 3001, (30, 5, 40))}


def many_synapses(batch: int) -> Case:
    """A recurrent network of few synapses among many, driven by an input of delay 70."""
    rng = np.random.default_rng(7)
    n = 700 if batch == 1 else 200
    few = np.where(rng.random((n, n)) < 0.05, rng.integers(-128, 128, (n, n)), 0).astype(np.int8)
    drive = np.where(rng.random((n, 50)) < 0.1, 100, 0).astype(np.int8)
    fixed = fixed_network(
        [population("p", (n,), FixedReset.SUBTRACT, 1, du=1000, dv=200, threshold=2000)],
        [
            projection("x", "p", FixedSparse.of(drive), exp=2, delay=70),
            projection("p", "p", FixedSparse.of(few), exp=1, delay=3),
            replace(
                projection("p", "p", fixed_dense(np.roll(few, 1, axis=0)), exp=-3), name="other"
            ),
        ],
        inputs=layers(fixed_dense(weights(1, 50)), shape=(50,)).inputs,
    )
    return fixed, {"x": (rng.random((90, batch, 50)) < 0.3).astype(np.int64)}


def large_layers() -> Case:
    """More samples, steps and neurons than a block has threads."""
    rng = np.random.default_rng(8)
    sizes = [784, 300, 256, 10]
    names = ["x", "a", "b", "c"]
    layer = zip(pairwise(names), pairwise(sizes), strict=True)
    fixed = fixed_network(
        [
            population(name, (n,), FixedReset.ZERO, 0, du=4095, dv=300, threshold=t)
            for name, n, t in zip(names[1:], sizes[1:], (3000, 800, 300), strict=True)
        ],
        [
            projection(a, b, fixed_dense(rng.integers(-128, 128, (m, n), np.int8)))
            for (a, b), (n, m) in layer
        ],
        inputs=layers(fixed_dense(weights(1, 784)), shape=(784,)).inputs,
    )
    return fixed, {"x": (rng.random((20, 65, 784)) < 0.1).astype(np.int64)}


CASES: dict[str, Callable[[], Case]] = {
    **{
        f"{name}, integers to {largest}": partial(of_operators, name, largest)
        for name in OPERATORS
        for largest in (1, 9, 3000)
    },
    "circles, one sample": lambda: circles(1),
    "circles, many samples": lambda: circles(40),
    "sums of 64 bits": sums_of_64_bits,
    "many synapses, one sample": lambda: many_synapses(1),
    "many synapses, many samples": lambda: many_synapses(33),
    "large layers": large_layers,
}
TRACES: dict[str, str] = {}


def in_order(fixed: FixedNetwork, signals: Mapping[str, Mapping[str, Array]]) -> Iterator[bytes]:
    for signal in SIGNALS:
        for p in fixed.populations:
            if p.spiking or signal != "spikes":
                values = signals[signal][p.name]
                yield f"{signal} {p.name} {values.dtype} {values.shape}".encode()
                yield np.ascontiguousarray(values).tobytes()


def hashed(fixed: FixedNetwork, signals: Mapping[str, Mapping[str, Array]]) -> str:
    return sha256(b"".join(in_order(fixed, signals))).hexdigest()


@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_reference(name: str) -> None:
    fixed, x = CASES[name]()
    inputs = {key: values.astype(np.int32) for key, values in x.items()}
    recording = execute(fixed, inputs)
    wanted: Signals = {s: getattr(recording, s) for s in SIGNALS}
    everyone = tuple(p.name for p in fixed.populations)
    spiking = tuple(p.name for p in fixed.populations if p.spiking)
    record = {"spikes": spiking, "u": everyone, "v": everyone}
    found, _ = run_on_gpu(
        program_for(fixed), Code(kernel_sources(), {}), inputs, record, no_progress
    )
    differing = {
        (s, n): int((found[s][n] != wanted[s][n]).sum()) for s in SIGNALS for n in found[s]
    }
    assert set(differing.values()) == {0}, differing
    assert any(np.unique(wanted["u"][n]).size > 10 for n in everyone)
    TRACES[name] = hashed(fixed, found)
    assert TRACES[name] == hashed(fixed, wanted)


def test_evidence(request: pytest.FixtureRequest) -> None:
    """Write down that all of it was equal, where it ran on a GPU and was asked for."""
    if set(TRACES) != set(CASES):
        pytest.skip("not all networks were run")
    found = survey()
    evidence = Evidence(
        device=found.name,
        architecture=f"sm_{found.architecture}",
        driver=found.driver,
        date=datetime.now(UTC).date().isoformat(),
        kernels=kernel_hash(),
        traces=TRACES,
    )
    if request.config.getoption("markexpr") != "gpu":
        pytest.skip("evidence is written by make test-gpu")
    assert write_evidence(evidence) != found.name.startswith(EMULATED)
