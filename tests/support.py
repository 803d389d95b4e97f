"""docs/support.md, made of the cases of the conformance tests: ``python -m tests.support``.

A table lists the cases over which the tests that it names are parametrised, and nothing else. What
the page says was compared, or refused, each time that these tests pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Any

from tests.environment import ROOT
from tests.frontends import test_ties
from tests.frontends.cases import VALUES, Case, Refused, cases_of
from tests.frontends.nir import test_dialects, test_nodes
from tests.frontends.norse import test_cells
from tests.frontends.norse import test_models as norse_models
from tests.frontends.norse import test_refusals as norse_refusals
from tests.frontends.onnx import test_conformance, test_rate, test_step
from tests.frontends.onnx import test_refusals as onnx_refusals
from tests.frontends.snntorch import test_exact
from tests.frontends.snntorch import test_refusals as snntorch_refusals
from tests.frontends.torch import test_functions, test_layers
from tests.frontends.torch import test_refusals as torch_refusals

BAR = r"\|"
PAGE = ROOT / "docs" / "support.md"
HEAD = """\
# What is supported

Made by `python -m tests.support`: each row is what a test compares, and the tests run over the very
list that this page is made of. What they do not show cannot stand here. The forms in which models
may be written are told in [frontends.md](frontends.md), [norse.md](norse.md), [nir.md](nir.md) and
[onnx.md](onnx.md).

*Values* are spikes of the framework's own forward pass, and as many of each state, that are held
against those of the float network, at least so many of each configuration. **Not one bit of them
differs.** *Becomes* are types of NIR nodes.
"""
Body = Callable[[Iterable[Any]], Iterator[str]]
"""Makes lines of cases."""


@dataclass(frozen=True)
class Table:
    """A part of the page.

    Attributes:
        title: Its heading.
        text: What stands above the table.
        body: Makes the table.
        tests: What is parametrised over its cases.
    """

    title: str
    text: str
    body: Body
    tests: tuple[Any, ...]

    def lines(self) -> Iterator[str]:
        """Give the lines."""
        yield f"\n{self.title}\n"
        if self.text:
            yield f"{fill(self.text, 100, break_on_hyphens=False)}\n"
        yield from self.body(case for test in self.tests for case in cases_of(test))


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give a table; cells may hold bars."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', BAR) for cell in row)} |"


def by_layer(cases: Iterable[Case], *, code: bool = False, values: int = VALUES) -> Iterator[str]:
    """Give a row for each layer and what it becomes, and behind it its configurations.

    Args:
        cases: One configuration each.
        code: Whether layers and options are Python.
        values: Compared of each configuration, at least.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        option = f"`{case.option}`" if code and case.option else case.option
        found.setdefault((f"`{case.layer}`" if code else case.layer, case.becomes), []).append(
            option
        )
    counts = {key: f"{len(options)} x " * (len(options) > 1) for key, options in found.items()}
    rows = (
        (layer, "; ".join(options), nodes, f"{counts[layer, nodes]}{values:,}")
        for (layer, nodes), options in found.items()
    )
    yield from grid(("layer", "options, each a configuration", "becomes", "values"), rows)


def by_expression(cases: Iterable[Case]) -> Iterator[str]:
    """Give a row for each case."""
    rows = ((case.layer, case.becomes, f"{VALUES:,}") for case in cases)
    yield from grid(("expression", "becomes", "values"), rows)


def refused(cases: Iterable[Refused]) -> Iterator[str]:
    """Give a row for each form that is refused: what the message says, where it says more."""
    rows = (
        (
            case.form,
            ""
            if case.found in {case.form, f"norse: {case.form}", f"snntorch: {case.form}"}
            else case.found,
            "" if case.limit.startswith("docs/") else case.limit,
            case.remedy,
        )
        for case in cases
    )
    yield from grid(("form", "found", "limit", "way out"), rows)


def by_dialect(pairs: Iterable[test_dialects.Pair]) -> Iterator[str]:
    """Give a row for each type of neuron, and of each dialect the resets that were compared."""
    tested: dict[tuple[str, str], set[str]] = {}
    for pair in pairs:
        resets = tested.setdefault((pair.kind, pair.dialect), set())
        resets |= {pair.reset} if pair.charge else set()
    kinds, dialects = (tuple(dict.fromkeys(names)) for names in zip(*tested, strict=True))
    said = {0: "refused", 1: "yes", 2: "both resets"}
    rows = ((kind, *(said[len(tested[kind, d])] for d in dialects)) for kind in kinds)
    yield from grid(("node", *(f"`{name}`" for name in dialects)), rows)


def by_node(cases: Iterable[test_nodes.Form]) -> Iterator[str]:
    """Give a row for each form of a node."""
    rows = (
        (c.kind, c.form, f"{VALUES:,}", f"no: {c.warning}" if c.warning else "yes") for c in cases
    )
    yield from grid(("node", "form", "values", "read by `nir.read` of nir 1.0.8"), rows)


def by_operator(cases: Iterable[test_conformance.Operator]) -> Iterator[str]:
    """Give a row for each operator, with the numbers of ONNX's tests."""
    rows = ((case.name, str(case.computed), str(case.refused or "")) for case in cases)
    yield from grid(("operator", "computed", "refused"), rows)


def listed(cases: Iterable[Case]) -> Iterator[str]:
    """Give the names of the cases, one a line."""
    yield from (f"- {case.layer}" for case in cases)


TABLES = (
    Table(
        "## snnTorch: neurons",
        "snnTorch 1.0. Options are `reset_mechanism` and, where it says `at once`, "
        "`reset_delay=False`; behind `nn.Linear` or, with recurrence by convolution, `nn.Conv2d`. "
        "Decays, thresholds, `R` and `C` are random float32. Spikes, `mem` and `syn` are compared.",
        by_layer,
        (
            test_exact.test_the_network_gives_the_spikes_of_the_framework,
            test_exact.test_recurrence_by_convolution,
            test_exact.test_spikes_of_another_size,
            test_exact.test_read_outs,
            test_exact.test_options_that_change_no_spike,
        ),
    ),
    Table(
        "### Refused of snnTorch",
        "",
        refused,
        (
            snntorch_refusals.test_a_layer_is_refused,
            snntorch_refusals.test_rsynaptic_without_delay_of_its_reset_is_refused,
            snntorch_refusals.test_a_number_is_refused,
        ),
    ),
    Table(
        "## torch: layers",
        "In front of neurons of snnTorch, whose spikes and potentials are compared; they are the "
        "same in models of norse. Weights and inputs are multiples of powers of two, so that no "
        "sum is rounded; the numbers of batch norms are random float32.",
        partial(by_layer, code=True),
        (test_layers.test_layers,),
    ),
    Table(
        "### torch: functions and operators",
        "What `forward` computes itself; `a` and `b` are what two convolutions give.",
        by_expression,
        (test_functions.test_functions,),
    ),
    Table(
        "### Refused of torch",
        "",
        refused,
        (
            torch_refusals.test_layers_of_torch,
            torch_refusals.test_options_of_layers,
            torch_refusals.test_functions,
        ),
    ),
    Table(
        "## norse: cells, and modules over time",
        "norse 1.1. Parameters and, where a layer has no weights, inputs are random float32. "
        "Spikes, `v` and `i` are compared.",
        by_layer,
        (
            test_cells.test_spikes_and_states,
            test_cells.test_read_outs,
            test_cells.test_modules_that_run_all_steps,
        ),
    ),
    Table(
        "### norse: models",
        f"{VALUES:,} potentials of each, and the spikes with them.",
        listed,
        (norse_models.test_models,),
    ),
    Table(
        "### Refused of norse",
        "",
        refused,
        (
            norse_refusals.test_other_cells,
            norse_refusals.test_other_modules_that_run_all_steps,
            norse_refusals.test_options,
            norse_refusals.test_unusable_numbers,
        ),
    ),
    Table(
        "## Sums that are rounded",
        "torch and NumPy add up the products of a float32 sum in different orders. With random "
        "weights and inputs each step is therefore repeated from the states that the framework "
        "recorded. Where one has a spike and the other has none, `v` has to lie within 4 units in "
        "the last place of the threshold; every other spike is the same.",
        partial(by_layer, values=test_ties.SPIKES),
        (test_ties.test_only_ties_differ,),
    ),
    Table(
        "## NIR: neurons in each dialect",
        "Files as `nir.write` writes them, against the equation of the dialect in a plain loop "
        f"over float32: {VALUES:,} spikes and potentials of each. Both resets: `--reset zero` and "
        "`--reset subtract`, in the meaning of the dialect ([dialects.md](dialects.md)).",
        by_dialect,
        (test_dialects.test_neurons, test_dialects.test_other_neurons_are_refused),
    ),
    Table(
        "## NIR: all other nodes",
        "Written, read back as the same node, and held against torch.",
        by_node,
        (test_nodes.test_nodes,),
    ),
    Table(
        "## ONNX: operators",
        "How many of ONNX's own tests give what ONNX says, within the tolerance of its runner, and "
        "how many are refused: those of training, of second outputs, and of other numbers than "
        "float32, float64 and integers of 8, 32 and 64 bits.",
        by_operator,
        (test_conformance.test_operator,),
    ),
    Table(
        "### ONNX: networks of ReLUs",
        "Converted to rates, which are what ONNX's reference evaluator gives.",
        listed,
        (test_rate.test_rates_are_activations,),
    ),
    Table(
        "### ONNX: one step of a spiking network",
        "Exported by torch 2.13, and held against the module in its framework.",
        by_layer,
        (test_step.test_one_layer,),
    ),
    Table("### Refused of ONNX", "", refused, (onnx_refusals.test_refused,)),
)


def page() -> str:
    """Give the text of docs/support.md."""
    return HEAD + "\n".join(line for table in TABLES for line in table.lines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
