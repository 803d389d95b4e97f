"""What the page shows: tables and sentences, of every case that a record can be."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from snnc.runtime.compare import Divergence
from snnc.runtime.measures.records import Claim, Confusion, LayerMeasures
from snnc.runtime.page.alike import differences_table, measure_tables
from snnc.runtime.page.explained import (
    candidates_table,
    local_table,
    nearness,
    operands_table,
    states_table,
    told,
)
from snnc.runtime.page.paired import accuracy_notes, accuracy_table, confusion_table
from snnc.runtime.page.sections import SECTIONS
from snnc.runtime.page.table import NONE, Table, real, share, span
from snnc.runtime.render import TEMPLATES, html_text, policy
from snnc.runtime.report import Report
from tests.runtime.reports import broken_link, explained, explanation, statistics

E = explanation("a", "input")


def texts(table: Table | None) -> list[list[str]]:
    assert table is not None
    assert all(len(row) == len(table.columns) for row in table.rows)
    return [[cell.text for cell in row] for row in table.rows]


def marked(table: Table | None) -> list[str]:
    assert table is not None
    return [cell.text for row in table.rows for cell in row if cell.differs]


# --- the first divergence -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "reference", "other", "said"),
    [
        ("spikes", 0, 1, "sends a spike, and should not"),
        ("spikes", 1, 0, "sends nothing, and should"),
        ("spikes", 1, 2, "sends a spike of another size"),
        ("u", 1, 2, "has another current, u"),
        ("v", 1, 2, "has another potential, v"),
        ("a", 1, 2, "has another a"),
    ],
)
def test_what_differs_is_told(signal: str, reference: float, other: float, said: str) -> None:
    assert told(Divergence(0, 0, "a", (0,), signal, reference, other)) == said


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (0.0, "In integer the potential is exactly at the threshold of 4,096."),
        (12.0, "In integer the potential is 12 above the threshold of 4,096."),
        (-0.25, "In integer the potential is 0.25 below the threshold of 4,096."),
    ],
)
def test_nearness(distance: float, said: str) -> None:
    assert nearness(E.model_copy(update={"distance": distance})) == said


def test_states() -> None:
    table = states_table(E)
    assert texts(table) == [
        ["arrives at its synapses, a", "1,664", "1,664"],
        ["current u, the step before", "718", "718"],
        ["current u", "2,310", "2,310"],
        ["potential v, the step before", "1,984", "1,984"],
        ["held against the threshold", "4,096", "4,096"],
        ["threshold", "4,096", "4,096"],
        ["sent", "0", "1"],
        ["potential v, after the reset", "4,096", "64"],
    ]
    assert marked(table) == ["0", "1", "4,096", "64"]
    assert states_table(E.model_copy(update={"states": None})) is None
    other = states_table(E.model_copy(update={"threshold_other": 4032.0}))
    assert texts(other)[5] == ["threshold", "4,096", "4,032"]
    assert marked(other)[:2] == ["4,096", "4,032"]


def test_operands() -> None:
    table = operands_table(E)
    assert table is not None
    assert table.caption == "Synapses over which something arrived: 5, the strongest 3 of them"
    assert texts(table)[1] == ["input", "1, 5", "20", "1", "0", "-704", "-704"]
    assert marked(table) == ["1", "0"]
    whole = operands_table(E.model_copy(update={"n_operands": 3}))
    assert whole is not None
    assert whole.caption == "Synapses over which something arrived: 3"


def test_causes_that_were_tried() -> None:
    assert texts(candidates_table(E))[1] == [
        "tie at the threshold",
        "a spike at the threshold, >= for >",
        "85.7\xa0%",
    ]


def test_what_populations_do_wrong_by_themselves() -> None:
    table = local_table(E.local)
    assert texts(table)[0] == [
        *("a", "spikes", "16", "31,104", "3", "0.01\xa0%"),
        "step 20, sample 12, neuron 2, 7: 0 against 1",
    ]
    assert marked(table) == ["3"]
    assert local_table(()) is None


def test_the_weights_of_both_are_told_and_whose_the_product_is() -> None:
    few = E.operands[0].model_copy(update={"weight_other": 1900.0})
    table = operands_table(E.model_copy(update={"operands": (few,)}))
    assert table is not None
    assert [c.name for c in table.columns][-3:] == [
        "weight, integer",
        "weight, lava",
        "product, integer",
    ]
    assert texts(table) == [["input", "0, 3", "20", "1", "1", "1,920", "1,900", "1,920"]]


def test_the_page_holds_all_of_it(report: Report) -> None:
    page = html_text(explained(report, "encoder"))
    assert 'of layer <strong class="mono">net.lif1</strong> (population ' in page
    assert E.because in page
    for table in (states_table(E), operands_table(E), candidates_table(E), local_table(E.local)):
        assert table is not None
        assert f"<figcaption>{table.caption}</figcaption>" in page
    assert page.count('<svg class="figure" role="img"') == 3


@pytest.mark.parametrize(("step", "said"), [(0, False), (20, True)])
def test_nothing_is_before_the_first_step(step: int, said: bool, report: Report) -> None:
    one = explained(report)
    assert one.first_divergence is not None
    at = {"first_divergence": replace(one.first_divergence, step=step)}
    page = html_text(one.model_copy(update=at))
    assert (f"before step {step} no value that was compared differs" in page) == said


def test_nearness_is_told_where_no_table_does(report: Report) -> None:
    one = explained(report)
    assert nearness(E) not in html_text(one)
    *others, broken = one.links
    bare = E.model_copy(update={"states": None})
    links = (*others, broken.model_copy(update={"explanation": bare}))
    assert html_text(one.model_copy(update={"links": links})).count(nearness(E)) == 1


# --- measures and statistics --------------------------------------------------------------------


def test_measures() -> None:
    spikes, times, rates = map(texts, measure_tables(broken_link("a", "input")))
    assert spikes[0] == ["a", "96", "2,431", "2,436", "256 of 270", "14", "0.21\xa0%", "+0.21\xa0%"]
    assert times[0] == [
        *("a", "99.75\xa0%", "99.63\xa0%", "0.9958", "0.0312", "0.25", "0.00418", "256")
    ]
    assert rates[0] == ["a", "0.99998", "0.99712", "0.000161", "3, 2", "0, 0", "41.3\xa0dB"]


def test_measures_that_there_are_not() -> None:
    bare = LayerMeasures(population="a", neurons=3)
    link = broken_link("a", "input").model_copy(update={"layers": (bare,), "differences": ()})
    spikes, times, rates = map(texts, measure_tables(link))
    assert spikes[0] == ["a", "3", "0", "0", NONE, "0", NONE, NONE]
    assert times[0] == ["a", *[NONE] * 7]
    assert rates[0] == ["a", NONE, NONE, NONE, "0, 0", "0, 0", NONE]
    assert differences_table(link) is None
    assert list(measure_tables(link.model_copy(update={"layers": ()}))) == []


def test_accuracy(report: Report) -> None:
    table = accuracy_table(explained(report))
    assert texts(table)[1] == [
        *("integer → lava", "270", "97.04\xa0%", "96.67\xa0%", "3", "2", "0.37", "1.94", "1")
    ]
    assert table is not None
    assert table.rows[1][2].below == "94.25 to 98.71\xa0%"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {},
            "not decided: on these samples accuracy falls by 0.37 points, and with 95 % confidence "
            "it falls by less than 1.94 points; the margin is 1 point. 270 samples cannot "
            "decide it; about 1,340 should.",
        ),
        (
            {"claim": Claim.SHOWN, "enough": True, "drop_bound_points": 0.5},
            "not inferior: with 95 % confidence accuracy falls by less than 0.50 points, within "
            "the margin of 1 point.",
        ),
        (
            {"claim": Claim.SHOWN, "enough": True, "drop_bound_points": -0.5},
            "not inferior: with 95 % confidence accuracy rises by more than 0.50 points, within "
            "the margin of 1 point.",
        ),
        (
            {"claim": Claim.REFUTED, "enough": True, "drop_points": 7.5},
            "inferior: with 95 % confidence accuracy falls by more than the margin of 1 point; on "
            "these samples it falls by 7.50 points.",
        ),
        (
            {"claim": Claim.OPEN, "needed": None, "drop_points": 0.0},
            "not decided: on these samples accuracy is the same, and with 95 % confidence it falls "
            "by less than 1.94 points; the margin is 1 point. 270 samples cannot decide it.",
        ),
        (
            {"claim": None, "enough": None, "drop_points": -2.0},
            "on these samples accuracy rises by 2.00 points; the margin is 1 point.",
        ),
    ],
)
def test_what_samples_show(change: dict[str, Any], said: str, report: Report) -> None:
    s = statistics().model_copy(update=change)
    link = broken_link("a", "input").model_copy(update={"statistics": s})
    one = report.model_copy(update={"links": (link,)})
    assert list(accuracy_notes(one)) == [f"integer → lava: {said}"]


def test_samples_that_get_another_class() -> None:
    link = broken_link("a", "input")
    assert texts(confusion_table(link)) == [["3", "8", "4"], ["9", "4", "1"]]
    many = tuple(Confusion(reference=k, other=0, samples=1) for k in range(30))
    table = confusion_table(link.model_copy(update={"confusion": many}))
    assert table is not None
    assert len(table.rows) == 20
    assert table.caption.endswith("another class, the 20 most frequent of 30 pairs")


# --- the page -----------------------------------------------------------------------------------


def test_sections_come_in_order_and_only_where_there_is_something(report: Report) -> None:
    for one in (report, explained(report)):
        page = html_text(one)
        places = [page.find(f'<section id="{s.name}"') for s in SECTIONS if s.needed(one)]
        assert places == sorted(places)
        assert places[0] > 0
        assert page.count("<section ") == len(places)
    assert '<section id="divergence"' not in html_text(report)


def test_what_holds_is_folded(report: Report) -> None:
    """Of links that hold, the measures and what the populations do by themselves."""
    assert html_text(report).count("<details open>") == 0
    broken = broken_link("a", "input").model_copy(update={"explanation": None})
    page = html_text(report.model_copy(update={"links": (broken,)}))
    assert page.count("<details open>") == 2
    assert "Each population by itself: 3 of 93,312 values differ<" in page


def test_divided_sums_are_told(report: Report) -> None:
    divided = {"projection": "fc", "synapses": 9000, "synapses_left": 64, "digits": 9, "neurons": 5}
    page = html_text(report.model_copy(update={"divided": (divided,)}))
    assert '<section id="relays"' in page
    assert "<figcaption>Sums that are divided</figcaption>" in page
    assert '<td class="n">9,000</td><td class="n">64</td>' in page
    assert '<section id="relays"' not in html_text(report)


def test_the_command_breaks_between_its_words_and_can_be_copied(report: Report) -> None:
    command = "snnc verify  x.nir --report 'a b'"
    page = html_text(report.model_copy(update={"command": command}))
    (shown,) = re.findall(r"<pre>(<span class=\"word\">.*)</pre>", page)
    assert html.unescape(re.sub("<.*?>", "", shown)) == command


def test_the_policy_names_the_styles_that_there_are() -> None:
    assert policy(["a", ""]) == (
        "default-src 'none'; style-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=' "
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; base-uri 'none'; form-action 'none'"
    )


def test_the_style_loads_nothing() -> None:
    style = (TEMPLATES / "report.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    assert "<" not in style


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.0, "1,234,567"),
        (0.125, "0.125"),
        (float("nan"), "nan"),
        (None, NONE),
        (1e20, "1e+20"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert real(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NONE),
        (0, "0.00\xa0%"),
        (1, "100.00\xa0%"),
        (0.12345, "12.35\xa0%"),
        (1 / 1_373_760, "<\xa00.01\xa0%"),
        (1 - 1 / 1_373_760, ">\xa099.99\xa0%"),
        (-1e-6, ">\xa0-0.01\xa0%"),
        (1.5, "150.00\xa0%"),
    ],
)
def test_shares_are_never_rounded_to_none_or_all(value: float | None, text: str) -> None:
    assert share(value) == text


def test_spans() -> None:
    assert (span(2, 2), span(1.5, 2)) == ("2", "1.5 to 2")
