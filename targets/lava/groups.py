"""A network cut over cores, as groups of Lava processes: one a core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from safetensors.numpy import save

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedAxons, FixedNetwork
from snnc.compiler.network import Output
from snnc.compiler.store import Tensors, to_json
from snnc.compiler.trace import Array
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import Plan, make_plan
from snnc.targets.lava.runner.axons import Axons, Gather
from snnc.targets.lava.runner.program import CUT


@dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """A network of parts on cores, and how they make up the network of the model.

    Attributes:
        network: Of parts.
        cores: Of each part the index of its core.
        joined: Of each population of the model its parts side by side, under its name.
        outputs: Of the model.
    """

    network: FixedNetwork
    cores: Mapping[str, int]
    joined: tuple[FixedAxons, ...]
    outputs: tuple[Output, ...]

    def plan(self, form: Form) -> Plan:
        """Give the Lava process of every node, and its core: that of its target where it has one.

        What is fused into one process lies on no core.
        """
        plan = replace(make_plan(self.network, form), cut=True)
        if form is Form.FUSED:
            return plan
        homes = {("population", name): core for name, core in self.cores.items()}
        for q in self.network.projections:
            homes["projection", q.name] = homes["axons", q.source] = self.cores[q.target]
        rows = (replace(row, core=homes.get((row.role, row.of))) for row in plan.processes)
        return replace(plan, processes=tuple(rows))

    def files(self) -> dict[str, bytes]:
        """Give ``cut.json`` and ``cut.safetensors``, which the runner reads."""
        tensors: Tensors = {}
        data = {
            "network": to_json(self.network, "network", tensors),
            "joined": to_json(self.joined, "joined", tensors),
            "outputs": to_json(self.outputs, "outputs", tensors),
        }
        text, weights = CUT
        return {text: json.dumps(data, sort_keys=True).encode() + b"\n", weights: save(tensors)}

    def joined_signals(
        self, signals: Mapping[str, Mapping[str, Array]]
    ) -> dict[str, dict[str, Array]]:
        """Give what was recorded of parts as signals of the populations of the model.

        Args:
            signals: By signal and part, shape ``[..., n]``; all parts of a population or none.
        """
        made: dict[str, dict[str, Array]] = {signal: {} for signal in signals}
        for a in self.joined:
            gather = Gather(Axons(a.name, a.shape, a.sources, a.member, a.element))
            for signal, arrays in signals.items():
                if a.sources[0] in arrays:
                    made[signal][a.name] = gather.of([arrays[part] for part in a.sources])
        return made


def group_problems(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield the projections of parts that none of Lava's own processes can feed."""
    heard = {q.source: q for q in network.projections}
    for axons in network.axons:
        q = heard[axons.name]
        yield Diagnostic(
            rule=rules.STOCK_AXONS,
            node=" + ".join(q.origin) or q.name,
            found=f"{axons.size} input axons of {q.target}, from {', '.join(axons.sources)}",
            limit="a source that is whole: Lava's ports cannot be put side by side "
            "(lava/magma/core/process/ports/ports.py, ConcatPort)",
            remedy="--lava mixed, or leave --hardware out",
        )
