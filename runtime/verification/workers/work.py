"""A plan on its way to another process, which has neither the artifact nor the trained module."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.runtime.verification.outcome import Outcome, outcome_elsewhere
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.told import told

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, eq=False, kw_only=True)
class Work:
    """What a process needs to run batches.

    Attributes:
        plan: Without the trained module.
        source: ``FILE.py:FUNCTION`` of the module, whose path is whole; None where there is none.
        state: Parameters and buffers of that module, as they are here: the function may draw them.
        module: The module itself where nothing names it, or its file.
    """

    plan: Plan
    source: str | None
    state: dict[str, Any] | None
    module: Module | Path | None

    def outcome(self, batch: Batch) -> Outcome:
        """Run a batch."""
        return outcome_elsewhere(lambda: self.unpacked, batch)

    @cached_property
    def unpacked(self) -> Plan:
        """Give the plan with the trained module.

        Raises:
            InputError: The function gives no such module any more.
        """
        module = self.module
        if self.source is not None:
            from snnc.frontends.spec import load_model

            loaded = load_model(self.source)
            loaded.load_state_dict(self.state or {})
            module = loaded
        return replace(self.plan, subject=replace(self.plan.subject, framework=module))


def packed_work(plan: Plan, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Give a plan as bytes.

    Args:
        plan: What is to be done.
        dumps: What pickles.

    Raises:
        InputError: SNN605, the module cannot be pickled.
    """
    module, source = plan.subject.framework, plan.subject.source
    named = source is not None and not isinstance(module, Path) and module is not None
    work = Work(
        plan=replace(
            plan,
            subject=replace(plan.subject, framework=None),
            absent=dict.fromkeys(plan.absent, ""),
            artifacts={},
        ),
        source=_whole(source) if source is not None and named else None,
        state=None if isinstance(module, Path) or module is None else dict(module.state_dict()),
        module=module.resolve() if isinstance(module, Path) else None if named else module,
    )
    try:
        return dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        found = f"a module that cannot be pickled: {error}"
        raise InputError([_not_sent(type(module).__name__, found)]) from error


def runner(packed: bytes) -> Callable[[Batch], Outcome]:
    """Give what runs batches where ``packed_work`` was sent, or says of each why it cannot."""
    try:
        return cast("Work", pickle.loads(packed)).outcome  # noqa: S301 of the process that asks
    except Exception as error:  # noqa: BLE001 of a class that is not here, whatever it does
        found = f"a module that cannot be unpickled there: {error}"
        refused = told(InputError([_not_sent("the trained module", found)]))

    def refuse(batch: Batch) -> Outcome:
        return Outcome(first=batch.first, samples=batch.samples, refused=refused)

    return refuse


def in_turn(
    batches: Iterator[Batch],
    room: Callable[[], int],
    send: Callable[[Batch], object],
    receive: Callable[[], Outcome],
) -> Generator[Outcome]:
    """Keep workers busy with ``batches`` and give each outcome as it comes.

    Args:
        batches: The samples.
        room: Gives the batches that workers may have at once, 1 or more.
        send: Gives a batch to them.
        receive: Waits for the next outcome.
    """
    waiting = 0
    while True:
        for batch in islice(batches, max(0, room() - waiting)):
            send(batch)
            waiting += 1
        if not waiting:
            return
        found = receive()
        waiting -= 1
        yield found


def _whole(source: str) -> str:
    """Give ``FILE.py:FUNCTION`` with the whole path of the file."""
    place, _, function = source.rpartition(":")
    return f"{Path(place).resolve()}:{function}"


def _not_sent(name: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODULE_SENT,
        node=name,
        found=found,
        limit="a module that is loaded from FILE.py:FUNCTION, or whose class can be imported",
        remedy="give FILE.py:FUNCTION as the model, or leave out --jobs and --scheduler",
    )
