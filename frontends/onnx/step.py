"""One step of a spiking network, as ONNX: its neurons found by what they compute.

The operators between the states that enter and those that leave are taken as polynomials, so that
it does not matter in which order an exporter wrote them; the equations that come out are held
against those of the known neurons, and then run beside the model on random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import raise_all
from snnc.frontends.onnx.algebra import Atom, Polynomial
from snnc.frontends.onnx.equations import EquationConverter
from snnc.frontends.onnx.model import COMPARISONS, STATES, OnnxModel, OperatorError, Shape
from snnc.frontends.onnx.neurons import Equations, Update, candidates, matches
from snnc.frontends.onnx.probe import Deviation, Probe
from snnc.frontends.onnx.returning import returning_inputs
from snnc.frontends.onnx.run import input_problems
from snnc.frontends.onnx.units import neuron_node

MAX_ATOMS = 4
"""Inputs of the model in the equations of one population: two states, and currents."""
ROUNDING = 1e-5
"""Largest difference of a state, as a part of the threshold, that another order of the same
operations explains."""
KNOWN = "an update of docs/onnx.md: leak, currents, spike above a threshold, reset"


def is_step(model: OnnxModel) -> bool:
    """Tell whether a model has neurons of its own: something is compared."""
    return any(node.op in COMPARISONS for node in model.nodes)


def convert_step(model: OnnxModel, *, dt: float, framework: str) -> nir.NIRGraph:
    """Import one step of a spiking network.

    Args:
        model: Every state is an input, and what it becomes is an output.
        dt: Length of a step in seconds.
        framework: What the graph says made it.

    Raises:
        InputError: SNN142, SNN143 or SNN144.
    """
    return _converted(model, dt).graph(framework, dt)


def step_inputs(model: OnnxModel) -> dict[str, str]:
    """Give the names in the graph of the inputs that are no states, by those in the model.

    Raises:
        InputError: As ``convert_step``.
    """
    return _converted(model, 1.0).input_names


def _converted(model: OnnxModel, dt: float) -> StepConverter:
    raise_all(input_problems(model))
    converter = StepConverter(model, dt)
    converter.run()
    raise_all(converter.problems)
    converter.finish()
    raise_all(converter.problems)
    return converter


class StepConverter(EquationConverter):
    """A walk through a model, and the search for its neurons.

    Args:
        model: What is converted.
        dt: Length of a step in seconds.
    """

    def __init__(self, model: OnnxModel, dt: float) -> None:
        super().__init__(model)
        self._dt = dt
        self._placed: set[str] = set()

    def finish(self) -> None:
        """Find the neurons, and make the outputs."""
        states = {
            n: v
            for n in self.model.outputs
            if isinstance(v := self.values.get(n), Polynomial) and self.spike_of(v) is None
        }
        read_outs: dict[str, str] = {}
        found: set[Atom] = set()
        for group in _groups(states, self.inputs):
            try:
                read_outs |= self._neurons(group, {n: states[n] for n in group}, found)
            except OperatorError as error:
                self.problems.append(error.at(f"{self.model.place}: {', '.join(group)} (output)"))
        if not self.problems:
            self._check_all_found(found)
        if not self.problems:
            self._make_outputs(states, read_outs)
        if not self.problems:
            self._check_inputs()
        for quantizer in self.clipping:
            name = quantizer.node.name
            self.linear.remarks.append(f"{name} rounds and clips values, which is left out")

    def _make_outputs(self, states: dict[str, Polynomial], read_outs: dict[str, str]) -> None:
        names = [n for n in self.model.outputs if n not in states or n in read_outs]
        for name in names:
            try:
                if name in read_outs:
                    shape = self.maker.shapes[read_outs[name]]
                    self.output(name, read_outs[name], shape)
                else:
                    self.leave(name, self.signal(self.value(name), name))
            except OperatorError as error:
                self.problems.append(error.at(f"{self.model.place}: {name} (output)"))

    def _check_inputs(self) -> None:
        """Refuse spikes that return as an input, and remark on what may be such an input."""
        spikes: dict[str, str] = {}
        for name in self.model.outputs:
            value = self.values.get(name)
            spike = self.spike_of(value) if isinstance(value, Polynomial) else None
            if spike is not None:
                spikes[self.populations[spike]] = name
        inputs = {made: name for name, made in self.entered.items()}
        for name, what in returning_inputs(self.maker, inputs, spikes, self._placed):
            if isinstance(what, OperatorError):
                self.problems.append(what.at(f"{self.model.place}: {name} (input)"))
            else:
                self.linear.remarks.append(what)

    def _check_all_found(self, found: set[Atom]) -> None:
        """Refuse neurons whose state does not leave."""
        inputs = set(self.inputs.values())
        lost = {
            ", ".join(sorted(a.name for a in spike.above_atoms & inputs)): node
            for spike, node in self.tests.items()
            if spike not in found
        }
        for names, node in lost.items():
            error = OperatorError(
                f"no output for what becomes of {names}",
                STATES,
                "return the new states too, and export again",
                rules.STATE_EXPORTED,
            )
            self.problems.append(error.at(f"{self.model.place}: {node.place}"))

    def _neurons(
        self, group: Sequence[str], states: dict[str, Polynomial], found: set[Atom]
    ) -> dict[str, str]:
        """Find and make the population that the outputs ``group`` are the states of.

        Returns:
            The population by the name of its output, if it is a read-out.
        """
        atoms = {a for s in states.values() for a in s.atoms}
        inputs = [a for a in self.inputs.values() if a in atoms]
        if not inputs or len(group) > 2 or len(inputs) > MAX_ATOMS:
            raise _unknown(f"{len(group)} states made of {len(inputs)} inputs", states)
        spikes = [s for s in self.tests if s.above_atoms & set(inputs)]
        best: tuple[Deviation, Equations, Update, Shape] | None = None
        for update, pending, results in self._updates(states, inputs, spikes):
            shape = self.shapes[update.v.name]
            for equations in candidates(update, pending):
                if not matches(equations, update, pending, self.spikes.known):
                    continue
                exact = equations.as_float32()
                off = self._probe().deviation(exact, update, results, shape)
                if best is None or off.bits < best[0].bits:
                    best = off, exact, update, shape
        if best is None:
            raise _unknown("an update that no known neuron makes", states)
        off, equations, update, shape = best
        scale = max(float(np.abs(equations.threshold).max()), 1.0)
        if not off.largest <= ROUNDING * scale:
            raise _unknown(
                f"an update that differs by {off.largest:g} from the nearest known", states
            )
        found |= set(spikes)
        return self._place(equations, update, shape, off, group)

    def _updates(
        self, states: dict[str, Polynomial], inputs: Sequence[Atom], spikes: Sequence[Atom]
    ) -> Iterator[tuple[Update, list[Atom], tuple[str, str]]]:
        """Yield every way to take inputs as the states that the outputs continue."""
        for names in permutations(states):
            for before in permutations(inputs, len(names)):
                v, i = before[0], before[1] if len(before) > 1 else None
                pending = [s for s in spikes if s.above is not None and _tests_only(s.above, v)]
                tested = [s for s in spikes if s not in pending]
                if len(tested) > 1 or any(
                    self.shapes[b.name] != self.shapes[v.name] for b in before
                ):
                    continue
                seen = {a for n in names for a in states[n].atoms}
                seen |= {a for s in tested for a in s.above_atoms}
                currents = tuple(
                    a for a in self.used if a in seen and not a.is_spike and a not in before
                )
                update = Update(
                    v=v,
                    i=i,
                    currents=currents,
                    spike=tested[0] if tested else None,
                    next_v=states[names[0]],
                    next_i=states[names[1]] if i is not None else None,
                )
                yield update, pending, (names[0], names[-1])

    def _probe(self) -> Probe:
        constants = {n: v for n, v in self.values.items() if isinstance(v, np.ndarray)}
        names = {spike: node.outputs[0] for spike, node in self.tests.items()}
        return Probe(self.model, constants, self.elementwise, names)

    def _place(
        self,
        equations: Equations,
        update: Update,
        shape: Shape,
        off: Deviation,
        group: Sequence[str],
    ) -> dict[str, str]:
        notes: dict[str, Any] = {}
        if off.bits:
            notes["deviation"] = off.largest
        if update.spike is None:
            name = self.maker.reserve(update.v.name, shape)
            origin = ", ".join(group)
        else:
            name = self.population(update.spike, shape)
            origin = self.tests[update.spike].name
        node = neuron_node(equations, shape, self._dt, origin, notes)
        sources: list[str] = []
        for order, current in enumerate(update.currents):
            signal = self.current(current)
            if signal.shape != shape:
                found = f"a current of shape {list(signal.shape)} into neurons {list(shape)}"
                raise OperatorError(found, "one number for each neuron")
            own = self.sources(signal)
            sources += own if order == 0 else [self.maker.sum_of(own, shape, name, order)]
        self.maker.place(name, node, sources)
        self._placed.add(name)
        return {group[0]: name} if update.spike is None else {}


def _tests_only(above: Polynomial, v: Atom) -> bool:
    """Tell whether ``above`` is ``v`` less a number."""
    rest = above - replace(above, terms={frozenset({v}): np.array(1.0)})
    return rest.constant


def _groups(states: dict[str, Polynomial], inputs: dict[str, Atom]) -> Iterator[list[str]]:
    """Yield the outputs that are made of the same inputs."""
    known = frozenset(inputs.values())
    left: dict[str, frozenset[Atom]] = {n: s.atoms & known for n, s in states.items()}
    while left:
        group, atoms = [next(iter(left))], left[next(iter(left))]
        while more := [n for n in left if n not in group and left[n] & atoms]:
            group += more
            for name in more:
                atoms |= left[name]
        yield group
        left = {n: a for n, a in left.items() if n not in group}


def _unknown(found: str, states: dict[str, Polynomial]) -> OperatorError:
    equations = "; ".join(f"{name} = {state.text()}" for name, state in states.items())
    remedy = "write the update as one of these, or import the module itself: FILE.py:FUNCTION"
    return OperatorError(f"{found}: {equations}", KNOWN, remedy, rules.UPDATE_KNOWN)
