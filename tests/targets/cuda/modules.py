"""What the stand-in for the driver does with PTX: ``python -m tests.targets.cuda.modules FILE``.

Writes the path of a library that has a record ``machine_NAME`` for each kernel: the translated
PTX, or, with ``EMULATED_EXECUTE=host``, the same kernels as g++ builds them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.targets.cuda import host
from tests.targets.cuda.compiled import sources
from tests.targets.cuda.device import kernel_library
from tests.targets.cuda.ptx import PtxError, parsed
from tests.targets.cuda.translate import translated


def main(path: str) -> int:
    """Build the module; give 1 where its PTX is not known."""
    ptx = Path(path).read_text()
    try:
        if os.environ.get("EMULATED_EXECUTE") == "host":
            library = host.library(ptx, '#include "kernels.h"\n', sources())
        else:
            library = kernel_library(*(translated(e) for e in parsed(ptx).entries.values()))
    except PtxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{library}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
