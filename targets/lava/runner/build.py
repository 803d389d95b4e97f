"""A program as connected Lava processes, each with the model that executes it."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.proc.dense.models import PyDenseModelBitAcc
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIFReset
from lava.utils.weightutils import SignMode

from .models import RecordingLifReset, UniformDelayDense
from .neuron import Neurons
from .processes import (
    Population,
    PopulationModel,
    Sink,
    SinkModel,
    Source,
    SourceModel,
    Synapse,
    SynapseModel,
)
from .program import Population as PopulationRecord
from .program import Process, Program
from .window import Array, Recorder, Window

GRADED_BITS = 24
"""Width of a graded spike (Loihi 2); Lava's Dense asks only whether it is above 0."""


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a program.

    Attributes:
        inputs: For each input its integers, shape ``[steps, batch, n]``.
        window: Steps, batch and period of the run.
        recorders: For each process of kind Sink, LIFReset or Population what it records.
    """

    program: Program
    inputs: Mapping[str, Array]
    window: Window
    recorders: Mapping[str, Recorder]


def build(job: Job, processes: Iterable[Process]) -> dict[Any, type]:
    """Make and connect Lava processes.

    Lava would search a model for each by executing the Python files beside it; named here, it
    does not.

    Returns:
        Each Lava process with its model.
    """
    made: dict[tuple[str, str], Any] = {}
    models: dict[Any, type] = {}
    for process in processes:
        lava_process, model = make(job, process)
        made[_group(process.role), process.of] = lava_process
        models[lava_process] = model
    _connect(job.program, made)
    return models


def make(job: Job, process: Process) -> tuple[Any, type]:
    """Make one Lava process, connected to none yet, and name its model."""
    makers = {
        "Source": (_source, SourceModel),
        "Sink": (_sink, SinkModel),
        "LIFReset": (_lif_reset, RecordingLifReset),
        "Population": (_population, PopulationModel),
        "Dense": (_dense, PyDenseModelBitAcc),
        "DelayDense": (_delay_dense, UniformDelayDense),
        "Synapse": (_synapse, SynapseModel),
    }
    maker, model = makers[process.kind]
    return maker(job, process), model


def _group(role: str) -> str:
    """Inputs and populations share names that no two of them have; the others do not."""
    return "node" if role in ("input", "population") else role


def _connect(program: Program, made: Mapping[tuple[str, str], Any]) -> None:
    for (role, name), process in made.items():
        if role == "projection":
            projection = program.projections[name]
            made["node", projection.source].s_out.connect(process.s_in)
            process.a_out.connect(made["node", projection.target].a_in)
        elif role == "output":
            made["node", program.outputs[name]].s_out.connect(process.a_in)


def _source(job: Job, process: Process) -> Source:
    return Source(process.id, job.inputs[process.of], job.window)


def _sink(job: Job, process: Process) -> Sink:
    record = job.program.populations[job.program.outputs[process.of]]
    return Sink(process.id, record.size, record.sends, job.recorders[process.id])


def _population(job: Job, process: Process) -> Population:
    record = job.program.populations[process.of]
    neurons = Neurons(record.reset, record.parameters, record.refractory, record.spiking)
    return Population(process.id, neurons, record.sends, job.recorders[process.id])


def _lif_reset(job: Job, process: Process) -> Any:
    """Give Lava's LIF that rests before the first step of each sample.

    It resets where ``time_step % interval == offset % interval``, before the dynamics of the step;
    ``time_step`` counts from 1 (``lava/proc/lif/models.py:431``).
    """
    record = job.program.populations[process.of]
    lava_process = LIFReset(
        name=process.id,
        shape=(record.size,),
        du=_plain(record, "du"),
        dv=_plain(record, "dv"),
        vth=_plain(record, "threshold"),
        bias_mant=record.parameters["bias_mant"],
        bias_exp=record.parameters["bias_exp"],
        reset_interval=job.window.period,
        reset_offset=record.lag + 1,
    )
    lava_process.proc_params["recorder"] = job.recorders[process.id]
    return lava_process


def _plain(record: PopulationRecord, name: str) -> Any:
    """Give one ``int`` where all neurons have the same value, as Lava documents it.

    An array works as well: Lava hands it to the model unchanged (``py_builder.py:404-405``).
    """
    values = record.parameters[name]
    if values.size and (values == values[0]).all():
        return int(values[0])
    return values.astype(np.int64)


def _weights(program: Program, process: Process) -> dict[str, Any]:
    """Give ``(W x) * 2**e`` in the form of Lava's Dense.

    Dense has weights of 8 bits, of 9 and a sign where signs are mixed, and clears those of the
    lowest that are not stored (``lava/utils/weightutils.py:204-295``). So it gets ``2**k W`` and
    ``e - k``, with ``k`` the number of these: ``(2**k S) << (e - k) = S << e`` for ``e > k``, and
    else ``floor(2**k S / 2**(k - e)) = floor(S / 2**-e)``. The exponent acts on the sum.
    """
    projection = program.projections[process.of]
    (dense,) = projection.operators
    mode = SignMode[projection.sign_mode.upper()]
    cleared = 8 - projection.weight_bits + (mode is SignMode.MIXED)
    return {
        "name": process.id,
        "weights": dense["weight"].astype(np.int32) << cleared,
        "weight_exp": projection.weight_exp - cleared,
        "num_weight_bits": projection.weight_bits,
        "sign_mode": mode,
        "num_message_bits": GRADED_BITS if projection.source in program.inputs else 0,
    }


def _synapse(job: Job, process: Process) -> Synapse:
    projection = job.program.projections[process.of]
    shape = job.program.shapes[projection.source]
    size = job.program.populations[projection.target].size
    return Synapse(process.id, projection, shape, size)


def _dense(job: Job, process: Process) -> Any:
    return Dense(**_weights(job.program, process))


def _delay_dense(job: Job, process: Process) -> Any:
    """Give Lava's DelayDense, whose delay counts from the step that every synapse takes."""
    delay = job.program.projections[process.of].delay - 1
    return DelayDense(delays=delay, **_weights(job.program, process))
