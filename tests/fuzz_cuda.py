"""Run random networks on the emulated GPU, bit by bit: ``python -m tests.fuzz_cuda 10000``.

Each is computed by the reference, by the native engine, by the kernels as g++ builds them and by
the PTX that NVRTC makes of them, the last two through the whole host path on a stand-in for the
driver.
Where one differs the network is made as small as can be, and printed with the command that finds it
again. The exit code is then 1. Needs ``snnc[cuda]`` and g++, and no GPU.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzzing import Chunk, Nightly
from tests.targets.cuda import driver


def compare(number: int, count: int) -> Chunk:
    """Compare the first ``count`` networks of a seed with the reference."""
    module = "tests.targets.cuda.emulated"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module, str(count), "--seed", str(number)]
        ended = driver.run(command, Path(folder), driver.cached(), capability=75)
    if ended.code != 0 or ended.report is None:
        return Chunk(number, count, failure=f"{ended.out}\n{ended.err}".strip())
    seen = Counter[str](json.loads(ended.out)["seen"])
    return Chunk(number, count, seen, "\n".join(ended.report.wrong))


NIGHTLY = Nightly("tests.fuzz_cuda", __doc__, compare, 250, ThreadPoolExecutor)

if __name__ == "__main__":
    sys.exit(NIGHTLY.main())
