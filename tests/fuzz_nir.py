"""Damage good .nir files at random and read them: ``python -m tests.fuzz_nir [CASES [SEED]]``.

Every case must give a graph or a named error, in bounded time, and leave this process alive. HDF5
itself hangs, crashes or takes gigabytes on some of them; the counts at the end tell on how many.
"""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nir

from snnc.compiler.diagnostics import InputError
from snnc.frontends.hdf5.child import seconds_for
from snnc.frontends.hdf5.process import WAIT_FACTOR, ReaderProcess
from snnc.frontends.nir.file import parse, write_nir
from tests.frontends.graphs import every_node, node_of, small_graph, standard_nodes

HEADERS = 4096
"""Bytes at the start of a file, where most of its structure is."""


@dataclass
class Outcome:
    """What came of the cases.

    Attributes:
        counts: Cases by outcome: ``read``, or the code of the first diagnostic and what it found.
        slowest: Seconds of the slowest case.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    slowest: float = 0.0


def good_files(directory: Path) -> list[bytes]:
    """Give the content of files that are damaged: of snnc and of nir, plain and packed."""
    write_nir(small_graph(), directory / "small.nir")
    write_nir(every_node(), directory / "every.nir")
    nir.write(directory / "packed.nir", small_graph())
    nir.write(directory / "plain.nir", standard_graph(), compression=None)  # type: ignore[arg-type, unused-ignore]
    return [path.read_bytes() for path in sorted(directory.glob("*.nir"))]


def standard_graph() -> nir.NIRGraph:
    """A graph that nir can write: it can not write one number as metadata, nor None."""
    graph = standard_nodes()
    graph.metadata = {}
    for name in ("c same", "line 2"):
        node_of(graph, name).input_shape = (5, 5) if name == "c same" else 6
    return graph


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Damage a file in one of several ways."""
    return draw.choice(DAMAGES)(bytearray(content), draw)


def _bytes(content: bytearray, draw: random.Random) -> bytes:
    end = draw.choice([len(content), min(HEADERS, len(content))])
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        content[draw.randrange(end)] = draw.randrange(256)
    return bytes(content)


def _bits(content: bytearray, draw: random.Random) -> bytes:
    for _ in range(draw.choice([1, 3, 10])):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def _numbers(content: bytearray, draw: random.Random) -> bytes:
    """Put a special number in the place of an aligned one."""
    for _ in range(draw.choice([1, 2, 4])):
        place = 8 * draw.randrange(len(content) // 8)
        value = draw.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, len(content), place])
        content[place : place + 8] = value.to_bytes(8, "little")
    return bytes(content)


def _blocks(content: bytearray, draw: random.Random) -> bytes:
    """Copy one part of the file over another, or clear it."""
    size = draw.choice([16, 64, 512])
    here, there = draw.randrange(len(content)), draw.randrange(len(content))
    part = bytes(size) if draw.random() < 0.3 else content[there : there + size]
    content[here : here + len(part)] = part
    return bytes(content)


def _cut(content: bytearray, draw: random.Random) -> bytes:
    return bytes(content[: draw.randrange(len(content))])


DAMAGES: list[Callable[[bytearray, random.Random], bytes]] = [
    _bytes,
    _bytes,
    _bits,
    _numbers,
    _blocks,
    _cut,
]


def cases(contents: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield damaged files."""
    for number in range(count):
        draw = random.Random(f"{seed}.{number}")
        yield damaged(draw.choice(contents), draw)


def read_all(count: int, seed: int, told: Callable[[Outcome], None] = lambda _: None) -> Outcome:
    """Read damaged files and count what comes of them.

    Args:
        count: Number of files.
        seed: Of the damage.
        told: Called with what there is so far, after each file.
    """
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as name, ReaderProcess() as reader:
        path = Path(name) / "damaged.nir"
        for content in cases(good_files(Path(name)), count, seed):
            path.write_bytes(content)
            started = time.perf_counter()
            outcome.counts[_read(reader, path)] += 1
            outcome.slowest = max(outcome.slowest, time.perf_counter() - started)
            told(outcome)
    return outcome


def _read(reader: ReaderProcess, path: Path) -> str:
    try:
        parse(str(path), reader.read(path))
    except InputError as error:
        first = error.diagnostics[0]
        return (
            f"{first.rule.code} {first.found}" if first.rule.code == "SNN108" else first.rule.code
        )
    return "read"


def _main() -> None:
    count, seed = (*map(int, sys.argv[1:]), *(1000, 0)[len(sys.argv) - 1 :])

    def told(outcome: Outcome) -> None:
        done = outcome.counts.total()
        if done % 500 == 0:
            print(f"{done} of {count}: {dict(outcome.counts.most_common())}", flush=True)

    started = time.perf_counter()
    outcome = read_all(count, seed, told)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{time.perf_counter() - started:.0f} s, slowest {outcome.slowest:.2f} s, limit "
        f"{WAIT_FACTOR * seconds_for(2**15):.1f} s; largest child {memory:.0f} MiB"
    )
    for name, number in outcome.counts.most_common():
        print(f"{number:7} {name}")


if __name__ == "__main__":
    _main()
