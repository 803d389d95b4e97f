"""A run on Lava held against the oracle and the reference, in each form that it can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.join import joined_trace
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.trace import SIGNALS, Trace
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.lava.forms import Form
from snnc.targets.lava.stock import stock_problems
from snnc.targets.lava.target import LavaTarget
from tests.drawn.deployed import Run
from tests.drawn.mapped import mapped_networks
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    Signals,
    artifact,
    expected,
    expected_outputs,
)

FORMS: tuple[Form, ...] = tuple(Form)
"""Those that are compared."""
CUT_FORMS = ("mixed over cores", "fused over cores")
"""The same of networks that are cut over cores."""


def forms_of(network: FixedNetwork) -> tuple[Form, ...]:
    """Give the forms that ``network`` can have."""
    problems = any(True for _ in stock_problems(network))
    return tuple(form for form in FORMS if form is not Form.STOCK or not problems)


def assert_equal_somehow(run: Run, data: st.DataObject) -> tuple[tuple[str, ...], Signals]:
    """Compare a run in a form that is drawn, or in all, whole or cut over cores.

    Returns:
        The forms, those over cores by another name, and the signals.
    """
    wanted = expected(run.network, dict(run.inputs))
    if data.draw(st.sampled_from((False, False, True)), label="over cores"):
        mapped = data.draw(mapped_networks(run.network))
        form = data.draw(st.sampled_from((Form.MIXED, Form.FUSED)), label="form")
        assert_equal(run, form, wanted, mapped)
        return (f"{form} over cores",), wanted
    forms = forms_of(run.network)
    if data.draw(st.integers(0, 7), label="all forms if 7") < 7:
        forms = (data.draw(st.sampled_from(forms), label="form"),)
    for form in forms:
        assert_equal(run, form, wanted)
    return forms, wanted


def assert_equal(
    run: Run, form: Form, wanted: Signals | None = None, mapped: MappedNetwork | None = None
) -> Signals:
    """Compare Lava's run of ``form``, and that of the reference, with the oracle's.

    Args:
        run: What to run.
        form: On which processes.
        wanted: The signals of the oracle, where they are known.
        mapped: The network over cores, where it is to run so.

    Returns:
        The signals.
    """
    inputs = dict(run.inputs)
    known = wanted or expected(run.network, inputs)
    outputs = expected_outputs(run.network, known)
    program = replace(artifact(run.network, form), mapped=mapped)
    for name, run_it in (("reference", IntegerTarget().run), (str(form), LavaTarget().run)):
        trace = run_it(program.executed, inputs, RECORD_ALL)
        if mapped is not None:
            trace = joined_trace(trace, mapped)
        problems = [f"{name}: {text}" for text in differences(trace, known, outputs)]
        assert not problems, "\n".join(problems)  # told outside of pytest, too
    return known


def differences(trace: Trace, wanted: Signals, outputs: Mapping[str, Array]) -> list[str]:
    """Say of each array that differs how often, and where first."""
    found = [_difference(name, trace.outputs[name], values) for name, values in outputs.items()]
    if set(trace.outputs) != set(outputs):
        found.append(f"outputs {sorted(trace.outputs)}")
    for signal in SIGNALS:
        given = trace.signal(signal)
        if set(given) != set(wanted[signal]):
            found.append(f"{signal} of {sorted(given)}")
        for name, values in given.items():
            # states are recorded in 32 bits
            known = wanted[signal][name].astype(values.dtype)
            found.append(_difference(f"{name}.{signal}", values, known))
    return [text for text in found if text]


def _difference(name: str, found: Array, wanted: Array) -> str:
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        return f"{name}: {found.dtype} {found.shape}, not {wanted.dtype} {wanted.shape}"
    places = (found != wanted).nonzero()
    if not places[0].size:
        return ""
    first = tuple(int(axis[0]) for axis in places)
    step, sample, *neuron = first
    return (
        f"{name}: {places[0].size} of {found.size} differ, first at step {step}, sample {sample}, "
        f"neuron {neuron}: {found[first]}, not {wanted[first]}"
    )
