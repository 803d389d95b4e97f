"""A program as connected Lava processes, each with the model that executes it."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIFReset
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from . import stock
from .axons import Gather
from .cores import (
    AxonsProcess,
    CoreModel,
    axons_model,
    connect,
    heard_nodes,
    make_cores,
    ports_of,
)
from .matrix import kept
from .models import FastDelayDense, FastDense, RecordingLifReset
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
from .program import Process, Program, Projection
from .window import Array, Recorder, Window

GRADED_BITS = 24
"""Width of a graded spike (Loihi 2); Lava's Dense asks only whether it is above 0."""
LARGEST_DV = 2**12 - 1
"""What Lava documents (``lava/proc/lif/models.py:253``); its model takes 4096, too."""
LARGEST_THRESHOLD = 2**17 - 1
"""Of a read-out, which never gets above it (``lava/proc/lif/models.py:257``)."""


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


Maker = Callable[[Job, Process], Any]


def build(job: Job, processes: Sequence[Process]) -> dict[Any, type]:
    """Make and connect Lava processes, those of a core in a process of its own.

    Lava would search a model for each by executing the Python files beside it; named here, it
    does not.

    Returns:
        Each Lava process with its model.
    """
    made: dict[Process, Any] = {}
    models: dict[Any, type] = {}
    heard = heard_nodes(job.program, processes)
    for process in processes:
        if process.kind == "Probe":  # an output that the process of its population records
            continue
        if process.role == "input" and process.of not in heard:
            continue
        made[process], model = make(job, process)
        models[made[process]] = model
    outside = {process: one for process, one in made.items() if process.core is None}
    cores = make_cores(job.program, made, [])
    connect(job.program, outside, ports_of(outside, cores), cores)
    return dict.fromkeys(cores.values(), CoreModel) | models


def make(job: Job, process: Process) -> tuple[Any, type]:
    """Make one Lava process, connected to none yet, and name its model."""
    makers: dict[str, tuple[Maker, type]] = {
        "Source": (_source, SourceModel),
        "Sink": (_sink, SinkModel),
        "LIFReset": (_lif_reset, RecordingLifReset),
        "Population": (_population, PopulationModel),
        "Dense": (_dense, FastDense),
        "DelayDense": (_delay_dense, FastDelayDense),
        "Synapse": (_synapse, SynapseModel),
        "SourceRingBuffer": (_source_ring, stock.RefilledSource),
        "SinkRingBuffer": (_sink_ring, stock.EmptiedSink),
        "Sparse": (_sparse, stock.ProductSparse),
        "DelaySparse": (_delay_sparse, stock.UniformDelaySparse),
    }
    if process.kind == "Axons":
        axons = job.program.axons[process.of]
        return AxonsProcess(axons, job.program.shapes, process.id), axons_model(axons)
    if process.kind == "Conv":
        from .conv import MatrixConv

        makers["Conv"] = _conv, MatrixConv
    maker, model = makers[process.kind]
    return maker(job, process), model


def _source(job: Job, process: Process) -> Source:
    if process.role == "input":
        return Source(process.id, job.inputs[process.of], job.window)
    axons = job.program.axons[process.of]
    (source,) = axons.sources
    return Source(process.id, job.inputs[source], job.window, Gather(axons))


def _sink(job: Job, process: Process) -> Sink:
    record = job.program.populations[job.program.outputs[process.of]]
    return Sink(process.id, record.size, record.sends, job.recorders[process.id])


def _source_ring(job: Job, process: Process) -> Any:
    return stock.source(process.id, job.inputs[process.of], job.window)


def _sink_ring(job: Job, process: Process) -> Any:
    record = job.program.populations[job.program.outputs[process.of]]
    return stock.sink(process.id, record.size, job.recorders[process.id])


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
    dv = _plain(record, "dv")
    lava_process = LIFReset(
        name=process.id,
        shape=(record.size,),
        du=_plain(record, "du"),
        dv=min(dv, LARGEST_DV) if job.program.form == "stock" else dv,
        vth=_plain(record, "threshold") if record.spiking else LARGEST_THRESHOLD,
        bias_mant=record.parameters["bias_mant"],
        bias_exp=record.parameters["bias_exp"],
        reset_interval=job.window.period,
        reset_offset=record.lag + 1,
    )
    probes = [
        job.recorders[other.id]
        for other in job.program.processes
        if other.kind == "Probe" and job.program.outputs[other.of] == process.of
    ]
    lava_process.proc_params["recorders"] = (job.recorders[process.id], *probes)
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
    """Give the weights of a projection, and all else that Lava's synapses take."""
    projection = program.projections[process.of]
    weights = kept(projection, program.shapes[projection.source])
    return {
        "name": process.id,
        "weights": weights.matrix,
        "weight_exp": weights.weight_exp,
        "num_weight_bits": weights.weight_bits,
        "sign_mode": SignMode[weights.sign_mode.upper()],
        "num_message_bits": _message_bits(program, projection),
    }


def _message_bits(program: Program, projection: Projection) -> int:
    """Give the width of what arrives: 0 for spikes, which carry no number."""
    return GRADED_BITS if program.graded(projection.source) else 0


def _synapse(job: Job, process: Process) -> Synapse:
    projection = job.program.projections[process.of]
    shape = job.program.shapes[projection.source]
    size = job.program.populations[projection.target].size
    return Synapse(process.id, projection, shape, size)


def _dense(job: Job, process: Process) -> Any:
    return Dense(**_dense_weights(job, process))


def _delay_dense(job: Job, process: Process) -> Any:
    """Give Lava's DelayDense, whose delay counts from the step that every synapse takes."""
    delay = job.program.projections[process.of].delay - 1
    return DelayDense(delays=delay, **_dense_weights(job, process))


def _dense_weights(job: Job, process: Process) -> dict[str, Any]:
    """Give weights as an array: those that several operators make are sparse so far."""
    weights = _weights(job.program, process)
    matrix = weights["weights"]
    array = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return weights | {"weights": array}


def _sparse(job: Job, process: Process) -> Any:
    return Sparse(**_sparse_weights(job, process))


def _delay_sparse(job: Job, process: Process) -> Any:
    """Give Lava's DelaySparse; of one number for all delays it would make a full matrix."""
    delay = job.program.projections[process.of].delay - 1
    weights = _sparse_weights(job, process)
    delays = weights["weights"].astype(np.int64)
    delays.data[:] = delay
    return DelaySparse(delays=delays, max_delay=delay, **weights)


def _sparse_weights(job: Job, process: Process) -> dict[str, Any]:
    weights = _weights(job.program, process)
    return weights | {"weights": csr_matrix(weights["weights"])}


def _conv(job: Job, process: Process) -> Any:
    from .conv import conv

    projection = job.program.projections[process.of]
    shape = job.program.shapes[projection.source]
    return conv(process.id, projection, shape, _message_bits(job.program, projection))
