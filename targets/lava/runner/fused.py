"""A Lava process that holds a whole network, and advances it without asking any other."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyAsyncProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol

from .whole import Whole


class Fused(AbstractProcess):
    """Has no ports: inputs and results are in memory that it shares with who started it."""

    def __init__(self, name: str, whole: Whole) -> None:
        super().__init__(name=name, whole=whole)


@implements(proc=Fused, protocol=AsyncProtocol)
@requires(CPU)
@tag("fixed_pt")
class FusedModel(PyAsyncProcessModel):
    """Executes ``Whole``: Lava says how many steps, and hears when they are done."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        whole: Whole = proc_params["whole"]
        self.steps = whole.run()

    def run_async(self) -> None:
        """Advance by as many steps as Lava was told to."""
        for _ in range(self.num_steps):
            next(self.steps)
