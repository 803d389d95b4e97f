"""What to say when a framework is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault

FRAMEWORK_PACKAGES = ("torch", "snntorch")
"""What the extra ``snnc[snntorch]`` installs."""


def missing_framework(error: ModuleNotFoundError) -> EnvironmentFault | None:
    """Give the fault to raise in the place of ``error``, or None where it is another's.

    Args:
        error: Raised by an import, ours or one in the user's file.
    """
    package = (error.name or "").partition(".")[0]
    if package not in FRAMEWORK_PACKAGES or find_spec(package) is not None:
        return None
    diagnostic = Diagnostic(
        rule=rules.PACKAGE_PRESENT,
        node="framework snntorch",
        found=f"{package} is not installed",
        limit="importing a model of snnTorch needs snntorch 1.0 and torch 2.6 or newer",
        remedy="pip install 'snnc[snntorch]'",
    )
    return EnvironmentFault([diagnostic])
