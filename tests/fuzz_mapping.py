"""Lay random networks out over random hardware: ``python -m tests.fuzz_mapping 1000``.

Each network either fits, and then the checker, which counts every limit anew, finds nothing, and
the parts compute on the native engine what the whole computes on the reference; or it does not, and
then every message is one of the rules of mapping and names a remedy. Where this is broken the pair
is made as small as can be, and printed with the command that finds it again. The exit code is then
1.
"""

from __future__ import annotations

import sys
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from hypothesis import HealthCheck, given, seed, settings

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.checker import check_mapped
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.join import joined
from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.partitioners import Way
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.drawn.hardware import hardwares
from tests.fuzzing import Chunk, Nightly
from tests.targets.cpu.equality import SIGNALS, Array, integer_runs

RULES = {rules.PART_FITS, rules.CORES_THERE, rules.HARDWARE_CAPABLE, rules.PARTITION_FOUND}


def laid_out(network: FixedNetwork, hardware: Hardware, seen: Counter[str]) -> MappedNetwork | None:
    """Give the mapping, which the checker passes; None where messages say why there is none."""
    found: tuple[Diagnostic, ...] = ()
    mapped: MappedNetwork | None
    try:
        mapped = lay_out(network, hardware, way=Way(seed=1))
    except InputError as error:
        found = error.diagnostics
        seen.update({f"refused with {d.rule.code}" for d in found})
        mapped = None
    if mapped is None:
        assert {d.rule for d in found} <= RULES, str(found)
        assert all(d.remedy and d.node for d in found), str(found)
        return None
    assert [str(d) for d in check_mapped(mapped)] == []
    return mapped


def assert_equal(mapped: MappedNetwork, inputs: dict[str, Array]) -> int:
    """Compare parts and whole, and give how many values that were."""
    whole, parts = execute(mapped.fixed, inputs), cut(mapped)
    record = dict.fromkeys(SIGNALS, tuple(p.name for p in parts.populations))
    run = Engine(parts).run(inputs, record, 1, no_progress)
    values = 0
    for signal in SIGNALS:
        found = joined(run[signal], mapped)
        for name, wanted in getattr(whole, signal).items():
            differ = int((found[name].reshape(wanted.shape) != wanted).sum())
            assert differ == 0, f"{name}.{signal}: {differ} of {wanted.size} differ"
            values += wanted.size
    return values


def compare(number: int, count: int) -> Chunk:
    """Lay out the first ``count`` networks of a seed."""
    chunk = Chunk(number, count)

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(integer_runs(), hardwares())
    def check(drawn: tuple[FixedNetwork, dict[str, Array]], hardware: Hardware) -> None:
        network, inputs = drawn
        mapped = laid_out(network, hardware, chunk.seen)
        chunk.seen.update(["networks", f"like {hardware.name}"])
        if mapped is not None:
            chunk.seen["values"] += assert_equal(mapped, inputs)
            chunk.seen.update(["mapped", _size(len(mapped.cores))])
            parts = sum(len(core.parts) for core in mapped.cores)
            chunk.seen["cut populations"] += parts > len(network.populations)
            chunk.seen["shared cores"] += any(len(core.parts) > 1 for core in mapped.cores)
            chunk.seen["several chips"] += len({core.chip for core in mapped.cores}) > 1

    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        chunk.failure = "".join(traceback.format_exception(error)).strip()
    return chunk


def _size(cores: int) -> str:
    return f"up to {2 ** int(np.ceil(np.log2(cores)))} cores"


NIGHTLY = Nightly(
    "tests.fuzz_mapping",
    __doc__,
    compare,
    100,
    lambda jobs: ProcessPoolExecutor(jobs, get_context("spawn")),
)

if __name__ == "__main__":
    sys.exit(NIGHTLY.main())
