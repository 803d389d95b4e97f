"""What the native engine is told of a run: records that are made once and used again."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import c_int32, c_void_p
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Array
from snnc.targets.cpu import library
from snnc.targets.running import Progress, no_progress

SIGNALS: dict[str, np.dtype[Any]] = {
    "spikes": np.dtype(np.uint8),
    "u": np.dtype(np.int32),
    "v": np.dtype(np.int32),
}
IN_8_BITS = np.dtype(np.int8)


class Call:
    """A run: one at a time, and as many as there are, one after the other.

    Attributes:
        record: What the engine reads; ``threads``, ``patience`` and ``parts`` are the caller's.
    """

    def __init__(self, network: FixedNetwork) -> None:
        self._names = [i.name for i in network.inputs]
        self._sizes = {p.name: p.size for p in network.populations}
        self._latency = network.latency
        self._inputs = (c_void_p * len(self._names))()
        self._input_bytes = (c_int32 * len(self._names))()
        self._recordings = (library.Recording * max(len(self._sizes), 1))()
        self._places = dict(zip(self._sizes, self._recordings, strict=False))
        self.record = library.Run(
            latency=self._latency,
            inputs=self._inputs,
            input_bytes=self._input_bytes,
            recordings=self._recordings,
        )
        self._progress: Progress = no_progress
        self._failures: list[BaseException] = []
        self._told = library.ProgressFunction(self._tell)

    def run(
        self,
        prepared: library.Prepared,
        inputs: Mapping[str, npt.NDArray[np.int8 | np.int32]],
        wanted: Mapping[str, tuple[str, ...]],
        progress: Progress,
    ) -> dict[str, dict[str, Array]]:
        """Run a batch; see ``Engine.run``."""
        record = self.record
        x = [_integers(inputs[name]) for name in self._names]
        steps, batch = next(iter(inputs.values())).shape[:2]
        record.steps, record.batch = steps, batch
        for i, values in enumerate(x):
            self._inputs[i] = library.address(values)
            self._input_bytes[i] = values.itemsize
        total = steps + self._latency
        kept = self._places_for(total, batch, wanted)
        self._progress = progress
        try:
            prepared.run(record, self._told)
            if self._failures:
                raise self._failures[0]
        finally:
            self._rest(kept)
        progress(batch * total, batch * total)
        return kept

    def _places_for(
        self, steps: int, batch: int, wanted: Mapping[str, tuple[str, ...]]
    ) -> dict[str, dict[str, Array]]:
        """Make the arrays of what is wanted, and tell the engine of them."""
        kept: dict[str, dict[str, Array]] = {}
        for signal, kind in SIGNALS.items():
            kept[signal] = arrays = {}
            for name in wanted.get(signal, ()):
                arrays[name] = made = np.zeros((steps, batch, self._sizes[name]), kind)
                setattr(self._places[name], signal, library.address(made))
        return kept

    def _rest(self, kept: dict[str, dict[str, Array]]) -> None:
        """Forget a run."""
        for signal, arrays in kept.items():
            for name in arrays:
                setattr(self._places[name], signal, None)
        self._progress = no_progress
        self._failures = []

    def _tell(self, done: int, total: int) -> int:
        try:
            self._progress(done, total)
        except BaseException as failure:  # noqa: BLE001  # C has no exceptions: raised by run()
            self._failures.append(failure)
            return 1
        return 0


def _integers(values: npt.NDArray[np.int8 | np.int32]) -> npt.NDArray[Any]:
    return library.contiguous(values, np.int8 if values.dtype == IN_8_BITS else np.int32)
