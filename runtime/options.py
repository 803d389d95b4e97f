"""Types and groups of command-line options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def read_shape(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Read ``1,28,28`` as a shape."""
    if value is None:
        return None
    try:
        shape = tuple(int(part) for part in value.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise click.BadParameter(f"{value!r} is no shape such as 1,28,28", ctx, param)
    return shape


def read_names(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """Read ``integer,lava`` as names; an empty text has none."""
    del ctx, param
    return tuple(part.strip() for part in value.split(",") if part.strip())


def read_config(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Make the settings of ``--config`` the defaults of the command's other options."""
    if value is None:
        return
    from snnc.runtime.settings import read_settings

    names = {
        option.removeprefix("--"): p.name or ""
        for p in ctx.command.params
        for option in p.opts
        if option.startswith("--") and p is not param
    }
    settings = read_settings(value, tuple(names))
    ctx.default_map = {names[key]: setting for key, setting in settings.items()}


_MODEL_OPTIONS = (
    click.option("--dt", type=float, metavar="S", help="Length of a time step in seconds."),
    click.option(
        "--dialect", metavar="NAME", help="Whose conventions a .nir file follows: nir, norse, ..."
    ),
    click.option(
        "--reset",
        metavar="NAME",
        help="What a spike does, where a .nir file leaves it open: zero, subtract, ...",
    ),
    click.option(
        "--input-shape",
        callback=read_shape,
        metavar="N,N",
        help="Shape of one sample at one step, where FILE.py:FUNCTION does not show it.",
    ),
    click.option(
        "--state",
        type=PATH,
        metavar="FILE",
        help="State dict for the module that FILE.py:FUNCTION returns; loaded with weights_only.",
    ),
    click.option(
        "--trust-input",
        is_flag=True,
        default=None,
        help="Read a .nir file without the process of its own that guards against hostile files.",
    ),
    click.option(
        "--calibrate",
        type=PATH,
        metavar="X.npy",
        help="Typical input data: needed where real values, not spikes, enter, and for a network "
        "of ReLUs in an .onnx file.",
    ),
)
_COMPILE_OPTIONS = (
    click.option("--weight-bits", type=int, metavar="N", help="Width of a weight, 2 to 8 [8]."),
    click.option(
        "--rounding",
        metavar="NAME",
        help="nearest, feedback or recalibrated [recalibrated with --calibrate, else nearest].",
    ),
    click.option(
        "--config",
        type=PATH,
        metavar="FILE.yaml",
        is_eager=True,
        expose_value=False,
        callback=read_config,
        help="Options in a file, by their long names; the command line wins.",
    ),
)


def model_options(function: FunctionT) -> FunctionT:
    """Add the options that say what a model leaves open."""
    return _with(function, _MODEL_OPTIONS)


def compile_options(function: FunctionT) -> FunctionT:
    """Add the options of a compilation."""
    return _with(function, (*_MODEL_OPTIONS, *_COMPILE_OPTIONS))


def json_option(function: FunctionT) -> FunctionT:
    """Add ``--json``."""
    return _with(function, (click.option("--json", "as_json", is_flag=True, help="Print JSON."),))


def _with(function: FunctionT, options: tuple[Callable[[FunctionT], FunctionT], ...]) -> FunctionT:
    for option in reversed(options):
        function = option(function)
    return function
