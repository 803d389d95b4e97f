"""The dialects of NIR: what each framework means by the numbers that it writes.

One record a dialect. ``docs/dialects.md`` has the same facts with their sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import nir
import numpy as np

from snnc.compiler.network import Reset
from snnc.compiler.semantics.equations import (
    Maker,
    Neurons,
    adding,
    current_decaying,
    current_towards_input,
    decaying,
    euler_decay,
    euler_rate,
    exact_decay,
    exact_rate,
    from_leak,
    gain_of_current,
    gain_of_time,
    no_gain,
    stepping,
    towards_input,
)
from snnc.compiler.semantics.relations import (
    R_IS_BETA,
    R_IS_EXACT,
    R_IS_ONE,
    R_IS_RATE,
    R_IS_STEPS,
    W_IS_ONE,
    W_IS_STEPS,
    Relation,
)

Node: TypeAlias = type[nir.NIRNode]


@dataclass(frozen=True)
class Form:
    """What one kind of node stands for in a dialect.

    Attributes:
        equation: For the user to read.
        neurons: The same for the compiler.
        written: What holds for the numbers of such a node: of each group one relation.
        leak: Whether the equation has ``v_leak``; else it is 0 in every file.
    """

    equation: str
    neurons: Maker
    written: tuple[tuple[Relation, ...], ...] = ()
    leak: bool = False


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """A framework, and what it means by a file.

    Attributes:
        title: Its name as it is written.
        forms: By kind of node; it has no others.
        dt: The step that its exporter assumes; None where it has to be named.
        in_steps: Whether time constants are counted in steps, so that ``dt`` is 1.
        exact: Whether states decay by ``exp(-dt/tau)``, so that a step may be longer than ``tau``,
            ten times at most.
        too_long: What to do about one that is too long, with ``STEP`` for a better one.
        reset: What a spike does where nobody names it; None where that has to be named.
        usual: What it does mostly, where it has to be named.
        meant: What it means by ``zero`` and ``subtract``, where that is not at once.
        meant_of_currents: The same of neurons with a synaptic current, where it differs.
        has_value: Whether a spike sets ``v`` to ``v_reset``; else that is 0 in every file.
        at_threshold: Whether ``v = threshold`` is a spike already.
        hop: Steps from a spike to its effect at the next population.
        remarks: What else the user has to know.
    """

    title: str
    forms: Mapping[Node, Form]
    dt: float | None = None
    in_steps: bool = False
    exact: bool = False
    too_long: str = "name the step that the network was trained with: --dt STEP"
    reset: str | None = None
    usual: str = ""
    meant: Mapping[str, Reset] = field(default_factory=dict[str, Reset])
    meant_of_currents: Mapping[str, Reset] = field(default_factory=dict[str, Reset])
    has_value: bool = False
    at_threshold: bool = False
    hop: int = 0
    remarks: tuple[str, ...] = ()


# --- forms --------------------------------------------------------------------------------------

_EULER = Form(
    "forward Euler, v += dt/tau * ((r*I + v_leak) - v), from v = 0",
    towards_input(euler_rate),
    leak=True,
)
_EULER_CURRENT = Form(
    "forward Euler, i += w_in*dt/tau_syn * r*I, v += dt/tau_mem * ((v_leak - v) + i), i -= "
    "dt/tau_syn * i, from i = v = 0; r is folded into i",
    current_towards_input(gain_of_current),
    leak=True,
)
_INTEGRATOR = Form("forward Euler, v += r*dt * I, from v = 0", adding(gain_of_time))
_STEP = Form("a spike where I > threshold, in every step anew", stepping)
_BETA = "v = beta*v + I with beta = 1 - dt/tau, from v = 0"
_BETAS = (
    "i = alpha*i + I with alpha = 1 - dt/tau_syn, v = beta*v + i with beta = 1 - dt/tau_mem, from "
    "i = v = 0"
)
_UNIT = Form(_BETA, decaying(euler_decay), ((R_IS_STEPS,),))
_UNIT_CURRENT = Form(_BETAS, current_decaying(euler_decay), ((R_IS_STEPS,), (W_IS_STEPS,)))
_SUM = "v += I, from v = 0"
_PLAIN_SUM = Form(_SUM, adding(no_gain), ((R_IS_ONE,),))


def _each(form: Form, *kinds: Node) -> dict[Node, Form]:
    return dict.fromkeys(kinds, form)


_ALWAYS = {nir.Threshold: _STEP}
_NIR = Dialect(
    title="NIR",
    forms={
        **_each(_EULER, nir.LIF, nir.LI),
        **_each(_EULER_CURRENT, nir.CubaLIF, nir.CubaLI),
        **_each(_INTEGRATOR, nir.IF, nir.I),
        **_ALWAYS,
    },
    reset="zero",
    has_value=True,
)
_SNNTORCH = Dialect(
    title="snnTorch",
    forms={nir.LIF: _UNIT, nir.CubaLIF: _UNIT_CURRENT, **_ALWAYS},
    dt=1e-4,
    usual="subtract",
    meant={"zero": Reset.ZERO_DELAYED, "subtract": Reset.SUBTRACT_DELAYED},
    meant_of_currents={"zero": Reset.ZERO_NEXT},
)
_NORSE = Dialect(
    title="norse",
    forms={
        **_each(
            Form(
                "v += dt/tau * ((I + v_leak) - v), from v = v_leak",
                from_leak(towards_input(euler_rate)),
                ((R_IS_ONE,),),
                leak=True,
            ),
            nir.LIF,
            nir.LI,
        ),
        nir.CubaLIF: Form(
            "i += I, v += dt/tau_mem * ((v_leak - v) + i), i -= dt/tau_syn * i, from i = 0 and v = "
            "v_leak",
            from_leak(current_towards_input(no_gain)),
            ((R_IS_ONE,), (W_IS_ONE, W_IS_STEPS)),
            leak=True,
        ),
        nir.IF: _PLAIN_SUM,
        **_ALWAYS,
    },
    too_long="norse 1.1.0 writes time constants times its dt: export again with to_nir(..., dt=1), "
    "or name the step: --dt STEP",
    reset="zero",
    has_value=True,
    remarks=("norse's files do not say v_reset or reset_method: 0 and reset_value, its defaults",),
)
_SINABS = Dialect(
    title="sinabs",
    forms={
        **_each(
            Form(
                "v = alpha*v + I with alpha = exp(-1/tau), tau in steps, from v = 0",
                decaying(exact_decay),
                ((R_IS_ONE,),),
            ),
            nir.LIF,
            nir.LI,
        ),
        nir.IF: _PLAIN_SUM,
        **_ALWAYS,
    },
    in_steps=True,
    exact=True,
    too_long="name the dialect that wrote the file: sinabs counts in steps, and these look like "
    "seconds",
    reset="subtract",
    at_threshold=True,
    remarks=(
        "norm_input=False, as sinabs reads its files, which do not say it",
        "one spike a step at most, where sinabs's MultiSpike gives several",
        "no lower bound of v, where sinabs's files do not say min_v_mem",
    ),
)
_ROCKPOOL = Dialect(
    title="Rockpool",
    forms={
        nir.LIF: Form(
            "v = alpha*v + I with alpha = exp(-dt/tau), from v = 0",
            decaying(exact_decay),
            ((R_IS_EXACT,),),
        ),
        nir.LI: Form(
            "v = alpha * (v + I) with alpha = exp(-dt/tau), from v = 0",
            decaying(exact_decay, exact_decay),
            ((R_IS_EXACT,),),
        ),
        nir.CubaLIF: Form(
            "i = beta * (i + I) with beta = exp(-dt/tau_syn), v = alpha*v + i with alpha = "
            "exp(-dt/tau_mem), from i = v = 0",
            current_decaying(exact_decay, exact_decay),
            ((R_IS_EXACT,), (W_IS_ONE,)),
        ),
        **_ALWAYS,
    },
    exact=True,
    reset="subtract",
    at_threshold=True,
    remarks=("one spike a step at most, where Rockpool's StepPWL gives several",),
)


def _with_or_without_decay_input(node: nir.LIF, dt: float) -> Neurons:
    """Give SpikingJelly's neurons, in the order of operations that ``decay_input`` decides."""
    plain = R_IS_STEPS.holds(node, dt) and not np.any(node.v_leak)
    return (decaying(euler_decay) if plain else towards_input(euler_rate))(node, dt)


_SPIKINGJELLY = Dialect(
    title="SpikingJelly",
    forms={
        nir.LIF: Form(
            "v += dt/tau * ((r*I + v_leak) - v), from v = 0",
            _with_or_without_decay_input,
            ((R_IS_ONE, R_IS_STEPS),),
            leak=True,
        ),
        nir.IF: Form(_SUM, adding(no_gain), ((R_IS_RATE,),)),
        **_ALWAYS,
    },
    dt=1e-4,
    usual="zero",
    has_value=True,
    at_threshold=True,
)
_SPYX = Dialect(
    title="Spyx",
    forms={
        **_each(Form(_BETA, decaying(euler_decay), ((R_IS_BETA, R_IS_STEPS),)), nir.LIF, nir.LI),
        nir.IF: _PLAIN_SUM,
        **_ALWAYS,
    },
    reset="subtract",
    meant={"subtract": Reset.SUBTRACT_DELAYED},
    hop=1,
    remarks=(
        "a spike reaches the next population one step later, as in Spyx, which sends what the step "
        "before left above threshold; outputs are given one step before Spyx gives them",
        "weights are [n_out, n_in], as NIR defines them; Spyx's to_nir does not transpose its own",
    ),
)
_NENGO = Dialect(
    title="Nengo",
    forms={
        **_each(
            Form(
                "v += (1 - exp(-dt/tau)) * ((r*I + v_leak) - v), from v = 0",
                towards_input(exact_rate),
                leak=True,
            ),
            nir.LIF,
            nir.LI,
        ),
        nir.IF: _PLAIN_SUM,
        **_ALWAYS,
    },
    exact=True,
    reset="zero",
    remarks=(
        "tau_ref = 0, which no file says",
        "no lower bound of v, where Nengo's min_voltage is 0",
    ),
)
_LAVA_DL = Dialect(
    title="lava-dl",
    forms={nir.CubaLIF: _UNIT_CURRENT, **_ALWAYS},
    dt=1e-4,
    reset="zero",
    at_threshold=True,
    remarks=("real numbers, where lava-dl computes in integers: states differ by rounding",),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "nir": _NIR,
        "snntorch": _SNNTORCH,
        "norse": _NORSE,
        "sinabs": _SINABS,
        "rockpool": _ROCKPOOL,
        "spikingjelly": _SPIKINGJELLY,
        "spyx": _SPYX,
        "nengo": _NENGO,
        "lava-dl": _LAVA_DL,
    }
)
"""By the name that ``--dialect`` takes."""
AT_ONCE = MappingProxyType({"zero-at-once": Reset.ZERO, "subtract-at-once": Reset.SUBTRACT})
"""Names of ``--reset`` for what ``zero`` and ``subtract`` do not mean in every dialect."""
RESETS = (*Reset, *AT_ONCE)
"""What ``--reset`` takes."""
