"""Load trained weights into a module that has been built anew."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all

if TYPE_CHECKING:
    from torch.nn import Module

WITHIN = ("state_dict", "model_state_dict")
"""Keys under which training scripts put the state dict beside other things."""


def load_state(module: Module, path: Path) -> None:
    """Load the state dict in ``path`` into ``module``, all of it; no code of the file is run.

    Args:
        module: Built as it was for training.
        path: Written by ``torch.save(module.state_dict(), path)``, or safetensors.

    Raises:
        InputError: SNN001, there is no such file; SNN115, it holds no state dict, or another's.
    """
    if not path.is_file():
        raise InputError([missing_file(path, "a file of weights")])
    state = _read(path)
    raise_all(_complex_problems(path, state))
    try:
        module.load_state_dict(cast("Mapping[str, Any]", state))
    except RuntimeError as error:
        _, *lines = str(error).splitlines()
        found = " ".join(line.strip() for line in lines) or str(error)
        remedy = "name the function that builds the module that was trained"
        raise InputError([_unfit(path, found, remedy)]) from error


def missing_file(path: Path, kind: str) -> Diagnostic:
    """Tell that there is no file at ``path``."""
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=str(path),
        found="no such file",
        limit=f"{kind} that this user may read",
        remedy="check the path",
    )


def _complex_problems(path: Path, state: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Tell of complex numbers, of which torch would load the real part alone."""
    for name, value in state.items():
        if value.is_complex():
            yield Diagnostic(
                rule=rules.STATE_FITS,
                node=str(path),
                found=f"{name} is {value.dtype}",
                limit="real numbers",
                remedy="save the weights of a model that computes with real numbers",
            )


def _read(path: Path) -> Mapping[str, object]:
    import torch

    remedy = "write it again: torch.save(module.state_dict(), path)"
    try:
        loaded = _loaded(path)
    except Exception as error:  # a damaged file fails anywhere
        first = str(error).strip().partition("\n")[0][:100]
        what = f"{type(error).__name__}: {first}"
        raise InputError([_unfit(path, what, remedy)]) from error
    found = cast("Mapping[str, object]", loaded) if isinstance(loaded, dict) else {}
    for key in WITHIN:
        if isinstance(found.get(key), Mapping):
            found = cast("Mapping[str, object]", found[key])
    if found and all(isinstance(value, torch.Tensor) for value in found.values()):
        return found
    raise InputError([_unfit(path, f"{type(loaded).__name__}, no state dict", remedy)])


def _loaded(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def _unfit(path: Path, found: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.STATE_FITS,
        node=str(path),
        found=found,
        limit="every parameter and buffer of the module by its name, as torch.save or safetensors "
        "writes them",
        remedy=remedy,
    )
