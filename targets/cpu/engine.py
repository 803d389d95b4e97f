"""A ``FixedNetwork`` for the native engine, and its runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ctypes import c_int32, c_int64
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    MAX_DU,
    FixedAxons,
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
from snnc.targets.cpu.call import Call
from snnc.targets.lava.bounds import largest_inputs
from snnc.targets.running import Progress

UNWRAPPED_INPUT = 2**17
"""Below it ``u`` is within 24 bits where no neuron keeps a current."""
NARROW_INPUT = 2**18
"""Largest synaptic input with which states stay within 32 bits (``native/arithmetic.h``)."""
NARROW_FORGETFUL = 2**24
"""The same where no neuron keeps a current: ``u`` is what arrives, and does not add up."""
BEST = -1
"""The best instructions that this machine has."""
PATIENCE = 50
"""Microseconds that a run lasts before it takes other threads: about what they take to begin."""


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
        largest = largest_inputs(network)
        narrow = [
            a <= (NARROW_FORGETFUL if (p.du == MAX_DU).all() else NARROW_INPUT)
            for a, p in zip(largest, network.populations, strict=True)
        ]
        self.narrow = all(narrow)
        records = _Records()  # until the engine has read them
        self._prepared = library.Prepared(records.network(network, narrow, largest), level)
        self._calls: list[Call] = []  # those that have nothing to do

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
        try:
            call = self._calls.pop()
        except IndexError:  # the first, or others go on
            call = Call(self.network)
        told = call.record
        told.threads, told.patience, told.parts = threads, patience, parts
        kept = call.run(self._prepared, inputs, record, progress)
        self._calls.append(call)
        return kept


def threads_here() -> int:
    """Give the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Records:
    """Makes the engine's records; keeps the arrays that they point to as long as itself."""

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[Any]] = []

    def network(
        self, network: FixedNetwork, narrow: list[bool], largest: Sequence[float]
    ) -> library.Network:
        places = {i.name: k for k, i in enumerate(network.inputs)}
        first = len(places)
        places |= {p.name: first + k for k, p in enumerate(network.populations)}
        axons = [self._axons(a, places) for a in network.axons]
        places |= {a.name: len(places) + k for k, a in enumerate(network.axons)}
        shapes = network.shapes
        populations = [
            self._population(p, is_narrow, a < UNWRAPPED_INPUT)
            for p, is_narrow, a in zip(network.populations, narrow, largest, strict=True)
        ]
        projections = [
            self._projection(q, places, first, shapes[q.source]) for q in network.projections
        ]
        return library.Network(
            input_count=len(network.inputs),
            population_count=len(populations),
            projection_count=len(projections),
            axons_count=len(axons),
            input_sizes=(c_int64 * len(network.inputs))(*(i.size for i in network.inputs)),
            input_largest=(c_int32 * len(network.inputs))(
                *(min(i.max_abs, 2**31 - 1) for i in network.inputs)
            ),
            populations=(library.Population * len(populations))(*populations),
            projections=(library.Projection * len(projections))(*projections),
            axons=(library.Axons * len(axons))(*axons),
        )

    def _axons(self, a: FixedAxons, places: Mapping[str, int]) -> library.Axons:
        sources = [places[name] for name in a.sources]
        return library.Axons(
            size=a.size,
            source_count=len(sources),
            sources=(c_int32 * len(sources))(*sources),
            member=self._array(a.member, np.int32),
            element=self._array(a.element, np.int32),
        )

    def _population(self, p: FixedPopulation, narrow: bool, unwrapped: bool) -> library.Population:
        wide = {name: getattr(p, name).astype(np.int64) for name in ("du", "dv", "threshold")}
        return library.Population(
            size=p.size,
            reset=library.RESETS.index(p.reset),
            spiking=int(p.spiking),
            refractory=p.refractory,
            lag=p.lag,
            narrow=int(narrow),
            unwrapped=int(unwrapped),
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
