"""Cells of norse with random parameters, and norse's own run of one, for the tests."""
# torch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.frontends.optional import optional

torch, norse = optional("torch"), optional("norse.torch")

Array = npt.NDArray[Any]

RANGES = {
    "tau_mem_inv": (30, 900),
    "tau_syn_inv": (50, 990),
    "v_leak": (-0.3, 0.3),
    "v_th": (0.4, 1),
    "v_reset": (-0.4, 0.3),
}
"""Of random parameters; a step is a millisecond."""


def parameters(random: np.random.Generator, size: tuple[int, ...], *names: str) -> dict[str, Any]:
    """Draw parameters by name."""
    return {n: torch.tensor(random.uniform(*RANGES[n], size), dtype=torch.float32) for n in names}


def dyadic(random: np.random.Generator, *shape: int, size: float = 0.5) -> Any:
    """Draw weights in 1/256, so that sums are exact and no order of summation matters."""
    drawn = np.round(random.uniform(-size, size, shape) * 256) / 256
    return torch.tensor(drawn, dtype=torch.float32)


@dataclass(frozen=True, eq=False)
class Ran:
    """What norse computed; arrays of shape ``[steps, batch, n]``."""

    sent: Array
    v: Array
    i: Array | None


def run_cell(cell: Any, x: Array) -> Ran:
    """Call a cell once a step, from None on."""
    state, sent, v, i = None, list[Array](), list[Array](), list[Array]()
    with torch.no_grad():
        for value in torch.from_numpy(x):
            out, state = cell(value, state)
            membrane = getattr(state, "lif", state)
            shape = out.shape
            sent.append(out.numpy().copy())
            v.append(membrane.v.expand(shape).numpy().copy())
            if hasattr(membrane, "i"):
                i.append(membrane.i.numpy().copy())
    return Ran(np.stack(sent), np.stack(v), np.stack(i) if i else None)
