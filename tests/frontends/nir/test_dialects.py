"""Every neuron of NIR in every dialect, from a file on: the equation of the dialect, in a loop.

The equations are those of ``docs/dialects.md``, written once more in float32 and in the order of
operations that stands there, and nothing is shared with the package. A file is written by ``nir``
itself, with numbers as the framework writes them. That these are the frameworks' equations is
tested with norse and snnTorch themselves in ``tests/compiler/semantics/test_equations.py``, and
with recordings of the others in ``tests/compiler/semantics/test_recorded.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.semantics.dialect_table import DIALECTS
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.nir.file import read_nir
from snnc.targets.float.executor import FloatRecording, execute
from tests.frontends.cases import VALUES, over
from tests.frontends.graphs import chain, input_of, output_of

F = np.float32
Array = npt.NDArray[Any]
Numbers = dict[str, Any]
Charge = Callable[[Any, Array, Array, Array], tuple[Array, Array]]
"""Of parameters, ``v``, the current and what arrives: ``v`` before the spike, and the current."""
NEURONS, STEPS, SAMPLES = 50, 50, 400
assert NEURONS * STEPS * SAMPLES >= VALUES
DT = 1e-3
STEP = {"snntorch": 1e-4, "spikingjelly": 1e-4, "lava-dl": 1e-4, "sinabs": 1.0}
"""Steps that a dialect has by itself; others are named."""
INCLUSIVE = {"sinabs", "rockpool", "spikingjelly", "lava-dl"}
LEAKS = {"nir", "norse", "nengo"}
EXACT = {"sinabs", "rockpool"}


def to_input(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    return v + p["rate"] * ((p["r"] * x + p["v_leak"]) - v), i


def kept(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    return p["beta"] * v + x, i


def kept_late(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    return p["beta"] * v + p["beta"] * x, i


def added(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    return v + p["r_step"] * x, i


def current_to_input(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    i = i + p["w"] * x
    return v + p["rate"] * ((p["v_leak"] - v) + i), i - p["syn_rate"] * i


def current_kept(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    i = p["alpha"] * i + x
    return p["beta"] * v + i, i


def current_kept_late(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    i = p["alpha"] * i + p["alpha"] * x
    return p["beta"] * v + i, i


def nothing_kept(p: Any, v: Array, i: Array, x: Array) -> tuple[Array, Array]:
    del p, v
    return x, i


EQUATIONS: Mapping[str, Mapping[str, Charge]] = {
    "nir": {
        **dict.fromkeys(("LIF", "LI"), to_input),
        **dict.fromkeys(("CubaLIF", "CubaLI"), current_to_input),
        **dict.fromkeys(("IF", "I"), added),
    },
    "norse": {**dict.fromkeys(("LIF", "LI"), to_input), "CubaLIF": current_to_input, "IF": added},
    "snntorch": {"LIF": kept, "CubaLIF": current_kept},
    "lava-dl": {"CubaLIF": current_kept},
    "spikingjelly": {"LIF": to_input, "IF": added},
    "spyx": {"LIF": kept, "LI": kept, "IF": added},
    "sinabs": {"LIF": kept, "LI": kept, "IF": added},
    "rockpool": {"LIF": kept, "LI": kept_late, "CubaLIF": current_kept_late},
    "nengo": {**dict.fromkeys(("LIF", "LI"), to_input), "IF": added},
}
"""By dialect and type of node; ``Threshold`` is the same in all."""
FIELDS = {
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "w_in", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "w_in", "r", "v_leak"),
    "IF": ("r", "v_threshold", "v_reset"),
    "I": ("r",),
    "Threshold": ("threshold",),
}
READ_OUTS = {"LI", "CubaLI", "I"}


@dataclass(frozen=True)
class Pair:
    """A type of node in a dialect, and what a spike does where it is named."""

    kind: str
    dialect: str
    reset: str = ""

    def __str__(self) -> str:
        return f"{self.kind}, {self.dialect} {self.reset}".strip()

    @property
    def charge(self) -> Charge | None:
        """What is computed before the spike; None where the dialect has no such node."""
        return nothing_kept if self.kind == "Threshold" else EQUATIONS[self.dialect].get(self.kind)


ALL = [Pair(kind, dialect) for dialect, kind in product(EQUATIONS, FIELDS)]
PAIRS = [
    Pair(one.kind, one.dialect, reset)
    for one in ALL
    if one.charge
    for reset in ([""] if one.kind in {*READ_OUTS, "Threshold"} else ["zero", "subtract"])
]


def numbers(dialect: str, kind: str, random: np.random.Generator) -> Numbers:
    """Draw what a framework writes, and what its equation makes of it, in float32."""
    step = STEP.get(dialect, DT)
    dt = F(step)

    def between(low: float, high: float) -> Array:
        return random.uniform(low, high, NEURONS).astype(F)

    p: Numbers = {"tau": between(3, 30) * dt, "tau_syn": between(2, 8) * dt}
    p["threshold"] = p["v_threshold"] = between(0.5, 2)
    for name, tau in (("", p["tau"]), ("syn_", p["tau_syn"])):
        left = np.exp(-step / tau.astype(np.float64))
        p[f"{name}rate"] = (1 - left).astype(F) if dialect == "nengo" else dt / tau
        p[f"{name}beta"] = left.astype(F) if dialect in EXACT else F(1) - dt / tau
    p |= {"alpha": p["syn_beta"], "v_reset": F(0)}
    p["v_leak"] = between(-0.2, 0.2) if dialect in LEAKS and kind != "IF" else F(0)
    return p | {"w": F(1), "r_step": F(1)} | gains(dialect, kind, p, between(0.5, 2), dt)


def gains(dialect: str, kind: str, p: Numbers, drawn: Array, dt: Any) -> Numbers:
    """Give ``r`` and ``w_in`` as the framework writes them, and as its equation has them."""
    match dialect, kind:
        case "nir", "IF" | "I":
            r = drawn / dt
            return {"r": r, "r_step": (r.astype(np.float64) * DT).astype(F)}
        case "nir" | "nengo", "LIF" | "LI":
            return {"r": drawn}
        case "nir", _:
            return {"r": F(1), "w_in": p["tau_syn"] / dt}
        case "snntorch" | "lava-dl", _:
            return {"r": p["tau"] / dt, "w_in": p["tau_syn"] / dt}
        case ("spikingjelly", "IF"):
            return {"r": F(1) / dt}
        case "spyx", "LIF" | "LI":
            return {"r": p["beta"]}
        case "rockpool", _:
            return {"r": p["beta"] * p["tau"] / dt, "w_in": F(1)}
        case _:
            return {"r": F(1), "w_in": F(1)}


def node_of(kind: str, p: Numbers) -> nir.NIRNode:
    """Give the node as ``nir`` takes it: an array for each parameter."""
    values = {"tau_mem": p["tau"], **p}
    arrays = {f: np.broadcast_to(values[f], NEURONS).astype(F) for f in FIELDS[kind]}
    made: nir.NIRNode = getattr(nir, kind)(**arrays)
    return made


def loop(pair: Pair, charge: Charge, p: Numbers, x: Array) -> tuple[Array, Array]:
    """Give spikes and potentials of every step, by the equation of the dialect."""
    start = p["v_leak"] if pair.dialect == "norse" else F(0)
    v, i = np.zeros(x.shape[1:], F) + start, np.zeros(x.shape[1:], F)
    theta, spikes, potentials = p["v_threshold"], list[Array](), list[Array]()
    late = pair.dialect == "snntorch" or (pair.dialect, pair.reset) == ("spyx", "subtract")
    inclusive = pair.dialect in INCLUSIVE and pair.kind != "Threshold"
    for current in x:
        r = (v > theta).astype(F) if late else np.zeros_like(v)
        if (pair.kind, pair.reset) == ("LIF", "zero"):
            v = (F(1) - r) * v
        v, i = charge(p, v, i, current)
        v = spent(v, r, theta, pair.reset, gone=pair.kind == "CubaLIF")
        s = (v >= theta if inclusive else v > theta).astype(F)
        v = v if late else spent(v, s, theta, pair.reset, gone=True)
        spikes.append(s)
        potentials.append(v)
    return np.array(spikes), np.array(potentials)


def spent(v: Array, s: Array, theta: Array, reset: str, *, gone: bool) -> Array:
    """Give what spikes ``s`` leave of ``v``; with ``zero`` nothing, if it is ``gone``."""
    if reset == "subtract":
        return np.asarray(v - s * theta)
    return np.asarray(v * (F(1) - s)) if gone and reset == "zero" else v


@over(PAIRS)
def test_neurons(case: Pair, tmp_path: Path) -> None:
    charge = case.charge
    assert charge is not None
    random = np.random.default_rng(len(str(case)))
    p = numbers(case.dialect, case.kind, random)
    size = {"LIF": 0.6, "CubaLIF": 0.25, "IF": 0.4}.get(case.kind, 1.0)
    size *= 6 if charge in {to_input, current_to_input} else 1
    x = random.normal(size / 3, size, (STEPS, SAMPLES, NEURONS)).astype(F)
    here, name = executed(case, p, x, tmp_path / "one.nir")
    spikes, v = loop(case, charge, p, x)
    assert here.v[name].size >= VALUES
    np.testing.assert_array_equal(here.v[name], v)
    if case.kind in READ_OUTS:
        assert here.spikes == {}
        assert v.std() > 0.05
        return
    assert 0.02 < spikes.mean() < 0.8
    assert np.count_nonzero(here.spikes[name] != spikes) == 0


def executed(case: Pair, p: Numbers, x: Array, path: Path) -> tuple[FloatRecording, str]:
    """Give what snnc computes of a file, and the name of its population."""
    ends = ("input", input_of(NEURONS)), ("output", output_of(NEURONS))
    nir.write(path, chain(ends[0], ("0", node_of(case.kind, p)), ends[1]))
    dt = None if case.dialect in STEP else DT
    graph = read_nir(path, trust=True)
    network = discretize(graph, dialect=case.dialect, dt=dt, reset=case.reset or None)
    (population,) = network.populations
    return execute(network, {"input": x}), population.name


@over([one for one in ALL if one.charge is None])
def test_other_neurons_are_refused(case: Pair, tmp_path: Path) -> None:
    p = numbers(case.dialect, case.kind, np.random.default_rng(0))
    with pytest.raises(InputError) as caught:
        executed(case, p, np.zeros((1, 1, NEURONS), F), tmp_path / "one.nir")
    assert f"found: a node of type {case.kind}\n" in str(caught.value)


def test_every_dialect_is_here() -> None:
    here = {name: {*kinds, "Threshold"} for name, kinds in EQUATIONS.items()}
    assert here == {n: {k.__name__ for k in d.forms} for n, d in DIALECTS.items()}
