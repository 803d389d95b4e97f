"""A followed model as a NIR graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from math import isfinite

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.packages import missing_framework
from snnc.frontends.torch_layers import Nodes, flatten_node
from snnc.frontends.torch_model import INPUT, OUTPUT, Link, Model


def graph_of(
    model: Model,
    input_shape: tuple[int, ...],
    nodes_of: Callable[[Link], Nodes],
    notes: Mapping[str, int | float | str],
) -> nir.NIRGraph:
    """Give the NIR graph of a model.

    Args:
        model: Every layer of it can be imported.
        input_shape: Shape of one sample at one step.
        nodes_of: Gives the nodes of a layer.
        notes: What the graph's metadata say under the key ``snnc``.
    """
    nodes: dict[str, nir.NIRNode] = {INPUT: nir.Input(input_type={"input": np.array(input_shape)})}
    edges: list[tuple[str, str]] = []
    for link in model.links:
        source = link.source
        if link.shape != link.source_shape:
            source = f"{link.source}.flatten"
            if source not in nodes:
                nodes[source] = flatten_node(link.source_shape)
                edges.append((link.source, source))
        made, inner = nodes_of(link)
        nodes.update(made)
        edges += [(source, next(iter(made))), *inner]
    nodes[OUTPUT] = nir.Output(output_type={"output": np.array(model.shapes[model.output])})
    edges.append((model.output, OUTPUT))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata={"snnc": notes}, type_check=False)


def framework_version(framework: str) -> str:
    """Import ``framework`` and give its version.

    Args:
        framework: Name of its package.

    Raises:
        EnvironmentFault: SNN501, the framework or something that it imports is not installed.
    """
    try:
        import_module(framework)
    except ModuleNotFoundError as error:
        raise (missing_framework(error, framework) or error) from error
    return version(framework)


def argument_problems(shape: tuple[int, ...], dt: float | None) -> Iterator[Diagnostic]:
    """Tell why the shape of a sample or the length of a step is none."""
    if not shape or min(shape) < 1:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--input-shape",
            found=",".join(map(str, shape)) or "no dimension",
            limit="the shape of one sample at one step, every dimension 1 or more",
            remedy="--input-shape 1,28,28",
        )
    if dt is not None and not (isfinite(dt) and dt > 0):
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--dt",
            found=f"{dt:g}",
            limit="a length in seconds above 0",
            remedy="--dt 1e-4",
        )
