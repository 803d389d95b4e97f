"""Several cases as one, side by side: what takes one run instead of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Output
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.apart import Part
from snnc.runtime.bisection.cases import Case


def beside(cases: Sequence[Case]) -> Case:
    """Give a case of which each of ``cases`` is a part that nothing of the others reaches.

    Inputs that are shorter than others send nothing in the end.
    """
    one, two = (_joined([case.parts[side] for case in cases]) for side in (0, 1))
    steps = max(len(case.values) for case in cases)
    values = [np.pad(c.values, ((0, steps - len(c.values)), (0, 0))) for c in cases]
    return Case((one, two), np.concatenate(values, axis=1))


def of_each(trace: Trace, cases: Sequence[Case]) -> list[Trace]:
    """Take apart what came of running ``beside(cases)``."""
    return [_of(trace, k, len(case.values)) for k, case in enumerate(cases)]


def _named(k: int, name: str) -> str:
    return f"{k}.{name}"


def _joined(parts: Sequence[Part]) -> Part:
    networks = [_renamed(k, part.network) for k, part in enumerate(parts)]
    network = replace(
        networks[0],
        inputs=tuple(i for n in networks for i in n.inputs),
        populations=tuple(p for n in networks for p in n.populations),
        projections=tuple(q for n in networks for q in n.projections),
        outputs=tuple(o for n in networks for o in n.outputs),
    )
    lines = {_named(k, n): of for k, part in enumerate(parts) for n, of in part.lines.items()}
    neurons = {_named(k, n): of for k, part in enumerate(parts) for n, of in part.neurons.items()}
    return Part(network, lines, neurons)


def _renamed(k: int, network: FixedNetwork) -> FixedNetwork:
    return replace(
        network,
        inputs=tuple(replace(i, name=_named(k, i.name)) for i in network.inputs),
        populations=tuple(replace(p, name=_named(k, p.name)) for p in network.populations),
        projections=tuple(
            replace(
                q,
                name=_named(k, q.name),
                source=_named(k, q.source),
                target=_named(k, q.target),
            )
            for q in network.projections
        ),
        outputs=tuple(Output(_named(k, o.name), _named(k, o.source)) for o in network.outputs),
    )


def _of(trace: Trace, k: int, steps: int) -> Trace:
    """Give the steps of one case, under the names that it has by itself."""

    def mine(arrays: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, npt.NDArray[np.generic]]:
        prefix = _named(k, "")
        return {n[len(prefix) :]: a[:steps] for n, a in arrays.items() if n.startswith(prefix)}

    spikes, u, v = (mine(trace.signal(signal)) for signal in SIGNALS)
    return replace(trace, outputs={}, spikes=spikes, u=u, v=v, lags={})
