"""The native engine computes the integers, to the last bit, on every set of instructions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.diagnostics import EnvironmentFault, TimeLimitExceeded
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedOperator,
)
from snnc.targets.cpu import library
from snnc.targets.cpu.engine import Engine
from snnc.targets.cpu.target import CpuTarget
from snnc.targets.integer.reference import execute
from snnc.targets.running import RunOptions, no_progress
from tests.builders import fixed_dense
from tests.targets.cpu.equality import LEVELS, narrowest, without_u
from tests.targets.cpu.operators import OPERATORS, weights
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    differing,
    expected,
    networks,
    population,
    projection,
    random_inputs,
    recurrent,
)

ROOT = Path(__file__).resolve().parents[3]


def different(fixed: FixedNetwork, x: Mapping[str, Array], level: int, threads: int = 1) -> int:
    """Count the values that differ from those of the reference, outside of samples too."""
    names = tuple(p.name for p in fixed.populations)
    wide = {n: v.astype(np.int32) for n, v in x.items()}
    wanted = execute(fixed, wide)
    engine = Engine(fixed, level)
    record = {"spikes": names, "u": names, "v": names}
    runs = [engine.run(x, record, threads, no_progress) for x in (wide, narrowest(wide))]
    runs.append(engine.run(wide, without_u(names), threads, no_progress) | {"u": runs[0]["u"]})
    return sum(
        int((got[signal][name] != values).sum())
        for got in runs
        for signal in ("spikes", "u", "v")
        for name, values in getattr(wanted, signal).items()
    )


def test_there_is_an_engine() -> None:
    """The other tests would run on no level."""
    assert 0 in LEVELS


@settings(max_examples=60)
@given(networks())
def test_random_networks(fixed: FixedNetwork) -> None:
    x = flat(fixed, random_inputs(fixed, steps=8, batch=3))
    assert [different(fixed, x, level) for level in LEVELS] == [0 for _ in LEVELS]


def flat(fixed: FixedNetwork, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Give the integers of each input as ``[steps, batch, n]``."""
    steps = {i.name: i.step for i in fixed.inputs}
    return {
        name: np.rint(x / steps[name]).astype(np.int64).reshape(*x.shape[:2], -1)
        for name, x in inputs.items()
    }


def layers(*operators: FixedOperator, shape: tuple[int, ...], largest: int = 1) -> FixedNetwork:
    """Give an input, and a population without memory that shows what the operators make of it."""
    out = shape
    for operator in operators:
        out = operator.result_shape(out)
    return FixedNetwork(
        inputs=(FixedInput("x", shape, 1.0, largest),),
        populations=(population("p", out, FixedReset.NONE, 1, threshold=100),),
        projections=(projection("x", "p", *operators, exp=-1, delay=2),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )


@pytest.mark.parametrize("largest", [1, 9])
@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str, largest: int) -> None:
    shape, operators = OPERATORS[name]
    fixed = layers(*operators, shape=shape, largest=largest)
    rng = np.random.default_rng(5)
    x = rng.integers(0 if largest == 1 else -largest, largest + 1, (7, 2, *shape))
    x = x * (rng.random(x.shape) < 0.4)
    x[3], x[4] = 0, largest
    inputs = {"x": x.reshape(7, 2, -1)}
    assert [different(fixed, inputs, level) for level in LEVELS] == [0 for _ in LEVELS]
    wanted = execute(fixed, {"x": inputs["x"].astype(np.int32)})
    assert np.unique(wanted.u["p"]).size > 5


@pytest.mark.parametrize("largest", [2, 63, 64, 127, 128, 3000])
@pytest.mark.parametrize(
    ("n_in", "n_out", "even"), [(61, 112, False), (64, 10, True), (300, 200, True)]
)
def test_many_values(n_in: int, n_out: int, even: bool, largest: int) -> None:
    """Steps of which most values are not 0, and others between them, in groups of any length."""
    weight = weights(n_out, n_in) & (~1 if even else ~0)
    fixed = layers(fixed_dense(weight), shape=(n_in,), largest=largest)
    rng = np.random.default_rng(8)
    x = rng.integers(-largest, largest + 1, (15, 3, n_in))
    x[5:9] *= rng.random((4, 3, n_in)) < 0.1
    x[:, 1] = largest
    assert [different(fixed, {"x": x}, level) for level in LEVELS] == [0 for _ in LEVELS]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads(threads: int) -> None:
    fixed = recurrent()
    x = flat(fixed, random_inputs(fixed, steps=10, batch=7))
    assert different(fixed, x, -1, threads) == 0


def test_runs_at_once_and_one_after_the_other() -> None:
    """An engine uses what it told of a run again: other inputs, lengths and signals follow."""
    fixed = recurrent()
    engine = Engine(fixed)
    names = tuple(p.name for p in fixed.populations)

    def unequal(k: int) -> int:
        x = flat(fixed, random_inputs(fixed, steps=60 + k, batch=1 + k % 3))
        inputs = {name: values.astype(np.int32) for name, values in x.items()}
        record = {signal: names[(k + i) % 2 :: 2] for i, signal in enumerate(("spikes", "u", "v"))}
        wanted = execute(fixed, inputs)
        return sum(
            int((values != getattr(wanted, signal)[name]).sum())
            for _ in range(20)
            for signal, arrays in engine.run(inputs, record, 1, no_progress).items()
            for name, values in arrays.items()
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(unequal, range(12))) == [0] * 12


def test_sums_that_need_64_bits() -> None:
    """``u`` leaves 24 bits by more than one wrap: Lava wraps it once, and so does the reference."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (4,), 1.0, 3000),),
        populations=tuple(
            population(str(reset), (6,), reset, 1, du=20, dv=3, threshold=90000)
            for reset in FixedReset
        ),
        projections=tuple(
            projection("x", str(reset), fixed_dense(weights(6, 4)), exp=7) for reset in FixedReset
        ),
        outputs=(Output("out", "zero"),),
        dt=1e-3,
    )
    assert not Engine(fixed).narrow
    x = np.random.default_rng(6).integers(-3000, 3001, (20, 2, 4))
    assert [different(fixed, {"x": x}, level) for level in LEVELS] == [0 for _ in LEVELS]
    u = execute(fixed, {"x": x.astype(np.int32)}).u["zero"]
    assert np.abs(u.astype(np.int64)).max() > 2**24


def test_sums_without_memory_need_32_bits() -> None:
    """Beyond 2**18 one wrap is not enough either, but nothing adds up."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (4,), 1.0, 200),),
        populations=tuple(
            population(str(reset), (6,), reset, 1, dv=3, threshold=90000, refractory=k % 2)
            for k, reset in enumerate(FixedReset)
        ),
        projections=tuple(
            projection("x", str(reset), fixed_dense(weights(6, 4)), exp=7) for reset in FixedReset
        ),
        outputs=(Output("out", "zero"),),
        dt=1e-3,
    )
    assert Engine(fixed).narrow
    x = np.random.default_rng(6).integers(-200, 201, (20, 2, 4))
    assert [different(fixed, {"x": x}, level) for level in LEVELS] == [0 for _ in LEVELS]
    u = execute(fixed, {"x": x.astype(np.int32)}).u["zero"]
    assert np.abs(u.astype(np.int64)).max() > 2**24


@pytest.mark.parametrize("largest", [2047, 2048])
def test_sums_without_memory_wrap_from_17_bits_on(largest: int) -> None:
    """64 * -2048 is the first that does: ``u`` is ``-2**23`` and becomes ``2**23``."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (1,), 1.0, largest),),
        populations=(population("p", (20,), FixedReset.NONE, 1, dv=4096, threshold=90000),),
        projections=(projection("x", "p", fixed_dense(np.full((20, 1), 4)), exp=4),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )
    x = np.array([-largest, 0, largest]).reshape(3, 1, 1)
    assert [different(fixed, {"x": x}, level) for level in LEVELS] == [0 for _ in LEVELS]
    wrapped = execute(fixed, {"x": x.astype(np.int32)}).u["p"].max() == 2**23
    assert wrapped == (largest == 2048)


def test_as_a_target() -> None:
    fixed = recurrent()
    inputs = random_inputs(fixed, steps=9, batch=4)
    trace = CpuTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert trace.executor == "cpu"
    assert differing(trace, expected(fixed, inputs)) == 0
    raw = CpuTarget().run(artifact(fixed), inputs, RunOptions(raw_time=True))
    p = fixed.populations[-1]
    assert raw.outputs[p.name].shape[0] == 9 + fixed.latency
    assert np.array_equal(raw.outputs[p.name][p.lag : p.lag + 9], trace.outputs[p.name])
    assert raw.u == {}


def long_run(options: RunOptions) -> None:
    """Run for a minute, unless something happens."""
    fixed = layers(fixed_dense(weights(700, 300)), shape=(300,))
    x = np.ones((50_000, 2, 300), np.uint8)
    CpuTarget().run(artifact(fixed), {"x": x}, options)


def test_time_limit() -> None:
    with pytest.raises(TimeLimitExceeded) as error:
        long_run(RunOptions(timeout=0.2))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.node == "target cpu"


def test_what_progress_raises_ends_the_run() -> None:
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        long_run(RunOptions(progress=stop))
    ((done, total),) = told
    assert 0 <= done < total == 2 * 50_001


def test_steps_of_a_sample_are_told() -> None:
    told: list[int] = []

    def stop(done: int, total: int) -> None:
        told.append(done)
        if 0 < done < total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        long_run(RunOptions(progress=stop))
    assert 0 < told[-1] < 50_001


def test_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    library.library.cache_clear()
    monkeypatch.setattr(library, "MODULE", "snnc.targets.cpu._nothing")
    try:
        with pytest.raises(EnvironmentFault) as error:
            long_run(RunOptions())
    finally:
        library.library.cache_clear()
    assert str(error.value) == (
        "error[SNN510]: the native engine is compiled for this machine\n"
        "  --> target cpu\n"
        "   found: no snnc.targets.cpu._nothing\n"
        "   limit: snnc.targets.cpu._engine, which pip install compiles from C++17\n"
        "  remedy: install a C++ compiler (g++ 9, clang 10 or newer) and then snnc again, or use "
        "--target integer, which needs none"
    )


SANITIZED = """
import sys
from hypothesis import settings
settings.register_profile("slow", deadline=None, derandomize=True)
settings.load_profile("slow")
from snnc.targets.cpu import library
library.path = lambda: sys.argv[1]
from tests.compiler.mapping.test_cut import test_parts_compute_the_same
from tests.fuzz_engine import compare
from tests.targets.cpu import test_convolutions, test_engine as tests
for module in tests, test_convolutions:
    for name in module.OPERATORS:
        module.test_operators(name, 9)
        module.test_operators(name, 1)
test_convolutions.test_rows_of_many_channels()
tests.test_sums_that_need_64_bits()
tests.test_sums_without_memory_need_32_bits()
tests.test_sums_without_memory_wrap_from_17_bits_on(2047)
tests.test_threads(2)
tests.test_many_values(61, 112, False, 127)
tests.test_many_values(64, 10, True, 63)
assert compare(1, 30).failure == ""
test_parts_compute_the_same()
print("all")
"""


@pytest.mark.slow
def test_no_undefined_behavior_and_no_access_outside(tmp_path: Path) -> None:
    """Under the sanitizers of the compiler, which end the process at the first fault."""
    built = tmp_path / "engine.so"
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    source = ROOT / "targets" / "native" / "engine.cpp"
    flags = ["-std=c++17", "-O1", "-shared", "-fPIC", "-pthread"]
    subprocess.run(["g++", *flags, *sanitize, "-o", built, source], check=True)
    libraries = [
        subprocess.run(
            ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, str(built)],
        env=os.environ | {"LD_PRELOAD": " ".join(libraries), "ASAN_OPTIONS": "detect_leaks=0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
