"""Every rule that snnc checks, with the long text of ``snnc explain CODE``.

Codes never change: 0xx use and files, 1xx models and frontends, 2xx limits of a target,
3xx numbers, 4xx placing, 5xx runs and comparison, 6xx verification, reports and data, 9xx faults of
snnc itself.
"""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule
from snnc.compiler.rules.cores import *
from snnc.compiler.rules.data import *
from snnc.compiler.rules.models import *
from snnc.compiler.rules.numbers import *
from snnc.compiler.rules.runs import *
from snnc.compiler.rules.use import *
from snnc.compiler.rules.verification import *


def all_rules() -> dict[str, Rule]:
    """Give every rule by its code."""
    return {r.code: r for r in globals().values() if isinstance(r, Rule)}
