"""Descriptions of hardware are read whole, and all that is wrong with one is said at once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.hardware import Certainty, Encoding, Layout, Limit
from snnc.targets.hardware.load import OWN, hardware_names, load_hardware
from tests.targets.hardware.said import LOIHI1, line, said


def test_names() -> None:
    assert hardware_names() == ("loihi1", "loihi2", "loihi2-nxcompiler", "spinnaker2")


@pytest.mark.parametrize("name", hardware_names())
def test_own(name: str) -> None:
    hardware = load_hardware(name)
    assert hardware.name == name
    assert hardware.cores == hardware.chips.value * hardware.cores_per_chip


def test_published_limits_of_loihi() -> None:
    """Hardware.md 4.1: what nengo-loihi and NxTF keep."""
    h = load_hardware("loihi1")
    values = (h.neurons, h.synapse_memory, h.words_per_axon, h.input_axons, h.output_axons)
    assert [v.value for v in values if v] == [1024, 16383, 256, 4096, 4096]
    assert h.neurons == Limit(
        1024,
        "nengo-loihi block.py:8 (MAX_COMPARTMENTS); NxTF optimization.py",
        Certainty.PUBLISHED,
    )
    assert (h.cores_per_chip, h.populations, h.resets[FixedReset.SUBTRACT]) == (128, None, 2)
    assert h.encodings[1] == Encoding(
        name="sparse",
        layout=Layout.SPARSE,
        word_bits=64,
        entry_synapses=60,
        header_bits=10,
        index_bits=(10,),
        skip_bits=(),
        delay_bits=(0, 3, 4, 5, 6),
        align="axon",
        spare_bits=6,
    )
    assert h.costs["hop.y"].joules == 4.2e-12
    assert h.costs["barrier"].joules is None


def test_a_file(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(LOIHI1.replace("name: loihi1", "name: mine").replace("1024", "77"))
    hardware = load_hardware(str(own))
    assert (hardware.name, hardware.neurons.value) == ("mine", 77)


ABSENT = """\
error[SNN406]: a description of hardware is complete, and every number in it has a source
  --> {}
   found: No such file or directory
   limit: loihi1, loihi2, loihi2-nxcompiler, spinnaker2, or a YAML file
  remedy: {}"""
NOTHING_LIKE_IT = "give the name of a description or the path of a file"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("loihi3", "--hardware loihi2"),
        ("Lohi2-nxcompiler", "--hardware loihi2-nxcompiler"),
        ("spinaker", "--hardware spinnaker2"),
        ("my_chips.yaml", "--hardware my_chip.yaml"),
        ("boards/ours.yml", "--hardware boards/ours.yaml"),
        ("nowhere/ours.yml", NOTHING_LIKE_IT),
        ("truenorth", NOTHING_LIKE_IT),
    ],
)
def test_absent(name: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("boards").mkdir()
    for path in ("my_chip.yaml", "my_chips.txt", "boards/ours.yaml"):
        Path(path).touch()
    with pytest.raises(InputError) as caught:
        load_hardware(name)
    assert str(caught.value) == ABSENT.format(name, remedy)


EVERY_KEY = "every key of docs/hardware.md; null where there is no limit"
CERTAINTIES = "'published', 'derived', 'recalled' or 'chosen'"
BROKEN = {
    "below the range": ("value: 1024", "value: 0", "neurons.value", "0", "1 or more"),
    "no number": ("value: 1024", "value: many", "neurons.value", "many", "a whole number"),
    "half a neuron": ("value: 1024", "value: 10.5", "neurons.value", "10.5", "a whole number"),
    "true": ("value: 1024", "value: true", "neurons.value", "true", "a whole number"),
    "above the range": ("value: 63", "value: 64", "max_delay.value", "64", "63 or less"),
    "how sure": (
        "certainty: recalled\nweight_bits",
        "certainty: sure\nweight_bits",
        "max_delay.certainty",
        "sure",
        CERTAINTIES,
    ),
    "unknown key": (
        "header_bits: 10\n",
        "header_bits: 10\n    haeder: 3\n",
        "encodings[0].haeder",
        "an unknown key haeder",
        "a key of docs/hardware.md",
    ),
    "unknown layout": (
        "layout: sparse",
        "layout: dens",
        "encodings[1].layout",
        "dens",
        "'dense', 'sparse', 'run-length' or 'shared'",
    ),
    "unknown alignment": (
        "align: axon",
        "align: byte",
        "encodings[0].align",
        "byte",
        "axon or entry",
    ),
    "widths that fall": (
        "value: [1, 2, 3, 4, 5, 6, 8]",
        "value: [2, 1]",
        "weight_bits.value",
        "[2, 1]",
        "widths that ascend",
    ),
    "wide weights": (
        "value: [1, 2, 3, 4, 5, 6, 8]",
        "value: [8, 9]",
        "weight_bits.value[1]",
        "9",
        "8 or less",
    ),
    "no widths": (
        "value: [1, 2, 3, 4, 5, 6, 8]",
        "value: []",
        "weight_bits.value",
        "[]",
        "1 or more of them",
    ),
    "no list": (
        "value: [1, 2, 3, 4, 5, 6, 8]",
        "value: 8",
        "weight_bits.value",
        "8",
        "a list",
    ),
    "run-length without skips": (
        "skip_bits: [2, 3, 4, 5]",
        "skip_bits: []",
        "encodings[2]",
        "skip_bits of a run-length encoding",
        "one width or more",
    ),
    "unknown reset": (
        "  zero: {",
        "  zeroes: {",
        "resets.zeroes",
        "zeroes",
        "'none', 'zero', 'zero-next', 'subtract', 'subtract-delayed' or 'subtract-retest'",
    ),
    "unknown event": (
        "  axon.out:",
        "  axon.outs:",
        "costs",
        "axon.outs",
        "axon.out, barrier, hop.chip, hop.x, hop.y, neuron.access, neuron.update, spike, "
        "synapse.dense, synapse.shared, synapse.sparse",
    ),
    "a number without an exponent": (
        "{joules: 3.0e-12",
        "{joules: 3e",
        "costs.hop.x.joules",
        "3e",
        "a number",
    ),
    "infinite": (
        "{joules: 3.0e-12",
        "{joules: .inf",
        "costs.hop.x.joules",
        "inf",
        "a finite number",
    ),
    "more than there can be": (
        "value: 1024",
        "value: 2147483648",
        "neurons.value",
        "2147483648",
        "2147483647 or less",
    ),
    "digits that Python does not print": (
        "value: 1024",
        "value: 0x" + "f" * 5000,
        "neurons.value",
        "a number of thousands of digits",
        "2147483647 or less",
    ),
    "a chip of too many cores": (
        "columns: 8\n  rows: 4",
        "columns: 8\n  rows: 40000",
        "mesh",
        "1,280,000 cores of a chip",
        "1,048,576",
    ),
    "a joule": ("{joules: 3.0e-12", "{joules: 1.5", "costs.hop.x.joules", "1.5", "1.0 or less"),
    "only wide weights": (
        "value: [1, 2, 3, 4, 5, 6, 8]",
        "value: [9]",
        "weight_bits.value[0]",
        "9",
        "8 or less",
    ),
    "a blank source": (
        "source: 62 steps beyond the first, Davies et al. 2018 (IEEE Micro 38)",
        "source: ' '",
        "max_delay.source",
        " ",
        "text",
    ),
    "same names": (
        "name: sparse",
        "name: dense",
        "encodings",
        "dense, dense, run-length, runs",
        "a name of its own for each encoding",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    before, after, key, found, limit = BROKEN[name]
    text = LOIHI1.replace(before, after, 1)
    ((node, *rest),) = said(text)
    assert rest == [found, limit]
    file, _, place = node.partition(": ")
    assert place == key
    there = text.splitlines()[int(file.removeprefix("mine.yaml:")) - 1]
    names = re.findall(r"[^.\[\]]*[a-z]", key)
    assert there.strip(" -{").startswith(("name: run-length", *names[-2:]))


def test_missing() -> None:
    text = LOIHI1.replace("family: loihi\n", "").replace("    word_bits: 64\n", "", 1)
    assert said(text) == [
        (f"mine.yaml:{line('name:')}: family", "nothing", EVERY_KEY),
        (f"mine.yaml:{line('- name: dense', text)}: encodings[0].word_bits", "nothing", EVERY_KEY),
    ]


def test_a_number_has_a_source() -> None:
    tree = yaml.safe_load(LOIHI1)
    del tree["neurons"]["source"]
    tree["mesh"]["source"] = ""
    assert [(found, limit) for _, found, limit in said(cast("Any", yaml).safe_dump(tree))] == [
        ("nothing", EVERY_KEY),
        ("", "text"),
    ]


def test_a_key_twice() -> None:
    text = LOIHI1.replace("value: 1024\n", "value: 1024\n  value: 1024 # again\n")
    at = line("again", text)
    assert said(text) == [
        (f"mine.yaml:{at}: neurons.value", "'value' a second time", "each key once")
    ]


def test_all_at_once() -> None:
    text = LOIHI1.replace("value: 1024", "value: -1").replace("columns: 8", "columns: 0")
    assert [node.partition(": ")[2] for node, _, _ in said(text)] == [
        "neurons.value",
        "mesh.columns",
        "chips.columns",
    ]


def test_encodings_reach_every_neuron() -> None:
    text = LOIHI1.replace("index_bits: [10]", "index_bits: [6, 9]")
    assert said(text) == [
        ("mine.yaml:3", "no encoding for neuron 1023", "one that is not shared and reaches it")
    ]


def test_encodings_have_the_longest_delay() -> None:
    text = LOIHI1.replace("delay_bits: [0, 3, 4, 5, 6]", "delay_bits: [0, 3]")
    assert said(text) == [
        ("mine.yaml:3", "no delay_bits for 63 steps, max_delay", "an encoding that has them")
    ]


@pytest.mark.parametrize("name", hardware_names())
def test_sources_are_told(name: str) -> None:
    """Whatever has a value says where it comes from and how sure it is; the form is strict."""
    text = (OWN / f"{name}.yaml").read_text(encoding="utf-8")
    certain = text.count("certainty: ")
    assert certain == text.count("source: ") > 10


@pytest.mark.parametrize("number", ["6e-09", "6E-9", "+6.e-9", "6.0e-09"])
def test_small_numbers_as_anyone_writes_them(number: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(LOIHI1.replace("joules: 4.2e-12", f"joules: {number}"))
    assert load_hardware(str(path)).costs["hop.y"].joules == 6e-9


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(yaml.safe_load(LOIHI1)))
    assert load_hardware(str(path)) == load_hardware("loihi1")
