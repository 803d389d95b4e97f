"""Run a user's module for its gradients, with the values that the integers computed.

Every value of neurons is replaced as it is made, and the gradient goes through to what the
framework itself computed there ("straight-through", Bengio et al. 2013, arXiv:1308.3432). So each
layer computes from exact spikes and potentials, and its own surrogate gradient is taken there.
"""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.torch.arguments import Arguments
from snnc.frontends.torch.exact import Exact
from snnc.frontends.torch.follow import Layout
from snnc.frontends.torch.framework import Path, Signals, located
from snnc.frontends.torch.graph import Imported
from snnc.frontends.torch.module import call_model, neurons_of, preserved, replaced
from snnc.frontends.torch.outputs import Port
from snnc.frontends.torch.roll import Population
from snnc.frontends.torch.rounded import rounded_parameters
from snnc.frontends.torch.run import inputs_of
from snnc.frontends.torch.values import Operation, Spikes, State
from snnc.frontends.torch.watch import Forward, Watch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Array = np.ndarray[Any, np.dtype[Any]]
Kwargs = dict[str, Any]
Returned = Mapping[Path, "Tensor"]


def run_through(imported: Imported, module: Module, x: Tensor, exact: Exact) -> dict[str, Tensor]:
    """Give the outputs of ``exact`` with the gradients of ``module``, which is left as it was.

    Args:
        imported: The module, followed.
        module: The user's. It runs in evaluation mode, as the integers compute.
        x: Shape ``[steps, batch, *shape]``, float32 on the device of the module.
        exact: What the integers made of ``x``.

    Raises:
        InputError: SNN113 or SNN509, the module does not run as it was followed.
    """
    model, framework = imported.model, imported.framework
    is_layer = framework.is_layer(module)
    arguments = Arguments.of(module, model.convention, is_layer=is_layer)
    watch = _Through(framework, model, arguments)
    watch.exact = exact
    returned: list[Returned] = []
    rounded = list(rounded_parameters(module, exact.weights))
    with ExitStack() as stack:
        stack.enter_context(preserved(module))
        module.eval()
        for layer in neurons_of(module, framework).values():
            framework.reset(layer)
        for part, name, value in rounded:
            shadowed = cast("Tensor", getattr(part, name))
            vars(part)[name] = through(shadowed, value.to(shadowed.device))
        stack.enter_context(replaced(module, watch.replacement))
        for value in inputs_of(model.layout, through(x, tensor_of(exact.inputs, x))):
            watch.begin()
            given = arguments.given(value, watch.left)
            output = call_model(module, value, given, model.layout.says)
            arguments.take(output)
            returned.append(dict(located(arguments.outputs_of(output))))
            raise_all(watch.problems)
    raise_all(watch.step_problems(len(x)))
    return {
        port.name: through(
            watch.soft(port, model.layout, returned, len(x)).reshape(
                exact.outputs[port.name].shape
            ),
            tensor_of(exact.outputs[port.name], x),
        )
        for port in model.ports
    }


def through(x: Tensor, value: Tensor) -> Tensor:
    """Give ``value``, with the gradient of ``x``; both of one shape."""
    return cast("Tensor", _function().apply(x, value))


@cache
def _function() -> Any:
    import torch

    class Through(torch.autograd.Function):
        """``x + (value - x)``, with nothing lost where ``x`` is not finite."""

        @staticmethod
        def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
            del ctx, x
            return value.clone()

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
            del ctx
            return grads[0], None

    return Through


def tensor_of(values: Array, like: Tensor) -> Tensor:
    """Give values as float32, on the device of ``like``."""
    import torch

    return torch.from_numpy(np.array(values, np.float32)).to(like.device)


class _Through(Watch):
    """Replaces what neurons give, call by call."""

    exact: Exact

    def _call(
        self, layer: Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        population = self._called(layer)
        given = self.framework.given(layer, args, kwargs)
        self._check(population, given)
        if self.framework.runs_all_steps(layer):
            output = self._steps(population, forward, args, kwargs)
        else:
            output = self._step(population, forward, args, kwargs)
        self._leave(population, given, output)
        return output

    def _steps(
        self, population: Population, forward: Forward, args: tuple[Any, ...], kwargs: Kwargs
    ) -> Any:
        """Call a layer that runs all steps with one of them after the other."""
        import torch

        layer = cast("Any", population.layer)
        given = self.framework.given(layer, args, kwargs)
        state = cast("Any", given).state
        sent: list[Tensor] = []
        states: list[Any] = []
        recorded, layer.record_states = layer.record_states, False
        for t in range(len(given.x)):
            one, state = self._step(population, forward, (given.x[t : t + 1], state), {})
            sent.append(one)
            states.append(state)
        layer.record_states = recorded
        return torch.cat(sent), _stacked(states) if recorded else state

    def _step(
        self, population: Population, forward: Forward, args: tuple[Any, ...], kwargs: Kwargs
    ) -> Any:
        name, layer, framework = population.name, population.layer, self.framework
        t = len(self._signals[name])
        given = framework.given(layer, args, kwargs)
        output = forward(*args, **kwargs)
        left = framework.left(layer, output)
        sent, potential = left.spikes, left.states[framework.read_out_state]
        v = through(potential, _shaped(self.exact.v[name][t], potential))
        new = {framework.read_out_state: v}
        spikes = v.reshape(sent.shape) if left.sends else sent
        if name in self.exact.spikes:
            if given.x.requires_grad and not sent.requires_grad:
                raise InputError([_without_gradient(population.path)])
            ones = _shaped(self.exact.spikes[name][t], sent)
            sizes = tensor_of(self.exact.sizes[name], sent).reshape(population.shape)
            spikes = through(sent, ones * sizes)
            new |= framework.counters(layer, given, ones)
            if framework.spike_state is not None:
                new[framework.spike_state] = spikes
        several = framework.runs_all_steps(layer)
        self._signals[name].append(Signals(spikes, v[None] if several else v))
        values = {id(sent): spikes}
        for state, old in left.states.items():
            if state in new:
                values[id(old)] = new[state].reshape(old.shape)
                if getattr(layer, state, None) is old:  # snnTorch's layers keep their states
                    setattr(layer, state, values[id(old)])
        return _swapped(output, values)

    def soft(self, port: Port, layout: Layout, returned: list[Returned], steps: int) -> Tensor:
        """Give an output as the module computed it, ``[steps, batch, *shape]``."""
        import torch

        value = port.value
        if isinstance(value, Spikes | State):
            name = self.model.names[value.call.chain]
            signals = self._signals[name]
            if isinstance(value, State):
                return torch.stack([one.v for one in signals])
            sent = torch.stack([one.spikes for one in signals])
            sizes = tensor_of(self.exact.sizes[name], sent)
            return sent / sizes.reshape(value.shape)
        if port.decoding != "steps":
            return torch.stack(self.outputs[cast("Operation", value).origin.path])
        listed = len(port.paths) > 1
        paths = [port.path_at(step) for step in range(steps)] if listed else port.paths
        found = [call[path] for call in returned for path in paths]
        if listed or layout is Layout.STEP:
            return torch.stack(found)
        return found[0].movedim(port.axis, 0)


def _without_gradient(path: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.GRADIENT_PASSES,
        node=path,
        found="spikes without a gradient",
        limit="a spike function with a surrogate gradient",
        remedy="make the layer with a surrogate of its framework; to compute without gradients, "
        "call the module within torch.no_grad()",
    )


def _shaped(values: Array, like: Tensor) -> Tensor:
    return tensor_of(values, like).reshape(like.shape)


def _stacked(states: list[Any]) -> Any:
    """Give states of one step each as norse records them: all steps along the first axis."""
    import torch

    first = states[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(states)
    return type(first)(*(_stacked(list(each)) for each in zip(*states, strict=True)))


def _swapped(value: Any, by: Mapping[int, Tensor]) -> Any:
    """Give nested tuples and lists with tensors replaced, by their identity."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_swapped(item, by) for item in cast("Any", value)))
    if isinstance(value, tuple | list):
        return type(value)(_swapped(item, by) for item in cast("list[Any]", value))
    return by.get(id(value), value)
