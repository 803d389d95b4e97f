"""Polynomials in the states, currents and spikes of neurons: what elementwise operators compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from snnc.compiler import rules
from snnc.frontends.onnx.model import Array, OperatorError

ALIKE = 1e-5
"""Largest difference of coefficients that are the same, as a part of the larger: float32 rounds
to 6e-8, and an equation has some ten operations."""
Monomial = frozenset["Atom"]


@dataclass(frozen=True, eq=False)
class Atom:
    """What is not computed from anything else, or is a spike: 1 where ``above`` is above 0, else 0.

    Attributes:
        name: For messages.
        above: Of a spike, what it tests.
    """

    name: str
    above: Polynomial | None = None

    @property
    def is_spike(self) -> bool:
        """Whether it is 0 or 1."""
        return self.above is not None

    @property
    def above_atoms(self) -> frozenset[Atom]:
        """All that a spike depends on; nothing of what is none."""
        return frozenset() if self.above is None else self.above.atoms


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A sum of products of different atoms, with one coefficient for each neuron.

    Attributes:
        terms: Coefficients by the atoms that they multiply; broadcast to one another. None is 0
            for all neurons.
    """

    terms: Mapping[Monomial, Array]

    def __add__(self, other: Polynomial | Array | float) -> Polynomial:
        terms = dict(self.terms)
        for atoms, factor in as_polynomial(other).terms.items():
            terms[atoms] = terms[atoms] + factor if atoms in terms else factor
        return Polynomial({a: f for a, f in terms.items() if np.any(f)})

    def __radd__(self, other: Array | float) -> Polynomial:
        return self + other

    def __sub__(self, other: Polynomial | Array | float) -> Polynomial:
        return self + -1.0 * as_polynomial(other)

    def __rsub__(self, other: Array | float) -> Polynomial:
        return -1.0 * self + other

    def __rmul__(self, other: Array | float) -> Polynomial:
        return self * other

    def __mul__(self, other: Polynomial | Array | float) -> Polynomial:
        """Multiply; a spike times itself is itself.

        Raises:
            OperatorError: A state or current would be multiplied by another.
        """
        total = Polynomial({})
        for atoms, factor in self.terms.items():
            for others, by in as_polynomial(other).terms.items():
                if any(not a.is_spike for a in atoms) and any(not a.is_spike for a in others):
                    names = " * ".join(sorted(a.name for a in (*atoms, *others)))
                    limit = "sums of states and currents, times numbers and spikes"
                    raise OperatorError(f"the product {names}", limit, rule=rules.UPDATE_KNOWN)
                total = total + Polynomial({atoms | others: np.asarray(factor * by)})
        return total

    __array_ufunc__ = None  # numpy leaves array * polynomial to us

    def of(self, *atoms: Atom) -> Array:
        """Give the coefficient of a product of atoms."""
        return self.terms.get(frozenset(atoms), np.array(0.0))

    def without(self, atoms: Iterable[Atom]) -> Polynomial:
        """Give what is left where ``atoms`` are 0."""
        gone = frozenset(atoms)
        return Polynomial({a: f for a, f in self.terms.items() if not a & gone})

    @property
    def atoms(self) -> frozenset[Atom]:
        """All that it is made of, what its spikes test included."""
        return frozenset(_atoms(self))

    @property
    def constant(self) -> bool:
        """Whether it depends on no atom."""
        return not any(self.terms)

    def text(self) -> str:
        """Give it for messages, with one coefficient where neurons differ."""
        parts = [
            " * ".join([f"{np.ravel(f)[0]:.6g}", *sorted(a.name for a in atoms)])
            for atoms, f in self.terms.items()
        ]
        return " + ".join(parts) or "0"

    def like(self, other: Polynomial) -> bool:
        """Tell whether both are the same but for rounding."""
        for atoms in {*self.terms, *other.terms}:
            a, b = self.terms.get(atoms, np.zeros(1)), other.terms.get(atoms, np.zeros(1))
            scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), ALIKE)
            if (np.abs(a - b) > ALIKE * scale).any():
                return False
        return True


def as_polynomial(value: Polynomial | Array | float) -> Polynomial:
    """Give a number as a polynomial."""
    if isinstance(value, Polynomial):
        return value
    number = np.asarray(value, np.float64)
    return Polynomial({frozenset(): number} if np.any(number) else {})


def variable(atom: Atom) -> Polynomial:
    """Give an atom as a polynomial."""
    return Polynomial({frozenset({atom}): np.array(1.0)})


def _atoms(polynomial: Polynomial) -> Iterator[Atom]:
    for monomial in polynomial.terms:
        for atom in monomial:
            yield atom
            yield from atom.above_atoms


@dataclass
class Spikes:
    """The spikes of a model; two tests of the same polynomial are one."""

    found: list[Atom] = field(default_factory=list[Atom])

    def where_positive(self, above: Polynomial, name: str = "spike") -> Polynomial:
        """Give 1 where ``above`` is above 0, else 0."""
        for atom in self.found:
            if atom.above is not None and atom.above.like(above):
                return variable(atom)
        self.found.append(Atom(name, above))
        return variable(self.found[-1])

    def known(self, above: Polynomial) -> Polynomial:
        """Give what ``where_positive`` does, without remembering what is new."""
        for atom in self.found:
            if atom.above is not None and atom.above.like(above):
                return variable(atom)
        return variable(Atom("another spike", above))
