"""Long verifications (SNN60x): journals, processes, clusters. What samples can show (SNN63x)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

JOURNAL_FITS = Rule(
    "SNN601",
    "a journal is continued by the run that began it",
    "snnc verify keeps what it has done in DIR.journal beside the report, and goes on from there "
    "when the same command is repeated. What was computed from another network, other data, or "
    "with other versions cannot become part of the same report. The journal is removed when the "
    "report is written.",
)
JOURNAL_FREE = Rule(
    "SNN602",
    "one run at a time writes a journal",
    "Two runs with the same --report would do the same work, and write the same report. The "
    "journal is free as soon as the process that writes it has ended, however it ended.",
)
JOURNAL_READABLE = Rule(
    "SNN603",
    "what stands in the place of the journal is a journal",
    "snnc verify keeps what it has done in DIR.journal beside the report. A file of that name that "
    "snnc did not write, or whose first line is damaged, stays as it is, and nothing is run.",
)
PROCESSES_LIVE = Rule(
    "SNN604",
    "the processes of --jobs live until their batch is done",
    "A process that dies is replaced, and its batch is run again. If three die in a row on the "
    "same batch, something ends them: most often the system is out of memory. What was done is in "
    "the journal, and the same command goes on from there.",
)
MODULE_SENT = Rule(
    "SNN605",
    "the trained module can be sent to other processes",
    "With --jobs or --scheduler the module is run in processes that do not have it yet. They load "
    "it from FILE.py:FUNCTION and take over its parameters; a module that is given as an object is "
    "pickled, which needs a class that can be imported.",
)
SCHEDULER_ANSWERS = Rule(
    "SNN606",
    "the Dask scheduler answers, and has workers",
    "--scheduler names the address of a running scheduler, as dask scheduler prints it. It needs "
    "a worker at least, which dask worker ADDRESS starts. What was done is in the journal.",
)
WORKERS_ALIKE = Rule(
    "SNN607",
    "the workers of a cluster have the same packages as the process that asks them",
    "A report names the versions that took part. Another version of torch, NumPy or snnc may "
    "compute something else, and a report could not say which sample came from which.",
)
CLUSTER_LIVES = Rule(
    "SNN608",
    "the workers of a cluster live until their batch is done",
    "Batches of a worker that dies are run by others. Where one batch has cost several workers, or "
    "the scheduler is gone, the run ends. What was done is in the journal, and the same command "
    "goes on from there.",
)
ENOUGH_SAMPLES = Rule(
    "SNN631",
    "there are enough samples to show that accuracy falls by no more than is allowed",
    "The drop of accuracy on these samples is within --max-drop, but with 95 % confidence it may "
    "be larger on others: only more samples make it surer what it is there. As "
    "many are needed as bring the bound within --max-drop in 4 of 5 cases, where accuracy does not "
    "really fall, and one execution alone is right as often as here. docs/measures.md has the "
    "formulas.",
)
