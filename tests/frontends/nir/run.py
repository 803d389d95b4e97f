"""Run a NIR graph of the frontends, plainly and slowly: an oracle that shares no code with snnc.

Operators are torch's; neurons are the equations of docs/frontends.md, by what the nodes' metadata
say. Delays are not known here.
"""
# torch is Any here, and nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from tests.frontends.optional import optional

torch, functional = optional("torch"), optional("torch.nn.functional")

Array = npt.NDArray[Any]


def notes_of(node: Any) -> Mapping[str, Any]:
    notes: Mapping[str, Any] = (node.metadata or {}).get("snnc", {})
    return notes


def in_order(graph: nir.NIRGraph) -> tuple[list[str], dict[str, list[str]]]:
    before = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    done: dict[str, None] = {}
    while len(done) < len(before):
        done.update({n: None for n, sources in before.items() if set(sources) <= set(done)})
    return list(done), before


def rates(graph: nir.NIRGraph, x: Mapping[str, Array]) -> dict[str, Array]:
    """Give the outputs where every neuron gave the rate that infinitely many steps would have.

    Args:
        graph: Of ReLUs: neurons that integrate.
        x: Of each input ``[batch, *shape]``.
    """

    def neuron(name: str, node: Any, current: Any) -> Any:
        del name
        threshold = torch.as_tensor(node.v_threshold)
        return torch.minimum(current.clamp(min=0), threshold) / threshold

    return walked(graph, x, neuron)


def steps(
    graph: nir.NIRGraph, x: Mapping[str, Array], count: int | None = None
) -> dict[str, Array]:
    """Give the outputs of each step, ``[steps, batch, *shape]``.

    Args:
        graph: Any without delays.
        x: Of each input ``[steps, batch, *shape]``; with ``count`` ``[batch, *shape]``, in every
            step the same.
        count: Number of steps.
    """
    states: dict[str, tuple[Any, Any]] = {}

    def neuron(name: str, node: Any, current: Any) -> Any:
        if name not in states:
            initial = np.asarray(notes_of(node).get("initial", 0), np.float32)
            states[name] = torch.zeros_like(current) + torch.as_tensor(initial), 0 * current
        spikes, v, i = step(notes_of(node), *states[name], current)
        states[name] = v, i
        is_read_out = isinstance(node, nir.LI | nir.CubaLI | nir.I)
        return states[name][0] if is_read_out else spikes

    total = count or len(next(iter(x.values())))
    found = [
        walked(graph, x if count else {n: v[t] for n, v in x.items()}, neuron) for t in range(total)
    ]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def step(notes: Mapping[str, Any], v: Any, i: Any, current: Any) -> tuple[Any, Any, Any]:
    """Give spikes, ``v`` and ``i`` of one step (docs/frontends.md)."""
    number = {n: torch.as_tensor(np.asarray(a)) for n, a in notes.items() if not isinstance(a, str)}
    threshold, reset = number["threshold"], notes["reset"]
    r = (v > threshold).float()
    if reset == "zero-delayed":
        v = (1 - r) * v
    v, i = integrated(notes["integration"], number, v, i, current)
    if reset in {"subtract-delayed", "subtract-retest"}:
        v = v - r * threshold
    if reset == "zero-next":
        v = v - r * v
    s = (v > threshold).float()
    at_once = {
        "zero": lambda: (1 - s) * v,
        "value": lambda: (1 - s) * v + s * number["reset_value"],
        "subtract": lambda: v - s * threshold,
        "subtract-retest": lambda: v - (s - r) * threshold,
    }
    return s, at_once[reset]() if reset in at_once else v, i


def integrated(
    way: str, number: Mapping[str, Any], v: Any, i: Any, current: Any
) -> tuple[Any, Any]:
    decay, leak = number["decay"], number["leak"]
    match way:
        case "decay":
            return decay * v + number["gain"] * current, i
        case "euler":
            return v + decay * ((current + leak) - v), i
        case "current-decay":
            i = number["current_decay"] * i + current
            return decay * v + i, i
        case _:
            i = i + current
            return v + decay * ((leak - v) + i), i - number["current_decay"] * i


def walked(graph: nir.NIRGraph, x: Mapping[str, Array], neuron: Any) -> dict[str, Array]:
    order, before = in_order(graph)
    values: dict[str, Any] = {}
    for name in order:
        node: Any = graph.nodes[name]
        if isinstance(node, nir.Input):
            values[name] = torch.as_tensor(x[name])
            continue
        current = sum(values[source] for source in before[name])
        if hasattr(node, "v_threshold") or isinstance(node, nir.LI | nir.CubaLI | nir.I):
            values[name] = neuron(name, node, current)
        else:
            values[name] = operator(node, current)
    outputs = [n for n in order if isinstance(graph.nodes[n], nir.Output)]
    return {name: values[name].numpy() for name in outputs}


def operator(node: Any, x: Any) -> Any:
    kind = type(node).__name__
    match kind:
        case "Conv1d" | "Conv2d":
            convolve = functional.conv1d if kind == "Conv1d" else functional.conv2d
            weight, bias = torch.as_tensor(node.weight), torch.as_tensor(node.bias)
            sizes = {"stride": node.stride, "dilation": node.dilation, "groups": node.groups}
            return convolve(padded(node, x, node.padding, 0.0), weight, bias, **sizes)
        case "MaxPool1d" | "MaxPool2d":
            pool = functional.max_pool1d if kind == "MaxPool1d" else functional.max_pool2d
            kernel, stride, dilation = (
                tuple(int(n) for n in a) for a in (node.kernel_size, node.stride, node.dilation)
            )
            return pool(padded(node, x, node.padding, -np.inf), kernel, stride, dilation=dilation)
        case "AvgPool2d":
            kernel = tuple(int(n) for n in node.kernel_size)
            stride = tuple(int(n) for n in node.stride)
            mean = functional.avg_pool2d(padded(node, x, node.padding, 0.0), kernel, stride)
            size = kernel[0] * kernel[1]
            return mean * size / torch.as_tensor(np.asarray(notes_of(node).get("divisors", size)))
        case "Linear" | "Affine":
            bias = torch.as_tensor(node.bias) if kind == "Affine" else None
            return functional.linear(x, torch.as_tensor(node.weight), bias)
        case "Scale":
            return x * torch.as_tensor(node.scale)
        case "Flatten":
            return x.flatten(1)
        case "Output":
            return x.reshape(len(x), *node.output_type["output"])
        case _:
            raise NotImplementedError(kind)


def padded(node: Any, x: Any, padding: Any, fill: float) -> Any:
    """Pad as the note says, which may differ before and behind, else as the node does."""
    given = np.asarray(notes_of(node).get("padding", padding))
    pairs = given if given.ndim == 2 else np.stack([np.atleast_1d(given)] * 2, axis=1)
    return functional.pad(x, [int(n) for pair in pairs[::-1] for n in pair], value=fill)
