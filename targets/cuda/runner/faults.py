"""Why a run ends early."""

from __future__ import annotations

from enum import Enum


class Lack(Enum):
    """What a machine lacks, or what went wrong on it."""

    PACKAGES = "packages"
    DEVICE = "device"
    DRIVER = "driver"
    ARCHITECTURE = "architecture"
    MEMORY = "memory"
    COMPILATION = "compilation"
    IMAGE = "image"
    EXECUTION = "execution"


class BadInput(Exception):
    """The options or the input data cannot be used; the text says why."""


class Overtime(Exception):
    """The run took longer than it may; the text says how long that is."""


class CudaFault(Exception):
    """A machine does not run the network.

    Attributes:
        lack: What is missing or went wrong.
        found: What there is, with its unit.
        limit: What is needed, with its unit.
    """

    def __init__(self, lack: Lack, found: str, limit: str) -> None:
        super().__init__(f"{found}; needed: {limit}")
        self.lack, self.found, self.limit = lack, found, limit
