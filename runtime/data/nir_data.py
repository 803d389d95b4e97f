"""NIR data graphs: signals of the nodes of a NIR graph, on a grid of steps or as events.

The form is that of ``nir.write_data`` (nir 1.0.8, ``serialization.py`` and ``data_ir``): groups
``nodes`` and ``observables``, whose attribute ``__type__`` says what each is.
"""
# nir has no types:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.network import Input, Network
from snnc.frontends.hdf5.read import Tree
from snnc.frontends.refusals import refused_data
from snnc.runtime.data.binning import Binning, Values, fill, steps_of_seconds
from snnc.runtime.data.memory import zeros
from snnc.runtime.data.source import names

Array = npt.NDArray[Any]

TYPE, GRAPH, NODE = "/__type__", "NIRGraphData", "NIRNodeData"
GRID, EVENTS, VALUED = "TimeGriddedData", "EventData", "ValuedEventData"
FIELDS = {
    GRID: (("data",), ("dt",)),
    EVENTS: (("idx", "time"), ("n_neurons", "t_max")),
    VALUED: (("idx", "time", "value"), ("n_neurons", "t_max")),
}
"""Arrays and attributes of each kind of observable."""
LIMIT = "what nir.write_data of nir 1.0.8 writes"
SAME = 1e-6
"""Relative difference of two lengths of a step that are the same."""
MOST_STEPS = 10**7


@dataclass(frozen=True)
class NirData:
    """A NIR data graph.

    Attributes:
        path: Of the file, for messages.
        nodes: The observables of each node, by names with dots where graphs are nested.
        binning: How events become steps.
    """

    path: str
    nodes: Mapping[str, Tree]
    binning: Binning

    @classmethod
    def of(cls, tree: Tree, path: str, binning: Binning) -> NirData:
        """Take a file as it was read.

        Raises:
            InputError: SNN641, it is not of this form.
        """
        return cls(path, dict(_nodes(tree, path, "")), binning)

    def arrays_for(self, network: Network, what: str) -> Mapping[str, Array]:
        """Give each input its observable, ``[steps, samples, *shape]``.

        Raises:
            InputError: SNN641, an observable is damaged; SNN642, it is too large; SNN644, its steps
                are not the network's; SNN645, an input has none, or several.
        """
        del what
        return {i.name: self._array(i, self.binning.step(network.dt)) for i in network.inputs}

    def _array(self, declared: Input, seconds: float) -> Array:
        observables = self.nodes.get(declared.name)
        if observables is None or len(observables) != 1:
            raise InputError([self._unnamed(declared.name, observables)])
        ((name, group),) = observables.items()
        place = f"{self.path}:{declared.name}.{name}"
        observable = _Observable(place, *_fields(group, place), self.binning)
        values = observable.gridded(seconds)
        n = values.shape[2]
        shape = declared.shape if n == declared.size else (n,)
        return values.reshape(*values.shape[:2], *shape)

    def _unnamed(self, name: str, observables: Tree | None) -> Diagnostic:
        found = f"nodes {names(self.nodes)}"
        if observables is not None:
            found = f"{name} with the observables {names(observables)}"
        return Diagnostic(
            rule=rules.DATA_NAMED,
            node=self.path,
            found=found,
            limit=f"the node {name}, an input, with one observable",
            remedy="write the input's signal alone with nir.write_data",
        )


@dataclass(frozen=True)
class _Observable:
    """One signal of a node: its arrays and attributes together."""

    place: str
    kind: str
    fields: Mapping[str, Array]
    binning: Binning

    def gridded(self, seconds: float) -> Array:
        """Give values ``[steps, samples, n]``.

        Raises:
            InputError: SNN641, SNN642 or SNN644.
        """
        if self.kind == GRID:
            return self._cut(self._grid(seconds))
        return self._events(seconds)

    def _grid(self, seconds: float) -> Array:
        data, dt = self.fields["data"], float(self.fields["dt"])
        if data.ndim != 3 or data.dtype.kind not in "biuf":
            raise self._wrong(f"data of shape {list(data.shape)} and type {data.dtype}")
        if not abs(dt - seconds) <= SAME * seconds:
            raise InputError([_other_steps(self.place, dt, seconds)])
        return data.swapaxes(0, 1)

    def _cut(self, values: Array) -> Array:
        """Cut to ``--bin-steps``, or fill up with silence."""
        steps = self.binning.steps or values.shape[0]
        missing = max(steps - values.shape[0], 0)
        padded = np.pad(values, ((0, missing), (0, 0), (0, 0))) if missing else values
        return np.ascontiguousarray(padded[:steps])

    def _events(self, seconds: float) -> Array:
        n, end = int(self.fields["n_neurons"]), float(self.fields["t_max"])
        idx, time = self._checked(n, end)
        steps = self.binning.steps
        ends = int(steps_of_seconds(np.array([end * (1 - 1e-12)]), seconds)[0]) + 1
        if steps is None and ends > MOST_STEPS:
            raise self._wrong(f"{end:g} s in steps of {seconds:g} s")
        values = self._zeros(steps or ends, n)
        for sample, (i, t) in enumerate(zip(idx, time, strict=True)):
            there = i >= 0
            step = steps_of_seconds(t[there], seconds)
            if step.size and step.max() >= ends:
                raise self._wrong(f"an event at {t[there].max():g} s, and an end at {end:g} s")
            if self.kind == EVENTS:
                fill(values, sample, step, i[there])
                continue
            kept, value = step < values.shape[0], self.fields["value"][sample][there]
            np.add.at(values[:, sample], (step[kept], i[there][kept]), value[kept])
        return values

    def _zeros(self, steps: int, n: int) -> Array:
        """Give an array for events, of a type that holds what they become."""
        kind = np.dtype(np.uint8 if self.binning.values == Values.BINARY else np.uint16)
        kind = kind if self.kind == EVENTS else np.dtype(np.float32)
        shape = (steps, self.fields["idx"].shape[0], n)
        return zeros(shape, kind, self.place, "give fewer samples at once, or --bin-steps N")

    def _checked(self, n: int, end: float) -> tuple[Array, Array]:
        """Give neurons and times ``[samples, events]``, of which each makes sense.

        Raises:
            InputError: SNN641, some do not.
        """
        idx, time = self.fields["idx"], self.fields["time"]
        arrays = [idx, time, *([self.fields["value"]] if self.kind == VALUED else [])]
        if idx.ndim != 2 or len({a.shape for a in arrays}) > 1:
            raise self._wrong(f"arrays of shapes {', '.join(str(list(a.shape)) for a in arrays)}")
        if idx.dtype.kind not in "iu" or any(a.dtype.kind not in "iuf" for a in arrays):
            raise self._wrong(f"arrays of types {', '.join(str(a.dtype) for a in arrays)}")
        if not (n > 0 and np.isfinite(end) and end > 0):
            raise self._wrong(f"{n} neurons, and an end at {end:g} s")
        idx = idx.astype(np.int64)
        if idx.size and not (idx.min() >= -1 and idx.max() < n):
            raise self._wrong(f"neurons from {idx.min()} to {idx.max()}, of {n}")
        time = time if time.dtype.kind == "f" else time.astype(np.float64)
        there = time[idx >= 0]
        if there.size and not (there.min() >= 0 and there.max() < np.inf):
            raise self._wrong(f"times from {there.min():g} to {there.max():g} s")
        return idx, time

    def _wrong(self, found: str) -> InputError:
        return refused_data(self.place, found, LIMIT)


def tree_of(data: nir.NIRGraphData | nir.NIRNodeData) -> Tree:
    """Give a data graph as a file of it would be read."""
    if isinstance(data, nir.NIRGraphData):
        nodes = cast("Mapping[str, Any]", data.nodes)
        return {TYPE: GRAPH, "nodes": {name: tree_of(node) for name, node in nodes.items()}}
    observables = cast("Mapping[str, Any]", data.observables)
    return {TYPE: NODE, "observables": {n: _observable_tree(o) for n, o in observables.items()}}


def _observable_tree(observable: Any) -> Tree:
    kind = type(observable).__name__
    arrays, attributes = FIELDS.get(kind, ((), ()))
    return {
        TYPE: kind,
        **{name: np.asarray(getattr(observable, name)) for name in arrays},
        **{f"/{name}": np.asarray(getattr(observable, name)) for name in attributes},
    }


def _nodes(group: Tree, path: str, prefix: str) -> Iterator[tuple[str, Tree]]:
    """Yield the observables of each node, those of nested graphs too."""
    for name, node in _groups(group, "nodes", f"{path}:{prefix}"):
        place, kind = f"{prefix}{name}", node.get(TYPE)
        if kind == GRAPH:
            yield from _nodes(node, path, f"{place}.")
        elif kind == NODE:
            yield place, dict(_groups(node, "observables", f"{path}:{place}"))
        else:
            raise refused_data(f"{path}:{place}", f"a node of type {kind!r:.40}", LIMIT)


def _groups(group: Tree, name: str, place: str) -> Iterator[tuple[str, Tree]]:
    inner = group.get(name)
    if not isinstance(inner, dict):
        raise refused_data(place.rstrip(".:"), f"no group {name}", LIMIT)
    for key, value in inner.items():
        if isinstance(value, dict):
            yield key, value
        elif not key.startswith("/"):
            raise refused_data(f"{place}{key}", "a data set", LIMIT)


def _fields(group: Any, place: str) -> tuple[str, Mapping[str, Array]]:
    """Give the kind of an observable, and its arrays and attributes together.

    Raises:
        InputError: SNN641, some are missing, or an attribute is no number.
    """
    kind = group.get(TYPE)
    if kind not in FIELDS:
        raise refused_data(place, f"an observable of type {kind!r:.40}", LIMIT)
    arrays, attributes = FIELDS[kind]
    told = {**{a: group.get(a) for a in arrays}, **{a: group.get(f"/{a}") for a in attributes}}
    missing = [name for name, value in told.items() if not isinstance(value, np.ndarray)]
    if missing:
        raise refused_data(place, f"no {', '.join(missing)}", LIMIT)
    fields = cast("Mapping[str, Array]", told)
    for name in attributes:
        shape, of = fields[name].shape, fields[name].dtype
        if shape or of.kind not in ("iu" if name == "n_neurons" else "iuf"):
            raise refused_data(place, f"{name} of shape {list(shape)} and type {of}", LIMIT)
    return kind, fields


def _other_steps(place: str, dt: float, seconds: float) -> Diagnostic:
    return Diagnostic(
        rule=rules.STEPS_KNOWN,
        node=place,
        found=f"steps of {dt:g} s",
        limit=f"steps of {seconds:g} s",
        remedy=f"--bin-seconds {dt:g} takes each as a step of the network",
    )
