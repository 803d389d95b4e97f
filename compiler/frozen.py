"""Records that nobody can change: frozen dataclasses whose arrays are read-only copies."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Frozen:
    """Base of every record that holds arrays."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                array = cast("npt.NDArray[Any]", value)
                if array.flags.writeable or array.base is not None:
                    array = array.copy()  # the caller's stays the caller's
                    array.flags.writeable = False
                object.__setattr__(self, field.name, array)
