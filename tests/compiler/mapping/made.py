"""Hardware and flows that the tests of placement make up."""

from __future__ import annotations

import numpy as np

from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.hardware import Certainty, Coefficient, Hardware, Limit, Mesh
from snnc.compiler.mapping.mapped import Flows


def limit(value: int) -> Limit:
    """Give a limit of the test's own."""
    return Limit(value, "the test", Certainty.CHOSEN)


def hardware_of(
    mesh: Mesh,
    *,
    chip_columns: int = 1,
    chips: int = 1,
    costs: dict[str, Coefficient] | None = None,
) -> Hardware:
    """Give hardware of which only chips and costs matter."""
    return Hardware(
        name="made",
        family="made",
        summary="of a test",
        neurons=limit(1024),
        synapse_memory=limit(16384),
        words_per_axon=None,
        input_axons=None,
        output_axons=None,
        parameter_sets=None,
        thresholds=None,
        synapse_formats=None,
        populations=None,
        fan_in=None,
        fan_out=None,
        destinations=None,
        max_delay=limit(63),
        weight_bits=tuple(range(1, 9)),
        spike_bits=limit(0),
        resets={FixedReset.ZERO: 1, FixedReset.SUBTRACT: 2},
        encodings=(),
        mesh=mesh,
        chip_columns=chip_columns,
        chips=limit(chips),
        costs=costs or {},
    )


def flows_of(*flows: tuple[int, tuple[int, ...], float]) -> Flows:
    """Give flows, each with its source, its targets and its rate."""
    sizes = [len(targets) for _, targets, _ in flows]
    return Flows(
        source=np.array([source for source, _, _ in flows], np.int32),
        begin=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        target=np.array([t for _, targets, _ in flows for t in targets], np.int32),
        rate=np.array([rate for _, _, rate in flows], np.float64),
    )


def random_flows(n_cores: int, n_flows: int, seed: int, *, most: int = 8) -> Flows:
    """Give flows of random rates between random cores, some from outside."""
    rng = np.random.default_rng(seed)
    return flows_of(
        *(
            (
                int(rng.integers(-1, n_cores)),
                tuple(sorted(rng.choice(n_cores, rng.integers(1, min(most, n_cores) + 1), False))),
                float(rng.random()),
            )
            for _ in range(n_flows)
        )
    )
