"""What must not be in the PTX of a kernel, and in what ptxas says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.targets.cuda.ptx import PtxError, parsed
from tests.targets.cuda.translate import translated

FLOAT = re.compile(r"\.(?:b?f16|tf32|f32|f64|e\dm\d)\w*|\b0[fFdD][0-9a-fA-F]{8,16}\b")
LOCAL = re.compile(r"\.local\b")
FRAME = re.compile(
    r"(?P<frame>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads"
)
SAID = re.compile(
    r"ptxas info\s*:.*|ptxas\s+\.\s+\d+ bytes stack frame.*|\s*\d+ bytes stack frame.*|\s*"
)
"""Lines of ptxas that are no warning."""


def problems_of_ptx(ptx: str) -> Iterator[str]:
    """Say what of the PTX is no arithmetic of integers, or is not known to the translator."""
    for number, line in enumerate(ptx.splitlines(), start=1):
        code = line.partition("//")[0]
        if found := FLOAT.search(code):
            yield f"line {number}: a float: {found[0]}"
        if LOCAL.search(code):
            yield f"line {number}: local memory"
    try:
        for entry in parsed(ptx).entries.values():
            translated(entry)
    except PtxError as error:
        yield str(error)


def problems_of_log(log: str) -> Iterator[str]:
    """Say what of the compiler's messages is a warning, a stack or a spilled register."""
    for line in log.splitlines():
        if frame := FRAME.search(line):
            if any(int(size) for size in frame.groups()):
                yield f"memory of its own: {line.strip()}"
        elif not SAID.fullmatch(line):
            yield f"a warning: {line.strip()}"
