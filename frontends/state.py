"""Load trained weights into a module that has been built anew."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all

if TYPE_CHECKING:
    from torch.nn import Module

WITHIN = ("state_dict", "model_state_dict")
"""Keys under which training scripts put the state dict beside other things."""
AGAIN = "write it again: torch.save(module.state_dict(), path)"
PICKLED = re.compile(r"Unsupported global: GLOBAL (\S+)")
"""What torch says of a class that it does not unpickle."""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
"""Colors of a terminal, in messages of torch."""
SHOWN_KEYS = 6


def load_state(module: Module, path: Path) -> None:
    """Load the state dict in ``path`` into ``module``, all of it; no code of the file is run.

    A prefix that all names of the file have and none of the module's, such as the ``module.`` of
    ``DataParallel`` or the ``model.`` of Lightning, is taken off.

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
        module.load_state_dict(_without_prefix(state, set(module.state_dict())))
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
        found="a directory" if path.is_dir() else "no such file",
        limit=f"{kind} that this user may read",
        remedy="check the path",
    )


def _without_prefix(state: Mapping[str, Any], own: set[str]) -> Mapping[str, Any]:
    """Give ``state`` by names of the module, where the file's are those behind a prefix."""
    names = list(state)
    while not own & set(names):
        heads = {name.partition(".")[0] for name in names}
        if len(heads) > 1 or not all("." in name for name in names):
            return state
        names = [name.partition(".")[2] for name in names]
    return dict(zip(names, state.values(), strict=True))


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


def _read(path: Path) -> Mapping[str, Any]:
    try:
        loaded = _loaded(path)
    except Exception as error:  # a damaged file fails anywhere
        raise InputError([_unfit(path, *_unreadable(path, error))]) from error
    found = cast("Mapping[object, object]", loaded) if isinstance(loaded, Mapping) else {}
    for key in WITHIN:
        if isinstance(found.get(key), Mapping):
            found = cast("Mapping[object, object]", found[key])
    if _is_state(found):
        return cast("Mapping[str, Any]", found)
    raise InputError([_unfit(path, *_other(loaded, found))])


def _is_state(value: object) -> bool:
    import torch

    if not isinstance(value, Mapping) or not value:
        return False
    items = cast("Mapping[object, object]", value).items()
    return all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in items)


def _unreadable(path: Path, error: Exception) -> tuple[str, str]:
    """Say why nothing could be read, and what to do."""
    if path.stat().st_size == 0:
        return "an empty file", AGAIN
    if pickled := PICKLED.search(str(error)):
        found = f"an object of {pickled[1]}, and code of the file is not run"
        return found, "save the state dict alone: torch.save(module.state_dict(), path)"
    first = ESCAPE.sub("", str(error)).strip().partition("\n")[0][:100]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__, AGAIN


def _other(loaded: object, found: Mapping[object, object]) -> tuple[str, str]:
    """Say what a file holds that holds no state dict, and what to do."""
    what = f"{type(loaded).__name__}, no state dict"
    if not found:
        return what, AGAIN
    keys = [str(key) for key in found]
    more = ", ..." if len(keys) > SHOWN_KEYS else ""
    within = [key for key, value in found.items() if _is_state(value)]
    remedy = f"save it alone: torch.save(checkpoint[{within[0]!r}], path)" if within else AGAIN
    return f"{what}, with the keys {', '.join(keys[:SHOWN_KEYS])}{more}", remedy


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
