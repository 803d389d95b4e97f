"""A ``FixedNetwork`` for the native engine, and its runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ctypes import c_int32, c_int64, c_void_p
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    MAX_DU,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
    Window,
)
from snnc.compiler.trace import Array
from snnc.targets.cpu import library
from snnc.targets.lava.bounds import largest_input
from snnc.targets.running import Progress

NARROW_INPUT = 2**18
"""Largest synaptic input with which states stay within 32 bits (``native/arithmetic.h``)."""
NARROW_FORGETFUL = 2**24
"""The same where no neuron keeps a current: ``u`` is what arrives, and does not add up."""
BEST = -1
"""The best instructions that this machine has."""
PATIENCE = 200
"""Microseconds that a run lasts before it takes other threads: about what they take to begin."""
SIGNALS: dict[str, type[np.generic]] = {"spikes": np.uint8, "u": np.int32, "v": np.int32}


class Engine:
    """A network that is ready to run.

    Attributes:
        network: The integers.
        narrow: Whether all states have 32 bits; 64 where sums are not bounded enough.
    """

    def __init__(self, network: FixedNetwork, level: int = BEST) -> None:
        """Prepare ``network``, which is retimed.

        Raises:
            MemoryError: There is not enough.
            OSError: There is no engine.
        """
        self.network = network
        narrow = [
            largest_input(network, p)
            <= (NARROW_FORGETFUL if (p.du == MAX_DU).all() else NARROW_INPUT)
            for p in network.populations
        ]
        self.narrow = all(narrow)
        records = _Records()  # until the engine has read them
        self._prepared = library.Prepared(records.network(network, narrow), level)

    @property
    def bytes(self) -> int:
        """Memory of weights, tables and parameters, and of the states and events of one thread."""
        return self._prepared.bytes

    def run(
        self,
        inputs: Mapping[str, npt.NDArray[np.int8 | np.int32]],
        record: Mapping[str, tuple[str, ...]],
        threads: int,
        progress: Progress,
        *,
        patience: int = PATIENCE,
        parts: int = 0,
    ) -> dict[str, dict[str, Array]]:
        """Run a batch of samples, each from rest.

        Args:
            inputs: Integers of each input, shape ``[steps, batch, n]``. Those of 8 bits are read
                as they are, others as 32.
            record: For each signal the populations of which it is kept.
            threads: At most; they run samples at once, or share one where there are more threads.
            progress: Told the hardware steps done and in all; what it raises ends the run.
            patience: Microseconds that the run lasts before it takes more threads than one.
            parts: Threads that share every step of a sample, for tests; 0 as many as are faster.

        Returns:
            For each signal and population an array ``[steps + latency, batch, n]`` in hardware
            time.

        Raises:
            MemoryError: There is not enough.
        """
        network = self.network
        steps, batch = next(iter(inputs.values())).shape[:2]
        x = [_integers(inputs[i.name]) for i in network.inputs]
        hardware_steps = steps + network.latency
        kept: dict[str, dict[str, Array]] = {
            signal: {
                name: np.zeros((hardware_steps, batch, network.population(name).size), kind)
                for name in record.get(signal, ())
            }
            for signal, kind in SIGNALS.items()
        }
        recordings = (library.Recording * max(len(network.populations), 1))()
        for recording, population in zip(recordings, network.populations, strict=False):
            for signal, arrays in kept.items():
                if population.name in arrays:
                    setattr(recording, signal, library.address(arrays[population.name]))
        run = library.Run(
            steps=steps,
            latency=network.latency,
            batch=batch,
            threads=threads,
            patience=patience,
            parts=parts,
            inputs=(c_void_p * len(x))(*map(library.address, x)),
            input_bytes=(c_int32 * len(x))(*(values.itemsize for values in x)),
            recordings=recordings,
        )

        def told(done: int, total: int) -> bool:
            progress(done, total)
            return True

        self._prepared.run(run, told)
        total = batch * hardware_steps
        progress(total, total)
        return kept


def threads_here() -> int:
    """Give the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Records:
    """Makes the engine's records; keeps the arrays that they point to as long as itself."""

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[Any]] = []

    def network(self, network: FixedNetwork, narrow: list[bool]) -> library.Network:
        places = {i.name: k for k, i in enumerate(network.inputs)}
        first = len(places)
        places |= {p.name: first + k for k, p in enumerate(network.populations)}
        populations = [
            self._population(p, is_narrow)
            for p, is_narrow in zip(network.populations, narrow, strict=True)
        ]
        projections = [
            self._projection(q, places, first, network.shapes[q.source])
            for q in network.projections
        ]
        return library.Network(
            input_count=len(network.inputs),
            population_count=len(populations),
            projection_count=len(projections),
            input_sizes=(c_int64 * len(network.inputs))(*(i.size for i in network.inputs)),
            input_largest=(c_int32 * len(network.inputs))(
                *(min(i.max_abs, 2**31 - 1) for i in network.inputs)
            ),
            populations=(library.Population * len(populations))(*populations),
            projections=(library.Projection * len(projections))(*projections),
        )

    def _population(self, p: FixedPopulation, narrow: bool) -> library.Population:
        wide = {name: getattr(p, name).astype(np.int64) for name in ("du", "dv", "threshold")}
        return library.Population(
            size=p.size,
            reset=library.RESETS.index(p.reset),
            spiking=int(p.spiking),
            refractory=p.refractory,
            lag=p.lag,
            narrow=int(narrow),
            keep_u=self._array(2**DECAY_BITS - (wide["du"] + 1), np.int32),
            keep_v=self._array(2**DECAY_BITS - wide["dv"], np.int32),
            theta=self._array(wide["threshold"] << ALIGN_BITS, np.int32),
            bias=self._array(p.bias_mant.astype(np.int64) << p.bias_exp, np.int32),
            initial=self._array(p.initial, np.int32),
        )

    def _projection(
        self, q: FixedProjection, places: Mapping[str, int], first: int, shape: tuple[int, ...]
    ) -> library.Projection:
        operators: list[library.Operator] = []
        for operator in q.operators:
            operators.append(self._operator(operator, shape))
            shape = operator.result_shape(shape)
        return library.Projection(
            source=places[q.source],
            target=places[q.target] - first,
            weight_exp=q.weight_exp,
            delay=q.delay,
            operator_count=len(operators),
            operators=(library.Operator * len(operators))(*operators),
        )

    def _operator(self, operator: FixedOperator, shape: tuple[int, ...]) -> library.Operator:
        record = library.Operator(
            kind=library.KINDS.index(type(operator).__name__),
            groups=1,
            shape_in=_three(shape),
            shape_out=_three(operator.result_shape(shape)),
        )
        match operator:
            case FixedConvolution():
                record.groups = operator.groups
                self._window(record, operator.window)
                self._weight(record, operator.weight)
            case FixedDense() | FixedScaling():
                self._weight(record, operator.weight)
            case FixedSparse():
                self._weight(record, operator.weight)
                record.index = self._array(operator.target, np.int32)
                record.begin = self._array(operator.begin, np.int64)
            case SumPooling() | MaxPooling():
                self._window(record, operator.window)
        return record

    def _weight(self, record: library.Operator, weight: npt.NDArray[Any]) -> None:
        record.weight_bytes = weight.dtype.itemsize
        record.weight = self._array(weight, weight.dtype.type)

    @staticmethod
    def _window(record: library.Operator, window: Window) -> None:
        before = tuple(pair[0] for pair in window.padding)
        record.kernel[:] = _two(window.kernel, 1)
        record.stride[:] = _two(window.stride, 1)
        record.before[:] = _two(before, 0)
        record.dilation[:] = _two(window.dilation, 1)

    def _array(self, values: npt.NDArray[Any], kind: type[np.generic]) -> int:
        array = library.contiguous(values, kind)
        self._kept.append(array)
        return library.address(array)


def _integers(values: npt.NDArray[np.int8 | np.int32]) -> npt.NDArray[Any]:
    return library.contiguous(values, np.int8 if values.dtype == np.int8 else np.int32)


def _two(values: tuple[int, ...], first: int) -> tuple[int, int]:
    """Give an entry for each of two axes; one axis is the second of two.

    Raises:
        InternalError: There are more axes; no frontend makes such a window.
    """
    match values:
        case (width,):
            return first, width
        case (height, width):
            return height, width
        case _:
            raise InternalError(f"the native engine has no window of {len(values)} axes")


def _three(shape: tuple[int, ...]) -> Any:
    """Give ``[channels, height, width]``; a value that no window moves over is all width."""
    match shape:
        case (channels, width):
            axes = channels, 1, width
        case (channels, height, width):
            axes = channels, height, width
        case _:
            axes = 1, 1, prod(shape)
    return (c_int64 * 3)(*axes)
