"""Every limit of a description is broken by some network, in words, and the first remedy helps.

The remedy is done as it is printed: what it says is added to the command, which then compiles, and
to as many cores as it said.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest

from snnc.frontends.nir.file import write_nir
from snnc.runtime.deploy import compile
from snnc.targets.artifact import load
from snnc.targets.hardware.schema import Description
from tests.runtime.broken import BROKEN, ONE_CORE, SHORT, describe, real_data
from tests.runtime.conftest import Snnc
from tests.runtime.samples import lif

pytestmark = pytest.mark.usefixtures("here")

COMMAND = ("compile", "broken.nir", "--dt", "1e-4", "--target", "cpu", "--hardware", "small.yaml")


def prepare(limit: str) -> tuple[str, ...]:
    """Write description, model and data of a case, and give the command that fails."""
    case = BROKEN[limit]
    describe(case.limits)
    write_nir(case.model, Path("broken.nir"))
    np.save("real.npy", real_data())
    return (*COMMAND, "-o", "a", *case.options)


@pytest.mark.parametrize("limit", BROKEN)
def test_it_is_told_and_the_first_remedy_helps(limit: str, snnc: Snnc) -> None:
    command = prepare(limit)
    ended = snnc(*command)
    assert ended.code == 2
    assert ended.err.removeprefix("compiling broken.nir ...\n") == BROKEN[limit].text + "\n"
    assert not Path("a").exists()
    found = re.search(r"remedy: 1\. (.*?): (\d+) core", ended.err)
    assert found is not None
    option, cores = found.groups()
    helped = snnc(*command, *option.split(), "--json")
    assert helped.code == 0, helped.err
    assert json.loads(helped.out)["cores"] == int(cores)


def test_every_limit_is_broken() -> None:
    """What is left are words about a description, and costs, which limit nothing.

    Encodings bind by the words that they take.
    """
    no_limits = {"name", "family", "summary", "costs", "encodings"}
    assert set(BROKEN) == set(Description.model_fields) - no_limits


def test_widths_that_a_message_names_are_tried_first(snnc: Snnc) -> None:
    """Synapses that are late take 6 bits more; the others may keep their width."""
    command = prepare("max_delay")
    describe({"words_per_axon": 2, "encodings": [SHORT | {"header_bits": 10}]})
    ended = snnc(*command)
    assert "remedy: 1. --weight-bits hidden=8,output_layer=6: " in ended.err
    option = "hidden=8,output_layer=6"
    assert snnc(*command, "--weight-bits", option).code == 0


def test_one_width_for_all_is_tried(snnc: Snnc) -> None:
    """Weights of two widths have two formats, which lie on two cores."""
    command = prepare("mesh")
    describe({"synapse_formats": 1, **ONE_CORE})
    of_one = np.float32(0.1) * np.ones((8, 6), np.float32)
    nodes = BROKEN["mesh"].model.nodes | {"fc1": nir.Linear(of_one)}
    nodes |= {"fc2": nir.Linear(of_one[:3, :1] * np.ones((3, 8), np.float32))}
    write_nir(nir.NIRGraph(nodes, BROKEN["mesh"].model.edges), Path("broken.nir"))
    ended = snnc(*command, "--weight-bits", "hidden=4,output_layer=8")
    assert "no mapping has fewer than 1" in ended.err
    assert "remedy: 1. --weight-bits 8: 1 core" in ended.err
    assert snnc(*command, "--weight-bits", "8").code == 0


def test_sums_are_divided_where_that_helps(snnc: Snnc) -> None:
    """Nothing is lost by it, so it comes first; what is computed is the same."""
    random = np.random.default_rng(1)
    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array([300])}),
        "fc": nir.Linear(random.normal(size=(3, 300)).astype(np.float32)),
        "lif": lif(3),
        "output": nir.Output(output_type={"output": np.array([3])}),
    }
    write_nir(nir.NIRGraph(nodes, list(pairwise(nodes))), Path("broken.nir"))
    describe({"fan_in": 200})
    ended = snnc(*COMMAND, "-o", "a")
    assert "found: 297 synapses into a neuron" in ended.err
    (option, cores, steps) = re.findall(
        r"1\. (--split-fan-in \d+): (\d+) cores?, latency of (\d+) steps; 2\.", ended.err
    )[0]
    helped = snnc(*COMMAND, "-o", "a", *option.split(), "--json")
    told = json.loads(helped.out)
    assert (told["cores"], told["latency_steps"]) == (int(cores), int(steps))
    (division,) = told["divided"]
    assert division["synapses"] == 297 >= 200 >= division["synapses_left"]
    shown = snnc("inspect", "a").out
    assert re.search(r"fc +297 +\d+ +\d+ +\d+", shown)
    x = (random.random((20, 2, 300)) < 0.3).astype(np.float32)
    whole = compile("broken.nir", "integer", dt=1e-4, max_thresholds=16).run(x, record=["u", "v"])
    parts = load("a").run(x, record=["u", "v"])
    np.testing.assert_array_equal(parts.outputs["output"], whole.outputs["output"])
    assert whole.outputs["output"].any()
    for signal in ("u", "v"):
        np.testing.assert_array_equal(parts.signal(signal)["lif"], whole.signal(signal)["lif"])
