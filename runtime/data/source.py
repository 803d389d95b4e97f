"""Data that become arrays when the network is known whose inputs they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.network import Network
from snnc.targets.inputs import INPUT_DATA, named_inputs

Array = npt.NDArray[Any]


@runtime_checkable
class Source(Protocol):
    """Recordings, or data with steps of their own."""

    def arrays_for(self, network: Network, what: str) -> Mapping[str, Array]:
        """Give an array ``[steps, batch, *shape]`` for each input.

        Args:
            network: Whose inputs they are for; its ``dt`` is the length of a step.
            what: The data are, for messages.

        Raises:
            InputError: SNN641 to SNN645: they cannot be read, or do not fit.
        """
        ...


Data: TypeAlias = "Array | Mapping[str, Array] | Source"


def given_inputs(network: Network, data: Any, what: str = INPUT_DATA) -> dict[str, Array]:
    """Give the user's data as an array for each input, by its name.

    Args:
        network: Whose inputs they are for.
        data: Arrays, or a ``Source``.
        what: The data are, for messages.

    Raises:
        InputError: They do not fit.
    """
    given = data.arrays_for(network, what) if isinstance(data, Source) else data
    return named_inputs(network.inputs, given, what)


def arrays_only(data: Any, node: str) -> Any:
    """Give data that must be arrays already.

    Raises:
        InputError: SNN644, they are events.
    """
    if isinstance(data, Source):
        raise_all([_no_steps(node)])
    return data


def _no_steps(node: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.STEPS_KNOWN,
        node=node,
        found="recordings of events, or a NIR data graph",
        limit="arrays [samples, *shape], as an ONNX model takes them",
        remedy="give an .npy or .npz file of samples",
    )


def names(of: Iterable[str]) -> str:
    """Give names in a row, or say that there are none."""
    return ", ".join(sorted(of)) or "none"
