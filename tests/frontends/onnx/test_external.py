"""Weights outside the model, and models that would take more than they are: the gate of ONNX files.

What is tested is the property: no other file is opened, memory and time are bounded, and the parent
lives, whatever the bytes.
"""
# onnx's messages have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.onnx.file import read_onnx
from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.onnx.models import model, node
from tests.frontends.onnx.test_file import FORM, SAFE, refusal, small, text, weight, written
from tests.frontends.optional import optional

pytestmark = pytest.mark.onnx

ROOT = Path(__file__).parents[3]
LIMIT = "a file in the folder of the model, and no link"


def outside(location: str, **entries: object) -> Any:
    """Give a model whose weights are in another file."""
    made = small()
    tensor = weight(made)
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return made


def test_beside_the_model(tmp_path: Path) -> None:
    numbers = np.arange(6, dtype=np.float32)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(numbers.tobytes())
    path = written(tmp_path, outside("sub/w.bin", offset=8, length=16))
    np.testing.assert_array_equal(read_onnx(path).constants["w"], [[2, 3], [4, 5]])
    written(tmp_path, outside("sub/w.bin"))
    np.testing.assert_array_equal(read_onnx(path).constants["w"], [[0, 1], [2, 3]])


ELSEWHERE = {
    "absolute": "/etc/passwd",
    "above": "../w.bin",
    "above by a detour": "sub/../../w.bin",
    "nowhere": "",
    "a null byte": "w\0.bin",
    "Windows": "a\\b",
    "a link out": "link",
    "a folder that is a link out": "up/w.bin",
    "a link to nothing": "dangling",
    "a link in the folder": "inner",
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_elsewhere(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(16))
    (folder / "own.bin").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "w.bin")
    (folder / "inner").symlink_to(folder / "own.bin")
    (folder / "up").symlink_to(tmp_path)
    (folder / "dangling").symlink_to(tmp_path / "no")
    path = written(folder, outside(ELSEWHERE[way]))
    opened: list[str] = []
    original = os.open

    def watched(file: Any, flags: int, *more: Any, **others: Any) -> int:
        opened.append(str(file))
        return original(file, flags, *more, **others)

    monkeypatch.setattr(os, "open", watched)
    shown = repr(ELSEWHERE[way])
    assert refusal(path) == text(
        SAFE, f"{path}: w (initializer)", f"its numbers are in {shown}", LIMIT
    )
    assert opened == [str(path)]


@pytest.mark.parametrize(
    ("entries", "rule", "found", "limit"),
    [
        ({"length": 8}, FORM, "length = 8", "16, for its shape"),
        ({"offset": -1}, SAFE, "'-1' bytes", "a whole number"),
        ({"offset": "9" * 30}, SAFE, f"'{'9' * 30}' bytes", "a whole number"),
        ({"offset": 4}, FORM, "12 bytes in w.bin from byte 4 on", "16 bytes, for its shape"),
        ({"offset": 99}, FORM, "0 bytes in w.bin from byte 99 on", "16 bytes, for its shape"),
    ],
)
def test_part_of_a_file(
    tmp_path: Path, entries: dict[str, object], rule: str, found: str, limit: str
) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(16))
    path = written(tmp_path, outside("w.bin", **entries))
    assert refusal(path) == text(rule, f"{path}: w (initializer)", found, limit)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, outside("m.onnx.data"))
    assert refusal(path) == text(
        "error[SNN001]: a file that is named exists and can be read",
        f"{path}: w (initializer)",
        "its numbers are in m.onnx.data: No such file or directory",
        "a file that can be read",
        "keep m.onnx.data beside the model",
    )


def test_a_model_in_memory_has_no_folder() -> None:
    assert refusal(outside("w.bin")) == text(
        SAFE,
        "the model: w (initializer)",
        "its numbers are in 'w.bin'",
        "a model in memory has all its numbers in it",
    )


def field(number: int, content: bytes) -> bytes:
    """Give a field with a length, as protobuf writes it."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def nested(depth: int) -> bytes:
    """Give a graph in an attribute of a node of a graph, and so on (onnx.proto)."""
    content = b""
    for _ in range(depth):
        content = field(1, field(5, field(6, content)))
    return field(7, content)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nodes": (lambda: field(7, field(1, b"") * 20_000_000), "more than 500,000 fields"),
    "attributes": (
        lambda: field(7, field(1, field(5, b"") * 20_000_000)),
        "more than 500,000 fields",
    ),
    "numbers of one byte": (
        lambda: field(7, field(5, field(7, bytes(60_000_000)))),
        "more than 16,777,216 bytes of packed numbers",
    ),
    "depth": (lambda: nested(5000), "messages nested deeper than 32"),
}
MEASURE = """
import json, re, sys, time
from pathlib import Path
import onnx
from snnc.compiler.diagnostics import InputError
from snnc.frontends.onnx.frontend import from_onnx
begin = time.monotonic()
try:
    from_onnx(sys.argv[1])
    said = "imported"
except InputError as error:
    said = str(error)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([said, time.monotonic() - begin, peak]))
"""


def measured(path: Path) -> tuple[str, float, int]:
    """Import in another process; give what it says, seconds, and the most memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    said, seconds, peak = json.loads(done.stdout)
    return str(said), float(seconds), int(peak)


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(tmp_path: Path, name: str) -> None:
    make, found = BOMBS[name]
    path = written(tmp_path, make())
    said, _, peak = measured(path)
    assert said == text(SAFE, str(path), found, "what a model of ONNX has")
    assert peak < 256


def test_large_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as stream:
        stream.truncate(2**31)
    assert refusal(path) == text(SAFE, str(path), "2,147,483,648 bytes", "1,073,741,824 bytes")


def test_many_nodes() -> None:
    made = small()
    one = made.graph.node[1]
    made.graph.node.extend([one] * 20_000)
    assert refusal(made) == text(SAFE, "the model", "20,002 nodes", "20,000 nodes")


def test_result_that_is_too_large(tmp_path: Path) -> None:
    """A few numbers can ask for a value of any size."""
    nodes = [
        node("ConstantOfShape", "size", "ones"),
        node("Add", "x ones", "y"),
    ]
    size = np.array([2**20, 2**20], np.int64)
    path = written(tmp_path, model(nodes, {"x": [1, 1]}, size=size))
    said, _, peak = measured(path)
    assert said == text(
        SAFE,
        f"{path}: n/ones (ConstantOfShape) -> ones",
        f"a result of {2**40:,} numbers",
        "268,435,456 numbers in one value",
        "make it smaller",
    )
    assert peak < 256


def network() -> Any:
    """Give a model in which most bytes mean something."""
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 0, 0], strides=[1, 1]),
        node("BatchNormalization", "a s s s s", "b", epsilon=1e-3),
        node("Relu", "b", "c"),
        node("MaxPool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("Concat", "d d", "e", axis=1),
        node("AveragePool", "e", "f", kernel_shape=[2, 1], count_include_pad=1),
        node("Reshape", "f shape", "g"),
        node("Gemm", "g v", "h", transB=1),
        node("Clip", "h zero six", "i"),
        node("Softmax", "i", "y", axis=-1),
    ]
    return model(
        nodes,
        {"x": ["n", 1, 4, 4]},
        w=np.ones((2, 1, 2, 2), np.float32),
        s=np.ones(2, np.float32),
        shape=np.array([0, -1], np.int64),
        v=np.ones((3, 8), np.float32),
        zero=np.zeros((), np.float32),
        six=np.full((), 6, np.float32),
    )


def neuron() -> Any:
    nodes = [
        node("MatMul", "x w", "i"),
        node("Mul", "v b", "a"),
        node("Add", "a i", "c"),
        node("Greater", "c t", "d"),
        node("Cast", "d", "y", to=1),
        node("Mul", "y t", "e"),
        node("Sub", "c e", "v1"),
    ]
    inputs = {"x": [1, 2], "v": [1, 3]}
    return model(nodes, inputs, ["y", "v1"], w=np.ones((2, 3), np.float32), b=0.5, t=1.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("make", "shape"), [(network, (2, 1, 4, 4)), (neuron, (1, 2))])
def test_damaged_files(make: Callable[[], Any], shape: tuple[int, ...]) -> None:
    """A model with a few other bytes is imported or refused, and nothing else."""
    good = make().SerializeToString()
    x = np.ones(shape, np.float32)
    from_onnx(make(), calibration=x)
    decode_error = optional("google.protobuf.message").DecodeError
    rng = random.Random(0)
    outcomes = {"imported": 0, "refused": 0, "no message": 0}
    for _ in range(4_000):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 3)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            made = type(make()).FromString(bytes(bad))
        except decode_error:
            outcomes["no message"] += 1
            continue
        try:
            from_onnx(made, calibration=x)
            outcomes["imported"] += 1
        except InputError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes


@pytest.mark.slow
def test_damaged_bytes(tmp_path: Path) -> None:
    """The same of files, some of them cut off."""
    good = network().SerializeToString()
    rng = random.Random(0)
    for _ in range(2_000):
        bad = bytearray(good)
        for _ in range(rng.randint(0, 3)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        del bad[rng.randrange(len(bad)) :]
        try:
            read_onnx(written(tmp_path, bytes(bad)))
        except InputError:
            continue
