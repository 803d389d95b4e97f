"""A network on Lava in the plain way: as Lava's tutorials do it, with nothing of our runner.

Only Lava's own processes, found by Lava's own search for models; a ``Monitor`` for each signal of
each population; and one start of Lava a sample. Of ours there are the repairs without which Lava
cannot be imported. It runs in an interpreter of its own, which is killed where Lava hangs.

What Lava's own processes cannot express is a ``ValueError``.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection, FixedReset
from snnc.compiler.operators import FixedConvolution, FixedDense, FixedScaling, FixedSparse
from snnc.compiler.trace import SIGNALS

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
GRADED_BITS = 24
LIMIT = 200.0
"""Seconds that a sample may take, the start included."""


@dataclass(frozen=True, eq=False)
class PlainRun:
    """What came of it.

    Attributes:
        signals: By signal and population ``[steps, batch, *shape]``, in the time of the network.
        seconds: What each sample took, from building its processes to stopping them.
    """

    signals: dict[str, dict[str, Array]]
    seconds: list[float]


def run_plain(
    fixed: FixedNetwork, inputs: dict[str, Array], record: dict[str, tuple[str, ...]] | None = None
) -> PlainRun:
    """Run every sample by a start of Lava.

    Args:
        fixed: Retimed.
        inputs: Integers for each input, shape ``[steps, batch, *shape]``.
        record: Populations by signal, all of them if not said.

    Raises:
        ValueError: Lava's own processes cannot express ``fixed``.
    """
    check_plain(fixed)
    names = tuple(p.name for p in fixed.populations)
    steps, batch = next(iter(inputs.values())).shape[:2]
    wanted = dict.fromkeys(SIGNALS, names) if record is None else record
    with tempfile.TemporaryDirectory(prefix="snnc-plain-") as scratch:
        directory = Path(scratch)
        request = (fixed, inputs, wanted)
        (directory / "request").write_bytes(pickle.dumps(request))
        _run_killable(directory, LIMIT * batch)
        raw, seconds = pickle.loads((directory / "result").read_bytes())

    def aligned(p: FixedPopulation, values: list[Array]) -> Array:
        together = np.stack([v[p.lag : p.lag + steps] for v in values], axis=1)
        return together.reshape(steps, batch, *p.shape)

    signals = {
        s: {name: aligned(fixed.population(name), raw[s, name]) for name in wanted.get(s, ())}
        for s in SIGNALS
    }
    return PlainRun(signals, seconds)


def _run_killable(directory: Path, limit: float) -> None:
    command = [sys.executable, "-m", "tests.targets.lava.plain", str(directory)]
    with subprocess.Popen(command, start_new_session=True) as child:
        try:
            code = child.wait(limit)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    assert code == 0


def check_plain(fixed: FixedNetwork) -> None:
    """Raise where a part of ``fixed`` is beyond Lava's own processes."""
    for p in fixed.populations:
        if not p.spiking or p.reset is not FixedReset.ZERO or p.refractory or p.initial.any():
            raise ValueError(f"{p.name}: Lava's LIF starts at 0 and resets to 0")
        for name in ("du", "dv", "threshold"):
            if np.unique(getattr(p, name)).size > 1:
                raise ValueError(f"{p.name}: Lava's LIF has one {name}")
    for projection in fixed.projections:
        if not _has_process(projection):
            raise ValueError(f"{projection.name}: Lava has no process for it")


def _has_process(projection: FixedProjection) -> bool:
    match projection.operators:
        case (FixedDense() | FixedSparse() | FixedScaling(),):
            return True
        case (FixedConvolution(window=w),):
            symmetric = all(before == after for before, after in w.padding)
            plain = projection.weight_exp >= 0 and projection.delay == 1
            return len(w.kernel) == 2 and symmetric and plain
        case _:
            return False


def lava_order(shape: Shape) -> npt.NDArray[np.intp]:
    """Give where each element of Lava's order lies in ours: ``[w, h, c]`` against ``[c, h, w]``."""
    indices = np.arange(int(np.prod(shape))).reshape(shape)
    return indices.T if len(shape) == 3 else indices.reshape(-1)


class Sample:
    """The processes of one start."""

    def __init__(self, fixed: FixedNetwork, x: dict[str, Array], steps: int) -> None:
        """Make and connect them.

        Args:
            fixed: The network.
            x: For each input its integers, shape ``[steps, n]``.
            steps: Hardware steps to run.
        """
        from lava.proc.io.source import RingBuffer

        self.fixed, self.steps = fixed, steps
        self.nodes: dict[str, Any] = {}
        for i in fixed.inputs:
            data = np.zeros((i.size, steps), np.int32)
            data[:, : len(x[i.name])] = x[i.name].T
            self.nodes[i.name] = RingBuffer(data=data[lava_order(i.shape)])
        for p in fixed.populations:
            self.nodes[p.name] = self.neurons(p)
        for projection in fixed.projections:
            self.connect(projection)

    def neurons(self, p: FixedPopulation) -> Any:
        """Give a LIF; one with a bias has to forget the steps before its time begins."""
        from lava.proc.lif.process import LIF, LIFReset

        order = lava_order(p.shape)
        common: dict[str, Any] = {
            "shape": order.shape,
            "du": int(p.du[0]),
            "dv": int(p.dv[0]),
            "vth": int(p.threshold[0]),
            "bias_mant": p.bias_mant[order],
            "bias_exp": p.bias_exp[order],
        }
        if p.lag and p.bias_mant.any():
            return LIFReset(reset_interval=self.steps + 2, reset_offset=p.lag + 1, **common)
        return LIF(**common)

    def connect(self, p: FixedProjection) -> None:
        """Connect source and target by one of Lava's synapses."""
        source, target = self.nodes[p.source], self.nodes[p.target]
        (operator,) = p.operators
        message = 0 if p.source in {n.name for n in self.fixed.populations} else GRADED_BITS
        if isinstance(operator, FixedConvolution):
            conv = self.convolution(p, operator, message)
            source.s_out.connect(conv.s_in)
            conv.a_out.connect(target.a_in)
            return
        synapses = self.matrix(p, operator, message)
        source.s_out.flatten().connect(synapses.s_in)
        synapses.a_out.reshape(target.a_in.shape).connect(target.a_in)

    def matrix(self, p: FixedProjection, operator: Any, message: int) -> Any:
        """Give Dense, DelayDense or, of lists and of one synapse a neuron, Sparse or DelaySparse.

        Of 8 bits with mixed signs Lava keeps the even numbers from -256 to 254.
        """
        from lava.proc.dense.process import DelayDense, Dense
        from lava.proc.sparse.process import DelaySparse, Sparse
        from scipy.sparse import csr_matrix

        weights = operator.matrix if isinstance(operator, FixedSparse) else operator.weight
        weight = weights.astype(np.int32)
        mixed = weight.min(initial=0) < 0 < weight.max(initial=0)
        few = isinstance(operator, FixedScaling | FixedSparse)
        weight = np.diag(weight) if isinstance(operator, FixedScaling) else weight
        rows = lava_order(self.fixed.shapes[p.target]).reshape(-1)
        columns = lava_order(self.fixed.shapes[p.source]).reshape(-1)
        weight = weight[rows][:, columns] << mixed
        options: dict[str, Any] = {
            "weights": csr_matrix(weight) if few else weight,
            "weight_exp": p.weight_exp - int(mixed),
            "num_message_bits": message,
        }
        if p.delay == 1:
            return Sparse(**options) if few else Dense(**options)
        if few:
            delays = csr_matrix(np.where(weight, p.delay - 1, 0))
            return DelaySparse(delays=delays, max_delay=p.delay - 1, **options)
        return DelayDense(delays=p.delay - 1, **options)

    def convolution(self, p: FixedProjection, operator: FixedConvolution, message: int) -> Any:
        """Give Conv, whose kernels are flipped and have their axes the other way round."""
        from lava.proc.conv.process import Conv

        window = operator.window
        kernels = operator.weight.astype(np.int32)[:, :, ::-1, ::-1].transpose(0, 3, 2, 1)
        options: dict[str, Any] = {
            "weight": np.ascontiguousarray(kernels) << p.weight_exp,
            "input_shape": lava_order(self.fixed.shapes[p.source]).shape,
            "padding": tuple(before for before, _ in window.padding)[::-1],
            "stride": window.stride[::-1],
            "dilation": window.dilation[::-1],
            "groups": operator.groups,
            "num_message_bits": message,
        }
        return Conv(**options)

    def run(self, record: dict[str, tuple[str, ...]]) -> dict[tuple[str, str], Array]:
        """Start, run, read and stop; give ``[steps, n]`` by signal and population."""
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2SimCfg
        from lava.proc.monitor.process import Monitor

        monitors: dict[tuple[str, str], Any] = {}
        for kind, names in record.items():
            for name in names:
                monitors[kind, name] = Monitor()
                target = getattr(self.nodes[name], {"spikes": "s_out"}.get(kind, kind))
                monitors[kind, name].probe(target, self.steps)
        first = self.nodes[self.fixed.populations[0].name]
        first.run(RunSteps(num_steps=self.steps), Loihi2SimCfg(select_tag="fixed_pt"))
        try:
            return {key: self.read(key, monitor) for key, monitor in monitors.items()}
        finally:
            first.stop()

    def read(self, key: tuple[str, str], monitor: Any) -> Array:
        """Give what a monitor saw, in our order of neurons."""
        ((values,),) = [list(found.values()) for found in monitor.get_data().values()]
        order = lava_order(self.fixed.population(key[1]).shape)
        ours = np.empty((self.steps, order.size), np.int64)
        ours[:, order.reshape(-1)] = np.rint(values).reshape(self.steps, -1)
        return ours


def main(directory: Path) -> None:
    """Run what ``directory`` asks for, in the interpreter that Lava has for itself."""
    from snnc.targets.lava.runner import compat

    compat.install()
    compat.install_libraries()
    fixed, inputs, record = pickle.loads((directory / "request").read_bytes())
    steps, batch = next(iter(inputs.values())).shape[:2]
    raw: dict[tuple[str, str], list[Array]] = {}
    seconds: list[float] = []
    for index in range(batch):
        begin = time.perf_counter()
        x = {name: values[:, index].reshape(steps, -1) for name, values in inputs.items()}
        for key, values in Sample(fixed, x, steps + fixed.latency).run(record).items():
            raw.setdefault(key, []).append(values)
        seconds.append(time.perf_counter() - begin)
    (directory / "result").write_bytes(pickle.dumps((raw, seconds)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
