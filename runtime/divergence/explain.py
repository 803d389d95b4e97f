"""What made a first divergence: of a sample that was run again, with every signal recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snnc.compiler.diagnostics import EnvironmentFault, InputError, TimeLimitExceeded
from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.runtime.compare import Divergence, compare
from snnc.runtime.divergence import of_framework, of_rounding, of_target
from snnc.runtime.divergence.explanation import Explanation, LocalError
from snnc.runtime.divergence.local import (
    local_errors,
    run_forced_integers,
    run_forced_reals,
    run_separated,
)
from snnc.runtime.divergence.parted import Parted
from snnc.targets.artifact import Artifact
from snnc.targets.running import Inputs


def explain(parted: Parted, found: Divergence | None) -> Explanation | None:
    """Explain where two executions of a sample part first.

    Args:
        parted: The two.
        found: The value that differs first on all the data of the verification; None where
            potentials of a framework differ by more than rounding, and no spike.

    Returns:
        None where there is nothing to explain.

    Raises:
        InputError: The network cannot be brought to integers, and so its rounding not be told.
    """
    if parted.reference_name == FRAMEWORK:
        explanation = of_framework.explain(parted, found)
    elif parted.reference_name == FLOAT:
        explanation = of_rounding.explain(parted, found)
    else:
        explanation = of_target.explain(parted, found)
    if explanation is None:
        return None
    return explanation.model_copy(update={"local": local(parted)})
