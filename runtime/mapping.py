"""How users ask for a mapping: the hardware and the partitioner that they name, and the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError
from snnc.compiler.mapping.partitioners import Partitioner, Way
from snnc.compiler.names import nearest, written
from snnc.runtime.rounding import Rounding
from snnc.targets import TARGETS, get_target

if TYPE_CHECKING:
    from snnc.compiler.mapping.hardware import Hardware
    from snnc.runtime.quantization import Quantization


def named_hardware(
    name: str | os.PathLike[str] | None, target: str
) -> tuple[Hardware | None, tuple[Diagnostic, ...]]:
    """Read the hardware that a user names, and give all that is wrong with that.

    Args:
        name: Of a description that comes with snnc, a file, or None.
        target: Of the compilation.
    """
    from snnc.targets.hardware.load import load_hardware

    if name is None:
        return None, ()
    problems = tuple(_target_problems(os.fspath(name), target))
    try:
        return load_hardware(os.fspath(name)), problems
    except InputError as error:
        return None, (*problems, *error.diagnostics)


def partitioner_problems(name: str | None, hardware: object) -> Iterator[Diagnostic]:
    """Yield all that is wrong with the partitioner that a user names.

    Args:
        name: Of a ``Partitioner``; None where nothing is said.
        hardware: That the user names; None where there is nothing to cut.
    """
    if name is None:
        return
    known = [p.value for p in Partitioner]
    if name not in known:
        yield _unusable(written(name), ", ".join(known), nearest(name, known) or known[0])
    elif hardware is None:
        yield _unusable(f"{name}, and no --hardware", "cores that a network is cut over", name)


def way_of(partitioner: str | None) -> Way:
    """Give how networks are cut, by the partitioner of that name.

    Raises:
        EnvironmentFault: It is not installed.
    """
    chosen = Partitioner.METIS if partitioner is None else Partitioner(partitioner)
    if not chosen.installed:
        raise EnvironmentFault(
            [
                Diagnostic(
                    rule=rules.PACKAGE_PRESENT,
                    node=f"--partitioner {chosen}",
                    found=f"{chosen} is not installed",
                    limit="METIS comes with snnc; other partitioners are extras",
                    remedy=f"pip install 'snnc[{chosen}]'",
                )
            ]
        )
    return Way(partitioner=chosen)


def _unusable(found: str, limit: str, other: str) -> Diagnostic:
    more = " --hardware loihi2" if "no --hardware" in found else ""
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node="--partitioner",
        found=found,
        limit=limit,
        remedy=f"--partitioner {other}{more}",
    )


def for_cores(options: Quantization, hardware: Hardware) -> tuple[Quantization, tuple[str, ...]]:
    """Give options as ``hardware`` needs them, and what was chosen for that.

    A core has so many thresholds, so a population has no more, unless the user says otherwise.
    """
    limit = hardware.thresholds
    free = options.max_thresholds is None and options.rounding != Rounding.RECALIBRATED
    if limit is None or not free:
        return options, ()
    chosen = f"at most {limit.value} thresholds a population, which a core of {hardware.name} has"
    return replace(options, max_thresholds=limit.value), (f"{chosen} (--max-thresholds)",)


@dataclass(frozen=True)
class Asked:
    """What the user says of the integers, whatever hardware is named.

    Attributes:
        options: Before any hardware has its say.
        widths: Of the weights into each population.
        way: How networks are cut over cores.
    """

    options: Quantization
    widths: dict[str, int]
    way: Way = field(default_factory=Way)


def _target_problems(name: str, target: str) -> Iterator[Diagnostic]:
    if target in list(TARGETS) and not get_target(target).by_core:
        why = "whole populations" if get_target(target).fixed else "real numbers"
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--hardware",
            found=f"{name}, and target {target}, which executes {why}",
            limit="a target that executes what lies on each core: cpu, integer or lava",
            remedy="--target cpu, or leave --hardware out",
        )
