"""Data that users give: files, recordings of events, steps (SNN64x), and what differs (SNN65x)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

DATA_FORM = Rule(
    "SNN641",
    "a file of data is whole, and of a form that snnc reads",
    "A file is known by its first bytes, an N-MNIST recording by its ending .bin. It ends early, "
    "states sizes that it does not have, holds something else than numbers, or is of another form. "
    "docs/inputs.md describes each form. Nothing of it was used.",
)
DATA_BOUNDED = Rule(
    "SNN642",
    "data fit into the memory of this machine",
    "What the data take in memory is known before they are read: an .npz file may be a thousand "
    "times larger when it is unpacked, and events become an array of all steps. Fewer recordings "
    "or steps at once take less.",
)
EVENTS_PLACED = Rule(
    "SNN643",
    "every event of a recording has its place on the input",
    "An event camera tells column, row and polarity. They are the axes of the input: [2, height, "
    "width] with the polarities as channels, [1, height, width] or [height, width] with both "
    "together. A flat input needs --sensor-shape. Nothing is cropped or scaled in silence.",
)
STEPS_KNOWN = Rule(
    "SNN644",
    "the steps of the data are those of the network",
    "Events fall into steps of dt seconds, or of --bin-seconds where it is given. Data that come "
    "in steps of their own must have steps as long as these.",
)
DATA_NAMED = Rule(
    "SNN645",
    "a NIR data graph holds one observable for each input of the network",
    "Its nodes are named as those of the NIR graph, nested ones with dots between the names. Nodes "
    "that are no inputs are records of other signals, and are passed over.",
)
DIFF_KNOWN = Rule(
    "SNN651",
    "what snnc diff compares is a report or an artifact",
    "An artifact is a directory with manifest.json, as snnc compile writes it; a report one with "
    "report.json, as snnc verify does, or that file by itself.",
)
DIFF_ALIKE = Rule(
    "SNN652",
    "snnc diff compares two of a kind",
    "A report tells of runs, an artifact holds a network. To see whether an artifact computes what "
    "another does, verify both on the same input and compare the reports.",
)
DIFF_READABLE = Rule(
    "SNN653",
    "a report that is compared can be read",
    "report.json is JSON and has what reports of every release have: format, snnc, verdict, "
    "headline and links. Reports of different formats can be compared.",
)
