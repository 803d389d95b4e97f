"""What comes back of a batch, as one line of JSON: whoever ran it, wherever, it is the same."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from snnc.compiler.diagnostics import InputError, InternalError
from snnc.runtime.record import Record
from snnc.runtime.stages import Stages, silent
from snnc.runtime.verification.batch import tally_batch
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.tally import Tally
from snnc.runtime.verification.told import Told, told


class Outcome(Record):
    """What became of a batch.

    Attributes:
        first: Index of its first sample.
        samples: How many.
        complete: Whether all stages were run; else it is worth another try.
        tally: What it gave.
        refused: What the user gave that cannot be used.
        fault: What went wrong in a process of its own, and where.
        memory: Whether that was a lack of memory.
    """

    first: int
    samples: int
    complete: bool = False
    tally: Tally | None = None
    refused: tuple[Told, ...] = ()
    fault: str | None = None
    memory: bool = False

    @property
    def given(self) -> Tally:
        """The tally.

        Raises:
            InternalError: There is none.
        """
        if self.tally is None:
            raise InternalError("a batch without a tally")
        return self.tally

    def raise_what_it_tells(self) -> None:
        """Raise what was raised where the batch was run.

        Raises:
            InputError: The data or the module cannot be used.
            MemoryError: There was too little.
            InternalError: Something went wrong that never should.
        """
        if self.refused:
            raise InputError([t.diagnostic for t in self.refused])
        if self.memory:
            raise MemoryError
        if self.fault is not None:
            raise InternalError(self.fault)


def outcome(plan: Plan, batch: Batch, progress: Stages = silent) -> Outcome:
    """Run a batch.

    Raises:
        InputError: The data or the module cannot be used.
    """
    tally = tally_batch(plan, batch, progress)
    complete = not (tally.failed or batch.without)
    return Outcome(first=batch.first, samples=batch.samples, complete=complete, tally=tally)


def outcome_elsewhere(plan: Callable[[], Plan], batch: Batch) -> Outcome:
    """Do the same in a process that others asked: what is raised is told to them.

    Args:
        plan: Gives the plan.
        batch: The samples.
    """
    try:
        return outcome(plan(), batch)
    except InputError as error:
        return Outcome(first=batch.first, samples=batch.samples, refused=told(error))
    except MemoryError:
        return Outcome(first=batch.first, samples=batch.samples, memory=True)
    except Exception as error:  # noqa: BLE001 told to the process that asked
        place = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        return Outcome(first=batch.first, samples=batch.samples, fault=fault)
