"""Follow the tensors of one step of a PyTorch module from layer to layer."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

changes_of = attrgetter("_version")
"""How often a tensor, or one that shares its memory, has been changed in place."""
CONTAINERS = {("norse.torch.module.sequential", "SequentialState")}
"""Classes beside torch's own containers that only call their children, one after the other."""
BATCH = 2
"""Samples of the traced step: with two, a layer that mixes or loses the batch axis shows."""


@dataclass(frozen=True)
class Source:
    """Where a tensor comes from.

    Attributes:
        path: Path of the layer, or None for the model's input.
        index: Which of the tensors that the layer returned; a neuron's spikes are number 0.
    """

    path: str | None
    index: int = 0

    def __str__(self) -> str:
        if self.path is None:
            return "the model's input"
        return self.path if self.index == 0 else f"tensor {self.index} that {self.path} returns"


MODEL_INPUT = Source(None)


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """One call of one layer.

    Attributes:
        path: Path of the layer in the model.
        layer: The layer.
        source: Where its input comes from; None where nobody knows.
        shape: Shape of its input without the batch axis.
        problems: Why its input cannot be followed.
    """

    path: str
    layer: Module
    source: Source | None
    shape: tuple[int, ...]
    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """What one step of a model did.

    Attributes:
        calls: Calls of layers, in their order.
        shapes: Shape of what each source gave, without the batch axis.
        value: What the model returned; None where it raised.
        returned: Where the tensors come from that the model returned; None where it raised.
        problems: Everything that could not be followed.
    """

    calls: tuple[Call, ...]
    shapes: Mapping[Source, tuple[int, ...]]
    value: object
    returned: tuple[Source, ...] | None
    problems: tuple[Diagnostic, ...]


def layers_of(module: Module) -> dict[str, Module]:
    """Give the layers of ``module`` by path: the modules that are called as a whole.

    A container or the user's own module with children is looked into; everything that a package
    defines is one layer, whatever it holds.
    """
    paths: dict[Module, str] = {}
    for path, layer in _walk(module, ()):
        paths.setdefault(layer, path)
    return {path: layer for layer, path in paths.items()}


def _walk(module: Module, path: tuple[str, ...]) -> Iterator[tuple[str, Module]]:
    if not _has_children(module) or _is_packaged(module):
        yield ".".join(path) or type(module).__name__.lower(), module
        return
    for name, child in module.named_children():
        yield from _walk(child, (*path, name))


def _has_children(module: Module) -> bool:
    return next(module.children(), None) is not None


def _is_packaged(module: Module) -> bool:
    kind = type(module)
    if kind.__module__.endswith("modules.container"):
        return False
    package = kind.__module__.partition(".")[0]
    known = (kind.__module__, kind.__name__) in CONTAINERS
    return package in {"torch", "snntorch", "norse"} and not known


def tensors_of(value: object) -> Iterator[Tensor]:
    """Give the tensors in nested tuples, lists and dicts, from left to right."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[object, object]", value).values():
            yield from tensors_of(item)
    elif isinstance(value, tuple | list):
        for item in cast("list[object]", value):
            yield from tensors_of(item)


@contextmanager
def evaluating(module: Module) -> Generator[None]:
    """Put ``module`` into evaluation mode without gradients, and back as it was."""
    import torch

    training = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, was_training in training:
            part.training = was_training


def call_model(module: Module, x: Tensor, arguments: Mapping[str, object]) -> object:
    """Call the user's model for one step.

    Raises:
        InputError: SNN113, its ``forward`` raised.
    """
    try:
        return cast("object", module(x, **arguments))
    except Exception as error:
        raise InputError([_forward_raised(module, x, error)]) from error


def everything(value: object) -> object:
    """Give what a model returned as it is."""
    return value


def trace_step(
    module: Module,
    x: Tensor,
    arguments: Mapping[str, object],
    spikes_of: Callable[[object], object] = everything,
) -> Step:
    """Run one step of ``module`` on ``x`` and follow the tensors.

    Args:
        module: In evaluation mode.
        x: Shape ``[BATCH, *shape]``.
        arguments: What else ``forward`` takes.
        spikes_of: Gives the part of what ``forward`` returns that is no state.
    """
    follower = _Follower()
    follower.know(x, MODEL_INPUT)
    raised: tuple[Diagnostic, ...] = ()
    value: object = None
    returned: tuple[Source, ...] | None = None
    try:
        with follower.watching(layers_of(module)):
            value = call_model(module, x, arguments)
            tensors = tensors_of(spikes_of(value))
            returned = tuple(s for t in tensors if (s := follower.find(t)) is not None)
    except InputError as error:
        raised = error.diagnostics
    return Step(
        calls=tuple(follower.calls),
        shapes=follower.shapes(),
        value=value,
        returned=returned,
        problems=(*follower.problems(), *raised),
    )


@dataclass
class _Follower:
    """Knows for every tensor seen so far which layer made it."""

    calls: list[Call] = field(default_factory=list[Call])
    _known: dict[int, tuple[Tensor, int, Source]] = field(
        default_factory=dict[int, "tuple[Tensor, int, Source]"]
    )

    @contextmanager
    def watching(self, layers: Mapping[str, Module]) -> Generator[None]:
        """Hook into ``layers``, last before a call and first after it.

        So a tensor that another hook changes is not mistaken for the layer's own.
        """
        with ExitStack() as hooks:
            for path, layer in layers.items():
                before = layer.register_forward_pre_hook(self._before(path), with_kwargs=True)
                hooks.callback(before.remove)
                after = layer.register_forward_hook(self._after, prepend=True)
                hooks.callback(after.remove)
            yield

    def know(self, tensor: Tensor, source: Source) -> None:
        """Remember who made ``tensor``; keeps it alive, so that its address stays its own."""
        self._known.setdefault(tensor.data_ptr(), (tensor, changes_of(tensor), source))

    def find(self, tensor: Tensor) -> Source | None:
        """Tell who made ``tensor``, or the tensor that it is another shape of."""
        made, changes, source = self._known.get(tensor.data_ptr(), (None, 0, None))
        if made is None or changes_of(made) != changes or made.numel() != tensor.numel():
            return None
        return source if tensor.is_contiguous() and made.is_contiguous() else None

    def shapes(self) -> dict[Source, tuple[int, ...]]:
        """Give the shape of what each source gave, without the batch axis."""
        return {s: tuple(t.shape[1:]) for t, _, s in self._known.values()}

    def problems(self) -> Iterator[Diagnostic]:
        """Tell everything that could not be followed."""
        counts: dict[str, int] = {}
        for call in self.calls:
            yield from call.problems
            counts[call.path] = counts.get(call.path, 0) + 1
        yield from (_called_often(path, n) for path, n in counts.items() if n > 1)

    def _before(self, path: str) -> Any:
        def hook(layer: Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            given = inspect.signature(layer.forward).bind(*args, **kwargs).arguments
            value = next(tensors_of(given))
            source = self.find(value)
            self.calls.append(
                Call(
                    path=path,
                    layer=layer,
                    source=source,
                    shape=tuple(value.shape[1:]),
                    problems=tuple(_input_problems(path, value, source)),
                )
            )

        return hook

    def _after(self, layer: Module, args: tuple[object, ...], output: object) -> None:
        del args
        call = next(c for c in reversed(self.calls) if c.layer is layer)
        for index, tensor in enumerate(tensors_of(output)):
            self.know(tensor, Source(call.path, index))


def _input_problems(path: str, value: Tensor, source: Source | None) -> Iterator[Diagnostic]:
    import torch

    if source is None or source.index:
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=path,
            found=f"its input is {source or 'a tensor that no layer returned'}",
            limit="the model's input, or what one other layer returns, unchanged",
            remedy="replace the computation before it by layers that snnc knows, such as "
            "nn.Flatten; see docs/frontends.md",
        )
    if value.ndim < 2 or value.shape[0] != BATCH:
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=path,
            found=f"its input has shape {list(value.shape)} for a batch of {BATCH}",
            limit="the first axis is the sample, and no layer changes it",
            remedy="keep the batch axis: nn.Flatten() or x.flatten(1), not x.flatten()",
        )
    if value.dtype != torch.float32:
        yield Diagnostic(
            rule=rules.LAYER_SUPPORTED,
            node=path,
            found=f"its input is {value.dtype}",
            limit="models compute in torch.float32",
            remedy="convert the model: module.float()",
        )


def _called_often(path: str, count: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"called {count} times",
        limit="forward computes one step and calls each layer once",
        remedy="leave the loop over time out of forward, and give each use a layer of its own",
    )


def _forward_raised(module: Module, x: Tensor, error: Exception) -> Diagnostic:
    first_line = str(error).partition("\n")[0]
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=f"{type(module).__name__}.forward",
        found=f"{type(error).__name__}: {first_line}",
        limit=f"forward runs one step on a tensor of shape {list(x.shape)}",
        remedy="check --input-shape; states that forward takes must be tensors, one argument each",
    )
