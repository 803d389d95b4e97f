"""For each limit of a description a network that breaks it, and what has to be said then."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt
import yaml

from snnc.targets.hardware.load import OWN
from tests.runtime.samples import STEPS, WIDTH, graph, lif

Limits = dict[str, Any]
Problem = tuple[str, str, str, str, str]
"""Rule, place, what was found, limit, remedy."""

SOURCE = {"source": "a test", "certainty": "chosen"}
WHOLE = ("resets", "encodings")
"""Keys of which there are several, each with a source."""
ONE_CORE: Limits = {
    "mesh": {"columns": 1, "rows": 1, "cores_per_router": 1},
    "chips": {"value": 1, "columns": 1},
}
SHORT = {
    "name": "short",
    "layout": "dense",
    "word_bits": 16,
    "entry_synapses": None,
    "header_bits": 16,
    "index_bits": [10],
    "skip_bits": [],
    "delay_bits": [0, 6],
    "align": "axon",
    "spare_bits": 0,
    **SOURCE,
}
"""An encoding of few bits a word."""

RULES = {
    "SNN407": "a core has room for the smallest part of each population",
    "SNN408": "the hardware has as many cores as the network needs",
    "SNN409": "the hardware can do all that the network does",
    "SNN411": "neurons are laid out so that each core sends and receives what it can",
}
TRIED = "(tried on the whole network, and fits)"
LOIHI1 = "--hardware loihi1: 1 core"
OTHERS = (
    "--hardware loihi2: 1 core",
    "--hardware loihi2-nxcompiler: 1 core",
    "--hardware spinnaker2: 2 cores",
)
PRUNE = "prune what enters the population, or pool it before"
RECEIVES = "prune or narrow the weights of what receives, so that it takes fewer cores"
CHIPS = "name a description with more chips (docs/hardware.md)"
RESET = "train with a reset to zero, which takes one compartment a neuron"
OTHER_RESET = "train with a reset that is there; --reset where a .nir file leaves it open"


def part(node: str, found: str, limit: int, remedy: str) -> Problem:
    """Say what a part has too much of."""
    return "SNN407", node, found, f"{limit} on small (a test; chosen)", remedy


def sends(found: str, limit: int) -> Problem:
    """Say what hidden neurons send too much of."""
    text = ranked(LOIHI1, *OTHERS, other=RECEIVES)
    return "SNN411", "hidden", f"{found} for 1 neuron", f"{limit} on small (a test)", text


def chips(cores: int, resource: str, limit: int = 1, *more: str) -> Problem:
    """Say that there are too few chips of one core."""
    found = f"{cores} chips: {cores} cores, 1 a chip; no mapping has fewer than {cores}, for"
    remedy = ranked(*more, LOIHI1, *OTHERS, other=CHIPS)
    where, of = "--hardware small", f"{limit} on small (a test; chosen)"
    return "SNN408", where, f"{found} {resource}", of, remedy


def foreign(node: str, found: str, limit: str, remedy: str) -> Problem:
    """Say what the hardware cannot do."""
    limited = f"{limit} on small" + (" (a test; chosen)" if limit.isdigit() else "")
    return "SNN409", node, found, limited, remedy


def ranked(*options: str, other: str = "") -> str:
    """Give what was tried, in its order, and what else would help."""
    numbered = "; ".join(f"{k}. {option}" for k, option in enumerate(options, 1))
    return f"{numbered} {TRIED}" + (f"; else {other}" if other else "")


@dataclass(frozen=True)
class Broken:
    """A limit, and what breaks it.

    Attributes:
        limits: Keys of the description, and what stands there instead of Loihi's.
        problems: All that is said.
        model: What is compiled.
        options: More of the command.
    """

    limits: Limits
    problems: tuple[Problem, ...]
    model: nir.NIRGraph = field(default_factory=graph)
    options: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the command prints."""
        return "\n\n".join(
            f"error[{rule}]: {RULES[rule]}\n  --> {node}\n   found: {found}\n   limit: {limit}\n"
            f"  remedy: {remedy}"
            for rule, node, found, limit, remedy in self.problems
        )


def describe(limits: Limits) -> None:
    """Write ``small.yaml``, which is Loihi's description but for ``limits``."""
    of: dict[str, Any] = yaml.safe_load((OWN / "loihi1.yaml").read_text()) | {"name": "small"}
    for key, value in limits.items():
        form = cast("Limits", value) if isinstance(value, dict) else {"value": value}
        of[key] = value if key in WHOLE else form | SOURCE
    Path("small.yaml").write_text(cast("Any", yaml).safe_dump(of))


def real_data() -> npt.NDArray[np.float32]:
    """Give real values, which become integers of several bits."""
    return np.random.default_rng(1).random((STEPS, 4, WIDTH)).astype(np.float32)


def sent_late(steps: int) -> nir.NIRGraph:
    """Give a network whose second layer hears the first after ``steps`` steps more."""
    made = graph()
    late = nir.Delay(np.full(8, steps * 1e-4, np.float32))
    edges = [e for e in made.edges if e != ("hidden", "fc2")]
    edges += [("hidden", "late"), ("late", "fc2")]
    return nir.NIRGraph(nodes=made.nodes | {"late": late}, edges=edges)


def of_two_times() -> nir.NIRGraph:
    """Give a network whose hidden neurons have two time constants."""
    made = graph()
    hidden = lif(8)
    hidden.tau[4:] *= 2
    made.nodes["hidden"] = hidden
    return made


def of_two_projections() -> nir.NIRGraph:
    """Give a network whose neurons hear themselves by far smaller weights than others."""
    made = graph()
    back = nir.Linear(np.eye(8, dtype=np.float32) / 64)
    edges = [*made.edges, ("hidden", "back"), ("back", "hidden")]
    return nir.NIRGraph(nodes=made.nodes | {"back": back}, edges=edges)


RESETTING = "2 neurons: 1 and 1 compartments more to reset them"
WORDS = "words of synapse memory"
SHORT_WORDS = "3 words of an input axon: {} in the encoding short, 8 bits a weight"
ONE_WIDTH = "give the weights into the population one width: --weight-bits 8"
NO_DELAY = "shorten the delay, or take longer steps (--dt)"
NO_GRADES = "send spikes into the network: encode the input before it enters"
SUBTRACT = {"subtract": {"value": 1, **SOURCE}}
ELSEWHERE = (LOIHI1, *OTHERS)
TWO_BITS = "weights of 5.1 dB SQNR at worst"

BROKEN: dict[str, Broken] = {
    "neurons": Broken(
        {"neurons": 1},
        (
            part("output_layer", RESETTING, 1, ranked(*ELSEWHERE, other=RESET)),
            part("hidden", RESETTING, 1, RESET),
        ),
        options=("--reset", "subtract"),
    ),
    "synapse_memory": Broken(
        {"synapse_memory": 5},
        (
            part(
                "output_layer",
                f"8 {WORDS}: 8 for 8 axons of fc2",
                5,
                ranked(f"--weight-bits 2: 5 cores, {TWO_BITS}", *ELSEWHERE, other=PRUNE),
            ),
            part("hidden", f"6 {WORDS}: 6 for 6 axons of fc1", 5, PRUNE),
        ),
    ),
    "words_per_axon": Broken(
        {"words_per_axon": 2, "encodings": [SHORT]},
        (
            part(
                "output_layer",
                SHORT_WORDS.format("fc2"),
                2,
                ranked("--weight-bits 6: 8 cores, weights of 34.5 dB SQNR at worst", *ELSEWHERE),
            ),
            part("hidden", SHORT_WORDS.format("fc1"), 2, "--weight-bits hidden=6"),
        ),
    ),
    "input_axons": Broken(
        {"input_axons": 4},
        (
            part("output_layer", "8 input axons: 8 of fc2", 4, ranked(*ELSEWHERE, other=PRUNE)),
            part("hidden", "6 input axons: 6 of fc1", 4, PRUNE),
        ),
    ),
    "output_axons": Broken({"neurons": 1, "output_axons": 1}, (sends("3 output axons", 1),)),
    "parameter_sets": Broken(
        {"parameter_sets": 1, **ONE_CORE}, (chips(2, "parameter sets"),), model=of_two_times()
    ),
    "thresholds": Broken(
        {"thresholds": 2, **ONE_CORE},
        (
            chips(
                2, "thresholds", 1, "--max-thresholds 1: 1 core, weights of 44.6 dB SQNR at worst"
            ),
        ),
    ),
    "synapse_formats": Broken(
        {"synapse_formats": 1},
        (part("hidden", "2 synapse formats", 1, ranked(*ELSEWHERE, other=ONE_WIDTH)),),
        model=of_two_projections(),
    ),
    "populations": Broken({"populations": 1, **ONE_CORE}, (chips(2, "populations"),)),
    "fan_in": Broken(
        {"fan_in": 4},
        (
            part("output_layer", "8 synapses into a neuron", 4, ranked(*ELSEWHERE, other=PRUNE)),
            part("hidden", "6 synapses into a neuron", 4, PRUNE),
        ),
    ),
    "fan_out": Broken(
        {"fan_out": 2},
        (
            part(
                "hidden",
                "3 synapses of a neuron",
                2,
                ranked(
                    f"--weight-bits 2: 1 core, {TWO_BITS}",
                    *ELSEWHERE,
                    other="prune what the population feeds",
                ),
            ),
        ),
    ),
    "destinations": Broken(
        {"neurons": 1, "destinations": 1}, (sends("3 cores that a neuron sends to", 1),)
    ),
    "max_delay": Broken(
        {"max_delay": 3},
        (
            foreign(
                "late + fc2",
                "a delay of 4 steps",
                "3",
                ranked(*ELSEWHERE, other=NO_DELAY),
            ),
        ),
        model=sent_late(5),
    ),
    "weight_bits": Broken(
        {"weight_bits": [2, 4]},
        (
            foreign(
                "fc1",
                "weights of 8 bits",
                "4 bits",
                ranked("--weight-bits 4: 1 core, weights of 22.3 dB SQNR at worst", *ELSEWHERE),
            ),
            foreign("fc2", "weights of 8 bits", "4 bits", "--weight-bits output_layer=4"),
        ),
    ),
    "spike_bits": Broken(
        {"spike_bits": 7},
        (
            foreign(
                "input",
                "spikes of 8 bits: integers up to 127 and their sign",
                "7",
                ranked(*OTHERS, other=NO_GRADES),
            ),
        ),
        options=("--calibrate", "real.npy"),
    ),
    "resets": Broken(
        {"resets": SUBTRACT},
        (
            foreign("hidden", "the reset zero", "subtract", ranked(*ELSEWHERE, other=OTHER_RESET)),
            foreign("output_layer", "the reset zero", "subtract", OTHER_RESET),
        ),
    ),
    "mesh": Broken({"neurons": 4, **ONE_CORE}, (chips(3, "neurons"),)),
    "chips": Broken(
        {"neurons": 4, **ONE_CORE, "chips": {"value": 2, "columns": 2}}, (chips(3, "neurons", 2),)
    ),
}
