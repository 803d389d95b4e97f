"""The native engine computes the integers, to the last bit, on every set of instructions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.diagnostics import EnvironmentFault, TimeLimitExceeded
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedConvolution,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
    Window,
)
from snnc.targets.cpu import library
from snnc.targets.cpu.engine import Engine
from snnc.targets.cpu.target import CpuTarget
from snnc.targets.integer.reference import execute
from snnc.targets.running import RunOptions, no_progress
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.cpu.equality import LEVELS, narrowest
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


def weights(*shape: int, wide: bool = False) -> Array:
    rng = np.random.default_rng(3)
    return (
        rng.integers(0, 256, shape, np.int16) if wide else rng.integers(-128, 128, shape, np.int8)
    )


def kernels(moved: Window) -> FixedConvolution:
    return FixedConvolution(weight=weights(5, 3, *moved.kernel), window=moved, groups=1)


LONG = 700
"""More rows than 16 bits hold the sum of."""
SPARSE = weights(300, 64) * (np.random.default_rng(4).random((300, 64)) < 0.1).astype(np.int8)
OPERATORS: dict[str, tuple[tuple[int, ...], tuple[FixedOperator, ...]]] = {
    "dense": ((40,), (fixed_dense(weights(33, 40)),)),
    "dense of many columns": ((300,), (fixed_dense(weights(700, 300)),)),
    "dense, of the largest weights": ((LONG,), (fixed_dense(np.full((5, LONG), 127)),)),
    "dense, of the smallest weights": ((LONG,), (fixed_dense(np.full((5, LONG), -128)),)),
    "dense, inhibitory": ((LONG,), (fixed_dense(-weights(50, LONG, wide=True)),)),
    "dense, 8 bits without a sign": ((300,), (fixed_dense(weights(70, 300, wide=True)),)),
    "few of a matrix": ((64,), (fixed_dense(SPARSE),)),
    "few of a matrix, 8 bits without a sign": ((64,), (fixed_dense(SPARSE.astype(np.int16) * 2),)),
    "sparse": ((4, 16), (FixedSparse.of(SPARSE),)),
    "sparse, 8 bits without a sign": ((64,), (FixedSparse.of(SPARSE.astype(np.int16) * 2),)),
    "sparse behind pooling": (
        (2, 10, 8),
        (SumPooling(window=window(2, 2, stride=2)), FixedSparse.of(SPARSE[:, :40])),
    ),
    "scaling": ((3, 5), (FixedScaling(weight=weights(15)),)),
    "scaling, 8 bits without a sign": ((3, 5), (FixedScaling(weight=weights(15, wide=True)),)),
    "kernels in runs": ((3, 9, 8), (fixed_convolution(weights(5, 3, 3, 4)),)),
    "kernels of whole vectors": ((2, 9, 8), (fixed_convolution(weights(16, 2, 3, 5)),)),
    "kernels, 8 bits without a sign": (
        (3, 9, 8),
        (fixed_convolution(weights(5, 3, 3, 4, wide=True)),),
    ),
    "kernels whose sums need 32 bits": (
        (40, 9, 8),
        (fixed_convolution(np.full((3, 40, 3, 3), 127)),),
    ),
    "kernels of many channels": ((2, 7, 7), (fixed_convolution(weights(40, 2, 3, 3)),)),
    "kernels of half the value": ((3, 5, 6), (fixed_convolution(weights(4, 3, 4, 5)),)),
    "kernels of the whole value": ((3, 5, 6), (fixed_convolution(weights(4, 3, 5, 6)),)),
    "each channel alone": ((20, 6, 7), (fixed_convolution(weights(20, 1, 3, 3), groups=20),)),
    "sum behind": (
        (1, 12, 12),
        (fixed_convolution(weights(8, 1, 5, 5)), SumPooling(window=window(2, 2, stride=2))),
    ),
    "sum behind, padded": (
        (2, 9, 9),
        (
            fixed_convolution(weights(4, 2, 3, 3), padding=1),
            SumPooling(window=window(3, 3, stride=2, padding=1)),
        ),
    ),
    "sum before, padded kernels": (
        (2, 11, 11),
        (
            SumPooling(window=window(3, 3, stride=2, padding=1)),
            fixed_convolution(weights(4, 2, 3, 3), padding=1),
        ),
    ),
    "sum of everything behind": (
        (2, 9, 9),
        (fixed_convolution(weights(40, 2, 3, 3)), SumPooling(window=window(7, 7))),
    ),
    "sum behind groups": (
        (4, 9, 8),
        (fixed_convolution(weights(6, 2, 3, 4), groups=2), SumPooling(window=window(2, 2))),
    ),
    "largest behind groups": (
        (4, 9, 8),
        (fixed_convolution(weights(6, 2, 3, 4), groups=2), MaxPooling(window=window(2, 2))),
    ),
    "one axis": ((3, 20), (fixed_convolution(weights(5, 3, 4), padding=(1, 2)),)),
    "padding on one side": (
        (3, 9, 8),
        (kernels(Window((3, 4), (1, 1), ((2, 0), (0, 3)), (1, 1))),),
    ),
    "strides": ((3, 9, 8), (kernels(Window((3, 4), (2, 3), ((0, 0), (0, 0)), (1, 1))),)),
    "rows in strides": ((3, 9, 8), (kernels(Window((3, 4), (2, 1), ((0, 0), (0, 0)), (1, 1))),)),
    "dilation": (
        (3, 11, 12),
        (kernels(Window((3, 4), (1, 1), ((1, 1), (2, 2)), (2, 3))),),
    ),
    "groups": ((4, 9, 8), (fixed_convolution(weights(6, 2, 3, 4), groups=2),)),
    "largest before kernels": (
        (3, 10, 8),
        (MaxPooling(window=window(2, 2, stride=2)), fixed_convolution(weights(5, 3, 3, 2))),
    ),
    "sum before and behind": (
        (3, 10, 8),
        (
            SumPooling(window=window(3, 2)),
            fixed_convolution(weights(5, 3, 3, 2)),
            SumPooling(window=window(2, 2)),
        ),
    ),
    "largest behind": (
        (3, 10, 8),
        (fixed_convolution(weights(5, 3, 3, 2)), MaxPooling(window=window(2, 2, stride=2))),
    ),
    "largest behind factors": (
        (3, 10, 8),
        (FixedScaling(weight=weights(240)), MaxPooling(window=window(2, 3, stride=2))),
    ),
    "two poolings on each side": (
        (2, 12, 12),
        (
            SumPooling(window=window(2, 2)),
            MaxPooling(window=window(2, 2)),
            FixedScaling(weight=weights(200)),
            MaxPooling(window=window(2, 2)),
            SumPooling(window=window(2, 2)),
        ),
    ),
}


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


@pytest.mark.parametrize("largest", [2, 127, 128, 3000])
@pytest.mark.parametrize(("n_in", "n_out"), [(61, 112), (64, 10), (300, 200)])
def test_many_values(n_in: int, n_out: int, largest: int) -> None:
    """Steps of which most values are not 0, and others between them, in groups of any length."""
    fixed = layers(fixed_dense(weights(n_out, n_in)), shape=(n_in,), largest=largest)
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
from snnc.targets.cpu import library
library.path = lambda: sys.argv[1]
from tests.fuzz_engine import compare
from tests.targets.cpu import test_convolutions, test_engine as tests
for module in tests, test_convolutions:
    for name in module.OPERATORS:
        module.test_operators(name, 9)
        module.test_operators(name, 1)
test_convolutions.test_rows_of_many_channels()
tests.test_sums_that_need_64_bits()
tests.test_sums_without_memory_need_32_bits()
tests.test_threads(2)
tests.test_many_values(61, 112, 127)
assert compare(1, 30)[-1] == ""
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
