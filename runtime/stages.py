"""What is told of long work as it goes on: its stages, and how far each one is."""

from __future__ import annotations

from collections.abc import Callable

from snnc.targets.running import Progress, no_progress

Stages = Callable[[str], Progress]
"""Called as each stage begins, with its name; gives the function told how far the stage is."""


def silent(stage: str) -> Progress:
    """Show nothing."""
    del stage
    return no_progress
