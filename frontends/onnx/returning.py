"""Tell an input that is data from one that takes the spikes of the step before.

One step of a recurrent layer has its spikes as an input and as an output, as states are. Nothing in
the equations says that the one continues the other: the spikes enter through weights, as data do.
"""
# nir has no types:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snnc.compiler import rules
from snnc.frontends.onnx.graph import GraphMaker
from snnc.frontends.onnx.model import OperatorError

LOST = "if it takes these, a connection is lost"
CONNECTION = "spikes that return to their neurons are a connection, not an input"
MODULE = "import the module itself: FILE.py:FUNCTION; data of that shape need an axis more"


def returning_inputs(
    maker: GraphMaker,
    inputs: Mapping[str, str],
    spikes: Mapping[str, str],
    populations: set[str],
) -> Iterator[tuple[str, OperatorError | str]]:
    """Yield inputs that may be spikes of the step before: an error, or what a user should know.

    Such an input has the shape of a population whose spikes leave, and enters that population. It
    can be data where nothing else enters, or where it enters other populations as well.

    Args:
        maker: The whole graph.
        inputs: The names of the model's inputs, by those of their nodes.
        spikes: The output that the spikes of a population are, by its name.
        populations: Names of all neurons.
    """
    entering = {name: _entering(maker, name, {*inputs} | populations) for name in populations}
    for population, output in spikes.items():
        shape = maker.shapes[population]
        alike = {s for s in entering[population] & {*inputs} if maker.shapes[s] == shape}
        others = entering[population] - alike
        for name in sorted(alike):
            said = (
                f"of the shape {list(shape)} of {population}, whose spikes are the output {output}"
            )
            alone = sum(name in sources for sources in entering.values()) == 1
            if others and alone and len(inputs) > 1:
                found = f"no state, but {said}, and enters {population}"
                yield inputs[name], OperatorError(found, CONNECTION, MODULE, rules.UPDATE_KNOWN)
            elif len(inputs) > 1 and (others or len(alike) > 1):
                yield inputs[name], f"the input {inputs[name]} is {said}: {LOST}"


def _entering(maker: GraphMaker, population: str, ends: set[str]) -> set[str]:
    """Give the inputs and populations that reach ``population`` through no other."""
    before: dict[str, list[str]] = {}
    for source, target in maker.edges:
        before.setdefault(target, []).append(source)
    waiting, found = list(before.get(population, [])), set[str]()
    while waiting:
        name = waiting.pop()
        if name in ends:
            found.add(name)
        else:
            waiting += before.get(name, [])
    return found
