"""What a target gives to the compiler and to the runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.trace import Trace
from snnc.targets.running import Inputs, RunOptions

if TYPE_CHECKING:
    from snnc.targets.artifact import Artifact


class Target(Protocol):
    """A place to run. Compiling must not import the vendor's package; running may."""

    name: str
    summary: str
    fixed: bool
    """True where it executes the integers, False where it executes the real numbers."""
    by_core: bool = False
    """True where it executes what lies on each core, if a network is laid out over cores; False
    where it executes such a network as a whole."""

    def problems(self, fixed: FixedNetwork, options: Mapping[str, Any]) -> Iterable[Diagnostic]:
        """Give what the target cannot do with ``fixed`` under the options of the artifact.

        Nothing, unless a target says otherwise: whatever is compiled can run.
        """
        del fixed, options
        return ()

    def members(self, fixed: FixedNetwork, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Give the files that the artifact needs beside program and weights.

        None, unless a target says otherwise.
        """
        del fixed, options
        return {}

    def mapped_problems(
        self, mapped: MappedNetwork, options: Mapping[str, Any]
    ) -> Iterable[Diagnostic]:
        """Give what it cannot do with a network over cores, beside the above; nothing here."""
        del mapped, options
        return ()

    def mapped_members(
        self, mapped: MappedNetwork, options: Mapping[str, Any]
    ) -> Mapping[str, bytes]:
        """Give the files that the artifact of a network over cores needs beside; none here."""
        del mapped, options
        return {}

    def missing(self) -> Diagnostic | None:
        """Say what this machine lacks to run it, or None."""
        ...

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run ``artifact`` on ``inputs``."""
        ...
