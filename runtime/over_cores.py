"""Integers over cores: laid out, counted anew where that is asked for, and told of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snnc.compiler.diagnostics import InputError, InternalError
from snnc.compiler.mapping.checker import check_mapped
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.traffic import Rates
from snnc.runtime.mapped import mapping_account
from snnc.runtime.mapping import Asked
from snnc.runtime.observe import Reference
from snnc.runtime.quantization import Quantizer
from snnc.runtime.remedies import with_remedies
from snnc.targets.artifact import Artifact


def over_cores(artifact: Artifact, hardware: Hardware, made: Quantizer, asked: Asked) -> Artifact:
    """Lay the integers of ``artifact`` out over the cores of ``hardware``.

    Args:
        artifact: With integers, and their account.
        hardware: Whose cores.
        made: What made the integers.
        asked: What the user says of them.

    Raises:
        InputError: They do not fit; everything that stands against it, and what helps.
    """
    fixed = artifact.required_fixed
    rates = firing_rates(made.reference, artifact.account["relays"])
    try:
        mapped = lay_out(fixed, hardware, rates=rates, way=asked.way)
    except InputError as error:
        raise with_remedies(error, made, asked, hardware) from error
    if made.options.strict:
        _ensure(mapped)
    account = {**artifact.account, "mapping": mapping_account(mapped, rates)}
    return replace(artifact, mapped=mapped, account=account)


def _ensure(mapped: MappedNetwork) -> None:
    """Count every limit anew, by other means than those that the mapping was made by.

    Raises:
        InternalError: One of them is broken.
    """
    found = tuple(check_mapped(mapped))
    if found:
        raise InternalError("\n\n".join(map(str, found)))


def firing_rates(reference: Reference | None, relays: list[dict[str, Any]]) -> Rates:
    """Give spikes a step of each input and population on calibration data, shape ``[n]``.

    Args:
        reference: What the float network did with the data; None without any, which gives nothing.
        relays: What the account holds of relay neurons: they send what they are sent.
    """
    if reference is None:
        return {}
    rates = {
        name: np.asarray((values != 0).mean(axis=(0, 1)), np.float64)
        for name, values in reference.sent.items()
    }
    for relayed in relays:
        if relayed["source"] in rates:
            rates |= dict.fromkeys(relayed["relays"], rates[relayed["source"]])
    return rates
