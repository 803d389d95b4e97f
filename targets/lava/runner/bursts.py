"""Many steps of a Lava process at one command of Lava's runtime.

In Lava the runtime service tells every process to make a step, and waits for all of them before it
tells them to make the next: after the slowest, each process is asleep. Told to make many, a process
goes on as far as what it receives allows, and a process that lags behind finds its messages there.

What is computed stays the same. Each process receives one message from each of its ports in each
step and sends one, in an order of its own that does not depend on time, so it computes a function
of the messages alone (G. Kahn, "The semantics of a simple language for parallel programming", 1974,
section 2). Nor can they block each other, although a channel holds a limited number of messages:
take a process that has made the fewest steps. None of its channels is full, for those who read them
have made as many steps as it has. Where it waits for a message, the sender has made no more steps
either, and waits in turn; a circle of these would block Lava's own way in that very step.

Between its steps Lava's own way would also let a process learn, or be read by others. So all this
holds for models that do neither, and others are left as they are.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.sub.model import AbstractSubProcessModel

from .window import Array, shared_array

GUARDS = ("pre_guard", "lrn_guard", "post_guard")
"""Methods by which a model says that it has something to do between two steps."""


class Bursts:
    """Lets all processes of a network make many steps at a command, if that is possible.

    Attributes:
        models: For each Lava process the model that executes it.
    """

    def __init__(self, models: Mapping[Any, type]) -> None:
        """Take the models; the processes must be forked by this one.

        A process that has others within makes no steps itself.
        """
        self.models = dict(models)
        self.steps: Array | None = None
        steppers = {p: m for p, m in models.items() if not issubclass(m, AbstractSubProcessModel)}
        if all(_only_steps(model) for model in steppers.values()):
            steps = self.steps = shared_array((1,), np.int64)
            self.models |= {p: _in_bursts(model, steps) for p, model in steppers.items()}

    def commands(self, steps: int) -> int:
        """Give how many commands make every process advance by ``steps``.

        They read the number of steps after they got the command, which is given after this.
        """
        if self.steps is None:
            return steps
        self.steps[0] = steps
        return 1


def _only_steps(model: type[Any]) -> bool:
    return issubclass(model, PyLoihiProcessModel) and all(
        getattr(model, guard) is getattr(PyLoihiProcessModel, guard) for guard in GUARDS
    )


def _in_bursts(model: type[Any], steps: Array) -> type[Any]:
    class Bursting(model):
        def _spike(self) -> None:
            """Make all steps but the last; Lava makes that one and answers."""
            for _ in range(int(steps[0]) - 1):
                self.time_step += 1
                self.run_spk()
            super()._spike()

    return Bursting
