"""The forms that a network can have on Lava."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.names import nearest, written


class Form(StrEnum):
    """Which processes a network runs on; all forms compute the same, to the last bit."""

    STOCK = "stock"
    """Lava's own processes only, with the semantics that Lava documents."""
    MIXED = "mixed"
    """Lava's own wherever they compute the same, ours elsewhere; one for every node."""
    FUSED = "fused"
    """One process of ours for the whole network."""


def form_of(options: Mapping[str, Any]) -> Form:
    """Give the form that the options of an artifact name; mixed where they name none."""
    return Form(options.get("lava") or Form.MIXED)


def form_problems(form: object, target: str, rounding: object) -> Iterator[Diagnostic]:
    """Yield that ``--lava`` names no form, or does not go with the other options."""
    if form is None:
        return
    if form not in list(Form):
        like = nearest(form, Form) or Form.MIXED
        yield _invalid("--lava", written(form), ", ".join(Form), f"--lava {like}")
    elif target != "lava":
        yield _invalid(
            "--lava",
            f"{form}, and target {written(target)}",
            "an option of target lava",
            "--target lava, or leave --lava out",
        )
    if form == Form.STOCK and rounding == "recalibrated":
        yield _invalid(
            "--rounding",
            "recalibrated, and --lava stock",
            "one threshold for each population (lava 0.10.0, LIF), and recalibration moves each",
            "--rounding feedback",
        )


def _invalid(option: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rule=rules.OPTION_VALID, node=option, found=found, limit=limit, remedy=remedy)
