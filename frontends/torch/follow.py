"""Run a model as its ``forward`` wants to be run, and record its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.torch.arguments import Arguments, Convention
from snnc.frontends.torch.calls import MOST_STEPS, Calls
from snnc.frontends.torch.framework import Framework, Path, located
from snnc.frontends.torch.module import (
    call_model,
    device_of,
    evaluating,
    in_training,
    neurons_of,
    paths_of,
    replaced,
)
from snnc.frontends.torch.place import Place
from snnc.frontends.torch.record import Recorder
from snnc.frontends.torch.values import Call, Chain, Constant, Input, Sequence, Shape, Value

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SAMPLES = 2
"""Samples of a recorded run."""
STEPS = 4
"""Steps that are recorded where the model does not say how many it runs."""
MORE_STEPS, MORE_SAMPLES = 32, 3
"""What is recorded once more where the input says how many steps a model runs: it has to do the
same. A power of two, so that a division by the number of steps is exact."""


class Layout(StrEnum):
    """What ``forward`` takes as its input."""

    STEP = "step"
    """One step, ``[batch, *shape]``; snnc calls it once a step."""
    CONSTANT = "constant"
    """``[batch, *shape]``, held for all steps of a loop in ``forward``."""
    STEPS = "steps"
    """All steps, ``[steps, batch, *shape]``."""
    BATCH_FIRST = "batch-first"
    """All steps, ``[batch, steps, *shape]``."""

    @property
    def says(self) -> str:
        """Shape of the tensor, in words."""
        return {
            Layout.STEP: "[batch, *shape]",
            Layout.CONSTANT: "[batch, *shape]",
            Layout.STEPS: "[steps, batch, *shape]",
            Layout.BATCH_FIRST: "[batch, steps, *shape]",
        }[self]


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What a model did from its first state on.

    Attributes:
        layout: How it was run.
        convention: How states were handed on.
        chains: Its populations.
        order: Every call of a layer, by the population and its first step.
        returned: What each call of ``forward`` returned and where, from left to right.
        steps: How many steps were run.
        fixed: Whether the model itself says how many.
        problems: What cannot be followed.
        failed: Whether ``forward`` raised.
        selects_samples: Whether it takes samples for steps.
        in_training: Layers that were in training mode, and run as in evaluation.
        longer: The same with more steps and samples, where the input says how many.
    """

    layout: Layout
    convention: Convention
    chains: tuple[Chain, ...]
    order: tuple[Call, ...]
    returned: tuple[dict[Path, Value], ...]
    steps: int
    fixed: bool
    problems: tuple[Diagnostic, ...]
    failed: bool
    selects_samples: bool
    in_training: tuple[str, ...]
    longer: Run | None = None


def follow(module: Module, framework: Framework, shape: Shape) -> Run:
    """Run ``module`` in the way that it takes, and record it; it is left as it was.

    Args:
        module: A model.
        framework: Whose neurons it has.
        shape: Shape of one sample at one step.

    Raises:
        InputError: SNN112, a part of it is compiled, and no code of it is left to follow.
    """
    raise_all(_scripted(module))
    attempt = _Attempt(module, framework, shape)
    first: Run | None = None
    for convention in framework.conventions:
        run = attempt.run(Layout.STEP, STEPS, convention)
        if not run.problems:
            return run
        first = first or run
    tried: list[Run] = []
    for layout in (Layout.STEPS, Layout.BATCH_FIRST):
        tried.append(attempt.run_all_steps(layout))
        if not tried[-1].problems:
            return tried[-1]
    one_step = cast("Run", first)
    if one_step.failed or one_step.selects_samples or _wants_steps(one_step):
        return next((t for t in tried if not (t.failed or t.selects_samples)), one_step)
    return one_step


def _scripted(module: Module) -> Iterator[Diagnostic]:
    """Tell of modules that torch has compiled to code of its own."""
    import torch

    for path, part in paths_of(module).items():
        if isinstance(part, torch.jit.ScriptModule):
            yield Diagnostic(
                rule=rules.LAYER_SUPPORTED,
                node=path or "the model",
                found=f"{type(part).__name__}, which TorchScript runs",
                limit="modules whose forward is Python",
                remedy="give the model as it was before torch.jit.script or torch.jit.trace",
            )


def _wants_steps(run: Run) -> bool:
    return any("takes one step at a time" in problem.found for problem in run.problems)


def _ran_out(run: Run) -> bool:
    return any(problem.found.startswith("IndexError") for problem in run.problems)


def _length(run: Run) -> int:
    return max((len(chain.calls) for chain in run.chains), default=0)


@dataclass(frozen=True)
class _Attempt:
    """A model that is run in one way and another."""

    module: Module
    framework: Framework
    shape: Shape

    def run_all_steps(self, layout: Layout) -> Run:
        """Find out how many steps the model takes from its input, and run it for as many."""
        convention, steps = self.framework.conventions[0], STEPS
        run = self.run(layout, steps, convention)
        while _ran_out(run) and steps < MOST_STEPS:
            steps *= 4
            run = self.run(layout, steps, convention)
        length = _length(run)
        if run.problems or length == 0:
            return run
        if length == steps:
            more = max(MORE_STEPS, steps + 1)
            longer = self.run(layout, more, convention, MORE_SAMPLES)
            length = _length(longer)
            if length in {0, more}:
                return replace(run, longer=longer)
        return replace(self.run(layout, length, convention), fixed=True)

    def run(
        self, layout: Layout, steps: int, convention: Convention, samples: int = SAMPLES
    ) -> Run:
        """Run the model from its first state on."""
        is_layer = self.framework.is_layer(self.module)
        arguments = Arguments.of(self.module, convention, is_layer=is_layer)
        recorder = Recorder(Place(self.framework.supported, [("", self.module)]))
        calls = Calls(recorder, self.framework, arguments, samples)
        returned: list[dict[Path, Value]] = []
        failed: tuple[Diagnostic, ...] = ()
        with ExitStack() as stack:
            stack.enter_context(evaluating(self.module))
            for layer in neurons_of(self.module, self.framework).values():
                self.framework.reset(layer)
            stack.enter_context(replaced(self.module, calls.replacement))
            stack.enter_context(recorder.recording(self.module))
            try:
                for x, value in self._inputs(layout, steps, samples):
                    returned.append(_call(self.module, calls, x, value, layout))
                    longest = max((len(chain.calls) for chain in calls.chains), default=1)
                    if layout is Layout.STEP and len(returned) == 1 and longest > 1:
                        layout, steps = Layout.CONSTANT, longest
                        cast("Input", value).step = None
                        break
            except InputError as error:
                failed = error.diagnostics
        return Run(
            layout=layout,
            convention=convention,
            chains=tuple(calls.chains),
            order=tuple(calls.order),
            returned=tuple(returned),
            steps=steps,
            fixed=layout is Layout.CONSTANT,
            problems=(*recorder.problems, *failed),
            failed=bool(failed),
            selects_samples=recorder.selects_samples,
            in_training=in_training(self.module),
        )

    def _inputs(self, layout: Layout, steps: int, samples: int) -> Iterator[tuple[Tensor, Value]]:
        """Give what each call of ``forward`` takes."""
        import torch

        device = device_of(self.module)
        inputs = tuple(Input(step, self.shape) for step in range(steps))
        if layout is Layout.STEP:
            for one in inputs:
                yield torch.zeros((samples, *self.shape), device=device), one
            return
        leading = (samples, steps) if layout is Layout.BATCH_FIRST else (steps, samples)
        sequence = Sequence(inputs, int(layout is Layout.BATCH_FIRST))
        yield torch.zeros((*leading, *self.shape), device=device), sequence


def _call(
    module: Module, calls: Calls, x: Tensor, value: Value, layout: Layout
) -> dict[Path, Value]:
    """Call the model once; give what it returned."""
    recorder, arguments = calls.recorder, calls.arguments
    with recorder.paused():
        given = arguments.given(x, calls.left)
        recorder.know(x, value)
        for blank in arguments.blanks.values():
            recorder.know(blank, Constant(blank, kept=False))
    output = call_model(module, x, given, layout.says)
    with recorder.paused():
        arguments.take(output)
        for problem in arguments.problems():
            recorder.tell(problem)
        outputs = located(arguments.outputs_of(output))
        return {path: recorder.value(tensor) for path, tensor in outputs}
