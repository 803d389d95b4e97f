"""What made a first divergence: told of a sample that was run again, with every signal."""

from __future__ import annotations

from snnc.compiler.diagnostics import EnvironmentFault, TimeLimitExceeded
from snnc.compiler.trace import SIGNALS
from snnc.runtime.compare import Divergence
from snnc.runtime.divergence import of_framework, of_rounding, of_target
from snnc.runtime.divergence.explanation import Explanation, LocalError
from snnc.runtime.divergence.local import (
    local_errors,
    run_forced_integers,
    run_forced_parts,
    run_forced_reals,
    run_separated,
)
from snnc.runtime.divergence.parted import Parted

FRAMEWORK, FLOAT = "framework", "float"
"""References of the links that are between real numbers, and between these and integers."""
MAPPED = "mapped"
"""What executes a network as it is cut over cores."""


def explain(parted: Parted, found: Divergence | None) -> Explanation | None:
    """Explain where two executions of a sample part first.

    Args:
        parted: The two.
        found: The value that differs first on all the data of the verification; None where only
            potentials of a framework are off, and no spike.

    Returns:
        None where the two do not part, or did not record what tells why.

    Raises:
        InputError: The network cannot be brought to integers.
    """
    explanation = _explained(parted, found)
    if explanation is None:
        return None
    return explanation.model_copy(update={"local": local(parted, (parted.sample,))})


def _explained(parted: Parted, found: Divergence | None) -> Explanation | None:
    if parted.names[0] == FRAMEWORK:
        return of_framework.explain(parted)
    if parted.names[0] == FLOAT:
        return of_rounding.explain(parted)
    return None if found is None else of_target.explain(parted, found)


def local(parted: Parted, samples: tuple[int, ...]) -> tuple[LocalError, ...]:
    """Give what each population does wrong by itself, fed with what the reference sends.

    Args:
        parted: Two executions, here of any number of samples. The other is not asked for.
        samples: Index of each in the data of the verification.

    Returns:
        Nothing where the target cannot run a network that is cut into its populations.
    """
    artifact, inputs, reference = parted.artifact, parted.inputs, parted.reference
    if parted.names[0] == FRAMEWORK:
        forced = run_forced_reals(artifact.network, inputs, reference)
        return local_errors(reference, forced, ("spikes",), samples)
    if parted.names[0] == FLOAT:
        forced = run_forced_integers(artifact, inputs, reference)
        return local_errors(reference, forced, ("spikes",), samples)
    if parted.names[1] == MAPPED and artifact.mapped is not None:
        forced = run_forced_parts(artifact.mapped, inputs, reference)
        return local_errors(reference, forced, SIGNALS, samples)
    try:
        forced = run_separated(artifact, inputs, reference)
    except (EnvironmentFault, TimeLimitExceeded):
        return ()
    return local_errors(reference, forced, SIGNALS, samples)
