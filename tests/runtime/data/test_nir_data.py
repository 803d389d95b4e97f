"""NIR data graphs as ``nir.write_data`` writes them."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.data.binning import Binning
from snnc.runtime.data.read import ALL, read_data
from snnc.runtime.data.source import given_inputs
from tests.runtime.data.recorded import network

LIMIT = "what nir.write_data of nir 1.0.8 writes"


def graph_data(observable: Any, node: str = "input", **others: Any) -> nir.NIRGraphData:
    nodes = {node: nir.NIRNodeData({"spikes": observable})}
    return nir.NIRGraphData(nodes | others)


def write(path: Path, data: nir.NIRGraphData) -> Path:
    nir.write_data(path, data)
    return path


def arrays(
    path: Path, *shape: int, dt: float = 1e-3, binning: Binning = ALL
) -> np.ndarray[Any, Any]:
    (values,) = given_inputs(network(*shape, dt=dt), read_data(path, binning=binning)).values()
    return values


def message(path: Path, *shape: int, binning: Binning = ALL) -> str:
    with pytest.raises(InputError) as caught:
        arrays(path, *(shape or (6,)), binning=binning)
    return str(caught.value).replace(str(path), "FILE")


SPIKES = np.random.default_rng(2).random((3, 40, 6)) < 0.2
"""``[samples, steps, neurons]``."""


def test_steps_of_the_network(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", graph_data(nir.TimeGriddedData(SPIKES, 1e-3)))
    np.testing.assert_array_equal(arrays(path, 6), SPIKES.swapaxes(0, 1))
    shaped = arrays(path, 1, 2, 3)
    np.testing.assert_array_equal(shaped, SPIKES.swapaxes(0, 1).reshape(40, 3, 1, 2, 3))
    cut = arrays(path, 6, binning=Binning(steps=50))
    assert cut.shape == (50, 3, 6)
    np.testing.assert_array_equal(cut[:40], SPIKES.swapaxes(0, 1))
    assert not cut[40:].any()
    np.testing.assert_array_equal(
        arrays(path, 6, binning=Binning(steps=7)), SPIKES.swapaxes(0, 1)[:7]
    )


@pytest.mark.parametrize("dt", [1e-3, 5e-3, 2.5e-3, 1e-4])
def test_events_come_back_as_the_grid_they_were(dt: float, tmp_path: Path) -> None:
    """Every spike, also for lengths of a step with which ``nir`` loses some."""
    grid = nir.TimeGriddedData(SPIKES, dt)
    path = write(tmp_path / "d.h5", graph_data(grid.to_event(100)))
    found = arrays(path, 6, dt=dt)
    np.testing.assert_array_equal(found, SPIKES.swapaxes(0, 1))


def test_counts_in_longer_steps(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", graph_data(nir.TimeGriddedData(SPIKES, 1e-3).to_event(100)))
    found = arrays(path, 6, binning=Binning(seconds=4e-3, values="count"))
    expected = SPIKES.reshape(3, 10, 4, 6).sum(axis=2).swapaxes(0, 1)
    np.testing.assert_array_equal(found, expected)


def test_values_of_events_are_summed(tmp_path: Path) -> None:
    data = nir.ValuedEventData(
        idx=np.array([[0, 0, 1, -1]]),
        time=np.array([[0.0, 0.0005, 0.0029, np.inf]]),
        value=np.array([[0.5, 0.25, -2.0, 9.0]]),
        n_neurons=2,
        t_max=0.004,
    )
    found = arrays(write(tmp_path / "d.h5", graph_data(data)), 2)
    assert found.dtype == np.float32
    assert found[:, 0].tolist() == [[0.75, 0], [0, 0], [0, -2], [0, 0]]


def test_nested_nodes_and_others(tmp_path: Path) -> None:
    """Nested graphs put their name and a dot before a node's; records of others do not disturb.

    ``nir`` 1.0.8 reads nested graphs, and never ends to write them.
    """
    grid = nir.TimeGriddedData(SPIKES, 1e-3)
    path = write(tmp_path / "d.h5", graph_data(grid, lif=nir.NIRNodeData({"v": grid, "u": grid})))
    with h5py.File(path, "a") as file:
        file.move("nodes", "inner")
        file.create_group("nodes/net").attrs["__type__"] = "NIRGraphData"
        file.move("inner", "nodes/net/nodes")
    assert isinstance(nir.read_data(str(path)).nodes["net"], nir.NIRGraphData)
    given = given_inputs(network(6, name="net.input"), read_data(path))
    np.testing.assert_array_equal(given["net.input"], SPIKES.swapaxes(0, 1))


def test_without_a_file() -> None:
    """A data graph itself, nested or not, becomes what its file does."""
    grid = nir.TimeGriddedData(SPIKES, 1e-3)
    for observable in (grid, grid.to_event(100)):
        inner = graph_data(observable, lif=nir.NIRNodeData({"v": grid}))
        for data, name in ((inner, "input"), (nir.NIRGraphData({"net": inner}), "net.input")):
            given = given_inputs(network(6, name=name), read_data(data))
            np.testing.assert_array_equal(given[name], SPIKES.swapaxes(0, 1))
    with pytest.raises(InputError) as caught:
        given_inputs(network(6), read_data(graph_data("a film")))
    found = str(caught.value).replace("the NIR data graph", "FILE")
    assert found == refused("an observable of type 'str'")


def test_steps_of_another_length(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", graph_data(nir.TimeGriddedData(SPIKES, 5e-3)))
    assert message(path) == (
        "error[SNN644]: the steps of the data are those of the network\n"
        "  --> FILE:input.spikes\n"
        "   found: steps of 0.005 s\n"
        "   limit: steps of 0.001 s\n"
        "  remedy: --bin-seconds 0.005 takes each as a step of the network"
    )
    found = arrays(path, 6, binning=Binning(seconds=5e-3))
    np.testing.assert_array_equal(found, SPIKES.swapaxes(0, 1))


def unnamed(found: str) -> str:
    return (
        "error[SNN645]: a NIR data graph holds one observable for each input of the network\n"
        f"  --> FILE\n   found: {found}\n"
        "   limit: the node input, an input, with one observable\n"
        "  remedy: write the input's signal alone with nir.write_data"
    )


def test_no_such_node(tmp_path: Path) -> None:
    grid = nir.TimeGriddedData(SPIKES, 1e-3)
    path = write(tmp_path / "d.h5", graph_data(grid, "in", out=nir.NIRNodeData({"v": grid})))
    assert message(path) == unnamed("nodes in, out")
    write(path, nir.NIRGraphData({"input": nir.NIRNodeData({"a": grid, "b": grid})}))
    assert message(path) == unnamed("input with the observables a, b")


def test_another_size(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", graph_data(nir.TimeGriddedData(SPIKES, 1e-3)))
    values = arrays(path, 7)
    assert values.shape == (40, 3, 6)  # refused with all else by what checks inputs: SNN502


def events(**changes: Any) -> nir.EventData:
    fields: dict[str, Any] = {
        "idx": np.array([[0, 5, -1]]),
        "time": np.array([[0.0, 0.001, np.inf]]),
        "n_neurons": 6,
        "t_max": 0.01,
    }
    return nir.EventData(**(fields | changes))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "neuron": ({"idx": np.array([[0, 6, -1]])}, "neurons from -1 to 6, of 6"),
    "negative": ({"idx": np.array([[0, -2, -1]])}, "neurons from -2 to 0, of 6"),
    "time": ({"time": np.array([[-0.1, 0.0, 0.0]])}, "times from -0.1 to 0 s"),
    "never": ({"time": np.array([[np.inf, 0.0, 0.0]])}, "times from 0 to inf s"),
    "no time": ({"time": np.array([[np.nan, 0.0, 0.0]])}, "times from nan to nan s"),
    "late": (
        {"time": np.array([[0.0, 0.01, 0.0]])},
        "an event at 0.01 s, and an end at 0.01 s",
    ),
    "floats": ({"idx": np.zeros((1, 3))}, "arrays of types float64, float64"),
    "axes": (
        {"idx": np.zeros(3, int), "time": np.zeros(3)},
        "arrays of shapes [3], [3]",
    ),
    "no end": ({"t_max": np.inf}, "6 neurons, and an end at inf s"),
    "nobody": ({"n_neurons": 0}, "0 neurons, and an end at 0.01 s"),
    "for ever": ({"t_max": 1e9}, "1e+09 s in steps of 0.001 s"),
    "for longer than that": ({"t_max": 1e300}, "1e+300 s in steps of 0.001 s"),
    "after all": (
        {"time": np.array([[0.0, 1e300, 0.0]])},
        "an event at 1e+300 s, and an end at 0.01 s",
    ),
    "part of a neuron": ({"n_neurons": 6.5}, "n_neurons of shape [] and type float64"),
}


def refused(found: str, place: str = ":input.spikes") -> str:
    return (
        "error[SNN641]: a file of data is whole, and of a form that snnc reads\n"
        f"  --> FILE{place}\n   found: {found}\n   limit: {LIMIT}\n"
        "  remedy: write or record the file again; docs/inputs.md describes what is read"
    )


@pytest.mark.parametrize("dt", [np.zeros(2), 1e-3 + 1j, "1e-3"])
def test_a_length_of_a_step_that_is_no_number(dt: Any) -> None:
    data = nir.TimeGriddedData(SPIKES, 1e-3)
    data.dt = dt
    of = np.asarray(dt)
    with pytest.raises(InputError, match=rf"dt of shape \[2?\] and type {of.dtype}"):
        given_inputs(network(6), read_data(graph_data(data)))


@pytest.mark.parametrize("case", WRONG)
def test_events_that_make_no_sense(case: str, tmp_path: Path) -> None:
    changes, found = WRONG[case]
    assert message(write(tmp_path / "d.h5", graph_data(events(**changes)))) == refused(found)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.runtime.data.memory.available_memory", lambda: 2**20)
    free = 2**40
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    path = write(tmp_path / "d.h5", graph_data(events(n_neurons=10**12)))
    assert message(path) == (
        "error[SNN642]: data fit into the memory of this machine\n"
        "  --> FILE:input.spikes\n"
        "   found: 9,536,744 MiB\n"
        f"   limit: 0 MiB of memory, or {free // 2**20:,} MiB of disk in {tempfile.gettempdir()}\n"
        "  remedy: give fewer samples at once, or --bin-steps N"
    )


def test_other_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", graph_data(events()))
    changes: dict[str, Callable[[Any], object]] = {
        "no t_max": lambda g: g.attrs.pop("t_max"),
        "no idx, t_max": lambda g: g.pop("idx"),
        "an observable of type 'Movie'": lambda g: g.attrs.__setitem__("__type__", "Movie"),
    }
    for found, change in changes.items():
        with h5py.File(path, "a") as file:
            change(file["nodes/input/observables/spikes"])
        assert message(path) == refused(found)
    with h5py.File(path, "a") as file:
        file["nodes/input"].attrs["__type__"] = "LIF"
    assert message(path) == refused("a node of type 'LIF'", ":input")
    with h5py.File(path, "a") as file:
        del file["nodes"]
    assert message(path) == refused("no group nodes", "")
    with h5py.File(path, "a") as file:
        file["nodes/x"] = np.zeros(3)
    assert message(path) == refused("a data set", ":x")
