"""Run a model in its framework, batch by batch, and record what its neurons do."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.torch.arguments import Arguments
from snnc.frontends.torch.decode import Returned, output_problems, returned_as
from snnc.frontends.torch.follow import Layout
from snnc.frontends.torch.framework import Framework, located
from snnc.frontends.torch.module import (
    call_model,
    device_of,
    evaluating,
    neurons_of,
    replaced,
)
from snnc.frontends.torch.outputs import Port
from snnc.frontends.torch.roll import Model
from snnc.frontends.torch.values import Operation, Spikes, State
from snnc.frontends.torch.watch import Watch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Array = npt.NDArray[Any]
RUN_BATCH = 256
"""Samples that are run at once: bounds the memory, and shows progress."""


def run_model(
    executor: str,
    framework: Framework,
    module: Module,
    model: Model,
    x: Array,
    progress: Callable[[int, int], None] | None,
) -> Trace:
    """Run ``module`` on ``x`` and record every population; it is left as it was.

    Args:
        executor: Name of the framework.
        framework: Its neurons.
        module: The user's.
        model: The same, followed.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Raises:
        InputError: SNN509, ``x`` does not suit the model's own loop; SNN113, a state does not go
            on, or an output is not made of the steps, as when the model was followed.
    """
    import torch

    began = time.perf_counter()
    raise_all(step_problems(model, x))
    parts: list[dict[str, Array]] = []
    samples = x.shape[1]
    for start in range(0, samples, RUN_BATCH):
        part = slice(start, min(start + RUN_BATCH, samples))
        values = torch.as_tensor(np.ascontiguousarray(x[:, part], np.float32))
        parts.append(_run_part(framework, module, model, values.to(device_of(module))))
        if progress is not None:
            progress(part.stop, samples)
    whole = {key: np.concatenate([one[key] for one in parts], axis=1) for key in parts[0]}
    return Trace(
        executor=executor,
        outputs={port.name: _output(port, model, whole) for port in model.ports},
        spikes=_signal("spikes", whole),
        u=_signal("u", whole),
        v=_signal("v", whole),
        seconds=time.perf_counter() - began,
    )


def data_problems(x: Array) -> Iterator[Diagnostic]:
    """Tell why ``x`` cannot be run."""
    if x.ndim < 3 or 0 in x.shape:
        yield Diagnostic(
            rule=rules.INPUT_SHAPE,
            node="input",
            found=f"shape {list(x.shape)}",
            limit="[steps, batch, *shape], no axis empty",
            remedy="add the missing axis, as in x[:, None] for a single sample",
        )


def step_problems(model: Model, x: Array) -> Iterator[Diagnostic]:
    """Tell why ``x`` does not suit the model's own loop."""
    if model.steps not in {None, len(x)}:
        yield Diagnostic(
            rule=rules.STEPS_FIT,
            node="input",
            found=f"{len(x)} steps",
            limit=f"{model.steps} steps, as many as the model's own loop runs",
            remedy=f"give data of {model.steps} steps, or set the number of steps in the model",
        )
    if model.layout is Layout.CONSTANT and (x != x[:1]).any():
        step = int((x != x[:1]).reshape(len(x), -1).any(axis=1).argmax())
        yield Diagnostic(
            rule=rules.STEPS_FIT,
            node="input",
            found=f"values of step {step} that are not those of step 0",
            limit="the same values in every step: the model holds its input for all steps",
            remedy="repeat one step: np.repeat(x[:1], steps, axis=0)",
        )


def _run_part(framework: Framework, module: Module, model: Model, x: Tensor) -> dict[str, Array]:
    """Run one batch; give each signal by ``kind name``, shape ``[steps, batch, *shape]``."""
    is_layer = framework.is_layer(module)
    arguments = Arguments.of(module, model.convention, is_layer=is_layer)
    watch = Watch(framework, model, arguments)
    returned: list[Returned] = []
    with ExitStack() as stack:
        stack.enter_context(evaluating(module))
        for layer in neurons_of(module, framework).values():
            framework.reset(layer)
        stack.enter_context(replaced(module, watch.replacement))
        for value in inputs_of(model.layout, x):
            watch.begin()
            given = arguments.given(value, watch.left)
            output = call_model(module, value, given, model.layout.says)
            arguments.take(output)
            tensors = located(arguments.outputs_of(output))
            returned.append({path: tensor.numpy(force=True).copy() for path, tensor in tensors})
            raise_all(watch.problems)
    raise_all(watch.step_problems(len(x)))
    found = watch.arrays()
    problems: list[Diagnostic] = []
    for port in model.ports:
        result = returned_as(port, model.layout, returned, len(x))
        sent = _sent(port, model, watch)
        problems += output_problems(port, len(x), sent, result)
        if isinstance(port.value, Operation):
            found[f"output {port.name}"] = cast("Array", result if sent is None else sent)
    raise_all(problems)
    return found


def inputs_of(layout: Layout, x: Tensor) -> Iterator[Tensor]:
    """Give what each call of ``forward`` takes of ``x``, shape ``[steps, batch, *shape]``."""
    match layout:
        case Layout.STEP:
            yield from x
        case Layout.CONSTANT:
            yield x[0]
        case Layout.STEPS:
            yield x
        case Layout.BATCH_FIRST:
            yield x.transpose(0, 1).contiguous()


def _sent(port: Port, model: Model, watch: Watch) -> Array | None:
    """Give what the layer of an output gave at each step; None where only what it returned says."""
    value = port.value
    if isinstance(value, Spikes | State):
        return watch.sent(model.names[value.call.chain], potential=isinstance(value, State))
    if port.decoding == "steps":
        return None
    given = watch.outputs[cast("Operation", value).origin.path]
    return np.stack([step.numpy(force=True) for step in given])


def _output(port: Port, model: Model, whole: dict[str, Array]) -> Array:
    if isinstance(port.value, Spikes | State):
        name = model.names[port.value.call.chain]
        return whole.get(f"spikes {name}", whole[f"v {name}"])
    return whole[f"output {port.name}"]


def _signal(kind: str, whole: dict[str, Array]) -> dict[str, Array]:
    start = f"{kind} "
    return {key.removeprefix(start): a for key, a in whole.items() if key.startswith(start)}
