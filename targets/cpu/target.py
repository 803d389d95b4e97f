"""The ``cpu`` target: the native engine as a place to run."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from snnc.compiler import rules
from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Trace
from snnc.targets.artifact import Artifact
from snnc.targets.base import Target
from snnc.targets.cpu.engine import Engine, threads_here
from snnc.targets.cpu.library import MODULE, library
from snnc.targets.inputs import narrow_inputs
from snnc.targets.options import limited_progress
from snnc.targets.running import Inputs, RunOptions

_engines: WeakKeyDictionary[FixedNetwork, Engine] = WeakKeyDictionary()
"""Each network is prepared once."""


class CpuTarget(Target):
    """The integers, executed by the native engine."""

    name = "cpu"
    summary = "native engine: the integer arithmetic in compiled code, event by event"
    fixed = True
    by_core = True

    def missing(self) -> Diagnostic | None:
        """Say that the engine was not compiled, or cannot be loaded, or give None."""
        try:
            library()
        except OSError as error:
            return _not_compiled(str(error))
        return None

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run the integers on ``inputs``.

        Raises:
            InputError: SNN502 or SNN503, the inputs do not fit.
            EnvironmentFault: SNN510, there is no engine.
            TimeLimitExceeded: SNN506.
            MemoryError: There is not enough.
        """
        network = artifact.required_fixed
        x = narrow_inputs(network, inputs)
        missing = self.missing()
        if missing is not None:
            raise EnvironmentFault([missing])
        begin = time.perf_counter()
        engine = _engines.get(network) or _engines.setdefault(network, Engine(network))
        signals = engine.run(
            x,
            _wanted(network, options.record),
            threads_here(),
            limited_progress(options, self.name),
        )
        return aligned_trace(
            network,
            signals,
            executor=self.name,
            steps=next(iter(x.values())).shape[0],
            record=options.record,
            raw_time=options.raw_time,
            seconds=time.perf_counter() - begin,
        )


def _wanted(network: FixedNetwork, record: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Give for each signal the populations of which it is kept: outputs, and what is recorded."""
    sources = {o.source for o in network.outputs}
    outputs = {
        "spikes": [p.name for p in network.populations if p.name in sources and p.spiking],
        "v": [p.name for p in network.populations if p.name in sources and not p.spiking],
    }
    everyone = [p.name for p in network.populations]
    spiking = [p.name for p in network.populations if p.spiking]
    asked = {s: spiking if s == "spikes" else everyone for s in record}
    return {
        s: tuple(dict.fromkeys(outputs.get(s, []) + asked.get(s, []))) for s in ("spikes", "u", "v")
    }


def _not_compiled(found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.ENGINE_COMPILED,
        node="target cpu",
        found=found,
        limit=f"{MODULE}, which pip install compiles from C++17",
        remedy="install a C++ compiler (g++ 9, clang 10 or newer) and then snnc again, or use "
        "--target integer, which needs none",
    )
