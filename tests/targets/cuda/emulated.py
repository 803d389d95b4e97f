"""Random networks through the whole host path: ``python -m tests.targets.cuda.emulated 100``.

Runs where the stand-in is the driver (``driver.py``). Of each network every signal is held against
the reference and the native engine, by hashes: once as the PTX that NVRTC made, executed, and once
with the same kernels as g++ builds them. A line of JSON tells what was seen.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.targets.cuda.runner import images, session
from snnc.targets.cuda.runner.layout import Chunk, Task, chosen_chunk
from snnc.targets.cuda.runner.plan import history
from snnc.targets.cuda.runner.running import Code, run_on_gpu
from snnc.targets.cuda.runner.session import recorded_names
from snnc.targets.cuda.sources import kernel_sources
from snnc.targets.cuda.target import program_for
from snnc.targets.running import no_progress
from tests.targets.cpu import equality
from tests.targets.cpu.equality import Array, Signals

WAYS = {"ptx": "executed PTX", "host": "host-built kernels"}


def emulated(network: FixedNetwork, inputs: Mapping[str, Array]) -> Iterator[tuple[str, Signals]]:
    """Run the CUDA target on the stand-in, in every way."""
    program, code = program_for(network), Code(kernel_sources(), {})
    for execute, way in WAYS.items():
        os.environ["EMULATED_EXECUTE"] = execute
        record = recorded_names(program, equality.SIGNALS)
        signals, _ = run_on_gpu(program, code, inputs, record, no_progress)
        for p in network.populations:
            if not p.spiking:  # a read-out sends nothing, and nothing of it is recorded
                signals["spikes"][p.name] = np.zeros(signals["v"][p.name].shape, np.uint8)
        yield way, signals


def small_chunks(task: Task, batch: int, steps: int, free: int) -> Chunk:
    """Give chunks that cut a run into many: few steps, and half of the samples."""
    del free
    return Chunk(-(-batch // 2), max(1, min(steps, 3), *history(task.program).values()))


def compare(count: int, first: int, phases: Sequence[Phase]) -> tuple[Counter[str], str]:
    """Compare networks of a seed; give what was seen, and the hash of all of their hashes."""
    seen, digest = Counter[str](), sha256()
    draws = random.Random(first)

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(equality.integer_runs(), st.booleans())
    def check(drawn: tuple[FixedNetwork, dict[str, Array]], cut: bool) -> None:
        os.environ["EMULATED_SEED"] = str(draws.randrange(2**30))
        vars(session)["chosen_chunk"] = small_chunks if cut else chosen_chunk
        ways, wanted = equality.assert_equal(*drawn)
        seen.update(["networks", *ways])
        seen["values"] += len(ways) * sum(a.size for s in wanted.values() for a in s.values())
        digest.update(equality.traces_hash(wanted).encode())

    check()
    return seen, digest.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Compare, and give 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--once", action="store_true", help="PTX only; end at what differs")
    options = parser.parse_args(arguments)
    # One module of all kernels, which is compiled once, and not one for each network.
    vars(images)["selected"] = lambda sources, _: sources
    phases = [Phase.generate] if options.once else [Phase.generate, Phase.shrink]
    if options.once:
        equality.EXECUTORS.clear()
        WAYS.pop("host")
    equality.EXECUTORS["emulated"] = emulated
    try:
        seen, digest = compare(options.count, options.seed, phases)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        sys.stdout.write("".join(traceback.format_exception(error)))
        return 1
    sys.stdout.write(json.dumps({"seen": seen, "hash": digest}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
