"""docs/support.md is what the conformance tests show, and names all that snnc knows."""

from __future__ import annotations

import re

from snnc.compiler.semantics.dialect_table import DIALECTS
from snnc.frontends.nir.nodes import FORMS
from snnc.frontends.norse.kinds import INTEGRATIONS
from snnc.frontends.onnx.ops import OPERATORS
from snnc.frontends.snntorch.layers import RESETS
from snnc.frontends.torch.layers import TORCH_LAYERS
from tests.support import PAGE, TABLES, page


def test_the_page_is_what_the_tests_show() -> None:
    assert PAGE.read_text() == page(), "python -m tests.support writes it anew"


def words() -> set[str]:
    return set(re.findall(r"\w[\w-]*", PAGE.read_text()))


def test_every_layer_is_there() -> None:
    assert words() >= {kind for kind, _, _ in RESETS} | set(INTEGRATIONS)
    layers = set[str]()
    for name in re.findall(r"nn\.([\w/]+)", TORCH_LAYERS):
        kind, _, axes = name.partition("1d/2d")
        del axes
        sizes = ("1d", "2d") if name != kind else ("",)
        kinds = [f"Adaptive{k}Pool" for k in ("Avg", "Max")] if "Adaptive" in kind else [kind]
        layers |= {f"{k}{size}" for k in kinds for size in sizes}
    assert "AdaptiveMaxPool1d" in layers
    assert words() >= layers - {"Flatten"}


def test_every_node_dialect_and_operator_is_there() -> None:
    assert words() >= set(FORMS) - {"Input", "Output"}
    assert words() >= set(DIALECTS) | set(OPERATORS)


def test_every_reset_of_snntorch_is_there() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines()]
    for kind, mechanism, delay in RESETS:
        option = mechanism if delay else f"{mechanism} at once"
        assert any(
            option in row[1].split("; ") for row in rows if row[0].startswith(f"| {kind}")
        ), kind


def test_tables_are_not_empty() -> None:
    for table in TABLES:
        assert len([*table.lines()]) > 3, table.title
