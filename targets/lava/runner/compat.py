"""Repairs of lava-nc 0.10.0 for Python 3.11 to 3.13 and NumPy 2; none touches Lava's files.

Lava's last release is of August 2024, for Python 3.10 and NumPy 1; its repositories are archived.
Each repair changes only the place that it names. With them Lava's own test-suite passes whole on
every version that snnc supports.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportUnknownArgumentType=false

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import sys
from importlib import import_module
from typing import Any

import numpy as np


def repair_lava() -> None:
    """Repair lava-nc in memory, for a program that uses it as it likes.

    Call it before anything imports lava: on Python 3.11 and newer that fails without.
    """
    install()
    install_libraries()


@functools.cache
def install() -> None:
    """Apply what Lava itself needs. Call it before anything imports lava."""
    if "lava.magma.compiler.var_model" not in sys.modules:
        _hashable_byte_encoder()
        _keep_start_method()
    _inspectable_collection()
    if _numpy_2():
        _reshape_of_ports()


@functools.cache
def install_libraries() -> None:
    """Apply what ``Conv``, ``clp`` and ``InvSqrt`` need; to import these takes a second.

    Whoever uses them calls this after ``install``. The runner uses none of them.
    """
    if _numpy_2():
        _wide_convolution_sizes()
        _allocator_takes_scalar()
        _inverse_root_takes_scalar()


def _numpy_2() -> bool:
    return int(np.__version__.partition(".")[0]) >= 2


def _hashable_byte_encoder() -> None:
    """P1, Python 3.11: dataclasses refuse a field default that cannot be hashed.

    ``lava/magma/compiler/var_model.py:219-238`` has instances of ``ByteEncoder``, a dataclass with
    ``__eq__`` and so without hash, as defaults: importing lava fails. It gets a hash.
    """
    real = dataclasses.dataclass

    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        def make(cls: Any) -> Any:
            made: Any = real(cls, **options)
            if made.__qualname__ == "ByteEncoder":
                made.__hash__ = object.__hash__
            return made

        return make if cls is None else make(cls)

    dataclasses.dataclass = dataclass
    try:
        import_module("lava.magma.compiler.var_model")
    finally:
        dataclasses.dataclass = real


def _inspectable_collection() -> None:
    """P2, Python 3.12: ``inspect`` probes objects for private names.

    ``lava/magma/core/process/process.py:627-637`` answers with AssertionError where Python wants
    AttributeError.
    """
    from lava.magma.core.process.process import Collection

    original = Collection.__getattr__

    def getattr_(self: Any, item: str) -> Any:
        if item.startswith("_"):
            raise AttributeError(item)
        return original(self, item)

    Collection.__getattr__ = getattr_


def _reshape_of_ports() -> None:
    """P3, NumPy 2.4: ``np.reshape`` has lost its keyword ``newshape``.

    ``lava/magma/core/process/ports/ports.py:920,931`` uses it, so a network with a reshaped port
    hangs.
    """
    from lava.magma.core.process.ports.ports import ReshapePort

    ReshapePort.get_transform_func_fwd = lambda self: functools.partial(_reshape, shape=self.shape)
    ReshapePort.get_transform_func_bwd = lambda self: functools.partial(
        _reshape, shape=self.old_shape
    )


def _reshape(array: Any, shape: tuple[int, ...]) -> Any:
    return array.reshape(shape)


def _wide_convolution_sizes() -> None:
    """P4, NumPy 2: a Python integer is no longer wrapped to fit an array's type.

    ``lava/proc/conv/models.py:28-32`` keeps sizes as int8, and sizes and channels of 128 and more
    raise OverflowError.
    """
    from lava.proc.conv.models import AbstractPyConvModel

    for name in ("kernel_size", "stride", "padding", "dilation", "groups"):
        getattr(AbstractPyConvModel, name).d_type = np.int32


def _allocator_takes_scalar() -> None:
    """P5, NumPy 2.4: an array of one element cannot be stored into an element.

    ``lava/proc/clp/nsm/models.py:143`` does that.
    """
    from lava.proc.clp.nsm.models import PyAllocatorModel

    def run_spk(self: Any) -> None:
        allocated = np.zeros(shape=self.allocate_out.shape, dtype=np.int32)
        if self.trigger_in.recv()[0]:
            allocated[0] = self.next_alloc_id.item()
            self.next_alloc_id += 1
        self.allocate_out.send(allocated)

    PyAllocatorModel.run_spk = run_spk


def _keep_start_method() -> None:
    """P6: Lava chooses the start method of multiprocessing when it is imported.

    ``lava/magma/runtime/message_infrastructure/multiprocessing.py:47-48`` raises RuntimeError where
    one was chosen before, and so in every process that is started by spawn or forkserver.
    """
    real = multiprocessing.set_start_method

    def set_start_method(method: str | None, force: bool = False) -> None:
        if force or not multiprocessing.get_start_method(allow_none=True):
            real(method, force)

    multiprocessing.set_start_method = set_start_method
    try:
        import_module("lava.magma.runtime.message_infrastructure.multiprocessing")
    finally:
        multiprocessing.set_start_method = real


def _inverse_root_takes_scalar() -> None:
    """P7, NumPy 2.4: ``int`` of an array of one element raises.

    ``lava/proc/graded/models.py:218`` does that.
    """
    from lava.proc.graded import models

    original = models.inv_sqrt
    models.inv_sqrt = lambda s_fp, *args, **kwargs: original(
        np.asarray(s_fp).item(), *args, **kwargs
    )
