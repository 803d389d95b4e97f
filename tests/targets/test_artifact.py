"""Artifacts: whole, closed, the same bytes for the same network, and refused when touched."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snnc import __version__
from snnc.compiler.diagnostics import EnvironmentFault, InputError, InternalError
from snnc.compiler.fixed import FixedNetwork, FixedPopulation
from snnc.compiler.network import Network
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.runtime.deploy import compile as compile_graph
from snnc.targets.artifact import Artifact, load
from tests import oracle
from tests.builders import chain, graph, integers_for, lif, linear, one_fixed, one_neuron, spikes
from tests.compiler.test_store import same
from tests.drawn.fixed import fixed_networks
from tests.drawn.graphs import graphs
from tests.drawn.networks import networks

SAYS = {
    "SNN001": "a file that is named exists and can be read",
    "SNN002": "the place that is named can be written",
    "SNN003": "the place that is named is free or holds a result of snnc",
    "SNN105": "every parameter is finite and in the range where its equation makes sense",
    "SNN106": "every edge joins two nodes of the graph whose shapes agree",
    "SNN504": "an artifact is whole: every member there, unchanged, and no other",
}


def text(code: str, node: str, found: str, limit: str, remedy: str) -> str:
    return (
        f"error[{code}]: {SAYS[code]}\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"
    )


def broken(path: Path, found: str) -> str:
    return text(
        "SNN504",
        str(path),
        found,
        "the files that manifest.json lists, as snnc wrote them",
        "compile the model again: snnc compile MODEL --target TARGET -o DIR",
    )


def integer(network: Network | None = None, **fields: Any) -> Artifact:
    net = network or one_neuron([[1, -0.5]])
    fixed = retime(quantize(net))
    return Artifact(target="integer", network=net, fixed=fixed, **fields)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return integer(members={"sub/runner.py": b"print()\n"}).save(tmp_path / "artifact")


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        load(path)
    return str(raised.value)


# --- what is written ---------------------------------------------------------------------------


@given(networks())
@settings(max_examples=25)
def test_round_trip(network: Network) -> None:
    artifact = integer(network, options={"weight_bits": 8}, account={"latency_steps": 2})
    path = Path(os.environ["ARTIFACT_TEST"]) / "a"
    again = load(artifact.save(path))
    assert same(again.network, artifact.network)
    assert same(again.fixed, artifact.fixed)
    assert (again.target, again.path) == ("integer", path)
    assert (again.options, again.account) == (artifact.options, artifact.account)
    assert again.files() == artifact.files()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give hypothesis a folder: its own examples may not ask for one."""
    monkeypatch.setenv("ARTIFACT_TEST", str(tmp_path))


def test_float_has_no_integers(tmp_path: Path) -> None:
    artifact = Artifact(target="float", network=one_neuron(), fixed=None)
    again = load(artifact.save(tmp_path / "a"))
    assert sorted(again.files()) == ["manifest.json", "reference.json", "reference.safetensors"]
    assert again.fixed is None
    with pytest.raises(InternalError) as raised:
        _ = again.required_fixed
    assert str(raised.value) == "an artifact for float holds no integers"


def test_members_and_manifest(saved: Path) -> None:
    names = {p.relative_to(saved).as_posix() for p in saved.rglob("*") if p.is_file()}
    manifest = json.loads((saved / "manifest.json").read_text())
    assert names == {*manifest["members"], "manifest.json"}
    assert "sub/runner.py" in names
    assert (manifest["format"], manifest["snnc"], manifest["target"]) == (1, __version__, "integer")
    for name, member in manifest["members"].items():
        content = (saved / name).read_bytes()
        assert member == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert load(saved).members == {"sub/runner.py": b"print()\n"}


@given(graphs())
@settings(max_examples=15)
def test_the_same_graph_gives_the_same_bytes(g: nir.NIRGraph) -> None:
    backwards = graph(dict(reversed(g.nodes.items())), g.edges[::-1])
    for target in ("integer", "float"):
        one = compile_graph(g, target, dt=1e-3).files()
        assert compile_graph(g, target, dt=1e-3).files() == one
        assert compile_graph(backwards, target, dt=1e-3).files() == one


def test_another_graph_gives_other_bytes() -> None:
    one = compile_graph(chain(linear([[1]]), lif()), dt=1e-3).files()
    two = compile_graph(chain(linear([[1.0000001]]), lif()), dt=1e-3).files()
    assert one["reference.safetensors"] != two["reference.safetensors"]
    assert one["manifest.json"] != two["manifest.json"]


# --- saving ------------------------------------------------------------------------------------


def tree(path: Path) -> dict[str, bytes | None]:
    found = sorted(path.rglob("*"))
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else None for p in found}


def test_an_artifact_is_replaced_whole(saved: Path) -> None:
    other = integer(one_neuron(3))
    other.save(saved)
    assert {n: c for n, c in tree(saved).items() if c is not None} == other.files()
    assert sorted(p.name for p in saved.parent.iterdir()) == [saved.name]


def test_an_empty_directory_is_used(tmp_path: Path) -> None:
    assert load(integer().save(tmp_path)).target == "integer"


def test_folders_are_made(tmp_path: Path) -> None:
    assert load(integer().save(tmp_path / "a" / "b")).target == "integer"


@pytest.mark.parametrize("kind", ["directory", "file", "dangling link"])
def test_what_is_not_ours_stays(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    if kind == "directory":
        path.mkdir()
        (path / "thesis.txt").write_text("all of it")
    elif kind == "file":
        path.write_text("all of it")
    else:
        path.symlink_to(tmp_path / "nowhere")
    before = tree(tmp_path)
    with pytest.raises(InputError) as raised:
        integer().save(path)
    assert str(raised.value) == text(
        "SNN003",
        str(path),
        "a directory with 'thesis.txt', which is no part of an artifact of snnc"
        if kind == "directory"
        else "a file",
        "a new directory, an empty one, or an artifact of snnc to replace",
        "name another directory with -o",
    )
    assert tree(tmp_path) == before


def link_member(path: Path) -> None:
    (path / "weights.safetensors").rename(path.parent / "weights")
    (path / "weights.safetensors").symlink_to(path.parent / "weights")


def put(name: str, content: str = "all of it") -> Callable[[Path], object]:
    """Give what writes the file ``name`` of a user."""

    def write(path: Path) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)

    return write


def link_manifest(path: Path) -> None:
    (path / "manifest.json").rename(path.parent / "manifest")
    (path / "manifest.json").symlink_to(path.parent / "manifest")


OF_OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a manifest of others": (put("manifest.json", '{"name": "web app"}'), "manifest.json"),
    "a manifest that is not JSON": (put("manifest.json", "{"), "manifest.json"),
    "a manifest of bytes": (lambda p: (p / "manifest.json").write_bytes(b"\xff"), "manifest.json"),
    "a file beside the artifact": (put("notes.txt"), "notes.txt"),
    "a file in a folder": (put("src/thesis.txt"), "src/thesis.txt"),
    "a file in a folder of the artifact": (put("sub/thesis.txt"), "sub/thesis.txt"),
    "an empty folder": (lambda p: (p / "src").mkdir(), "src"),
    "a folder __pycache__ of others": (put("src/__pycache__/a.pyc"), "src/__pycache__/a.pyc"),
    "a cache without a program": (put("my/__pycache__/a.pyc"), "my/__pycache__/a.pyc"),
    "a text in a cache": (put("sub/__pycache__/thesis.txt"), "sub/__pycache__/thesis.txt"),
    "a folder in a cache": (put("sub/__pycache__/b/c.pyc"), "sub/__pycache__/b/c.pyc"),
    "a link": (lambda p: (p / "data").symlink_to(p.parent), "data"),
    "a member that is a link": (link_member, "weights.safetensors"),
    "a manifest that is a link": (link_manifest, "manifest.json"),
}


@pytest.mark.parametrize("case", OF_OTHERS)
def test_an_artifact_with_something_of_others_stays(case: str, saved: Path) -> None:
    spoil, found = OF_OTHERS[case]
    spoil(saved)
    before = tree(saved.parent)
    with pytest.raises(InputError) as raised:
        integer(one_neuron(3)).save(saved)
    assert str(raised.value) == text(
        "SNN003",
        str(saved),
        f"a directory with {found!r}, which is no part of an artifact of snnc",
        "a new directory, an empty one, or an artifact of snnc to replace",
        "name another directory with -o",
    )
    assert tree(saved.parent) == before


def test_a_project_with_a_manifest_of_its_own_stays(tmp_path: Path) -> None:
    put("manifest.json", '{"members": {}}')(tmp_path)
    put("src/thesis.txt")(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"a directory with 'manifest\.json', which is no part"):
        integer().save(tmp_path)
    assert tree(tmp_path) == before


def test_caches_of_its_runner_do_not_keep_an_artifact(saved: Path) -> None:
    put("sub/__pycache__/runner.cpython-311.pyc")(saved)
    other = integer(one_neuron(3))
    other.save(saved)
    assert {n: c for n, c in tree(saved).items() if c is not None} == other.files()


def test_a_part_of_an_artifact_is_replaced(saved: Path) -> None:
    """What is changed or missing loses nothing that is not snnc's."""
    (saved / "program.json").write_text("changed")
    (saved / "weights.safetensors").unlink()
    assert load(integer().save(saved)).target == "integer"


def not_writable(path: Path, reason: str) -> str:
    return text(
        "SNN002",
        str(path),
        reason,
        "a place where this user may write, with room left",
        "name another place with -o, or free this one",
    )


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Below a regular file: nobody can write there, not even root."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "artifact"
    with pytest.raises(EnvironmentFault) as raised:
        integer().save(path)
    assert str(raised.value) == not_writable(path, "Not a directory")


@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
def test_a_full_disk_leaves_all_as_it_was(
    call: int, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at each of the writes in turn."""
    path = tmp_path / "a"
    artifact = integer(members={"sub/runner.py": b""})
    if there:
        integer(one_neuron(3)).save(path)
    before = tree(tmp_path)
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(EnvironmentFault) as raised:
        artifact.save(path)
    assert str(raised.value) == not_writable(path, "No space left on device")
    assert tree(tmp_path) == before


def test_every_write_was_tried(tmp_path: Path) -> None:
    """The test above fails each of six members."""
    assert len(integer(members={"sub/runner.py": b""}).files()) == 6
    assert integer(members={"sub/runner.py": b""}).save(tmp_path / "a").is_dir()


@pytest.mark.parametrize("call", [1, 2])
def test_a_failed_move_leaves_all_as_it_was(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = integer(one_neuron(3)).save(tmp_path / "a")
    before = tree(tmp_path)
    rename, calls = Path.rename, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(EnvironmentFault) as raised:
        integer().save(path)
    assert str(raised.value) == not_writable(path, "Input/output error")
    assert tree(tmp_path) == before


# --- loading what was touched ------------------------------------------------------------------


def test_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "my model.nir").write_text("")
    make = "snnc compile MODEL --target TARGET -o DIR makes one"
    first = f"compile it first: snnc compile '{tmp_path}/my model.nir' --target TARGET -o DIR"
    for name, found, remedy in (
        ("nowhere", "no such directory", make),
        ("nowhere.nir", "no such directory", make),
        ("file", "a file", make),
        ("my model.nir", "a file", first),
    ):
        assert refusal(tmp_path / name) == text(
            "SNN001", str(tmp_path / name), found, "a directory that snnc compile wrote", remedy
        )


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def flip_two(path: Path) -> None:
    flip(path / "program.json")
    flip(path / "reference.json")


def empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def link_folder(path: Path) -> None:
    (path / "sub").rename(path.parent / "sub")
    (path / "sub").symlink_to(path.parent / "sub")


def pipe_member(path: Path) -> None:
    (path / "weights.safetensors").unlink()
    os.mkfifo(path / "weights.safetensors")


TOUCHED: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "changed": (
        lambda p: flip(p / "weights.safetensors"),
        ["weights.safetensors is not the file that was written"],
    ),
    "changed twice": (
        flip_two,
        [
            "program.json is not the file that was written",
            "reference.json is not the file that was written",
        ],
    ),
    "longer": (
        lambda p: (p / "sub/runner.py").write_bytes(b"print(1)\n"),
        ["'sub/runner.py' is 9 bytes, not 8"],
    ),
    "missing": (
        lambda p: (p / "program.json").unlink(),
        ["'program.json' is missing"],
    ),
    "additional": (
        lambda p: (p / "sub" / "more.py").write_text(""),
        ["'sub/more.py' is not in the manifest"],
    ),
    "link to a member": (link_member, ["'weights.safetensors' is not a plain file"]),
    "link to a folder": (
        link_folder,
        ["'sub/runner.py' is missing", "'sub' is not in the manifest"],
    ),
    "additional link to a folder": (
        lambda p: (p / "more").symlink_to(p.parent),
        ["'more' is not in the manifest"],
    ),
    "a pipe": (pipe_member, ["'weights.safetensors' is not a plain file"]),
    "no manifest": (
        lambda p: (p / "manifest.json").unlink(),
        ["manifest.json: No such file or directory"],
    ),
    "an empty directory": (
        empty,
        ["manifest.json: No such file or directory"],
    ),
}


@pytest.mark.parametrize("case", TOUCHED)
def test_touched(case: str, saved: Path) -> None:
    touch, problems = TOUCHED[case]
    touch(saved)
    assert refusal(saved) == "\n\n".join(broken(saved, p) for p in problems)


def test_what_python_leaves_behind_is_no_harm(saved: Path) -> None:
    cache = saved / "sub" / "__pycache__"
    cache.mkdir()
    (cache / "runner.pyc").write_bytes(b"")
    assert load(saved).target == "integer"
    (saved / "my__pycache__.py").write_bytes(b"")
    assert refusal(saved) == broken(saved, "'my__pycache__.py' is not in the manifest")


def edit_manifest(path: Path, **fields: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text()) | fields
    (path / "manifest.json").write_text(json.dumps(manifest))


def drop_members(path: Path, *names: str, target: str = "integer") -> None:
    members = json.loads((path / "manifest.json").read_text())["members"]
    for name in names:
        del members[name]
        (path / name).unlink()
    edit_manifest(path, members=members, target=target)


MANIFESTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "another format": (
        lambda p: edit_manifest(p, format=2),
        ["format 2; this snnc reads format 1"],
    ),
    "an unknown target": (
        lambda p: edit_manifest(p, target="loihi"),
        ["target 'loihi'; there are float, integer, cpu, cuda, lava"],
    ),
    "a field that is not ours": (
        lambda p: edit_manifest(p, author="me"),
        ["manifest.json: author: extra inputs are not permitted"],
    ),
    "a field of another type": (
        lambda p: edit_manifest(p, members=[]),
        ["manifest.json: members: input should be an object"],
    ),
    "no reference": (
        lambda p: drop_members(p, "reference.json"),
        ["'reference.json' is not in the manifest, and integer needs it"],
    ),
    "no integers": (
        lambda p: drop_members(p, "program.json", "weights.safetensors"),
        [
            "'program.json' is not in the manifest, and integer needs it",
            "'weights.safetensors' is not in the manifest, and integer needs it",
        ],
    ),
    "no weights": (
        lambda p: drop_members(p, "weights.safetensors", target="float"),
        ["'weights.safetensors' is not in the manifest, and float needs it"],
    ),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests(case: str, saved: Path) -> None:
    touch, problems = MANIFESTS[case]
    touch(saved)
    assert refusal(saved) == "\n\n".join(broken(saved, p) for p in problems)


def test_a_manifest_that_is_not_json(saved: Path) -> None:
    (saved / "manifest.json").write_text("{")
    wanted = broken(saved, "manifest.json: manifest.json: invalid json: <where>")
    assert re.sub(r"(invalid json: ).*", r"\1<where>", refusal(saved)) == wanted


# --- loading what was forged: hashes are right, contents are not ------------------------------


def forge(path: Path, name: str, content: bytes) -> None:
    """Replace a member and put its size and hash into the manifest."""
    (path / name).write_bytes(content)
    members = json.loads((path / "manifest.json").read_text())["members"]
    members[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_manifest(path, members=members)


def forge_program(path: Path, change: Callable[[Any], object]) -> None:
    program = json.loads((path / "program.json").read_text())
    change(program)
    forge(path, "program.json", json.dumps(program).encode())


def forge_tensor(path: Path, name: str, value: Any) -> None:
    tensors = load_tensors((path / "weights.safetensors").read_bytes())
    tensors[name] = np.array(value, tensors[name].dtype).reshape(np.shape(value))
    forge(path, "weights.safetensors", save_tensors(tensors))


FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no object": (
        lambda p: forge(p, "program.json", b"[]"),
        "FixedNetwork: an object is expected, not []",
    ),
    "no JSON": (
        lambda p: forge(p, "program.json", b"{"),
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "no text": (
        lambda p: forge(p, "program.json", b'"\xff"'),
        "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
    ),
    "too deep": (
        lambda p: forge(p, "program.json", b"[" * 200_000),
        "a record nested too deeply",
    ),
    "text for a number": (
        lambda p: forge_program(p, lambda d: d["populations"][0].update(lag="1")),
        "FixedNetwork.populations[0].lag: int is expected, not '1'",
    ),
    "an unknown reset": (
        lambda p: forge_program(p, lambda d: d["populations"][0].update(reset="soft")),
        "FixedNetwork.populations[0].reset: 'soft' is none of none, zero, zero-next, subtract, "
        "subtract-delayed, subtract-retest",
    ),
    "no delay": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(delay=0)),
        "program.json: a projection without the delay that hardware takes",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_records(case: str, saved: Path) -> None:
    touch, found = FORGED[case]
    touch(saved)
    assert refusal(saved) == broken(saved, found)


def test_forged_tensors(saved: Path) -> None:
    forge(saved, "weights.safetensors", b"\xff" * 64)
    message = refusal(saved)
    assert message.startswith(f"error[SNN504]: {SAYS['SNN504']}\n  --> {saved}\n   found: ")
    assert message.endswith(broken(saved, "").partition("found: ")[2])


RANGES: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "dv": (
        lambda p: forge_tensor(p, "program.populations.0.dv", [4097]),
        "lif",
        "dv: 4097 to 4097",
        "0 to 4096",
    ),
    "threshold": (
        lambda p: forge_tensor(p, "program.populations.0.threshold", [-1]),
        "lif",
        "threshold: -1 to -1",
        "0 to 131071",
    ),
    "delay": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(delay=10**6)),
        "fc",
        "delay: 1e+06 to 1e+06",
        "0 to 100000",
    ),
    "weight_exp": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(weight_exp=9)),
        "fc",
        "weight_exp: 9 to 9",
        "-7 to 7",
    ),
    "max_abs": (
        lambda p: forge_program(p, lambda d: d["inputs"][0].update(max_abs=2**24)),
        "lif",
        "synaptic input: up to 2.63e+13",
        "2147483647: Lava's ports are 32 bits wide",
    ),
    "step": (
        lambda p: forge_program(p, lambda d: d["inputs"][0].update(step=float("nan"))),
        "x",
        "step: nan",
        "above 0",
    ),
}


@pytest.mark.parametrize("case", RANGES)
def test_forged_ranges(case: str, saved: Path) -> None:
    touch, node, found, limit = RANGES[case]
    touch(saved)
    assert refusal(saved) == text(
        "SNN105", node, found, limit, "correct the parameter in the model"
    )


def test_forged_names(saved: Path) -> None:
    forge_program(saved, lambda d: d["outputs"][0].update(source="x"))
    assert refusal(saved) == text(
        "SNN106", "out", "no population 'x'", "a population", "correct the edges of the graph"
    )


# --- running -----------------------------------------------------------------------------------


def test_a_loaded_artifact_runs_as_the_saved_one(saved: Path) -> None:
    x = spikes((9, 2, 2))
    signals = ("spikes", "u", "v")
    one, two = integer().run(x, record=signals), load(saved).run({"x": x}, record=signals)
    assert one.outputs["out"].sum() > 0
    for signal in signals:
        for name, values in one.signal(signal).items():
            assert (values == two.signal(signal)[name]).all()


@given(fixed_networks())
@settings(max_examples=30)
def test_outputs_are_aligned(fixed: FixedNetwork) -> None:
    """Step ``t`` of a signal is hardware step ``t + lag``; in raw time all is hardware time."""
    network = one_neuron(np.ones((1, fixed.inputs[0].size)))
    artifact = Artifact(target="integer", network=network, fixed=fixed)
    flat = integers_for(fixed, steps=6, batch=2)
    x = {i.name: flat[i.name].reshape(6, 2, *i.shape) for i in fixed.inputs}
    trace = artifact.run(x, record=("spikes", "u", "v"))
    wanted = oracle.as_arrays(oracle.run(fixed, flat))
    assert trace.executor == "integer"
    for p in fixed.populations:
        assert trace.lags[p.name] == p.lag
        for signal in signals_of(p):
            window = wanted[signal][p.name][p.lag : p.lag + 6].reshape(6, 2, *p.shape)
            assert np.array_equal(trace.signal(signal)[p.name], window)
    last = fixed.populations[-1]
    raw = artifact.run(x, record=("spikes", "u", "v"), raw_time=True)
    if last.spiking:
        assert np.array_equal(trace.outputs["out"], trace.spikes[last.name])
        assert np.array_equal(raw.outputs["out"].ravel(), wanted["spikes"][last.name].ravel())
    else:
        real = trace.v[last.name] / last.scale.reshape(last.shape) + last.offset.reshape(last.shape)
        assert np.array_equal(trace.outputs["out"], real.astype(np.float32))
    for p in fixed.populations:
        for signal in signals_of(p):
            values = raw.signal(signal)[p.name]
            assert np.array_equal(values.ravel(), wanted[signal][p.name].ravel())
    assert set(raw.v) == {p.name for p in fixed.populations}
    assert set(raw.spikes) == {p.name for p in fixed.populations if p.spiking}
    assert artifact.run(x, raw_time=True).spikes == {}


def signals_of(p: FixedPopulation) -> tuple[str, ...]:
    return ("spikes", "u", "v") if p.spiking else ("u", "v")


def test_outputs_have_the_shape_of_their_population() -> None:
    fixed = one_fixed(np.full((6, 1), 20), shape=(2, 3))
    artifact = Artifact(target="integer", network=one_neuron(), fixed=fixed)
    trace = artifact.run(spikes((5, 4, 1)), record="v")
    assert trace.outputs["out"].shape == (5, 4, 2, 3)
    assert trace.v["lif"].shape == (5, 4, 2, 3)
    assert trace.spikes == {}


def test_counts_and_predictions() -> None:
    fixed = one_fixed([[20, 0], [0, 20], [0, 20]], dv=4096)
    artifact = Artifact(target="integer", network=one_neuron([[1, 1]]), fixed=fixed)
    x = np.zeros((4, 3, 2))
    x[:2, 0, 0] = x[:3, 1, 1] = 1
    trace = artifact.run(x)
    assert trace.counts.tolist() == [[2, 0, 0], [0, 3, 3], [0, 0, 0]]
    assert trace.predictions.tolist() == [0, 1, 0]


@pytest.mark.parametrize("target", ["float", "integer"])
def test_a_spike_counts_for_its_size_in_predictions(target: str) -> None:
    network = one_neuron((4 * np.eye(3)).tolist(), spike=[0.5, 2, -1], decay=0.5)
    fixed = None if target == "float" else retime(quantize(network))
    x = np.zeros((4, 3, 3))
    x[:4, 0, 0] = x[:2, 0, 1] = x[:3, 1, 2] = x[:1, 1, 0] = x[:, 2, 2] = 1
    trace = Artifact(target=target, network=network, fixed=fixed).run(x)
    assert trace.class_weights is not None
    assert trace.class_weights.tolist() == [0.5, 2, -1]
    assert trace.counts.argmax(axis=1).tolist() == [0, 2, 2]
    assert trace.predictions.tolist() == [1, 0, 0]
    assert set(np.unique(trace.outputs["out"])) == {0, 1}
