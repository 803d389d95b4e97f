"""Faults that are put into the real kernels and the real host code, to see which rung finds them.

A fault is a patch of the text as it is; where the text has changed so that it does not apply, the
test fails, and so does one that no rung finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HOST, SANITIZERS, PTX_VALUES, PTX_CHECKS, PATH = (
    "host build: values",
    "host build: sanitizers",
    "PTX: values",
    "PTX: bounds, races, barriers, unwritten memory",
    "whole path on the stand-in",
)
RUNGS = (HOST, SANITIZERS, PTX_VALUES, PTX_CHECKS, PATH)


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: What is wrong.
        file: Of a kernel its header; of the host path a module of ``targets/cuda/runner``.
        old: A text that stands there once.
        new: What takes its place.
        kernel: What is run; empty for the host path.
    """

    name: str
    file: str
    old: str
    new: str
    kernel: str = ""

    def applied(self, text: str) -> str:
        """Give the text with the fault.

        Raises:
            AssertionError: It does not apply any more.
        """
        assert text.count(self.old) == 1, (
            f"{self.name}: {self.old!r} stands not once in {self.file}"
        )
        return text.replace(self.old, self.new)

    def sources(self, good: Mapping[str, str]) -> dict[str, str]:
        """Give the sources of the kernels with the fault."""
        return {**good, self.file: self.applied(good[self.file])}


KERNEL_FAULTS = (
    Fault(
        "no guard where the last tile is not full",
        "dense.h",
        "if (row < rows && out < n_out) {",
        "if (row < rows) {",
        "dense_bits_i8_narrow",
    ),
    Fault(
        "a plain addition for an atomic one",
        "events.h",
        "atomicAdd(&sums[target[e]], w[e] * value);",
        "sums[target[e]] += w[e] * value;",
        "sparse_bits_i8",
    ),
    Fault(
        "a stride of a block, not of the grid",
        "values.h",
        "i += static_cast<int32_t>(gridDim.x * blockDim.x))",
        "i += static_cast<int32_t>(blockDim.x))",
        "scan_zero_narrow",
    ),
    Fault(
        "a shift of a negative number",
        "arithmetic.h",
        "return x < 0 ? -(upper + lower) : upper + lower;",
        "(void)upper, (void)lower;\n"
        "  return static_cast<int32_t>((static_cast<int64_t>(x) * keep) >> kDecayBits);",
        "scan_none_narrow",
    ),
    Fault(
        "a product of 32 bits",
        "arithmetic.h",
        "const int64_t shrunk = (magnitude * keep) >> kDecayBits;",
        "const int64_t shrunk =\n"
        "      (static_cast<int32_t>(magnitude) * static_cast<int32_t>(keep)) >> kDecayBits;",
        "scan_zero_wide",
    ),
    Fault(
        "a weight without its sign",
        "events.h",
        "atomicAdd(&sums[target[e]], w[e] * value);",
        "atomicAdd(&sums[target[e]], static_cast<uint8_t>(w[e]) * value);",
        "sparse_bytes_i8",
    ),
    Fault(
        "saturation for the wrap of u",
        "arithmetic.h",
        "u = wrapped<I>(u);",
        "u = clipped<I>(u);",
        "scan_subtract_narrow",
    ),
    Fault(
        "no barrier before a tile is read",
        "dense.h",
        "      __syncthreads();\n#pragma unroll\n      for (int32_t k = 0; k < kDepth",
        "#pragma unroll\n      for (int32_t k = 0; k < kDepth",
        "dense_words_i16_wide",
    ),
    Fault(
        "no barrier before a list is written again",
        "events.h",
        "sums[target[e]], w[e] * value);\n      }\n    }\n    __syncthreads();\n",
        "sums[target[e]], w[e] * value);\n      }\n    }\n",
        "sparse_words_i16",
    ),
    Fault(
        "a counter that is not cleared",
        "events.h",
        "  if (threadIdx.x == 0) events.count = 0;\n",
        "",
        "rows_bits_i8",
    ),
    Fault(
        "the sums of another step",
        "neurons.h",
        "a[(t - begin) * count + i]",
        "a[t * count + i]",
        "scan_readout_wide",
    ),
)
HOST_FAULTS = (
    Fault(
        "a chunk that is read before it is done",
        "session",
        "        self._wait(stage.event)\n",
        "",
    ),
    Fault(
        "memory that is filled while it is copied",
        "session",
        "stage = self.stages[number % 2]",
        "stage = self.stages[0]",
    ),
    Fault(
        "a delay that is one step too short",
        "launches",
        "self.spikes(p, begin - q.delay)",
        "self.spikes(p, begin - q.delay + 1)",
    ),
    Fault(
        "sums that are not cleared",
        "launches",
        "            queue.fill(sums.address, self.state_bytes * rows * p.size)\n",
        "            pass\n",
    ),
    Fault(
        "memory that is not given back",
        "driver",
        "        self._taken.append((self._cu.cuMemFree, address))\n",
        "",
    ),
)


def row(fault: Fault, found: Mapping[str, bool]) -> str:
    """Give the line of the table in docs/cuda.md; a rung that does not apply has a dash."""
    cells = ("-" if rung not in found else "found" if found[rung] else "no" for rung in RUNGS)
    return f"| {fault.name} | {' | '.join(cells)} |"
