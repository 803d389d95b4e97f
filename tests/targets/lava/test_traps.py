"""Lava's own traps: each shown in Lava as it is, and what snnc does in its place.

The table "Traps of Lava" in ``docs/lava.md`` lists them with the tests of this module.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.targets.lava.target import LavaTarget
from tests.builders import fixed_convolution
from tests.targets.lava.leftovers import end_leftovers
from tests.targets.lava.networks import (
    RECORD_ALL,
    artifact,
    differing,
    expected,
    population,
    process_of,
    projection,
)
from tests.targets.lava.traps import BIG, HANGS, LENGTH, STEPS, source_data

pytestmark = pytest.mark.lava

PATIENCE = 2.0
"""Seconds that a script may take longer than one that does nothing wrong, started with it."""


@pytest.fixture
def traps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Give the command that starts a script of ``traps``, and leave nothing of it."""
    monkeypatch.setenv("SNNC_TRAPS", str(os.getpid()))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield [sys.executable, "-m", "tests.targets.lava.traps"]
    end_leftovers(str(tmp_path))


def test_what_lava_computes(traps: list[str]) -> None:
    """All that ends runs in one start; a number without a name here is one of ``traps``."""
    done = subprocess.run(
        [*traps, "measured"], capture_output=True, text=True, timeout=250, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    given = source_data()
    first, second, third = 3, 4, 5  # where what the first three elements send arrives

    mixed, low = found["mixed"][0], found["low"][0]
    assert (mixed[first], mixed[second], mixed[third]) == (5 * 2, -4, 254)  # of 3, -3 and 300
    assert low[third] == -256  # of -300
    whole = found["float"][0]
    assert (whole[second], whole[third]) == (1, 2)  # of 1.9 and 2
    assert whole[first] == 0  # of 0.9, five times
    binary = found["binary"][0]
    assert (binary[first], binary[second]) == (2, 2)  # of 2, five times and once
    assert binary[LENGTH + first] == 2  # the source begins again, in silence

    impulse = np.array(found["conv"])[:3, second]
    assert impulse.tolist() == [1, 2, 300 + 1]  # not flipped: 300, 2, 1; not times 2**2; not 255
    big = 2 * BIG[2] + 300 * BIG[1]
    assert found["conv"][6][(STEPS - 1) % LENGTH + 1] == big % 2**24 != big  # 24 bits

    assert sum(found["offset 1"][0]) == 1  # of two samples, of which each alone gives none
    assert sum(found["offset 2"][0]) == 0

    assert found["u"][4:] == [2**23, 64 - 2**23, 2**24]  # 24 bits, but for one wrap too few
    assert set(found["bias_mant"]) == {70000 - 2**16}
    assert not np.any(found["deaf"])
    assert max(found["deaf v"]) == 2**23 - 1 < 200000 * 2**6  # a threshold that v cannot reach
    assert given[0].max() == 5

    assert found["refractory"] == "AssertionError"  # no model in integers
    assert found["two probes"] in ("AssertionError", "AttributeError")  # as a set has its order
    assert found["concatenation"] == "NotImplementedError"
    assert found["long monitor"] == "RuntimeError"  # steps beyond those that it was made for
    assert found["sparse array"] == "RuntimeError"  # SciPy's newer kind of matrix


@pytest.mark.slow
def test_what_hangs(traps: list[str]) -> None:
    """All at once: whoever lives on when the good one has long ended does not end by itself."""
    with ExitStack() as stack:

        def start(name: str) -> subprocess.Popen[bytes]:
            child = subprocess.Popen(
                [*traps, name],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            stack.callback(_kill_group, child)
            return child

        hanging = set(HANGS)
        if int(np.__version__.partition(".")[0]) < 2:
            hanging.remove("bias_beyond_16_bits")  # NumPy 1 wraps the number, and says nothing
        children = {name: start(name) for name in hanging}
        good = start("nothing_wrong")
        assert good.wait(250) == 0
        time.sleep(PATIENCE)
        assert [name for name, child in children.items() if child.poll() is not None] == []


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def repaired() -> FixedNetwork:
    """Give a network that would fall into each of these traps, were it Lava's own processes."""
    zero = FixedReset.ZERO
    kernel = fixed_convolution(np.array([[[1, 2, 127]]]), padding=1)
    return FixedNetwork(
        inputs=(FixedInput("x", (3,), max_abs=5), FixedInput("line", (1, 5), max_abs=5)),
        populations=(
            population("odd", (2,), zero, 1, threshold=131071),
            population("lines", (1, 5), zero, 1, threshold=131071),
            population("wide", (1,), zero, 1, threshold=131071),
            population("paused", (3,), zero, 1, threshold=1, refractory=2),
            population("half", (1,), zero, 1, threshold=150),
            population("late", (1,), zero, 2, threshold=150),
        ),
        projections=(
            projection("x", "odd", np.array([[3, -3, 0], [0, 127, -128]])),
            projection("x", "wide", np.full((1, 3), 127), exp=7),
            projection("x", "paused", np.eye(3, dtype=int) * 100),
            projection("line", "lines", kernel, exp=2),
            projection("x", "half", np.array([[0, 100, 0]])),
            projection("half", "late", np.array([[100]])),
        ),
        outputs=(Output("out", "late"),),
        dt=1e-3,
    )


def test_what_snnc_computes() -> None:
    """The same situations: numbers kept as they are, and samples that do not see each other."""
    fixed = repaired()
    x = np.zeros((4, 2, 3))
    x[0, 0], x[3, 0, 1], x[0, 1, 1] = (5, 0, 1), 1, 1  # half a spike at the end, half at the start
    line = np.zeros((4, 2, 1, 5))
    line[1, 0, 0, 2] = 1
    inputs = {"x": x, "line": line}
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert differing(trace, expected(fixed, inputs)) == 0
    u = {name: values // 64 for name, values in trace.u.items()}
    assert u["odd"][0, 0].tolist() == [5 * 3, -128]  # 3 stays 3, and a graded spike 5 stays 5
    assert u["lines"][1, 0, 0].tolist() == [0, 127 * 4, 2 * 4, 1 * 4, 0]  # not flipped, times 2**2
    assert not trace.spikes["half"].any()
    assert trace.spikes["paused"][:, 0, 0].tolist() == [1, 0, 0, 0]
    assert process_of(fixed)["paused"] == "Population"


def test_sums_beyond_24_bits_are_not_left_to_lava() -> None:
    """``u`` of Lava's own neuron, which is 32 bits wide there, could leave 24."""
    beyond = np.array([[127, 127, 127]])
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (3,), max_abs=6),),
        populations=(population("p", (1,), FixedReset.ZERO, 1),),
        projections=(projection("x", "p", beyond, exp=7),),
        outputs=(Output("o", "p"),),
        dt=1e-3,
    )
    assert process_of(fixed)["p"] == "Population"
    assert process_of(repaired())["half"] == "LIFReset"


@pytest.mark.parametrize(
    ("part", "values", "found", "limit"),
    [
        ("p", {"bias_mant": 70000}, "bias_mant: 70000 to 70000", "-4095 to 4095"),
        ("p", {"threshold": 200000}, "threshold: 200000 to 200000", "0 to 131071"),
        ("p", {"du": 5000}, "du: 5000 to 5000", "0 to 4095"),
        ("x to p", {"weight": 300}, "weight: -1 to 300", "-128 to 127"),
        ("x to p", {"delay": 100_001}, "delay: 100001 to 100001", "0 to 100000"),
    ],
)
def test_what_snnc_refuses(part: str, values: dict[str, int], found: str, limit: str) -> None:
    """Lava wraps, clips or never spikes; here nothing of it gets as far as Lava."""
    weight = np.array([[values.pop("weight", 1), -1]])
    delay = values.pop("delay", 1)
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (2,)),),
        populations=(population("p", (1,), FixedReset.ZERO, 1, **values),),
        projections=(projection("x", "p", weight, delay=delay),),
        outputs=(Output("o", "p"),),
        dt=1e-3,
    )
    (diagnostic,) = check_fixed(fixed)
    assert diagnostic.rule.code == "SNN105"
    assert diagnostic.node == part
    assert diagnostic.found == found
    assert diagnostic.limit == limit
