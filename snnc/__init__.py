"""snnc: compile spiking networks for neuromorphic targets, and prove that they compute the same.

Every public name is imported when it is first used: ``import snnc`` alone costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from snnc.compiler.diagnostics import Diagnostic as Diagnostic
    from snnc.compiler.diagnostics import EnvironmentFault as EnvironmentFault
    from snnc.compiler.diagnostics import InputError as InputError
    from snnc.compiler.diagnostics import InternalError as InternalError
    from snnc.compiler.diagnostics import Rule as Rule
    from snnc.compiler.diagnostics import SnncError as SnncError
    from snnc.compiler.diagnostics import TimeLimitExceeded as TimeLimitExceeded
    from snnc.compiler.trace import Trace as Trace
    from snnc.frontends.nir.file import read_nir as read_nir
    from snnc.frontends.nir.file import write_nir as write_nir
    from snnc.frontends.norse.frontend import from_norse as from_norse
    from snnc.frontends.onnx.frontend import from_onnx as from_onnx
    from snnc.frontends.snntorch.frontend import from_snntorch as from_snntorch
    from snnc.runtime.bisection.bisect import bisect as bisect
    from snnc.runtime.bisection.found import Bisection as Bisection
    from snnc.runtime.bisection.reduce import reduce as reduce
    from snnc.runtime.bisection.reproducer import Reproducer as Reproducer
    from snnc.runtime.changes.diff import diff as diff
    from snnc.runtime.compare import Comparison as Comparison
    from snnc.runtime.compare import Divergence as Divergence
    from snnc.runtime.compare import compare as compare
    from snnc.runtime.data.binning import Binning as Binning
    from snnc.runtime.data.read import read_data as read_data
    from snnc.runtime.deploy import compile as compile
    from snnc.runtime.report import Report as Report
    from snnc.runtime.statistics import accuracy_by_step as accuracy_by_step
    from snnc.runtime.training import quantized_module as quantized_module
    from snnc.runtime.verify import verify as verify
    from snnc.targets.artifact import Artifact as Artifact
    from snnc.targets.artifact import load as load
    from snnc.targets.lava.join import load_process as load_process
    from snnc.targets.lava.runner.compat import repair_lava as repair_lava
else:
    _HOMES = {
        # models
        "from_snntorch": "snnc.frontends.snntorch.frontend",
        "from_norse": "snnc.frontends.norse.frontend",
        "from_onnx": "snnc.frontends.onnx.frontend",
        "read_nir": "snnc.frontends.nir.file",
        "write_nir": "snnc.frontends.nir.file",
        # compilation and runs
        "compile": "snnc.runtime.deploy",
        "load": "snnc.targets.artifact",
        "Artifact": "snnc.targets.artifact",
        "Trace": "snnc.compiler.trace",
        "read_data": "snnc.runtime.data.read",
        "Binning": "snnc.runtime.data.binning",
        "quantized_module": "snnc.runtime.training",
        # a network of Lava processes
        "load_process": "snnc.targets.lava.join",
        "repair_lava": "snnc.targets.lava.runner.compat",
        # proof
        "verify": "snnc.runtime.verify",
        "Report": "snnc.runtime.report",
        "diff": "snnc.runtime.changes.diff",
        "accuracy_by_step": "snnc.runtime.statistics",
        "compare": "snnc.runtime.compare",
        "Comparison": "snnc.runtime.compare",
        "Divergence": "snnc.runtime.compare",
        # where two executions part
        "bisect": "snnc.runtime.bisection.bisect",
        "Bisection": "snnc.runtime.bisection.found",
        "reduce": "snnc.runtime.bisection.reduce",
        "Reproducer": "snnc.runtime.bisection.reproducer",
        # errors
        "SnncError": "snnc.compiler.diagnostics",
        "InputError": "snnc.compiler.diagnostics",
        "EnvironmentFault": "snnc.compiler.diagnostics",
        "TimeLimitExceeded": "snnc.compiler.diagnostics",
        "InternalError": "snnc.compiler.diagnostics",
        "Diagnostic": "snnc.compiler.diagnostics",
        "Rule": "snnc.compiler.diagnostics",
    }
    __all__ = list(_HOMES)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
