"""How snnc is used: files, places and options (SNN0xx)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

INPUT_READABLE = Rule(
    "SNN001",
    "a file that is named exists and can be read",
    "snnc opened the path and the file system said no: it is missing, a directory where a file "
    "is wanted, or not readable by this user. Nothing was written.",
)
OUTPUT_WRITABLE = Rule(
    "SNN002",
    "the place that is named can be written",
    "Results are written to a temporary name beside their place and moved there when they are "
    "whole, so a refusal leaves nothing half-written behind. Check permissions and free space.",
)
OUTPUT_FREE = Rule(
    "SNN003",
    "the place that is named is free or holds a result of snnc",
    "snnc replaces its own artifacts and reports, and never anything else: a directory that holds "
    "other files stays as it is.",
)
OPTION_VALID = Rule(
    "SNN004",
    "options have a value in their range and fit together",
    "An option has a value that snnc cannot use, or two options contradict each other.",
)
