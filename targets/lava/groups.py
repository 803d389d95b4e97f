"""A network cut over cores, as groups of Lava processes: one a core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from safetensors.numpy import save

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedAxons, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.cut import Homes, cut, homes
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedConvolution, FixedOperator
from snnc.compiler.store import Tensors, to_json
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import Plan, make_plan
from snnc.targets.lava.runner.program import CUT, WHOLE

if TYPE_CHECKING:
    from snnc.targets.artifact import Artifact


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


Runnable: TypeAlias = FixedNetwork | Groups
"""What can run on Lava: a network as it is, or cut over cores."""


def runnable(artifact: Artifact) -> Runnable:
    """Give what an artifact runs."""
    return artifact.required_fixed if artifact.mapped is None else grouped(artifact.mapped)


def plan_of(program: Runnable, form: Form) -> Plan:
    """Give the Lava process of every node."""
    return program.plan(form) if isinstance(program, Groups) else make_plan(program, form)


def program_files(program: Runnable) -> dict[str, bytes]:
    """Give the two files of a program that ``runner/program.py`` reads beside ``lava.json``."""
    if isinstance(program, Groups):
        return program.files()
    tensors: Tensors = {}
    data = json.dumps(to_json(program, "program", tensors)).encode()
    return dict(zip(WHOLE, (data, save(tensors)), strict=True))


def grouped(mapped: MappedNetwork) -> Groups:
    """Give the network that the cores execute; axons that hold a source as it is are left out."""
    network, found = cut(mapped), homes(mapped)
    shapes, axons = network.shapes, {a.name: a for a in network.axons}
    direct: dict[str, str] = {}
    for q in network.projections:
        if q.source not in axons:
            continue
        (source, *more) = axons[q.source].sources
        if not more and _is_whole(axons[q.source], shapes[source], q.operators):
            direct[q.source] = source
    return Groups(
        network=replace(
            network,
            axons=tuple(a for a in network.axons if a.name not in direct),
            projections=tuple(
                replace(q, source=direct.get(q.source, q.source)) for q in network.projections
            ),
        ),
        cores={name: core for of in found.values() for core, name in of.names.items()},
        joined=tuple(_joined(p, found[p.name]) for p in mapped.fixed.populations),
        outputs=mapped.fixed.outputs,
    )


def _is_whole(
    axons: FixedAxons, shape: tuple[int, ...], operators: tuple[FixedOperator, ...]
) -> bool:
    """Tell whether axons are all of a source of ``shape``, as ``operators`` see it."""
    flat = len(operators) == 1 and not isinstance(operators[0], FixedConvolution)
    return (
        axons.size == prod(shape)
        and (flat or axons.shape == shape)
        and np.array_equal(axons.element, np.arange(axons.size))
    )


def _joined(p: FixedPopulation, of: Homes) -> FixedAxons:
    cores = np.array(list(of.names))
    return FixedAxons(
        name=p.name,
        shape=p.shape,
        sources=tuple(of.names.values()),
        member=np.searchsorted(cores, of.core).astype(np.int32),
        element=of.place,
    )


def group_problems(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield the projections that none of Lava's own processes can feed, each once."""
    sizes = {a.name: a for a in network.axons}
    found: dict[str, list[FixedProjection]] = {}
    for q in network.projections:
        if q.source in sizes:
            found.setdefault(" + ".join(q.origin) or q.name, []).append(q)
    for node, (first, *more) in found.items():
        axons = sizes[first.source]
        others = f", and those of {len(more)} more part{'s' * (len(more) > 1)}" if more else ""
        yield Diagnostic(
            rule=rules.STOCK_AXONS,
            node=node,
            found=f"{axons.size} input axons of {first.target}, from {', '.join(axons.sources)}"
            + others,
            limit="one source, all of it: Lava's ports are not put side by side "
            "(ConcatPort, lava/magma/core/process/ports/ports.py:233-235)",
            remedy="--lava mixed, or leave --hardware out",
        )
