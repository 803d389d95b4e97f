"""Whoever executes the integers, held against the reference: every signal, and a hash of them all.

An executor gives the signals of a network in every way in which it can run. What is to be compared
with the reference besides the native engine is one more entry of ``EXECUTORS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.targets.cpu import library
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import integers_for
from tests.drawn.deployed import runs
from tests.drawn.numbers import SEEDS

Array = npt.NDArray[Any]
Signals = dict[str, dict[str, Array]]
Executor = Callable[[FixedNetwork, Mapping[str, Array]], Iterator[tuple[str, Signals]]]

SIGNALS: tuple[str, ...] = ("spikes", "u", "v")
BATCHES = (1, 3, 17)
THREADS = (1, 2, 5)
LEVELS = range(library.library().snnc_best_level() + 1 if library.path() else 0)
"""The sets of instructions that this machine has."""


def native(network: FixedNetwork, inputs: Mapping[str, Array]) -> Iterator[tuple[str, Signals]]:
    """Run the native engine on every set of instructions, with one thread and several."""
    names = tuple(p.name for p in network.populations)
    record = dict.fromkeys(SIGNALS, names)
    batch = next(iter(inputs.values())).shape[1]
    engines = [Engine(network, level) for level in LEVELS]
    threads = [n for n in THREADS if n <= batch]
    for (level, engine), count in product(enumerate(engines), threads):
        entering = narrowest(inputs) if count % 2 else inputs
        signals = engine.run(entering, record, count, no_progress, patience=0)
        yield f"engine, level {level}, {count} threads", signals
        if count == 1:
            apart = engine.run(entering, without_u(names), count, no_progress)
            yield f"engine, level {level}, u not recorded", apart | {"u": signals["u"]}


def without_u(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Give what is recorded of populations whose ``u`` the engine may leave out."""
    return {"spikes": names, "v": names}


def narrowest(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Give what fits them in 8 bits."""
    fit = {name: x.astype(np.int8) for name, x in inputs.items()}
    return {name: y if (y == inputs[name]).all() else inputs[name] for name, y in fit.items()}


EXECUTORS: dict[str, Executor] = {"native": native}
"""By name."""


@st.composite
def integer_runs(draw: st.DrawFn) -> tuple[FixedNetwork, dict[str, Array]]:
    """Draw a network, and integers for its inputs, ``[steps, batch, n]``."""
    run = draw(runs())
    batch = draw(st.sampled_from(BATCHES))
    inputs = integers_for(run.network, steps=run.steps[0], batch=batch, seed=draw(SEEDS))
    return run.network, dict(inputs)


def reference(network: FixedNetwork, inputs: Mapping[str, Array]) -> Signals:
    """Give every signal as the reference has it, in hardware time."""
    recording = execute(network, inputs)
    return {signal: {**getattr(recording, signal)} for signal in SIGNALS}


def traces_hash(signals: Mapping[str, Mapping[str, Array]]) -> str:
    """Give the SHA-256 of all signals, with their names, types and shapes."""
    digest = sha256()
    for signal, name in sorted((s, n) for s, arrays in signals.items() for n in arrays):
        values = signals[signal][name]
        digest.update(repr((signal, name, values.dtype.str, values.shape)).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def assert_equal(network: FixedNetwork, inputs: Mapping[str, Array]) -> tuple[list[str], Signals]:
    """Run every executor in every way.

    Returns:
        The ways, and the signals of the reference.

    Raises:
        AssertionError: A value differs; the text says where.
    """
    wanted = reference(network, inputs)
    known, ways = traces_hash(wanted), list[str]()
    for executor in EXECUTORS.values():
        for way, found in executor(network, inputs):
            ways.append(way)
            if traces_hash(found) != known:
                raise AssertionError(f"{way}: {_difference(found, wanted)}")
    return ways, wanted


def _difference(found: Signals, wanted: Signals) -> str:
    for signal, arrays in wanted.items():
        for name, values in arrays.items():
            places = np.argwhere(found[signal][name] != values)
            if len(places):
                first = tuple(places[0])
                step, sample, neuron = first
                return (
                    f"{signal} of {name}: {len(places)} of {values.size} differ, first at step "
                    f"{step}, sample {sample}, neuron {neuron}: "
                    f"{found[signal][name][first]}, not {values[first]}"
                )
    return "other names, types or shapes"
