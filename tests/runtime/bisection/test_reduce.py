"""Reduce writes a small case that differs in the same way, as a directory that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import snnc
from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork, FixedReset
from snnc.compiler.retime import retime
from snnc.runtime.bisection.delta import Items, fewest, one_by_one
from snnc.runtime.bisection.page import page_of, plain
from snnc.runtime.bisection.reproducer import COMMAND, Manifest
from snnc.runtime.compare import compare
from snnc.runtime.deploy import compile
from snnc.targets.artifact import load
from tests.builders import integers_for
from tests.drawn.fixed import fixed_networks
from tests.runtime.bisection.faulty import (
    artifact,
    layers,
    make_faulty,
    of_network,
    spikes,
    with_neuron,
    with_population,
    with_weight,
)
from tests.runtime.bisection.test_executors import (
    leaking,
    of_parts,
    of_populations_late,
    on_small_cores,
)
from tests.runtime.conftest import Snnc
from tests.runtime.samples import ROOT, data, graph

NETWORK = layers(20, 30, 12, 5)
X = spikes(30, 6, 20)

PLANTED: dict[str, Callable[[FixedNetwork], FixedNetwork]] = {
    "weight": lambda n: with_weight(n, 1, (7, 4), 2),
    "threshold": lambda n: with_neuron(n, "p2", "threshold", 3, 90),
    "decay": lambda n: with_neuron(n, "p2", "dv", 3, 800),
    "bias": lambda n: with_neuron(n, "p2", "bias_mant", 3, 5),
    "reset": lambda n: with_population(n, "p2", reset=FixedReset.SUBTRACT),
    "refractory": lambda n: with_population(n, "p2", refractory=2),
}


@pytest.mark.parametrize("change", PLANTED.values(), ids=PLANTED)
def test_the_directory_differs_in_the_same_way(
    change: Callable[[FixedNetwork], FixedNetwork], tmp_path: Path, snnc_command: Snnc
) -> None:
    made = snnc.reduce(artifact(NETWORK), X, other=artifact(change(NETWORK)))
    assert made.neurons <= 4
    folder = made.save(tmp_path / "case")
    ended = snnc_command(
        *("bisect", str(folder / "reference"), str(folder / "other")),
        *("--input", str(folder / "input.npz"), "--json"),
    )
    assert ended.code == 1
    again = json.loads(ended.out)
    manifest = Manifest.model_validate_json((folder / "reproducer.json").read_text())
    assert again["divergence"] == json.loads(manifest.model_dump_json())["expected"]
    whole = manifest.whole.divergence
    assert whole is not None
    assert again["divergence"]["population"] == whole.population
    assert again["divergence"]["signal"] == whole.signal
    assert (manifest.expected.other > manifest.expected.reference) == (
        whole.other > whole.reference
    )


def test_what_is_not_needed_is_gone() -> None:
    """Of a weight no decay, bias or earlier step is needed."""
    network = with_population(NETWORK, "p2", refractory=3)
    network = with_neuron(network, "p2", "bias_mant", 7, 5)
    made = snnc.reduce(artifact(network), X, other=artifact(PLANTED["weight"](network)))
    assert (made.neurons, made.synapses, made.steps) == (1, 1, 1)
    (p,) = made.reference.required_fixed.populations
    assert (p.bias_mant.item(), p.refractory, p.dv.item(), p.lag) == (0, 0, 4096, 1)
    (x,) = made.inputs.values()
    assert x.shape == (1, 1, 1)


def test_a_synapse_of_100_000() -> None:
    network = layers(100, 300, 200, 50, threshold=400)
    planted = with_weight(network, 1, (137, 211), 3)
    made = snnc.reduce(artifact(network), spikes(20, 8, 100, rate=0.1), other=artifact(planted))
    assert (made.neurons, made.synapses, made.steps) == (1, 1, 1)


def test_the_same_again_gives_the_same_bytes() -> None:
    both = artifact(NETWORK), artifact(PLANTED["threshold"](NETWORK))
    first, second = (snnc.reduce(both[0], X, other=both[1]).files() for _ in range(2))
    assert first == second


def test_the_page() -> None:
    made = snnc.reduce(artifact(NETWORK), X, other=artifact(PLANTED["weight"](NETWORK)))
    assert made.page == PAGE.replace("VERSION", snnc.__version__)


PAGE = """\
# the second on integer differs from the first on integer

In this directory, with snnc VERSION:

    snnc bisect reference other --input input.npz

ends with 1, and its last line is

    step 0, sample 0, population p2, neuron 0: u -768 against -640

- `reference`: an artifact for integer, of 1 neuron, 1 synapse
- `other`: one for integer, of as many
- `input.npz`: their input, of 1 step and 1 sample

## Where it comes from

    first difference, the first on integer against the second on integer:
    step 1, sample 5, population p2, neuron 7: u 2688 against 2816
    p2 (net.fc2 + net.lif2) shows it by itself, fed with what the first on integer sends: neuron 7
    weight of p1->p2, from p1 4: -12 against -10
    weight of p1->p2: 1 of 360 differ in all
    cause: weight rounding: weight -10 and not -12 of p1->p2 [7, 4]

    narrowed      from  to
    -----------  -----  --
    samples          6   1
    steps           30   1
    populations      3   1
    neurons         47   1
    synapses     1,020   1
    values         388   1

    projection  from  neuron  sends      weight  of the other  delay
    ----------  ----  ------  ---------  ------  ------------  -----
    p1->p2      p1         4  in step 1     -12           -10      0
"""


def test_a_case_of_several_populations(monkeypatch: pytest.MonkeyPatch) -> None:
    make_faulty(monkeypatch, of_network(of_populations_late))
    made = snnc.reduce(artifact(NETWORK), X, targets=("integer", "faulty"))
    assert (made.neurons, made.reference.target, made.other.target) == (2, "integer", "faulty")


def test_a_case_of_several_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The networks stay whole, and the fewest samples are kept."""
    make_faulty(monkeypatch, leaking)
    made = snnc.reduce(artifact(NETWORK), X, targets=("integer", "faulty"))
    assert made.neurons == 47
    (x,) = made.inputs.values()
    assert x.shape == (30, 3, 20)
    assert load(made.save(tmp_path / "case") / "other").target == "faulty"


@pytest.mark.usefixtures("here")
def test_a_case_of_the_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No part differs, so the artifacts stay as they are, and steps and samples go."""
    made = on_small_cores()
    make_faulty(monkeypatch, of_parts, by_core=True)
    case = snnc.reduce(made, data(), targets=("integer", "faulty"))
    assert case.neurons == 11
    (x,) = case.inputs.values()
    divergence = case.whole.divergence
    assert divergence is not None
    assert x.shape == (divergence.step + 1, 1, 6)
    other = load(case.save(tmp_path / "case") / "other")
    assert other.mapped is not None


def test_two_widths_of_weights() -> None:
    """Two artifacts that a user has: nearly every number is another."""
    wide, narrow = (compile(graph(), "integer", dt=1e-4, weight_bits=bits) for bits in (8, 4))
    case = snnc.reduce(wide, data(), other=narrow)
    assert case.neurons == 1
    assert {o.what for o in case.whole.otherwise} >= {"weight", "threshold"}
    assert len(case.whole.held) > 1


def test_real_values_enter_as_integers(tmp_path: Path) -> None:
    """The case takes the integers, of which 1 stands for 1."""
    real = np.random.default_rng(0).normal(size=(12, 4, 6)).astype(np.float32)
    made = compile(graph(), "integer", dt=1e-4, calibration=real)
    fixed = made.required_fixed
    assert fixed.inputs[0].max_abs > 1
    planted = replace(made, fixed=with_weight(fixed, 0, (2, 3), -5))
    case = snnc.reduce(made, real, other=planted)
    (x,) = case.inputs.values()
    assert np.array_equal(x, np.rint(x))
    assert np.abs(x).max() > 1
    assert [s.neuron for s in case.whole.synapses] == [(3,)]
    again = snnc.bisect(
        load(case.save(tmp_path / "case") / "reference"), x, other=load(tmp_path / "case/other")
    )
    assert again.divergence == case.expected


def test_hostile_names_do_no_harm() -> None:
    hostile = "</pre><script>alert(1)</script>`\x1b[31m\u202e|"
    named = compile(graph(hostile, "output_layer"), "integer", dt=1e-4)
    fixed = with_weight(named.required_fixed, 0, 0, -3)
    x = spikes(12, 4, 6, rate=0.5)
    made = snnc.reduce(named, x, other=replace(named, fixed=fixed))
    assert "\x1b" not in made.page
    assert "\u202e" not in made.page
    outside = [line for line in made.page.splitlines() if not line.startswith("    ")]
    assert not any("<script>" in line for line in outside)
    assert plain("<b>`x`|") == r"\<b\>\`x\`\|"


def test_another_directory_is_not_replaced(tmp_path: Path) -> None:
    made = snnc.reduce(artifact(NETWORK), X, other=artifact(PLANTED["weight"](NETWORK)))
    folder = made.save(tmp_path / "case")
    made.save(folder)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        made.save(folder)
    assert str(caught.value) == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        f"  --> {folder}\n"
        "   found: a directory with 'mine.txt', which is no part of a reproducer of snnc\n"
        "   limit: a new directory, an empty one, or a reproducer of snnc to replace\n"
        "  remedy: name another directory with -o"
    )


def test_the_command_and_that_of_its_page(here: Path, snnc_command: Snnc) -> None:
    """The latter in a process of its own, in the directory."""
    planted = compile(graph(), "integer", dt=1e-4)
    fixed = with_weight(planted.required_fixed, 0, 0, -3)
    replace(planted, fixed=fixed).save(here / "planted")
    ended = snnc_command(*("reduce", "model.integer", "planted", "--input", "x.npy", "-o", "case"))
    assert ended.code == 0
    assert ended.out == (
        "wrote case: 1 neuron, 1 synapse, 1 step\n"
        "in it, snnc bisect reference other --input input.npz\n"
        "first difference: step 0, sample 0, population hidden, neuron 0: spikes 0 against 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", *COMMAND.split()],
        cwd=here / "case",
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    expected = json.loads((here / "case/reproducer.json").read_text())["expected"]
    assert f"population {expected['population']}" in done.stdout.splitlines()[-1]


@settings(max_examples=8, phases=[Phase.generate])
@given(st.data())
def test_random_networks_and_faults(drawn: st.DataObject) -> None:
    """Whatever differs first is reduced to a case that differs there."""
    network = retime(drawn.draw(fixed_networks(retimed=False)))
    p = drawn.draw(st.sampled_from(network.populations))
    neuron = drawn.draw(st.integers(0, p.size - 1))
    field, value = drawn.draw(st.sampled_from([("dv", 17), ("threshold", 3), ("bias_mant", 9)]))
    planted = with_neuron(network, p.name, field, neuron, value)
    assume(not tuple(check_fixed(planted)))
    x = {
        n: v.reshape(6, 2, *network.inputs[0].shape)
        for n, v in integers_for(network, steps=6, batch=2).items()
    }
    runs = [artifact(n).run(x, record=("spikes", "u", "v")) for n in (network, planted)]
    first = compare(runs[0], runs[1], ("spikes", "u", "v")).first
    assume(first is not None)
    made = snnc.reduce(artifact(network), x, other=artifact(planted))
    assert made.whole.divergence == first
    assert made.expected.population == p.name
    assert made.neurons <= 2
    assert page_of(made) == made.page


# --- delta debugging ----------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sets(st.integers(0, 60), max_size=9), st.booleans())
def test_the_fewest_are_those_that_are_needed(needed: set[int], lazy: bool) -> None:
    def fails(choice: Items) -> bool:
        return needed <= set(choice.tolist())

    def all_of_them(choices: Sequence[Items]) -> npt.NDArray[np.bool_]:
        return np.array([fails(choice) for choice in choices], np.bool_)

    kept = fewest(np.arange(61), one_by_one(fails) if lazy else all_of_them)
    assert set(kept.tolist()) == needed


def test_none_can_be_left_out() -> None:
    """Where several choices fail, one is found of which nothing can be spared."""

    def fails(choices: Sequence[Items]) -> npt.NDArray[np.bool_]:
        return np.array([choice.sum() >= 100 for choice in choices], np.bool_)

    kept = fewest(np.arange(1, 30), fails)
    assert kept.sum() >= 100 > kept.sum() - kept.min()
