"""The options of a run: checked when they are given, kept while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from math import inf

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, TimeLimitExceeded, raise_all
from snnc.compiler.trace import SIGNALS
from snnc.targets.running import Progress, RunOptions


def run_options(
    *, record: str | Sequence[str], raw_time: bool, timeout: float | None, progress: Progress
) -> RunOptions:
    """Check what the user asks of a run.

    Raises:
        InputError: SNN004, a signal has another name or the limit is not positive.
    """
    signals = (record,) if isinstance(record, str) else tuple(record)
    raise_all(_problems(signals, timeout))
    return RunOptions(record=signals, raw_time=raw_time, timeout=timeout, progress=progress)


def _problems(signals: tuple[str, ...], timeout: float | None) -> Iterator[Diagnostic]:
    for signal in signals:
        if signal not in SIGNALS:
            yield Diagnostic(
                rule=rules.OPTION_VALID,
                node="--record",
                found=f"{signal!r:.60}",
                limit=f"signals of a population: {', '.join(SIGNALS)}",
                remedy=f"--record {','.join(SIGNALS)} records all of them",
            )
    if timeout is not None and not 0 < timeout < inf:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--timeout",
            found=f"{timeout:g} s",
            limit="more than 0 s, and finite",
            remedy="leave --timeout out to run without a limit of your own",
        )


def limited_progress(options: RunOptions, target: str) -> Progress:
    """Give ``options.progress``, made to end a run in this process at ``options.timeout``.

    Raises:
        TimeLimitExceeded: SNN506, raised by the function that is given, within the run.
    """
    limit = options.timeout
    if limit is None:
        return options.progress
    end = time.monotonic() + limit

    def progress(done: int, total: int) -> None:
        if done < total and time.monotonic() > end:
            raise TimeLimitExceeded([_too_long(target, limit, done, total)])
        options.progress(done, total)

    return progress


def _too_long(target: str, limit: float, done: int, total: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.TIME_LIMIT,
        node=f"target {target}",
        found=f"step {done} of {total} after {limit:g} s",
        limit=f"{limit:g} s, named with --timeout",
        remedy="name a longer --timeout, or run fewer steps or samples",
    )
