"""A program on Lava, from integers to what was recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from .program import Process, Program
from .whole import Whole
from .window import SIGNALS, Array, Recorder, Window, shared_array

Progress = Callable[[int, int], None]
Recording = dict[str, dict[str, Array]]
"""For each process what it recorded, ``[steps + latency, batch, n]``."""
FUSED = "fused"
"""The form whose nodes share one Lava process; the others have one for each."""
REPORT_STEPS = 500
"""Progress is told about every so many hardware steps."""
REPORT_SECONDS = 0.25
"""A fused network tells of its progress after so many seconds or up to twice as many."""


def simulate(
    program: Program,
    inputs: Mapping[str, Array],
    record: tuple[str, ...],
    check: Callable[[], None],
    progress: Progress,
) -> Recording:
    """Run all samples in one start of Lava.

    Args:
        program: What to run.
        inputs: For each input its integers, shape ``[steps, batch, n]``.
        record: Those of ``spikes``, ``u``, ``v`` to record of every population.
        check: Called often while Lava runs; what it raises ends the run.
        progress: Told the hardware steps done and in all.

    Raises:
        ProcessFault: A Lava process failed or was ended.
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    window = Window(steps, batch, steps + program.gap)
    recorders = {p.id: r for p in program.processes for r in _recorders(program, p, window, record)}
    if program.form == FUSED:
        _run_whole(Whole(program, inputs, recorders), check, progress)
    else:
        _run_parts(program, inputs, window, recorders, check, progress)
    return {name: recorder.arrays for name, recorder in recorders.items()}


def _run_whole(whole: Whole, check: Callable[[], None], progress: Progress) -> None:
    """Run all nodes in one Lava process, some samples side by side."""
    from .fused import Fused, FusedModel
    from .guard import running

    process = Process("network", "network", "Fused", "all nodes")
    done, steps = 0, 1
    with running({Fused(process.id, whole): FusedModel}, [process], check) as advance:
        while done < whole.steps:
            begin, end = time.monotonic(), min(done + steps, whole.steps)
            advance(end - done)
            done = end
            progress(done, whole.steps)
            if time.monotonic() - begin < REPORT_SECONDS:
                steps *= 2


def _run_parts(
    program: Program,
    inputs: Mapping[str, Array],
    window: Window,
    recorders: Mapping[str, Recorder],
    check: Callable[[], None],
    progress: Progress,
) -> None:
    """Run a Lava process for each node, all samples one after the other.

    Lava runs what is connected; a program of several unconnected parts is run part by part.
    """
    from .build import Job, build
    from .guard import running

    job = Job(program, inputs, window, recorders)
    parts = tuple(_parts(program))
    total = window.batch * window.period
    for index, part in enumerate(parts):
        with running(build(job, part), part, check) as advance:
            for begin, end in _chunks(window):
                advance(end - begin)
                progress(index * total + end, len(parts) * total)


def _chunks(window: Window) -> Iterator[tuple[int, int]]:
    """Cut the run where samples end, so that progress can be told."""
    samples = max(1, REPORT_STEPS // window.period)
    for first in range(0, window.batch, samples):
        last = min(first + samples, window.batch)
        yield first * window.period, last * window.period


def _recorders(
    program: Program, process: Process, window: Window, record: tuple[str, ...]
) -> Iterator[Recorder]:
    population = program.recorded(process)
    if population is None:
        return
    signals = (population.sends,) if process.role == "output" else population.recordable(record)
    shape = (window.steps + program.latency, window.batch, population.size)
    arrays = {signal: shared_array(shape, SIGNALS[signal]) for signal in signals}
    yield Recorder(replace(window, lag=population.lag), arrays)


def _parts(program: Program) -> Iterator[tuple[Process, ...]]:
    """Give the processes of each connected part that has a population.

    Axons that read an input from memory are not connected to it.
    """
    entries = {p.of for p in program.processes if p.role == "axons" and p.kind == "Source"}
    for part in connected(program, frozenset(entries)):
        if part & program.populations.keys():
            yield tuple(p for p in program.processes if _node(program, p) in part)


def connected(program: Program, entries: frozenset[str] = frozenset()) -> list[frozenset[str]]:
    """Give the names of inputs, populations and axons that are connected, part by part.

    Args:
        program: What runs.
        entries: Axons that are connected to none of their sources.
    """
    part_of = {name: frozenset([name]) for name in program.shapes}
    ends = [(p.source, p.target) for p in program.projections.values()]
    inner = (axons for axons in program.axons.values() if axons.name not in entries)
    ends += [(source, axons.name) for axons in inner for source in axons.sources]
    for one, other in ends:
        joined = part_of[one] | part_of[other]
        part_of.update(dict.fromkeys(joined, joined))
    return list(dict.fromkeys(part_of.values()))


def _node(program: Program, process: Process) -> str:
    """Give the input, the population or the axons that a process belongs to."""
    if process.role == "projection":
        return program.projections[process.of].target
    return program.outputs[process.of] if process.role == "output" else process.of
