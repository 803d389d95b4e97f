"""Who is compared."""

from __future__ import annotations

from dataclasses import dataclass

ENGINE = "cpu"
"""snnc's engine, which the others are set beside."""
REFERENCE = "numpy"
"""Whose rates and spikes the others are compared with."""


@dataclass(frozen=True)
class Simulator:
    """A simulator.

    Attributes:
        title: What tables call it.
        worker: Module in ``workers``.
        environment: Key of ``ENVIRONMENTS``; None runs in the interpreter of the command.
        single: Why it runs one sample at a time, or an empty string where it runs batches.
    """

    title: str
    worker: str
    environment: str | None
    single: str = ""

    def reason(self, batch: int) -> str:
        """Say why it cannot be measured with so many samples, or give an empty string."""
        return self.single if batch > 1 else ""


SIMULATORS = {
    ENGINE: Simulator("snnc cpu", "engine", None),
    REFERENCE: Simulator("NumPy loop", "numpy_loop", None),
    "lava": Simulator("Lava fixed_pt", "lava", "lava", "Lava has no batches"),
    "norse": Simulator("norse", "norse", "norse"),
    "snntorch": Simulator("snnTorch", "snntorch", "snntorch"),
    "spikingjelly": Simulator("SpikingJelly", "spikingjelly", "spikingjelly"),
    "brian2": Simulator("Brian2 standalone", "brian2", "brian2", "Brian2 has no batches"),
    "genn": Simulator("GeNN single-threaded", "genn", "genn", "GeNN has batches on GPUs only"),
    "nest": Simulator("NEST", "nest", "nest", "NEST has no batches"),
}
