"""One population cut out of a network: whatever sends to it becomes an input.

Fed with what another execution sent, it shows what it does wrong by itself, on any target (teacher
forcing: Williams and Zipser 1989, A Learning Algorithm for Continually Running Fully Recurrent
Neural Networks, Neural Computation 1:270).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.network import Output
from snnc.compiler.retime import retime, unretimed

Arrays = Mapping[str, npt.NDArray[Any]]


def isolate(fixed: FixedNetwork, population: str) -> FixedNetwork:
    """Give the network of one population, whose sources are inputs.

    Parameters, weights and delays stay, and so does the meaning of a step: step ``t`` of the
    isolated population is step ``t`` of the whole network. Inputs stay what they are. A population
    that sends to it becomes an input of spikes of the same name; where it sends to itself, of the
    name that ``sending_name`` gives. A population that nothing feeds, such as the neuron of a bias,
    stays a population: it needs nobody to tell it when to spike.

    Args:
        fixed: Retimed or not; not cut over cores.
        population: Name of one of its populations.

    Returns:
        A retimed network, ready for any target. Its output has the name of the population. Where
        nothing feeds the population, it keeps the inputs of ``fixed``, unconnected: they tell how
        many steps there are.

    Raises:
        KeyError: There is no such population.
    """
    fixed = unretimed(fixed)
    target = fixed.population(population)
    arriving = tuple(fixed.incoming(population))
    fed = {q.target for q in fixed.projections}
    sources = {q.source for q in arriving}
    renamed = {name: sending_name(fixed, name, population) for name in sources}
    unfed = tuple(p for p in fixed.populations if p.name in sources - fed - {population})
    inputs = tuple(i for i in fixed.inputs if i.name in sources)
    sending = [p for p in fixed.populations if p.name in sources and p not in unfed]
    inputs += tuple(FixedInput(renamed[p.name], p.shape) for p in sending)
    return retime(
        FixedNetwork(
            inputs=inputs or fixed.inputs,
            populations=(*unfed, target),
            projections=tuple(replace(q, source=renamed[q.source]) for q in arriving),
            outputs=(Output(population, population),),
            dt=fixed.dt,
        )
    )


def sending_name(fixed: FixedNetwork, source: str, population: str) -> str:
    """Give the name that ``source`` has where ``population`` is isolated.

    Its own, but for the population itself: then ``NAME.sent``, or more of it if that is taken.
    """
    if source != population:
        return source
    return free_name(source, fixed.shapes)


def free_name(name: str, taken: Collection[str]) -> str:
    """Give ``NAME.sent``, with as much ``.sent`` as makes it a name that nobody has."""
    while name in taken:
        name += ".sent"
    return name


def fed(fixed: FixedNetwork, population: str, inputs: Arrays, sent: Arrays) -> Arrays:
    """Give what the inputs of the isolated population take.

    Args:
        fixed: The whole network.
        population: The one that is isolated.
        inputs: Data of each input of ``fixed``, ``[steps, batch, *shape]``.
        sent: Spikes of each population that sends to it, ``[steps, batch, *shape]``.

    Raises:
        KeyError: Spikes of a population that sends to it are missing.
    """
    alone = {i.name: i for i in isolate(fixed, population).inputs}
    names = {sending_name(fixed, p.name, population): p for p in fixed.populations}
    given = {name: inputs[name] for name in alone if name not in names}
    for name in (n for n in alone if n in names):
        spikes = sent[names[name].name]
        given[name] = spikes.reshape(*spikes.shape[:2], *names[name].shape)
    return given


def separated(fixed: FixedNetwork) -> FixedNetwork:
    """Give the network in which no population hears another: one run forces all of them.

    Inputs stay what they are. Each population that sends gets an input of spikes beside it, of the
    name that ``separate_names`` gives, and its projections begin there. A population that nothing
    feeds goes on to send itself.

    Args:
        fixed: Retimed or not; not cut over cores.

    Returns:
        A retimed network with the outputs of ``fixed``.
    """
    fixed = unretimed(fixed)
    names = separate_names(fixed)
    added = (FixedInput(names[p.name], p.shape) for p in fixed.populations if p.name in names)
    moved = (replace(q, source=names.get(q.source, q.source)) for q in fixed.projections)
    return retime(
        replace(fixed, inputs=(*fixed.inputs, *added), projections=tuple(moved)),
    )


def separate_names(fixed: FixedNetwork) -> dict[str, str]:
    """Give the input of each population that sends and is fed, in ``separated``."""
    heard, sources = {q.target for q in fixed.projections}, {q.source for q in fixed.projections}
    taken = set(fixed.shapes)
    names: dict[str, str] = {}
    for p in fixed.populations:
        if p.name in heard & sources:
            names[p.name] = free_name(p.name, taken)
            taken.add(names[p.name])
    return names
