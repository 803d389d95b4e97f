"""Whether every step of a model computes the same, but for what comes from before the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from snnc.frontends.torch.values import (
    Add,
    Constant,
    Convolve,
    Dense,
    Input,
    Normalize,
    Operation,
    Shift,
    Spikes,
    State,
    Unknown,
    Value,
)


@dataclass
class Matcher:
    """Compares values of one step with those of the last, which stands for all.

    Attributes:
        last: The last step.
    """

    last: int
    _same: dict[tuple[int, int, int], bool] = field(
        default_factory=dict[tuple[int, int, int], bool]
    )

    def delay(self, value: Input | Spikes | State) -> int:
        """Give the steps that lie between a value and the last step."""
        if isinstance(value, Input):
            return 0 if value.step is None else self.last - value.step
        return self.last - value.call.step

    def same(self, value: Value, step: int, model: Value) -> bool:
        """Tell whether ``value`` is at ``step`` what ``model`` is at the last one."""
        if value is model and step == self.last:
            return True
        key = id(value), step, id(model)
        if key not in self._same:
            self._same[key] = self._compare(value, step, model)
        return self._same[key]

    def _compare(self, value: Value, step: int, model: Value) -> bool:
        match model:
            case Input(step=None):
                return value is model
            case Input() | Spikes() | State():
                return self._same_leaf(value, step, model)
            case Constant():
                return isinstance(value, Constant) and value == model
            case Operation():
                return self._same_operation(value, step, model)
            case _:
                return False

    def _same_leaf(self, value: Value, step: int, model: Input | Spikes | State) -> bool:
        when = step - self.delay(model)
        if when < 0:
            return isinstance(value, Constant) and value.zero
        if isinstance(model, Input):
            return isinstance(value, Input) and value.step == when
        if isinstance(model, State):
            same = isinstance(value, State) and value.name == model.name
        else:
            same = isinstance(value, Spikes)
        return (
            same
            and isinstance(value, Spikes | State)
            and value.call.chain is model.call.chain
            and value.call.step == when
        )

    def _same_operation(self, value: Value, step: int, model: Operation) -> bool:
        if isinstance(value, Constant) and value.zero and self._vanishes(model, step):
            return True
        if isinstance(value, Operation) and value.operator == model.operator:
            pairs = zip(value.sources, model.sources, strict=True)
            if all(self.same(one, step, other) for one, other in pairs):
                return True
        if not isinstance(model.operator, Add):
            return False
        a, b = model.sources
        return (self._vanishes(b, step) and self.same(value, step, a)) or (
            self._vanishes(a, step) and self.same(value, step, b)
        )

    def _vanishes(self, model: Value, step: int) -> bool:
        """Tell whether ``model`` is zero at ``step`` because its sources are."""
        match model:
            case Input() | Spikes() | State():
                return step < self.delay(model)
            case Operation(operator=Dense(bias=bias) | Convolve(bias=bias)) if bias is not None:
                return False
            case Operation(operator=Shift() | Normalize()):
                return False
            case Operation():
                return all(self._vanishes(source, step) for source in model.sources)
            case _:
                return False


def parts_of(*values: Value) -> Iterator[Value]:
    """Give values and all that they are computed from within a step, each once."""
    waiting, seen = list(reversed(values)), set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, Operation):
            waiting.extend(reversed(one.sources))


def unreplaced_zeros(*values: Value) -> Iterator[Operation]:
    """Give operations on zeros that ``forward`` has made: a state that no step has replaced yet."""
    for part in parts_of(*values):
        if isinstance(part, Operation) and any(
            isinstance(source, Constant) and not source.kept for source in part.sources
        ):
            yield part


def described(value: Value, depth: int = 2) -> str:
    """Give a value in words, for messages.

    Args:
        value: Any.
        depth: How many operations are told of, one within the other.
    """
    match value:
        case Input():
            return "the input" + ("" if value.step is None else f" at step {value.step}")
        case Spikes():
            return f"spikes of {value.call.chain.path} at step {value.call.step}"
        case State():
            return f"{value.name} of {value.call.chain.path} at step {value.call.step}"
        case Operation():
            where = value.origin.path if value.origin.packaged else value.origin.function
            inner = [described(s, depth - 1) if depth else "..." for s in value.sources]
            return f"{where or value.origin.function}({', '.join(inner)})"
        case Constant():
            return "zeros" if value.zero else "constants"
        case Unknown():
            return value.problem.found
        case _:
            return "several steps"
