"""In which order populations are computed, and which of them step by step.

Populations that feed each other, in a circle, advance together, one step after the other. All
others are layers: what enters is there for all steps of a chunk before the first is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .records import Population, Program, Projection


@dataclass(frozen=True)
class Component:
    """Populations that are computed together.

    Attributes:
        populations: In the order of the network.
        stepwise: They feed each other, or one feeds itself.
    """

    populations: tuple[Population, ...]
    stepwise: bool


def components(program: Program) -> tuple[Component, ...]:
    """Give the strongly connected components, each behind all that it gets something from."""
    names = [p.name for p in program.populations]
    after = {name: set[str]() for name in names}
    for q in program.projections:
        if q.source in after:
            after[q.source].add(q.target)
    found = (
        Component(
            tuple(p for p in program.populations if p.name in part),
            len(part) > 1 or bool(part & after[next(iter(part))]),
        )
        for part in reversed(list(_connected(names, after)))
    )
    return tuple(found)


def _connected(names: list[str], after: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Yield the strongly connected components, targets first (Tarjan 1972), without recursion."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    for root in names:
        if root in number:
            continue
        path = [(root, iter(sorted(after[root])))]
        number[root] = lowest[root] = len(number)
        open_.append(root)
        while path:
            name, targets = path[-1]
            fresh = next((t for t in targets if _seen(name, t, number, lowest, open_)), None)
            if fresh is not None:
                number[fresh] = lowest[fresh] = len(number)
                open_.append(fresh)
                path.append((fresh, iter(sorted(after[fresh]))))
                continue
            path.pop()
            if path:
                lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[name])
            if lowest[name] == number[name]:
                place = open_.index(name)
                yield set(open_[place:])
                del open_[place:]


def _seen(
    name: str, target: str, number: dict[str, int], lowest: dict[str, int], open_: list[str]
) -> bool:
    """Say whether ``target`` is still to be visited; else take note of a circle through it."""
    if target not in number:
        return True
    if target in open_:
        lowest[name] = min(lowest[name], number[target])
    return False


def history(program: Program) -> dict[str, int]:
    """Give for each population the steps of which what it sent is kept: its longest delay."""
    kept = {p.name: 0 for p in program.populations}
    for q in program.projections:
        if q.source in kept:
            kept[q.source] = max(kept[q.source], q.delay)
    return kept


def windows(program: Program) -> tuple[tuple[str, int], ...]:
    """Give input and delay of every stretch of input data that a chunk of steps needs."""
    names = {i.name for i in program.inputs}
    needed = ((q.source, q.delay) for q in program.projections if q.source in names)
    return tuple(dict.fromkeys(needed))


def incoming(program: Program, population: Population) -> tuple[Projection, ...]:
    """Give the projections into ``population``."""
    return tuple(q for q in program.projections if q.target == population.name)
