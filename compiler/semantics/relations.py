"""Equalities between the numbers of a neuron node, by which one sees who wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
RELATION_TOLERANCE = 1e-5
"""By which share a relation may be off: float32 puts it off by 1e-7."""


def _one(node: Any, dt: float) -> Any:
    del node, dt
    return 1.0


@dataclass(frozen=True)
class Relation:
    """An equality between the numbers of a node, by which one sees who wrote it.

    Attributes:
        left: As text.
        value: What it is, of a node and ``dt``.
        right: As text.
        target: What that is.
    """

    left: str
    value: Callable[[Any, float], Any]
    right: str = "1"
    target: Callable[[Any, float], Any] = _one

    def holds(self, node: nir.NIRNode, dt: float) -> bool:
        """Tell whether it holds for every neuron, but for rounding."""
        with np.errstate(all="ignore"):  # time constants of 0 have a message of their own
            value, target = self.value(node, dt), self.target(node, dt)
            return bool((np.abs(value - target) < RELATION_TOLERANCE * np.abs(target)).all())

    def found(self, node: nir.NIRNode, dt: float) -> str:
        """Give the left side as it is at the first neuron where the relation does not hold."""
        value, target = np.broadcast_arrays(self.value(node, dt), self.target(node, dt))
        off = np.abs(value - target).argmax()
        return f"{self.left} = {value.flat[off]:g}"

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


def _tau(node: Any) -> Doubles:
    tau = node.tau_mem if isinstance(node, nir.CubaLIF | nir.CubaLI) else node.tau
    return np.asarray(tau, np.float64)


def _r(node: Any) -> Doubles:
    return np.asarray(node.r, np.float64)


def _w_in(node: Any) -> Doubles:
    return np.asarray(node.w_in, np.float64)


R_IS_ONE = Relation("r", lambda n, _: _r(n))
R_IS_STEPS = Relation("r*dt/tau", lambda n, dt: _r(n) * dt / _tau(n))
R_IS_RATE = Relation("r*dt", lambda n, dt: _r(n) * dt)
R_IS_BETA = Relation("r", lambda n, _: _r(n), "1 - dt/tau", lambda n, dt: 1 - dt / _tau(n))
R_IS_EXACT = Relation(
    "r*dt/tau",
    lambda n, dt: _r(n) * dt / _tau(n),
    "exp(-dt/tau)",
    lambda n, dt: np.exp(-dt / _tau(n)),
)
W_IS_ONE = Relation("w_in", lambda n, _: _w_in(n))
W_IS_STEPS = Relation(
    "w_in*dt/tau_syn", lambda n, dt: _w_in(n) * dt / np.asarray(n.tau_syn, np.float64)
)
