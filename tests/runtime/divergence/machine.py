"""An executor of integers in which one part can be exchanged: a third reading of arithmetic.md.

It shares nothing with the reference or with what looks for causes. Every part of a step has a
name, and a ``Fault`` puts another function in the place of one part, in one population or in one
projection. Beside each step of a faulty population the right one is computed from the same state,
so it is known when the fault shows first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.operators import FixedOperator, FixedWeighted
from snnc.compiler.trace import Trace
from tests import oracle

Ints = npt.NDArray[np.int64]
Part = (
    Callable[[Any], Any]
    | Callable[[Any, Any], Any]
    | Callable[[Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any, Any], Any]
)
"""A function of the population or projection, and of the values that the part takes."""
MARGIN = 4
"""Steps that are run behind the last of the input, for those that run ahead of it."""


@dataclass(frozen=True)
class Fault:
    """Something that an executor does wrong.

    Attributes:
        where: Name of a population or a projection.
        part: Name of a part.
        does: What is in its place; it takes what the part takes.
    """

    where: str
    part: str
    does: Part


# --- the parts -----------------------------------------------------------------------------------


def _decay(x: Ints, factor: Ints) -> Ints:
    whole = np.abs(x) * factor // 4096
    return np.asarray(np.where(x < 0, -whole, whole))


def _wrapped(_: FixedPopulation, x: Ints) -> Ints:
    x = np.where(x > 2**23, x - 2**24, x)
    return np.where(x <= -(2**23), x + 2**24, x)


def _entering(p: FixedPopulation, v: Ints, r: Ints, theta: Ints) -> tuple[Ints, Ints]:
    """Give what of ``v`` decays, and what is taken from the sum."""
    late = str(p.reset) in ("subtract-delayed", "subtract-retest")
    return v, r * theta if late else r * 0


def _discarded(p: FixedPopulation, total: Ints, r: Ints) -> Ints:
    return np.where(r > 0, 0, total) if str(p.reset) == "zero-next" else total


def _after(p: FixedPopulation, v: Ints, s: Ints, r: Ints, theta: Ints) -> Ints:
    match str(p.reset):
        case "zero":
            return np.where(s > 0, 0, v)
        case "subtract":
            return v - s * theta
        case "subtract-retest":
            return v - (s - r) * theta
        case _:
            return v


PARTS: dict[str, Part] = {
    "weight": lambda _q, w: w,
    "sent": lambda _q, x: x,
    "products": lambda _q, m, x: x @ m.T,
    "exponent": lambda q, y: y * 2**q.weight_exp if q.weight_exp > 0 else y // 2**-q.weight_exp,
    "delay": lambda q: q.delay,
    "begin": lambda _p: 0,
    "recorded": lambda _p: 0,
    "input": lambda _p, a: a,
    "decay_u": lambda p, u: _decay(u, 4095 - p.du.astype(np.int64)),
    "decay_v": lambda p, v: _decay(v, 4096 - p.dv.astype(np.int64)),
    "hold_u": _wrapped,
    "hold_v": lambda _p, x: np.minimum(np.maximum(x, -(2**23) + 1), 2**23 - 1),
    "theta": lambda p: p.threshold.astype(np.int64) * 64,
    "bias": lambda p: p.bias_mant.astype(np.int64) * 2 ** p.bias_exp.astype(np.int64),
    "initial": lambda p: p.initial.astype(np.int64),
    "above": lambda _p, v, theta: v > theta,
    "entering": _entering,
    "discarded": _discarded,
    "after": _after,
    "clear": lambda _p, u, _s: u,
    "refractory": lambda p: p.refractory,
    "resting": lambda _p, before, _after: before,
}


@dataclass(frozen=True, eq=False)
class State:
    """Of the neurons of a population, each of shape ``[batch, n]``."""

    u: Ints
    v: Ints
    rho: Ints
    s: Ints

    def differs(self, other: State) -> bool:
        """Tell whether another state shows that it is another."""
        return any(bool((getattr(self, f) != getattr(other, f)).any()) for f in "uvs")


class Machine:
    """A network that is not retimed, ready to run, with a fault or without.

    Attributes:
        shown: Step in which the fault showed first; None as long as it has not.
    """

    def __init__(self, network: FixedNetwork, fault: Fault | None = None) -> None:
        """Prepare ``network``."""
        self.network, self.fault = network, fault
        self.shown: int | None = None
        self._matrices = {
            (q.name, faulty): self._matrix(q, faulty)
            for q in network.projections
            for faulty in (False, True)
        }

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Trace:
        """Run on ``[steps, batch, n]`` integers."""
        steps, batch = next(iter(inputs.values())).shape[:2]
        sent = {name: list(x.astype(np.int64)) for name, x in inputs.items()}
        recorded: dict[str, list[State]] = {p.name: [] for p in self.network.populations}
        sent |= {p.name: [] for p in self.network.populations}
        state = {p.name: self._rest(p, batch) for p in self.network.populations}
        resting: Any = 0  # refractory steps that should be left, of the faulty population
        for t in range(steps + MARGIN):
            for p in self.network.populations:
                before = state[p.name]
                after = self._step(p, before, t, sent, faulty=True)
                if self.shown is None and self.fault and p.name == self._faulty_population:
                    should = replace(before, rho=before.rho * 0 + resting)
                    right = self._step(p, should, t, sent, faulty=False)
                    self.shown, resting = (t if after.differs(right) else None), right.rho
                state[p.name] = after
                recorded[p.name].append(after)
                sent[p.name].append(after.s)
        signals = {
            f: {
                p.name: self._shown(p, recorded[p.name], f, steps)
                for p in self.network.populations
                if p.spiking or f != "s"
            }
            for f in "suv"
        }
        return Trace(
            executor="machine", outputs={}, spikes=signals["s"], u=signals["u"], v=signals["v"]
        )

    @property
    def _faulty_population(self) -> str:
        fault = self.fault
        assert fault is not None
        targets = {q.name: q.target for q in self.network.projections}
        return targets.get(fault.where, fault.where)

    def _part(
        self, name: str, of: FixedPopulation | FixedProjection, faulty: bool
    ) -> Callable[..., Any]:
        fault = self.fault
        wrong = faulty and fault and fault.where == of.name and fault.part == name
        part: Callable[..., Any] = cast(
            "Callable[..., Any]", fault.does if wrong and fault else PARTS[name]
        )
        return partial(part, of)

    def _rest(self, p: FixedPopulation, batch: int) -> State:
        none = np.zeros((batch, p.size), np.int64)
        return State(none, none + p.initial, none, none)

    def _step(
        self,
        p: FixedPopulation,
        before: State,
        t: int,
        sent: Mapping[str, list[Ints]],
        faulty: bool,
    ) -> State:
        def do(name: str, *args: Any) -> Any:
            return self._part(name, p, faulty)(*args)

        late = do("begin")
        if t < late:
            return before
        if t == late:
            before = replace(before, v=np.zeros_like(before.v) + do("initial"))
        u, v = before.u, before.v
        a = sum(
            (self._arriving(q, t, late, sent, faulty) for q in self.network.incoming(p.name)), u * 0
        )
        theta = do("theta")
        u = do("hold_u", do("decay_u", u) + do("input", a) * 64)
        if not p.spiking:
            return State(u, do("hold_v", do("decay_v", v) + u + do("bias")), before.rho, u * 0)
        r = np.asarray(do("above", v, theta), np.int64)
        kept, taken = do("entering", v, r, theta)
        total = do("hold_v", do("decay_v", kept) + u + do("bias") - taken)
        total = do("discarded", total, r)
        resting = before.rho > 0
        s = np.where(resting, 0, np.asarray(do("above", total, theta), np.int64))
        still: Ints = do("resting", v, total)
        moved: Ints = do("after", total, s, r, theta)
        end = np.where(resting, still, moved)
        rho = np.where(s > 0, do("refractory"), np.maximum(before.rho - 1, 0))
        return State(do("clear", u, s), end, rho, s)

    def _arriving(
        self, q: FixedProjection, t: int, late: int, sent: Mapping[str, list[Ints]], faulty: bool
    ) -> Ints:
        when = t - self._part("delay", q, faulty)() - (0 if q.source == q.target else late)
        matrix = self._matrices[q.name, faulty]
        rows = sent[q.source]
        if not 0 <= when < len(rows):
            return np.zeros((sent[self.network.inputs[0].name][0].shape[0], len(matrix)), np.int64)
        x = self._part("sent", q, faulty)(rows[when])
        y = self._part("products", q, faulty)(matrix, x)
        return np.asarray(self._part("exponent", q, faulty)(y), np.int64)

    def _shown(self, p: FixedPopulation, states: list[State], field: str, steps: int) -> Ints:
        """Give a signal as it is recorded, be it some steps too late or too early."""
        late = self._part("recorded", p, True)()
        if late:
            rest = self._rest(p, states[0].v.shape[0])
            moved = [rest] * late + states[max(0, -late) :]
            pairs = enumerate(zip(moved, states, strict=False))
            self.shown = next((t for t, (a, b) in pairs if a.differs(b)), None)
            states = moved
        values = np.stack([getattr(s, field) for s in states[:steps]])
        return values.reshape(*values.shape[:2], *p.shape)

    def _matrix(self, q: FixedProjection, faulty: bool) -> Ints:
        shape = self.network.shapes[q.source]
        if self.fault and faulty and (self.fault.where, self.fault.part) == (q.name, "weight"):
            return _matrix(q, shape, self._part("weight", q, faulty))
        key = (id(self.network), q.name)
        if key not in _MATRICES:
            _MATRICES[key] = self.network, _matrix(q, shape, np.asarray)
        return _MATRICES[key][1]


_MATRICES: dict[tuple[int, str], tuple[FixedNetwork, Ints]] = {}
"""Of networks that are kept, so that no other can have their place."""


def _matrix(q: FixedProjection, shape: tuple[int, ...], weight: Callable[[Ints], Ints]) -> Ints:
    """Give the matrix of a projection whose operators are linear, column by column."""
    operators: tuple[FixedOperator, ...] = tuple(
        replace(o, weight=np.asarray(weight(o.weight.astype(np.int64)), np.int16))
        if isinstance(o, FixedWeighted)
        else o
        for o in q.operators
    )
    bare = replace(q, operators=operators, weight_exp=0)
    units = np.eye(int(np.prod(shape)), dtype=np.int64)
    return np.array([oracle.synaptic_input(bare, unit.tolist(), shape) for unit in units]).T
