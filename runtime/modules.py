"""Whether a trained module is the one that a network was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Network
from snnc.compiler.trace import Trace


def module_problems(network: Network, run: Trace) -> Iterator[Diagnostic]:
    """Tell where the populations of the trained module are not those of the network."""
    wanted = {(p.name, p.shape) for p in network.populations}
    given = {(name, v.shape[2:]) for name, v in run.v.items()}
    if wanted != given:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--model",
            found=f"a module of other populations: {_populations(given - wanted)}",
            limit=f"the module that the network was made from: {_populations(wanted - given)}",
            remedy="name the trained module itself with --model, or compile this one",
        )


def _populations(of: Iterable[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in sorted(of)) or "none of these"
