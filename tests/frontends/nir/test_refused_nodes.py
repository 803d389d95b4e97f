"""Nodes and edges of a `.nir` file that cannot be used: each is named, with the limit."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnc.frontends.nir.nodes import FORMS
from tests.frontends.graphs import reals
from tests.frontends.nir.refused import (
    AGAIN,
    COMPLETE,
    EDGE,
    EDGES,
    ENDS,
    FIT,
    LIF,
    NODES,
    USABLE,
    Edit,
    edited,
    put,
    refusal,
    text,
)

pytestmark = pytest.mark.usefixtures("process")

KNOWN = "error[SNN103]: every node is of a type that snnc can compile"
KINDS = ", ".join((*FORMS, "NIRGraph"))


@pytest.mark.parametrize(
    ("edit", "head", "node", "found", "limit"),
    [
        pytest.param(
            put(NODES + "lif/tau"), COMPLETE, "lif.tau", "no such field", LIF, id="missing field"
        ),
        pytest.param(
            put(NODES + "lif/extra", 1.0),
            COMPLETE,
            "lif.extra",
            "a field that the node type does not have",
            LIF,
            id="extra field",
        ),
        pytest.param(put(NODES + "lif/type", "Izhi"), KNOWN, "lif", "Izhi", KINDS, id="type"),
        pytest.param(
            put(NODES + "lif/type", "I\x1b[31m"), KNOWN, "lif", r"I\x1b[31m", KINDS, id="escape"
        ),
        pytest.param(put(NODES + "lif/type"), KNOWN, "lif", "no type", KINDS, id="no type"),
        pytest.param(put(NODES + "lif/type", 3), KNOWN, "lif", "no type", KINDS, id="type 3"),
        pytest.param(
            put(NODES + "fc/bias", reals(4)),
            COMPLETE,
            "fc",
            "a bias of shape [4] for a weight of shape [3, 2]",
            FIT,
            id="bias",
        ),
        pytest.param(
            put(NODES + "fc/weight", reals(6)),
            COMPLETE,
            "fc",
            "a weight of shape [6] where [n_out, n_in] is wanted",
            FIT,
            id="weight",
        ),
        pytest.param(
            put(NODES + "lif/r", reals(2)),
            COMPLETE,
            "lif",
            "parameters that do not go together: "
            "tau [3], r [2], v_leak [3], v_threshold [3], v_reset [3]",
            FIT,
            id="shapes",
        ),
        pytest.param(
            put(NODES + "lif/r", "big"), COMPLETE, "lif.r", "text", "real numbers", id="text"
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([True, True, False])),
            COMPLETE,
            "lif.r",
            "bool values",
            "real numbers",
            id="flags",
        ),
        pytest.param(
            lambda file: (put(NODES + "lif/r")(file), file[NODES + "lif"].create_group("r")),
            COMPLETE,
            "lif.r",
            "a group",
            "real numbers",
            id="group",
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([1, np.nan, np.inf])),
            USABLE,
            "lif.r",
            "2 of 3 are not finite (nan)",
            "finite numbers",
            id="nan",
        ),
        pytest.param(
            put(NODES + "fc/weight", np.full((3, 2), -np.inf)),
            USABLE,
            "fc.weight",
            "6 of 6 are not finite (-inf)",
            "finite numbers",
            id="inf",
        ),
        pytest.param(
            put(NODES + "in/shape", np.array([2.0])),
            COMPLETE,
            "in.shape",
            "[2.]",
            "whole numbers of 1 or more in one axis",
            id="shape of floats",
        ),
        pytest.param(
            put(NODES + "in/shape", np.array([2, 0])),
            COMPLETE,
            "in.shape",
            "[2 0]",
            "whole numbers of 1 or more in one axis",
            id="shape of zero",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("fc", "gone")]),
            EDGE,
            "fc -> gone",
            "no node 'gone'",
            ENDS,
            id="unknown end",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("in", "fc")]),
            EDGE,
            "in -> fc",
            "the edge stands 2 times",
            ENDS,
            id="twice",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("lif", "in")]),
            EDGE,
            "lif -> in",
            "an edge into an Input",
            ENDS,
            id="into an input",
        ),
        pytest.param(
            put("node/edges", [*EDGES, ("out", "lif")]),
            EDGE,
            "out -> lif",
            "an edge out of an Output",
            ENDS,
            id="out of an output",
        ),
        pytest.param(
            put("node/edges", EDGES[:-1]),
            EDGE,
            "out",
            "a node without any edge",
            "edges to it or from it",
            id="no edge",
        ),
        *(
            pytest.param(
                put(NODES + "lif/tau", np.array([1, value, 1])),
                USABLE,
                "lif.tau",
                f"{value}",
                "above 0",
                id=f"tau {value}",
            )
            for value in (0, -0.5)
        ),
        pytest.param(
            put(NODES + "lif/v_threshold", np.array([1, 1, -0.5])),
            USABLE,
            "lif.v_threshold",
            "-0.5 with a reset to 0",
            "above v_reset: the neuron would fire for ever",
            id="threshold",
        ),
        pytest.param(
            put(NODES + "lif/v_reset", np.array([0.5, 1, 0])),
            USABLE,
            "lif.v_threshold",
            "1 with a reset to 1",
            "above v_reset: the neuron would fire for ever",
            id="reset",
        ),
        pytest.param(
            put(NODES + "lif/r", np.array([1e300, 1, 1])),
            USABLE,
            "lif.r",
            "1e+300",
            "3.40282e+38, the largest float32",
            id="float64",
        ),
        pytest.param(
            put(NODES + "fc/weight", np.array([[3e38, -1e-45], [1, 1], [3e38, 3e38]], np.float32)),
            USABLE,
            "fc.weight",
            "weights of one neuron that add up to 6e+38",
            "3.40282e+38: a sum of inputs must stay a float32",
            id="large and tiny",
        ),
        pytest.param(
            put("node/extra", 1),
            COMPLETE,
            "extra",
            "a field that the node type does not have",
            "edges, metadata, nodes, type",
            id="extra field of the graph",
        ),
    ],
)
def test_a_wrong_node_or_edge(
    tmp_path: Path, edit: Edit, head: str, node: str, found: str, limit: str
) -> None:
    path = edited(tmp_path / "a.nir", edit)
    assert refusal(path) == text(head, f"{path}:{node}", found, limit, AGAIN)
