"""What to say when a framework is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault


@dataclass(frozen=True)
class Framework:
    """A framework whose models are imported.

    Attributes:
        title: What it calls itself.
        packages: What it needs, as Python imports it; its own package is the extra of snnc.
        versions: Which versions do.
    """

    title: str
    packages: tuple[str, ...]
    versions: str


KNOWN = {
    "snntorch": Framework("snnTorch", ("torch", "snntorch"), "snntorch 1.0 and torch 2.6 or newer"),
    "onnx": Framework("ONNX", ("onnx",), "onnx 1.21 or newer"),
    "norse": Framework(
        "norse", ("torch", "norse", "nirtorch"), "norse 1.1, nirtorch and torch 2.6 or newer"
    ),
}
"""By the name of the package."""


def missing_framework(
    error: ModuleNotFoundError, framework: str | None = None
) -> EnvironmentFault | None:
    """Give the fault to raise in the place of ``error``, or None where it is another's.

    Args:
        error: Raised by an import, ours or one in the user's file.
        framework: What was to be imported, where that is known.
    """
    package = (error.name or "").partition(".")[0]
    names = [framework] if framework else [n for n, k in KNOWN.items() if package in k.packages]
    if not names or package not in KNOWN[names[0]].packages or find_spec(package) is not None:
        return None
    known = KNOWN[names[0]]
    diagnostic = Diagnostic(
        rule=rules.PACKAGE_PRESENT,
        node=f"framework {names[0]}",
        found=f"{error.name} is not installed",
        limit=f"importing a model of {known.title} needs {known.versions}",
        remedy=f"pip install 'snnc[{names[0]}]'",
    )
    return EnvironmentFault([diagnostic])
