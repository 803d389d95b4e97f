"""Record what a model computes while its own ``forward`` runs: a value for every tensor."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Generator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch.framework import tensors_of
from snnc.frontends.torch.functions import (
    MAKES_NEW,
    MOVES,
    READS_NO_VALUES,
    meaning_of,
    name_of,
)
from snnc.frontends.torch.meaning import Operand, Refused
from snnc.frontends.torch.place import Place
from snnc.frontends.torch.values import (
    Constant,
    Operation,
    Operator,
    Shape,
    Unknown,
    Value,
    is_constant,
    is_kept,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Function = Callable[..., Any]

changes_of = attrgetter("_version")
"""How often a tensor, or one that shares its memory, has been changed in place."""
NEVER = -1
"""In the place of that number: the tensor is not what it was."""


@dataclass(eq=False)
class Recorder:
    """Knows for every tensor that a model has made so far what it is.

    Attributes:
        place: Where in the model the run is.
        problems: What cannot be followed, wherever it leads.
        selects_samples: Whether samples were taken out of the batch one by one: what the model
            takes for steps.
    """

    place: Place
    problems: dict[Diagnostic, None] = field(default_factory=dict[Diagnostic, None])
    selects_samples: bool = False
    _paused: bool = False
    _made: dict[tuple[Operator, tuple[int, ...]], Operation] = field(
        default_factory=dict[tuple[Operator, tuple[int, ...]], Operation]
    )

    def __post_init__(self) -> None:
        from torch.utils.weak import WeakIdKeyDictionary

        self._known = cast("MutableMapping[Tensor, tuple[int, Value]]", WeakIdKeyDictionary())

    @contextmanager
    def recording(self, module: Module) -> Generator[None]:
        """Record every function of torch; what ``module`` holds as it begins is constant."""
        from torch.overrides import TorchFunctionMode

        recorder = self

        class Mode(TorchFunctionMode):
            def __torch_function__(
                self,
                func: Function,
                types: object,
                args: tuple[Any, ...] = (),
                kwargs: dict[str, Any] | None = None,
            ) -> Any:
                del types
                return recorder.called(func, args, kwargs or {})

        for part in module.modules():
            for tensor in tensors_of([dict(part.named_parameters(recurse=False)), vars(part)]):
                if tensor not in self._known:
                    self.know(tensor, Constant(tensor, kept=True))
        with Mode():
            yield

    @contextmanager
    def paused(self) -> Generator[None]:
        """Let functions of torch run without a record."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @property
    def is_paused(self) -> bool:
        """Whether nothing is recorded."""
        return self._paused

    def know(self, tensor: Tensor, value: Value) -> None:
        """Remember what ``tensor`` is, for as long as the model holds it."""
        self._known[tensor] = changes_of(tensor), value

    def value(self, tensor: Tensor) -> Value:
        """Give what ``tensor`` is."""
        if tensor not in self._known:
            return self._untraced("a tensor that is no parameter or buffer of the model")
        changes, value = self._known[tensor]
        if changes != changes_of(tensor):
            return self._untraced("a tensor that was changed in place through another one")
        return value

    def depends(self, tensor: Tensor) -> bool:
        """Tell whether ``tensor`` was made of the model's input or of neurons."""
        return tensor in self._known and not is_constant(self._known[tensor][1])

    def make(self, operator: Operator, sources: tuple[Value, ...], shape: Shape) -> Operation:
        """Give the one operation of ``operator`` on ``sources``."""
        key = operator, tuple(map(id, sources))
        if key not in self._made:
            self._made[key] = Operation(operator, sources, shape, self.place.origin)
        return self._made[key]

    def tell(self, problem: Diagnostic) -> None:
        """Remember a problem, once."""
        self.problems.setdefault(problem)

    def called(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of torch, and remember what its results are."""
        name = name_of(function)
        if self._paused or name in READS_NO_VALUES:
            return function(*args, **kwargs)
        self.place.function = name
        given = _replaced(args, self._operand), _replaced(kwargs, self._operand)
        values = [operand.value for operand in _operands_of(given)]
        before = _random_state()
        tensors = [operand.tensor for operand in _operands_of(given)]
        changes = [changes_of(tensor) for tensor in tensors]
        result = function(*args, **kwargs)
        for tensor, count in zip(tensors, changes, strict=True):
            if changes_of(tensor) != count:
                self._forget_others(tensor, constant=all(map(is_constant, values)))
        results = list(tensors_of(args[0] if name == "__setitem__" else result))
        if not results:
            if result is not NotImplemented and not all(map(is_constant, values)):
                self.tell(self.place.problem("reads the values of tensors"))
            return result
        if bool((before != _random_state()).any()):
            meanings: list[Value] = [Unknown(self.place.problem("draws random numbers"))]
        else:
            meanings = self._meanings(name, given, values, results)
        meanings *= len(results) if len(meanings) == 1 else 1
        for tensor, value in zip(results, meanings, strict=True):
            self.know(tensor, value)
        return iter(results) if name == "__iter__" else result

    def _forget_others(self, changed: Tensor, *, constant: bool) -> None:
        """What shares the memory of ``changed`` is no more what it was.

        Through ``.data`` and its like, torch itself does not count the change.
        """
        memory = _memory_of(changed)
        for tensor, (_, value) in list(self._known.items()):
            if tensor is changed or not memory or _memory_of(tensor) != memory:
                continue
            if constant and is_constant(value):
                self.know(tensor, Constant(tensor, kept=is_kept(value)))
            else:
                self._known[tensor] = NEVER, value

    def _meanings(
        self, name: str, given: tuple[Any, Any], values: list[Value], results: list[Tensor]
    ) -> list[Value]:
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        new = name in MAKES_NEW
        if unknown is not None and not new:
            return [unknown]
        constant = all(map(is_constant, values))
        if not (new or (constant and name in MOVES)):
            why, remedy = "", ""
            try:
                return meaning_of(name)(self, results, *given[0], **given[1])
            except Refused as refused:
                why, remedy = refused.why, refused.remedy
            except TypeError:  # called in a form that snnc does not know
                pass
            if not constant:
                return [Unknown(self.place.problem(why, remedy))]
        kept = bool(values) and not new and all(map(is_kept, values))
        return [Constant(tensor, kept=kept) for tensor in results]

    def _operand(self, tensor: Tensor) -> Operand:
        return Operand(tensor, self.value(tensor))

    def _untraced(self, found: str) -> Unknown:
        return Unknown(self.place.untraced(found))


def _memory_of(tensor: Tensor) -> int:
    """Give where the memory of a tensor begins; 0 where it has none."""
    return tensor.untyped_storage().data_ptr()


def _random_state() -> Any:
    import torch

    return torch.get_rng_state()


def _replaced(value: Any, change: Callable[[Tensor], Operand]) -> Any:
    """Give ``value`` with every tensor in it replaced."""
    import torch

    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {name: _replaced(item, change) for name, item in items}
    if isinstance(value, tuple | list):
        return tuple(_replaced(item, change) for item in cast("list[Any]", value))
    return value


def _operands_of(value: Any) -> list[Operand]:
    if isinstance(value, Operand):
        return [value]
    if isinstance(value, dict):
        value = tuple(cast("dict[str, Any]", value).values())
    if isinstance(value, tuple):
        return [one for item in cast("list[Any]", value) for one in _operands_of(item)]
    return []
