"""The user's labels: one class index for each sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all


def labels_of(labels: npt.ArrayLike, samples: int, classes: int) -> npt.NDArray[Any]:
    """Give the labels of a batch.

    Raises:
        InputError: SNN507, they are not one class index for each sample.
    """
    try:
        truth = np.asarray(labels)
    except ValueError:  # lists of unequal length
        truth = np.asarray(labels, object)
    raise_all(_problems(truth, samples, classes))
    return truth


def _problems(labels: npt.NDArray[Any], samples: int, classes: int) -> Iterator[Diagnostic]:
    limit = f"{samples} integers from 0 to {classes - 1}, one for each sample"
    found = None
    if labels.shape != (samples,):
        found = f"shape {list(labels.shape)}"
    elif labels.dtype.kind not in "iu":
        found = f"values of type {labels.dtype}"
    elif labels.min() < 0 or labels.max() >= classes:
        found = f"values from {labels.min()} to {labels.max()}"
    if found is not None:
        yield Diagnostic(
            rule=rules.LABELS_FIT,
            node="labels",
            found=found,
            limit=limit,
            remedy="give the class indices of the samples, in their order",
        )
