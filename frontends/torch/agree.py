"""Whether a model computes the same in a run of few steps and in one of more steps and samples."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.torch.follow import MORE_SAMPLES, SAMPLES, Run
from snnc.frontends.torch.framework import Framework
from snnc.frontends.torch.match import described
from snnc.frontends.torch.outputs import MADE, Port
from snnc.frontends.torch.roll import Model, roll
from snnc.frontends.torch.values import Input, Operation, Spikes, State, Value

Forms = dict[Hashable, int]
"""Numbers of forms: what two runs have in common has one number in both."""


def model_of(run: Run, framework: Framework) -> Model:
    """Give the model that a run, and one of more steps where there is one, are unrolled forms of.

    Raises:
        InputError: All that keeps it from being imported.
    """
    model = roll(run, framework)
    if run.longer is None:
        return model
    longer = roll(run.longer, framework)
    raise_all(_problems(model, longer))
    return longer


def _problems(short: Model, long: Model) -> Iterator[Diagnostic]:
    """Tell where two runs of one model differ.

    Args:
        short: What a run of few steps computes.
        long: What one of more steps and samples does.
    """
    forms: Forms = {}
    one, other = _Reader(short, forms), _Reader(long, forms)
    if [*short.names.values()] != [*long.names.values()]:
        yield _differ("the model", short, long, _listed(short), _listed(long))
        return
    for p, q in zip(short.populations, long.populations, strict=True):
        if one.form(p.source) != other.form(q.source):
            yield _differ(p.path, short, long, described(p.source), described(q.source))
    if len(short.ports) != len(long.ports):
        ends = (f"{len(model.ports)} outputs" for model in (short, long))
        yield _differ("what forward returns", short, long, *ends)
        return
    for a, b in zip(short.ports, long.ports, strict=True):
        if one.form(a.value) != other.form(b.value) or not _decoded_alike(a, b, short, long):
            node = f"what forward returns as {a.name}"
            yield _differ(node, short, long, _output(a), _output(b))


@dataclass(eq=False)
class _Reader:
    """Gives one number to all values that are the same but for the run that they are of."""

    model: Model
    forms: Forms
    _known: dict[int, int] = field(default_factory=dict[int, int])

    def form(self, value: Value) -> int:
        """Give the number of a value."""
        if id(value) not in self._known:
            self._known[id(value)] = self.forms.setdefault(self._key(value), len(self.forms))
        return self._known[id(value)]

    def _key(self, value: Value) -> Hashable:
        matcher = self.model.matcher
        match value:
            case Input():
                return "input", matcher.delay(value)
            case Spikes():
                return "spikes", self.model.names[value.call.chain], matcher.delay(value)
            case State():
                name = self.model.names[value.call.chain]
                return value.name, name, matcher.delay(value)
            case Operation():
                return value.operator, tuple(map(self.form, value.sources))
            case _:
                return value


def _decoded_alike(a: Port, b: Port, short: Model, long: Model) -> bool:
    """Tell whether two outputs are made of their steps in the same way.

    A sum that is multiplied with one over the number of steps is a mean, so a sum of few steps can
    look like one.
    """
    places = all(a.path_at(step) == path for step, path in enumerate(b.paths))
    if not places or a.axis != b.axis or (len(a.paths) > 1) != (len(b.paths) > 1):
        return False
    if a.decoding == b.decoding:
        return bool(np.array_equal(a.factor, b.factor))
    together = {a.decoding, b.decoding} == {"sum", "mean"}
    return together and bool(np.array_equal(_of_sum(a, short), _of_sum(b, long)))


def _of_sum(port: Port, model: Model) -> npt.NDArray[np.float32]:
    steps = model.matcher.last + 1 if port.decoding == "mean" else 1
    return np.asarray(port.factor / steps, np.float32)


def _listed(model: Model) -> str:
    return ", ".join(model.names.values()) or "no neurons"


def _output(port: Port) -> str:
    return f"{MADE[port.decoding]} steps, the last of them {described(port.value)}"


def _differ(node: str, short: Model, long: Model, few: str, more: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=node,
        found=f"{few}, in a run of {short.matcher.last + 1} steps of {SAMPLES} samples; "
        f"{more}, in one of {long.matcher.last + 1} of {MORE_SAMPLES}",
        limit="every run computes the same, however many steps and samples it has",
        remedy="let forward look neither at the number of steps nor at that of samples",
    )
