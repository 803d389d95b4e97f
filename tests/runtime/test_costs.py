"""Energy, time and metrics of a mapping, as users read them, and its picture."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.routes import route
from snnc.compiler.mapping.traffic import Rates, flows
from snnc.runtime.costs import cost_account, cost_text, quantity
from snnc.runtime.picture import picture_of
from snnc.targets.hardware.load import load_hardware
from tests.builders import fixed_network, fixed_population, fixed_projection

RATES: Rates = {"x": np.array([0.5, 1.0]), "a": np.array([0.1, 0.2, 0.3]), "b": np.array([0.0])}

TEXT = """\
event          a step  energy of one   of all  time of one  source
-------------  ------  -------------  -------  -----------  -----------------------------------
synapse.dense    5.10        35.5 pJ   181 pJ       3.8 ns  SANA-FE arch/loihi.yaml (published)
neuron.access    4.00        51.2 pJ   205 pJ         6 ns  SANA-FE arch/loihi.yaml (published)
neuron.update    4.00        21.6 pJ  86.4 pJ       3.7 ns  SANA-FE arch/loihi.yaml (published)
spike            0.60        69.3 pJ  41.6 pJ        30 ns  SANA-FE arch/loihi.yaml (published)
axon.out         0.60         111 pJ  66.6 pJ       5.1 ns  SANA-FE arch/loihi.yaml (published)
barrier          1.00              -        -       1.8 us  SANA-FE arch/loihi.yaml (published)

a step takes 580 pJ and 1.88 us (estimated; costs are published or surer; not in it: the energy of \
barrier)
NeuroBench: footprint 38 bytes, connection_sparsity 0.2222, activation_sparsity 0.8500, \
synaptic_operations a step: Effective_MACs 0.0, Effective_ACs 3.6, Dense 9"""

UNKNOWN = """\
event           a step  energy of one  of all  time of one  source
--------------  ------  -------------  ------  -----------  ------
synapse.sparse    7.00              -       -            -       -
neuron.access     4.00              -       -            -       -
neuron.update     4.00              -       -            -       -
spike             4.00              -       -            -       -
axon.out          3.00              -       -            -       -
barrier           1.00              -       -            -       -

what a step takes is not known: the description has no costs
NeuroBench: footprint 38 bytes, connection_sparsity 0.2222, activation_sparsity 0.0000, \
synaptic_operations a step: Effective_MACs 0.0, Effective_ACs 7.0, Dense 9"""


def small(hardware: str) -> MappedNetwork:
    """Give an input of two, three neurons, and one that hears them."""
    network = fixed_network(
        [fixed_population("a", 3), fixed_population("b", 1, lag=1)],
        [
            fixed_projection("x", "a", [[1, 0], [2, 3], [0, 4]]),
            fixed_projection("a", "b", [[1, 2, 3]], delay=2),
        ],
    )
    return lay_out(network, load_hardware(hardware), rates=RATES)


def text_of(mapped: MappedNetwork, rates: Rates) -> str:
    """Give all there is to say."""
    found = flows(mapped.fixed, mapped.cores, rates)
    places = [core.chip for core in mapped.cores], [core.slot for core in mapped.cores]
    traffic = route(found, *places, mapped.hardware)
    return cost_text(cost_account(mapped, found, traffic, rates))


def test_text() -> None:
    assert text_of(small("loihi1"), RATES) == TEXT


def test_nothing_is_known() -> None:
    """Of a chip whose costs nobody has published everything is counted, and nothing made up."""
    assert text_of(small("spinnaker2"), {}) == UNKNOWN


def test_without_calibration() -> None:
    assert text_of(small("loihi1"), {}).splitlines()[-2] == (
        "a step takes 1.22 nJ and 2.01 us, if every neuron spiked in each (estimated; costs are "
        "published or surer; not in it: the energy of barrier)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (1.5, "1.5 J"),
        (2e-3, "2 mJ"),
        (1e-3, "1 mJ"),
        (1.234e-6, "1.23 uJ"),
        (9e-10, "900 pJ"),
    ],
)
def test_quantity(value: float | None, text: str) -> None:
    assert quantity(value, "J") == text


def test_picture_of_a_mapping() -> None:
    svg = ET.fromstring(picture_of(small("loihi1"), RATES, "m"))
    titles = [e.text for e in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [
        "1 core on 1 chip of loihi1",
        "core 0: 3 of a, 1 of b; 2 of 15 synapse formats",
    ]
