"""One of each group, at the least cost within a limit: a mixed integer program for HiGHS."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import InternalError

Doubles = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Of the limits in HiGHS (``mip_feasibility_tolerance``)."""
ROUNDING = 1e-12
"""Relative error of a sum of some thousand numbers in float64."""
RETRIES = 100
"""Choices just outside a limit, within the solver's tolerance, that are passed over."""
STDOUT = 1


def pick(
    groups: npt.NDArray[np.bool_], cost: Doubles, limited: Doubles, limit: float
) -> npt.NDArray[np.bool_] | None:
    """Pick one of each group: of least cost, and with ``limited`` in all at most ``limit``.

    In 0 and 1 for each candidate ``i``::

        min  sum cost_i x_i
        s.t. sum_i group_gi x_i = 1 for each g,  sum limited_i x_i <= limit

    The solver is given a limit that is larger by the tolerance to which it keeps one, since its
    presolve was seen to pass over choices right at the limit. A choice beyond the real limit is
    excluded then, and the next one taken.

    Args:
        groups: Which candidates are of each group, shape ``[groups, candidates]``.
        cost: Of each candidate, 0 or more.
        limited: What each takes of the limit, 0 or more.
        limit: 0 or more.

    Returns:
        Which are picked, shape ``[candidates]``; None where no pick keeps the limit.
    """
    from scipy.optimize import (
        Bounds,
        LinearConstraint,
        milp,  # pyright: ignore[reportUnknownVariableType]
    )

    unit = limit or float(limited.max(initial=0)) or 1.0
    constraints = [
        LinearConstraint(groups.astype(np.float64), 1, 1),
        LinearConstraint(limited[None] / unit, -np.inf, limit / unit * (1 + TOLERANCE)),
    ]
    for _ in range(RETRIES):
        with _hushed():
            found: Any = milp(
                _scaled(cost),
                integrality=np.ones(cost.size),
                bounds=Bounds(0, 1),
                constraints=constraints,
                options={"mip_rel_gap": 0.0},
            )
        if found.x is None:
            return None
        taken = np.rint(found.x)
        if float(limited @ taken) <= limit * (1 + ROUNDING):
            return np.asarray(taken > 0)
        constraints.append(LinearConstraint(taken[None], -np.inf, taken.sum() - 1))
    raise InternalError(f"{RETRIES} picks in a row lie outside of {limit:g}")


def _scaled(cost: Doubles) -> Doubles:
    """Bring costs to where the solver's absolute gap of 1e-6 is small: integers to their least."""
    if bool((cost == np.rint(cost)).all()) and cost.max(initial=0) < 2**53:
        return cost / (gcd(*cost.astype(np.int64).tolist()) or 1)
    return cost * (1e6 / float(cost.max()))


@contextmanager
def _hushed() -> Generator[None, None, None]:
    """Keep off stdout what HiGHS says there (that of SciPy 1.17: ``... tmpSolver.run();``)."""
    try:
        kept = os.dup(STDOUT)
    except OSError:  # there is no stdout
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  (no path: a device)
            os.dup2(nowhere.fileno(), STDOUT)
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # what C still holds back
        os.dup2(kept, STDOUT)
        os.close(kept)
