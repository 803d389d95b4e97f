"""Follow one step of a spiking network: states, currents and spikes as polynomials."""

from __future__ import annotations

import nir
import numpy as np

from snnc.compiler import rules
from snnc.frontends.onnx.algebra import Atom, Polynomial, Spikes, as_polynomial, variable
from snnc.frontends.onnx.convert import Converter, Value
from snnc.frontends.onnx.graph import GraphMaker
from snnc.frontends.onnx.model import (
    COMPARISONS,
    STATES,
    STATES_KEPT,
    Array,
    Call,
    OnnxModel,
    OnnxNode,
    OperatorError,
    Shape,
)
from snnc.frontends.onnx.run import batch_of
from snnc.frontends.onnx.signals import Activation, Part, Signal, fresh, plain

ELEMENTWISE = frozenset({"Add", "Cast", "Div", "Identity", "Mul", "Neg", "Sub"})
"""Operators that make polynomials of polynomials."""


class EquationConverter(Converter):
    """A walk through a model whose inputs may be states.

    Args:
        model: What is converted.

    Attributes:
        spikes: All that is compared.
        tests: The node that compares, by the spike that it makes.
        inputs: The inputs of the model by name.
        shapes: Of the inputs, without batch.
        used: Inputs and currents in the order of their first use in an equation.
        elementwise: The nodes of the equations.
        populations: Names of those whose spikes are known, by the spike.
    """

    def __init__(self, model: OnnxModel) -> None:
        super().__init__(model, batch_of(model) or 2, GraphMaker(_no_neurons), _no_threshold)
        self.spikes = Spikes()
        self.tests: dict[Atom, OnnxNode] = {}
        self.inputs = {i.name: Atom(i.name) for i in model.inputs}
        self.shapes = {i.name: i.features for i in model.inputs}
        self.used: dict[Atom, None] = {}
        self.elementwise: list[OnnxNode] = []
        self.populations: dict[Atom, str] = {}
        self._currents: dict[str, tuple[Atom, Signal]] = {}
        self._entered: dict[str, Signal] = {}
        self.values.update({name: variable(atom) for name, atom in self.inputs.items()})

    def result(self, node: OnnxNode) -> Value:
        """Give what ``node`` makes of its inputs, polynomials among them."""
        operands = [self.value(name) for name in node.inputs]
        of_states = any(isinstance(o, Polynomial) for o in operands)
        if node.op in COMPARISONS and any(isinstance(o, Polynomial | Signal) for o in operands):
            if not of_states:
                found = "a comparison of values that no state enters"
                raise OperatorError(found, STATES, STATES_KEPT, rules.STATE_EXPORTED)
            return self._compared(node, operands)
        if of_states and node.op in ELEMENTWISE:
            return self._computed(node, operands)
        signals = [
            self.signal(o, n) if isinstance(o, Polynomial) else o
            for n, o in zip(node.inputs, operands, strict=True)
        ]
        return self.applied(Call(node, signals, self.model.opset))

    def _compared(self, node: OnnxNode, operands: list[Value | None]) -> Polynomial:
        self.elementwise.append(node)
        a, b = (self._polynomial(n, o) for n, o in zip(node.inputs, operands, strict=True))
        spike = self.spikes.where_positive(a - b if node.op == "Greater" else b - a, node.name)
        ((atom,),) = spike.terms
        self.tests.setdefault(atom, node)
        return spike

    def _computed(self, node: OnnxNode, operands: list[Value | None]) -> Polynomial:
        self.elementwise.append(node)
        a, *others = (self._polynomial(n, o) for n, o in zip(node.inputs, operands, strict=True))
        if node.op == "Cast" and node.get("to", 0) != 1:
            raise OperatorError(f"to type {node.get('to', 0)}", "float32")
        if node.op in {"Cast", "Identity"}:
            return a
        if node.op == "Neg":
            return -1.0 * a
        (b,) = others
        if node.op == "Div":
            if not b.constant or not b.of().all():
                raise OperatorError("a division by a state", "by numbers", "", rules.UPDATE_KNOWN)
            return a * (1 / b.of())
        return {"Add": a.__add__, "Sub": a.__sub__, "Mul": a.__mul__}[node.op](b)

    def _polynomial(self, name: str, value: Value | None) -> Polynomial:
        """Give an operand of an equation; what weights made is a current."""
        if isinstance(value, Signal):
            if name not in self._currents:
                self._currents[name] = (Atom(name), value)
            value = variable(self._currents[name][0])
        if not isinstance(value, Polynomial):
            return as_polynomial(np.asarray(value, np.float64))
        for monomial in value.terms:
            self.used.update(dict.fromkeys(monomial))
        return value

    def spike_of(self, polynomial: Polynomial) -> Atom | None:
        """Give the one spike that a polynomial is a multiple of, or None."""
        monomials = list(polynomial.terms)
        if len(monomials) == 1 and len(monomials[0]) == 1:
            (atom,) = monomials[0]
            return atom if atom.is_spike else None
        return None

    def signal(self, value: Value | None, name: str) -> Signal:
        """Give an input or the spikes of a population as a value that weights may take.

        Raises:
            OperatorError: It is a state, or made of several.
        """
        if isinstance(value, Signal):
            return value
        polynomial = value if isinstance(value, Polynomial) else Polynomial({})
        atoms = {a for monomial in polynomial.terms for a in monomial}
        if len(atoms) != 1:
            found, limit = f"{name} = {polynomial.text()} goes on", "spikes go on, no states"
            raise OperatorError(found, limit, "", rules.UPDATE_KNOWN)
        (atom,) = atoms
        if atom.is_spike:
            shape = self._shape_of(atom)
            made = fresh(self.batch, (Part(shape, (plain(self.population(atom, shape)),)),))
        else:
            made = self.current(atom)
        factor, shift = polynomial.of(atom), polynomial.of()
        return self.linear.affine(made, factor, shift)

    def current(self, atom: Atom) -> Signal:
        """Give what enters neurons: a current, or an input of the model without weights."""
        if atom.name in self._currents:
            return self._currents[atom.name][1]
        if atom.name not in self._entered:
            self._entered[atom.name] = self.enter(atom.name, self.shapes[atom.name])
        return self._entered[atom.name]

    def population(self, spike: Atom, shape: Shape) -> str:
        """Give the name of the population that makes a spike: its module, or its potential."""
        if spike not in self.populations:
            scope = self.tests[spike].name.strip("/").rpartition("/")[0]
            states = [n for n, a in self.inputs.items() if a in spike.above_atoms]
            alone = {next(iter(s.above_atoms)) for s in self.tests if len(s.above_atoms) == 1}
            tested = [n for n in states if self.inputs[n] in alone]
            self.populations[spike] = self.maker.reserve(scope or (tested or states)[0], shape)
        return self.populations[spike]

    def _shape_of(self, spike: Atom) -> Shape:
        states = spike.above_atoms & set(self.inputs.values())
        shapes = {self.shapes[a.name] for a in states}
        if len(shapes) != 1:
            found = " and ".join(sorted(str(list(s)) for s in shapes)) or "no state"
            raise OperatorError(f"neurons of shape {found}", "one shape for all states of a neuron")
        return shapes.pop()


def _no_neurons(activation: Activation, _: Shape) -> nir.NIRNode:
    raise _mixed(activation.name)


def _no_threshold(node: OnnxNode, _: float) -> Array:
    raise _mixed(node.op)


def _mixed(name: str) -> OperatorError:
    limit = "neurons with a state, or a network of ReLUs"
    return OperatorError(f"{name} beside spiking neurons", limit)
