"""Lava's ``Conv``, which keeps each kernel once; imported where it is used, for it takes a second.

Its values are ``[x, y, channel]``, and it turns its kernels around: what stands here converts
from and to ``[channel, y, x]`` and kernels that are not turned.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# pyright: reportUntypedClassDecorator=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.conv.process import Conv

from .program import Projection
from .synapse import Shape, Synapses
from .window import Array


def conv(name: str, projection: Projection, shape: Shape, message_bits: int) -> Any:
    """Give Lava's ``Conv`` for one convolution of two axes on values of ``shape``, ``[c, y, x]``.

    ``Conv`` ignores its exponent (lava issue #803), so the weights hold that of the projection.
    """
    (record,) = projection.operators
    weight, window = record["weight"].astype(np.int64), record["window"]
    exponent = projection.weight_exp
    whole = weight << exponent if exponent >= 0 else weight >> -exponent
    (top, _), (left, _) = window["padding"]
    channels, height, width = shape
    return Conv(
        name=name,
        weight=whole.transpose(0, 3, 2, 1)[:, ::-1, ::-1].astype(np.int32),
        input_shape=(width, height, channels),
        padding=(left, top),
        stride=tuple(window["stride"])[::-1],
        dilation=tuple(window["dilation"])[::-1],
        groups=record["groups"],
        num_message_bits=message_bits,
    )


def connect(source: Any, process: Any, target: Any) -> None:
    """Connect flat ports of neurons with those of ``process``."""
    shape = process.s_in.shape[::-1]
    source.reshape(shape).transpose((2, 1, 0)).connect(process.s_in)
    process.a_out.transpose((2, 1, 0)).flatten().connect(target)


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class MatrixConv(PyConvModelFixed):
    """Lava's ``Conv`` as one product of matrices, of sizes beyond 127 too.

    Lava calls scipy for each pair of channels, and keeps sizes in 8 bits.
    """

    kernel_size: Any = LavaPyType(np.ndarray, np.int32)
    stride: Any = LavaPyType(np.ndarray, np.int32)
    padding: Any = LavaPyType(np.ndarray, np.int32)
    dilation: Any = LavaPyType(np.ndarray, np.int32)
    groups: Any = LavaPyType(np.ndarray, np.int32)
    a_buf: Any = LavaPyType(np.ndarray, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.synapses: Synapses | None = None

    def run_spk(self) -> None:
        """Advance one step as Lava does: send first, and wrap sums to 24 bits."""
        if self.synapses is None:
            self.synapses = self._synapses()
        self.a_out.send(self.a_buf)
        s_in = self.s_in.recv()
        if self.num_message_bits.item() == 0:
            s_in = s_in.astype(bool)
        x, y, channels = self.a_buf.shape
        total = self.synapses.step(s_in.transpose(2, 0, 1).reshape(-1))
        self.a_buf = self.clamp_precision(total.reshape(channels, x, y).transpose(1, 2, 0))

    def _synapses(self) -> Synapses:
        """Give the same cross-correlation, with kernels that are turned back."""
        window = {
            "kernel": self.kernel_size.tolist(),
            "stride": self.stride.tolist(),
            "padding": [(n, n) for n in self.padding.tolist()],
            "dilation": self.dilation.tolist(),
        }
        kernels: Array = self.weight[:, ::-1, ::-1].transpose(0, 3, 1, 2)
        shape = (kernels.shape[1] * self.groups.item(), *self.s_in.shape[:2])
        record = {"kind": "FixedConvolution", "window": window, "groups": self.groups.item()}
        return Synapses([record | {"weight": kernels}], shape, 0)
