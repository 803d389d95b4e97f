"""AEDAT 4: read by the package ``aedat`` (MIT), in a process of its own.

``aedat`` believes what the header of a file says, and a hostile one could make it do anything.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError
from snnc.frontends.events.recording import Recording
from snnc.frontends.hdf5.child import AEDAT4
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.read import Tree
from snnc.frontends.refusals import as_data, refused_data

LIMIT = "an AEDAT 4 recording with one stream of events"
MOST = np.iinfo(np.int64).max
"""Microseconds that can be counted from the first event."""


def read_aedat4(path: Path, name: str, process: ReaderProcess) -> Recording:
    """Read the events of one recording; its time begins with the first.

    Args:
        path: The file.
        name: Its path as messages give it.
        process: That reads it.

    Raises:
        InputError: SNN641, it is damaged, or holds no events, or those of several sensors.
        EnvironmentFault: SNN501, ``aedat`` is not installed; SNN508, no process could be started.
        OSError: It cannot be read.
    """
    if find_spec("aedat") is None:
        raise EnvironmentFault([_missing(name)])
    try:
        tree = process.read(path, AEDAT4)
    except InputError as error:
        raise as_data(error, LIMIT) from None
    chunks = [cast("Tree", group) for key, group in tree.items() if key != "sensor"]
    if not chunks:
        raise refused_data(name, "no event", LIMIT)
    events = {key: np.concatenate([cast("Any", c[key]) for c in chunks]) for key in chunks[0]}
    height, width = cast("Any", tree["sensor"]).tolist()
    first, last = int(events["t"].min()), int(events["t"].max())
    if last - first > MOST:
        raise refused_data(name, f"events over {last - first:,} us", LIMIT)
    return Recording(
        t=events["t"] - first,
        x=events["x"],
        y=events["y"],
        on=events["on"],
        sensor=(height, width),
    )


def _missing(name: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.PACKAGE_PRESENT,
        node=printable(name),
        found="aedat is not installed",
        limit="reading an AEDAT 4 recording needs aedat 2.3 or newer",
        remedy="pip install 'snnc[aedat]'",
    )
