"""Which of Lava's own processes every part of a network runs on, and what none of them can do.

What Lava documents is what counts, not what its CPU models happen to accept: lines are those of
lava 0.10.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any, cast

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.compiler.fixed import (
    ALIGN_BITS,
    MAX_THRESHOLD,
    MAX_WEIGHT_BITS,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    sign_mode_of,
    weight_limits,
)
from snnc.compiler.network import Network
from snnc.compiler.operators import (
    Convolution,
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedSparse,
    MaxPooling,
    Operator,
    Window,
)
from snnc.compiler.quantization.decays import lost_of_potential
from snnc.compiler.quantization.limits import Limits
from snnc.compiler.quantization.overflow import StateBounds, bound_states
from snnc.compiler.store import Tensors, to_json
from snnc.targets.lava.bounds import STOCK_LIMIT, early, largest_input, longest_own_delays
from snnc.targets.lava.runner.matrix import (
    MAX_EXPONENT,
    composed,
    extent,
    fitted,
    limits,
    sign_mode,
)
from snnc.targets.lava.runner.program import filled

MAX_DV = 2**12 - 1
"""Largest ``dv``, 12 bits without sign (``lava/proc/lif/models.py:253``)."""
STOCK_LIMITS = Limits(largest_dv=MAX_DV, kernel_exponents=False)
"""What integers have to keep to, so that more networks can run on these processes."""
READ_OUT_LIMIT = MAX_THRESHOLD << ALIGN_BITS
"""Largest ``v`` at which a neuron with the largest threshold does not spike."""
FORGOTTEN = 2**12 - 1
"""Largest ``|v|`` of which a ``dv`` of 4095 leaves nothing, as 4096 does: ``|v| >> 12`` is 0."""
SPARSE_SHARE = 1 / 20
"""Largest part of the weights of a layer that is not 0 where ``Sparse`` pays. A product takes time
for each of these weights, one of ``Dense`` for all weights of the neurons that spiked: as much
where one of 20 does (docs/lava.md)."""
SPARSE_SIZE = 2**16
"""Weights from which on it does: below, either takes less than the step around it."""
STORED_SHARE = 1 / 2
"""The same for the matrix that several operators make: a weight of ``Sparse`` takes twice the
memory, as its place is stored with it."""
MIXED = "--lava mixed"


def stock_processes(network: FixedNetwork) -> list[tuple[str, str, str]]:
    """Give role, process and name of every node; ``network`` has no ``stock_problems``.

    The output of a read-out needs no process: its ``v`` is read where it is, as a probe does.
    """
    spiking = {p.name: p.spiking for p in network.populations}
    return [
        *(("input", "SourceRingBuffer", i.name) for i in network.inputs),
        *(("population", "LIFReset", p.name) for p in network.populations),
        *(("projection", stock_synapse(network, q), q.name) for q in network.projections),
        *(
            ("output", "SinkRingBuffer" if spiking[o.source] else "Probe", o.name)
            for o in network.outputs
        ),
    ]


def stock_synapse(network: FixedNetwork, projection: FixedProjection) -> str:
    """Name the process of a projection that has one."""
    if is_conv(projection):
        return "Conv"
    kind = "Sparse" if _is_sparse(network, projection) else "Dense"
    return kind if projection.delay == 1 else f"Delay{kind}"


def pays_sparse(weights: FixedDense | FixedSparse) -> bool:
    """Tell whether so few weights are not 0 that ``Sparse`` is faster than ``Dense``, or fits."""
    if isinstance(weights, FixedSparse):
        return True
    size = weights.weight.size
    few = np.count_nonzero(weights.weight) <= SPARSE_SHARE * size
    return size >= SPARSE_SIZE and bool(few)


def is_conv(projection: FixedProjection) -> bool:
    """Tell whether ``Conv`` computes the projection: it keeps each kernel once.

    It has two axes, equal padding before and after, no delay but its step, and no exponent:
    ``Conv`` documents one and ignores it (lava issue #803), so the weights must hold it.
    """
    match projection.operators:
        case (FixedConvolution(weight=weight, window=window),) if len(window.kernel) == 2:
            even = all(before == after for before, after in window.padding)
            exact = np.ldexp(weight.astype(np.float64), projection.weight_exp)
            low, high = weight_limits(MAX_WEIGHT_BITS, sign_mode_of(weight))
            whole = bool((exact == np.rint(exact)).all())
            fits = bool(low <= exact.min() <= exact.max() <= high)
            return projection.delay == 1 and even and whole and fits
        case _:
            return False


def stock_choices(network: Network, *, grouped: bool) -> Iterator[str]:
    """Yield what the stock form chooses of the integers of ``network``.

    Args:
        network: In real numbers.
        grouped: Whether thresholds are grouped, and the user has not asked for it.
    """
    if grouped:
        yield (
            "--max-thresholds 1, for --lava stock: Lava's LIF has one threshold for a population; "
            "snnc inspect tells how many there would be"
        )
    if any(_has_exponent(o) for q in network.projections for o in q.operators):
        yield (
            "no exponent above 0 for weights of convolutions, for --lava stock: Lava's Conv, which "
            "keeps a kernel once, ignores it"
        )
    for p in network.populations:
        if (np.rint(lost_of_potential(p) * (MAX_DV + 1)) > MAX_DV).any():
            yield (
                f"dv {MAX_DV} for {p.name}, for --lava stock: a {MAX_DV + 1}th of v is left in a "
                "step, and in the model nothing"
            )


def _has_exponent(operator: Operator) -> bool:
    return isinstance(operator, Convolution) and len(operator.window.kernel) == 2


def stock_problems(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield what Lava's own processes cannot do."""
    bounds, own = bound_states(network), longest_own_delays(network)
    late = {name: own[name] for name in early(network) if own[name]}
    for population in network.populations:
        yield from _parameter_problems(population, bounds[population.name])
        yield from _size_problems(network, population, bounds[population.name])
        yield from _delay_problems(population, late)
    for projection in network.projections:
        yield from _projection_problems(network, projection)


def _parameter_problems(p: FixedPopulation, bounds: StateBounds) -> Iterator[Diagnostic]:
    """Yield what the documented parameters of ``LIFReset`` cannot say."""
    neurons = _count(p.size, "neuron")
    if p.spiking and p.reset is not FixedReset.ZERO:
        yield _population(
            p,
            f"{neurons}, reset {p.reset}",
            "reset zero: Lava's LIF has no other (lava/proc/lif/models.py:188-192)",
            f'train with a reset to zero (snnTorch: reset_mechanism="zero"), or {MIXED}',
        )
    if p.spiking and p.refractory:
        yield _population(
            p,
            f"{neurons} held for {_count(p.refractory, 'step')} after a spike",
            "0: Lava's LIF in fixed point has no refractory period (lava/proc/lif/models.py:247)",
            f"train without one, or {MIXED}",
        )
    if p.initial.any():
        yield _population(
            p,
            f"v of {p.initial.min()} to {p.initial.max()} before the first step",
            "0: LIFReset begins a sample at rest (lava/proc/lif/models.py:434-436)",
            f"train with a potential that begins at, and is reset to, 0, or {MIXED}",
        )
    for field in ("du", "dv", "threshold") if p.spiking else ("du", "dv"):
        values = np.unique(getattr(p, field))
        if len(values) > 1:
            yield _several(p, field, values)
    if (p.dv > MAX_DV).any() and bounds.v.max(initial=0) > FORGOTTEN:
        yield _population(
            p,
            f"dv {p.dv.max()}",
            f"{MAX_DV}: 12 bits (lava/proc/lif/models.py:253)",
            f"compile the model with --lava stock, which keeps to it, or {MIXED}",
        )


def _several(p: FixedPopulation, field: str, values: Any) -> Diagnostic:
    line = "84-87" if field == "threshold" else "73-78"
    remedy = "train one decay for the whole population"
    if field == "threshold":
        remedy = "--max-thresholds 1, where neurons share no weights, or train one threshold"
    return _population(
        p,
        f"{len(values)} values of {field}, from {values[0]} to {values[-1]}",
        f"one for a population (lava/proc/lif/process.py:{line})",
        f"{remedy}, or {MIXED}",
    )


def _size_problems(
    network: FixedNetwork, p: FixedPopulation, bounds: StateBounds
) -> Iterator[Diagnostic]:
    """Yield what is too large."""
    largest = largest_input(network, p)
    if largest > STOCK_LIMIT:
        yield _population(
            p,
            f"synaptic input up to {largest:.0f}",
            f"{STOCK_LIMIT}: Lava's LIF brings u back into 24 bits once "
            "(lava/proc/lif/models.py:155-170)",
            f"give fewer inputs or smaller weights to this layer, or {MIXED}",
        )
    highest = float(bounds.v.max(initial=0))
    if not p.spiking and highest > READ_OUT_LIMIT:
        known = f"up to {highest:.0f}" if np.isfinite(highest) else "without a bound"
        yield _population(
            p,
            f"|v| of a read-out {known}",
            f"{READ_OUT_LIMIT}: above the largest threshold, 131071 * 64, Lava's LIF spikes and is "
            "reset (lava/proc/lif/models.py:257,273-278)",
            f"train a read-out that decays, or {MIXED}",
        )


def _delay_problems(p: FixedPopulation, late: Mapping[str, int]) -> Iterator[Diagnostic]:
    if p.name in late:
        delay = _count(late[p.name], "step")
        yield _population(
            p,
            f"spikes that take {delay} of their own, from neurons that may spike "
            f"in the {_count(p.lag, 'step')} before their first",
            "one or the other: LIFReset cannot be kept silent until then "
            "(lava/proc/lif/models.py:432-449)",
            f"train without a bias here or in what drives it, or {MIXED}",
        )


def _projection_problems(network: FixedNetwork, q: FixedProjection) -> Iterator[Diagnostic]:
    pools = [o for o in q.operators if isinstance(o, MaxPooling)]
    for pool in pools:
        yield _projection(
            q,
            f"max pooling of {_extent(pool.window)}",
            "sums of weighted inputs: Lava has no process for the largest of several (lava/proc)",
            f"average pooling in the model, or {MIXED}",
        )
    plain = len(q.operators) == 1 and isinstance(q.operators[0], FixedDense | FixedSparse)
    if pools or plain or is_conv(q):
        return
    matrix = composed(_records(q.operators), network.shapes[q.source])
    if fitted(matrix, q.weight_exp) is None:
        low, high = extent(matrix)
        least, most = limits(sign_mode(low, high))
        yield _projection(
            q,
            f"sums of its weights, of {low} to {high}, where windows overlap, and exponent "
            f"{q.weight_exp}",
            f"{least} to {most} and an exponent to 7: Lava clips to 8 bits "
            "(lava/utils/weightutils.py:283-290)",
            f"{_remedy(network, q, max(high, -low))}, or {MIXED}",
        )


def _remedy(network: FixedNetwork, q: FixedProjection, reach: int) -> str:
    """Give a width whose sums fit, whatever the weights: as many ways lead from ``j`` to ``i``.

    With fewer bits the exponent is larger, so none helps where that is what does not fit.

    Args:
        network: Of the projection.
        q: One whose sums do not fit.
        reach: Largest magnitude of the sums.
    """
    least, most = weight_limits(MAX_WEIGHT_BITS, q.sign_mode)
    largest = max(-least, most) << MAX_EXPONENT + q.sign_mode.sign_bits
    if reach * 2.0**q.weight_exp > largest:
        return "windows that overlap less"
    ways = int(
        composed(map(_ones, _records(q.operators)), network.shapes[q.source]).data.max(initial=1)
    )
    for bits in range(q.weight_bits - 1, q.sign_mode.sign_bits, -1):
        low, high = weight_limits(bits, q.sign_mode)
        if least <= low * ways and high * ways <= most:
            return f"--weight-bits {q.target}={bits}, or windows that overlap less"
    return "windows that overlap less"


def _ones(record: dict[str, Any]) -> dict[str, Any]:
    return record | ({"weight": np.ones_like(record["weight"])} if "weight" in record else {})


def _is_sparse(network: FixedNetwork, q: FixedProjection) -> bool:
    match q.operators:
        case (FixedDense() | FixedSparse() as weights,):
            return pays_sparse(weights)
        case _:
            matrix = composed(_records(q.operators), network.shapes[q.source])
            return bool(matrix.nnz <= STORED_SHARE * prod(matrix.shape))


def _records(operators: Iterable[FixedOperator]) -> list[dict[str, Any]]:
    """Give operators as the runner reads them."""
    tensors: Tensors = {}
    data = [to_json(o, str(k), tensors) for k, o in enumerate(operators)]
    return cast("list[dict[str, Any]]", filled(data, tensors))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _extent(window: Window) -> str:
    return " x ".join(map(str, window.kernel))


def _population(p: FixedPopulation, found: str, limit: str, remedy: str) -> Diagnostic:
    return _diagnostic(rules.STOCK_POPULATION, p, found, limit, remedy)


def _projection(q: FixedProjection, found: str, limit: str, remedy: str) -> Diagnostic:
    return _diagnostic(rules.STOCK_PROJECTION, q, found, limit, remedy)


def _diagnostic(
    rule: Rule, node: FixedPopulation | FixedProjection, found: str, limit: str, remedy: str
) -> Diagnostic:
    place = " + ".join(node.origin) or node.name
    return Diagnostic(rule=rule, node=place, found=found, limit=limit, remedy=remedy)
