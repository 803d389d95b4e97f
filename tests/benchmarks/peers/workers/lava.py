"""Lava: its own processes and ``fixed_pt`` models, wired as its documentation shows.

Every process is a process of the operating system; the processor time of all of them is summed up.
A convolution and its pooling are one ``Conv`` of the folded kernel: Lava has no sums of 2 x 2.
``runner/compat.py`` mends what keeps Lava 0.10.0 from running on today's Python and NumPy at all.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from tests.benchmarks.peers.networks import (
    INPUT,
    Array,
    Convolution,
    Dense,
    Network,
    Sparse,
    Weights,
    synapses,
)
from tests.benchmarks.peers.serving import Simulation, answer_requests, digest


def lava(name: str) -> Any:
    """Give a module of Lava; none may be imported before it is mended."""
    return import_module(f"lava.{name}")


TICKS = os.sysconf("SC_CLK_TCK")


class Lava(Simulation):
    """A chain of ``LIF`` behind a ``RingBuffer``, or one that drives itself."""

    def __init__(self, network: Network, batch: int) -> None:
        del batch
        self.versions = {"Lava": version("lava-nc")}
        self._network = network
        self._lags = [0] if network.x is None else list(range(1, len(network.populations) + 1))
        self._last: Any = None

    def _built(self, steps: int, *, every: bool) -> list[Any]:
        """Give the last population, and sinks of ``steps`` behind it or behind every one."""
        sink, source = lava("proc.io.sink"), lava("proc.io.source")
        net = self._network
        end: Any = None
        if net.x is not None:
            x = np.zeros((steps, *net.x.shape[2:]), np.int32)
            x[: net.steps] = net.x[: len(x), 0]
            end = source.RingBuffer(data=_turned(x)).s_out
        made: list[Any] = []
        lif: Any = None
        for p, weights, shape in zip(net.populations, net.weights, net.shapes, strict=True):
            bias = p.bias.reshape(p.shape) if net.x is None else 0
            lif = lava("proc.lif.process").LIF(
                shape=p.shape[::-1], du=4095, dv=p.dv, vth=p.threshold, bias_mant=bias, bias_exp=0
            )
            layer = _synapses(weights, shape, p.size)
            if end is None:
                end = lif.s_out
            if end.shape != layer.s_in.shape:
                end = end.reshape(layer.s_in.shape)
            end.connect(layer.s_in)
            layer.a_out.connect(lif.a_in)
            end = lif.s_out
            if every or p is net.populations[-1]:
                made.append(sink.RingBuffer(shape=p.shape[::-1], buffer=steps))
                lif.s_out.connect(made[-1].a_in)
        return [lif, *made]

    def first(self) -> dict[str, Any]:
        """Run once with a sink behind every population, then prepare what is measured."""
        net = self._network
        steps = net.steps + self._lags[-1]
        lif, *sinks = self._built(steps, every=True)
        _advance(lif, steps)
        rates: dict[str, float] = {}
        spikes: Array = np.zeros(0)
        for p, lag, sink in zip(net.populations, self._lags, sinks, strict=True):
            data = sink.data.get()
            spikes = data.transpose(*reversed(range(data.ndim)))[lag : lag + net.steps]
            rates[p.name] = float(spikes.mean())
        lif.stop()
        if net.x is not None:
            rates[INPUT] = float(net.x[:, 0].mean())
        self._last, *_ = self._built(net.steps, every=False)
        _advance(self._last, 1)
        return {"rates": rates, "spikes": digest(spikes.reshape(net.steps, 1, -1))}

    def run(self) -> None:
        """Run on; the input begins anew."""
        _advance(self._last, self._network.steps)

    def cpu(self) -> float:
        """Give the processor time of all processes."""
        return sum(_cpu_s(pid) for pid in _family())

    def peak_mib(self) -> float:
        """Give the memory of all processes together as it is now, shared pages once."""
        return sum(_pss_kib(pid) for pid in _family()) / 1024

    def close(self) -> None:
        """Stop the processes."""
        self._last.stop()


def _advance(process: Any, steps: int) -> None:
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    process.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))


def _turned(values: Array) -> Array:
    """Give ``[width, height, channels, ...]``, Lava's order, of the order of everybody else."""
    return np.ascontiguousarray(values.transpose(*reversed(range(values.ndim))))


def _synapses(weights: Weights, shape: tuple[int, ...], n_out: int) -> Any:
    match weights:
        case Dense(weight):
            wide = weight.astype(int)
            if len(shape) > 1:  # what arrives has Lava's order
                wide = wide.reshape(-1, *shape).transpose(0, 3, 2, 1).reshape(len(wide), -1)
            return lava("proc.dense.process").Dense(weights=wide)
        case Convolution():
            kernel = weights.folded()[:, :, ::-1, ::-1].astype(int).transpose(0, 3, 2, 1)
            return lava("proc.conv.process").Conv(weight=kernel, input_shape=shape[::-1], stride=2)
        case Sparse():
            source, target, values = synapses(weights, shape)
            n_in = len(weights.target)
            return lava("proc.sparse.process").Sparse(
                weights=sparse.csr_matrix(
                    (values.astype(int), (target, source)), shape=(n_out, n_in)
                )
            )


def _family() -> list[int]:
    """Give the numbers of this process and of all that it started."""
    found, rest = [os.getpid()], [os.getpid()]
    while rest:
        for path in Path(f"/proc/{rest.pop()}/task").glob("*/children"):
            children = [int(pid) for pid in path.read_text().split()]
            found += children
            rest += children
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _pss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("Pss:")[2].split()[0])


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[4] / "targets" / "lava"))
    import_module("runner.compat").install()
    answer_requests(Lava, sys.argv[1:])
