"""Random and fixed networks of integers, and ways to run them, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.fixed import (
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DU,
    MAX_DV,
    MAX_THRESHOLD,
    MAX_WEIGHT_EXP,
    MIN_WEIGHT_EXP,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedConvolution,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    SumPooling,
    Window,
)
from snnc.compiler.trace import SIGNALS, Trace
from snnc.targets.artifact import Artifact
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests import builders, oracle
from tests.builders import fixed_dense, fixed_population, fixed_projection

Array = npt.NDArray[Any]
Signals = dict[str, dict[str, Array]]

RECORD_ALL = RunOptions(record=SIGNALS)


def artifact(fixed: FixedNetwork, form: Form = Form.MIXED) -> Artifact:
    """Give an artifact of ``fixed``, whose float network is another, of one neuron."""
    network = builders.network([builders.population()], [builders.projection("x", "lif", [[1.0]])])
    return Artifact(target="lava", network=network, fixed=fixed, options={"lava": str(form)})


def process_of(fixed: FixedNetwork, form: Form = Form.MIXED) -> dict[str, str]:
    """Give the kind of process that each node runs on, but for outputs of the same name."""
    rows = make_plan(fixed, form).processes
    return {row.of: row.process for row in sorted(rows, key=lambda row: row.role != "output")}


def write_artifact(directory: Path, fixed: FixedNetwork, form: Form = Form.MIXED) -> Path:
    """Write an artifact of ``fixed``, and give the script that runs it."""
    made = artifact(fixed, form)
    whole = replace(made, members=LavaTarget().members(fixed, made.options))
    for name, content in whole.files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory / "run.py"


def save_inputs(path: Path, inputs: dict[str, Array]) -> None:
    """Write an ``.npz`` file, whatever its name is."""
    with path.open("wb") as file:
        cast("Any", np.savez)(file, **inputs)


def expected(fixed: FixedNetwork, inputs: dict[str, Array]) -> Signals:
    """Give every signal of every population in the time of the network, by the oracle."""
    steps = next(iter(inputs.values())).shape[0]
    flat = {
        i.name: np.rint(inputs[i.name].reshape(*inputs[i.name].shape[:2], -1) / i.step)
        for i in fixed.inputs
    }
    integers = {name: x.astype(np.int64) for name, x in flat.items()}
    raw = oracle.as_arrays(oracle.run(fixed, integers))

    def aligned(signal: str, p: FixedPopulation) -> Array:
        window = raw[signal][p.name][p.lag : p.lag + steps]
        return window.reshape(*window.shape[:2], *p.shape)

    spiking = [p for p in fixed.populations if p.spiking]
    recorded = {"spikes": spiking, "u": fixed.populations, "v": fixed.populations}
    return {s: {p.name: aligned(s, p) for p in recorded[s]} for s in SIGNALS}


def expected_outputs(fixed: FixedNetwork, wanted: Signals) -> dict[str, Array]:
    """Give every output: spikes, or the potential of a read-out in real units."""
    outputs: dict[str, Array] = {}
    for output in fixed.outputs:
        p = fixed.population(output.source)
        if p.spiking:
            outputs[output.name] = wanted["spikes"][p.name].astype(np.uint8)
        else:
            scale, offset = p.scale.reshape(p.shape), p.offset.reshape(p.shape)
            outputs[output.name] = (wanted["v"][p.name] / scale + offset).astype(np.float32)
    return outputs


def differing(trace: Trace, wanted: Signals) -> int:
    """Count the values that differ; states are compared in 32 bits, as they are recorded."""
    count = 0
    for signal in SIGNALS:
        found = trace.signal(signal)
        assert set(found) == set(wanted[signal])
        for name, values in found.items():
            count += int((values != wanted[signal][name].astype(values.dtype)).sum())
    return count


def population(
    name: str, shape: tuple[int, ...], reset: FixedReset, lag: int, **values: Any
) -> FixedPopulation:
    """Make neurons whose parameters are numbers or arrays; a plain integrator where not named."""
    plain = {"du": MAX_DU, "dv": 0, "threshold": 100, "scale": 1.0}
    fields = plain | {"shape": shape, "reset": reset, "lag": lag} | values
    return fixed_population(name, int(np.prod(shape)), **fields)


def projection(
    source: str, target: str, *operators: FixedOperator | Array, delay: int = 1, exp: int = 0
) -> FixedProjection:
    """Make a projection named after its ends; a matrix stands for weights of a dense one."""
    all_of_them = (fixed_dense(o) if isinstance(o, np.ndarray) else o for o in operators)
    name = f"{source} to {target}"
    return fixed_projection(
        source, target, None, *all_of_them, weight_exp=exp, delay=delay, name=name
    )


def recurrent(seed: int = 0, resets: Iterable[FixedReset] = FixedReset) -> FixedNetwork:
    """Give a population without loop that resets to zero, and one with a loop for each reset.

    The first runs on Lava's own process, the others on ours.
    """
    rng = np.random.default_rng(seed)
    n = 6
    populations = [population("stock", (n,), FixedReset.ZERO, 1, **_modest(rng, n))]
    projections = [projection("x", "stock", rng.integers(-90, 128, (n, n)), exp=1)]
    for index, reset in enumerate(resets):
        name = str(reset)
        populations.append(population(name, (n,), reset, index, **_modest(rng, n)))
        weight = rng.integers(-90, 128, (n, n))
        projections.append(projection("x", name, weight, delay=index + 1, exp=1))
        projections.append(projection(name, name, rng.integers(-128, 128, (n, n)), delay=2, exp=-1))
    outputs = tuple(Output(p.name, p.name) for p in populations)
    return FixedNetwork(
        inputs=(FixedInput("x", (n,)),),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=outputs,
        dt=1e-3,
    )


def _modest(rng: np.random.Generator, n: int) -> dict[str, Array]:
    return {
        "du": rng.integers(0, MAX_DU + 1, n),
        "dv": rng.integers(0, 1000, n),
        "threshold": rng.integers(20, 300, n),
        "bias_mant": rng.integers(-40, 80, n),
        "bias_exp": rng.integers(0, 7, n),
    }


@st.composite
def networks(draw: st.DrawFn) -> FixedNetwork:
    """Draw a network of one or two inputs and up to four populations, extremes included."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    wide = draw(st.sampled_from([1, 1, 9, 1000]), label="max_abs")
    inputs = [FixedInput("x", (2, 2), max_abs=1)]
    if draw(st.booleans(), label="second input"):
        inputs.append(FixedInput("y/z", (3,), step=0.5, max_abs=wide))
    resets = draw(st.lists(st.sampled_from(list(FixedReset)), min_size=1, max_size=4))
    populations = tuple(
        _population(draw, rng, f"n{index}.lif", reset) for index, reset in enumerate(resets)
    )
    sources: tuple[FixedInput | FixedPopulation, ...] = (*inputs, *populations)
    projections = [
        _projection(draw, rng, source, target)
        for source in sources
        for target in populations
        if draw(st.integers(0, 2))
    ]
    return FixedNetwork(
        inputs=tuple(inputs),
        populations=populations,
        projections=tuple(projections),
        outputs=(Output("first", populations[0].name), Output("file", populations[-1].name)),
        dt=1e-3,
    )


def _population(
    draw: st.DrawFn, rng: np.random.Generator, name: str, reset: FixedReset
) -> FixedPopulation:
    shape = draw(st.sampled_from([(1,), (3,), (2, 2)]))
    size = int(np.prod(shape))

    def values(low: int, high: int, usual: int) -> Array:
        """Draw one value for all or one for each, from extremes or from the usual range."""
        number = size if draw(st.booleans()) else 1
        kinds = [np.full(number, low), np.full(number, high), rng.integers(low, high + 1, number)]
        kinds += 3 * [rng.integers(low, usual + 1, number)]
        return kinds[draw(st.integers(0, len(kinds) - 1))]

    return population(
        name,
        shape,
        reset,
        draw(st.integers(0, 3)),
        du=values(0, MAX_DU, MAX_DU),
        dv=values(0, MAX_DV, 400),
        threshold=values(0, MAX_THRESHOLD, 500),
        bias_mant=values(-MAX_BIAS_MANT, MAX_BIAS_MANT, 200),
        bias_exp=values(0, MAX_BIAS_EXP, 3),
    )


def _projection(
    draw: st.DrawFn,
    rng: np.random.Generator,
    source: FixedInput | FixedPopulation,
    target: FixedPopulation,
) -> FixedProjection:
    lag = target.lag - (source.lag if isinstance(source, FixedPopulation) else 0)
    own_delay = max(0, 1 - lag) + draw(st.sampled_from([0, 0, 0, 1, 4, 50]))
    low, high = draw(st.sampled_from([(-128, 128), (0, 128), (-30, 50)]))
    return projection(
        source.name,
        target.name,
        rng.integers(low, high, (target.size, source.size)),
        delay=min(own_delay + lag, 63),
        exp=draw(st.integers(MIN_WEIGHT_EXP, MAX_WEIGHT_EXP)),
    )


def random_inputs(fixed: FixedNetwork, steps: int, batch: int, seed: int = 0) -> dict[str, Array]:
    """Give spikes for inputs of spikes and real values for others, in half of all places."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, Array] = {}
    for declared in fixed.inputs:
        shape = (steps, batch, *declared.shape)
        values = rng.integers(-declared.max_abs, declared.max_abs + 1, shape) * declared.step
        inputs[declared.name] = values * (rng.random(shape) < 0.5)
    return inputs


def every_stock_process() -> FixedNetwork:
    """Give a network of two inputs that runs on every process of Lava that form stock uses.

    Spikes of ``loop`` take steps of their own, a bias lets ``early`` spike before its first step,
    and weights of ``pooled`` are products. Read-outs have outputs, one of them two.
    """
    rng = np.random.default_rng(7)

    def weights(*shape: int, low: int = -40, high: int = 100) -> Array:
        return rng.integers(low, high, shape)

    def factors(n: int) -> FixedScaling:
        return FixedScaling(weight=weights(n, high=31).astype(np.int8))

    turned = FixedConvolution(
        weight=weights(4, 1, 3, 2, low=-2, high=4).astype(np.int8),
        window=Window((3, 2), (2, 1), ((1, 1), (0, 0)), (1, 2)),  # [2, 7, 5] to [4, 4, 3]
        groups=2,
    )
    pool = SumPooling(window=Window((2, 2), (2, 1), ((0, 0), (0, 0)), (1, 1)))  # to [4, 2, 2]
    lists = np.where(rng.random((300, 256)) < 0.05, weights(300, 256, low=-128), 0)
    thin = np.where(rng.random((300, 256)) < 0.04, weights(300, 256, low=-128), 0)
    quiet = {"dv": 300, "threshold": 60}
    read_out = {"spiking": False, "dv": 500, "scale": 3.7}
    bias = {"bias_mant": weights(24), "bias_exp": rng.integers(0, 7, 24)}
    return FixedNetwork(
        inputs=(FixedInput("x", (2, 7, 5)), FixedInput("y", (256,), step=0.5, max_abs=9)),
        populations=(
            population("conv", (4, 4, 3), FixedReset.ZERO, 1, du=900, **quiet),
            population("wide", (300,), FixedReset.ZERO, 1, du=4000, dv=300, threshold=1000),
            population("loop", (4, 2, 2), FixedReset.ZERO, 2, **quiet),
            population("early", (24,), FixedReset.ZERO, 3, dv=300, threshold=40, **bias),
            population("first", (3,), FixedReset.NONE, 1, du=2000, **read_out),
            population("last", (3,), FixedReset.NONE, 4, bias_mant=5, offset=-2, **read_out),
        ),
        projections=(
            projection("x", "conv", turned, exp=4),
            projection("y", "wide", thin, exp=-1),
            projection("x", "wide", FixedSparse.of(lists[:, :70].astype(np.int8)), delay=3),
            projection("y", "first", weights(3, 256, low=-2, high=3), delay=3),
            projection("conv", "loop", pool, factors(16), exp=1),
            projection("loop", "loop", factors(16), delay=2),
            projection("loop", "early", weights(24, 16), delay=2),
            projection("conv", "early", weights(24, 48), delay=2, exp=-1),
            projection("early", "last", weights(3, 24, low=-128), exp=-1),
            projection("wide", "last", weights(3, 300, low=-9, high=9), delay=9),
        ),
        outputs=(
            Output("spikes", "loop"),
            Output("early", "early"),
            Output("first", "first"),
            Output("potential", "last"),
            Output("potential too", "last"),
        ),
        dt=1e-3,
    )
