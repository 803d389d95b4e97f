"""Types and groups of command-line options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.rules import OPTION_VALID

if TYPE_CHECKING:
    from snnc.runtime.data.binning import Binning

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
ALL_OTHERS = "*"
"""Stands for all populations that are not named."""
NAMED = re.compile(r"\s*(?P<name>\S.*?)\s*=\s*(?P<width>.*)", re.DOTALL)
"""A width for one population, such as ``fc2=8``."""
NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


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


def read_names_or_none(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Do the same where the option is given."""
    return None if value is None else read_names(ctx, param, value)


def read_widths(
    ctx: click.Context, param: click.Parameter, values: tuple[str | int | Mapping[str, int], ...]
) -> int | str | dict[str, int | str] | None:
    """Read ``4`` or ``4,fc2=8``, also in several options, or what ``--config`` holds.

    What is no number is left as it is: the compiler refuses it, with all else that is wrong.
    """
    del ctx, param
    pairs = [pair for value in values for pair in _widths(value)]
    names = [name for name, _ in pairs]
    raise_all(_twice(name) for name in dict.fromkeys(names) if names.count(name) > 1)
    widths = dict(pairs)
    return widths[ALL_OTHERS] if names == [ALL_OTHERS] else widths or None


def _widths(value: str | int | Mapping[str, int]) -> Iterator[tuple[str, int | str]]:
    """Yield names and widths, the latter as text where they are no number."""
    if isinstance(value, Mapping):
        yield from value.items()
        return
    for part in str(value).split(","):
        found = NAMED.fullmatch(part)
        name, width = (found["name"], found["width"]) if found else (ALL_OTHERS, part)
        yield name, int(width) if NUMBER.fullmatch(width.strip()) else width


def _twice(name: str) -> Diagnostic:
    of = "" if name == ALL_OTHERS else f"{name}="
    return Diagnostic(
        rule=OPTION_VALID,
        node="--weight-bits",
        found=f"two widths for {'all others' if name == ALL_OTHERS else name}",
        limit="one width for each name, and one for all others",
        remedy=f"--weight-bits {of}8",
    )


def read_config(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Make the settings of ``--config`` the defaults of the command's other options."""
    if value is None:
        return
    from snnc.runtime.settings import read_settings

    parameters = {
        option.removeprefix("--"): p
        for p in ctx.command.params
        for option in p.opts
        if isinstance(p, click.Option) and option.startswith("--") and p is not param
    }
    settings = read_settings(value, tuple(parameters))
    ctx.default_map = {
        parameters[key].name or "": [setting] if parameters[key].multiple else setting
        for key, setting in settings.items()
    }


_INPUT_OPTIONS = (
    click.option(
        "--bin-seconds",
        type=float,
        metavar="S",
        help="Of event files: length of a step [the network's dt].",
    ),
    click.option(
        "--bin-steps",
        type=int,
        metavar="N",
        help="Of event files: steps of each recording [of the longest].",
    ),
    click.option(
        "--bin-values",
        metavar="NAME",
        help="Of event files: binary, 1 where there is any event [default], or count.",
    ),
    click.option(
        "--sensor-shape",
        callback=read_shape,
        metavar="H,W",
        help="Of event files: height and width of the sensor, for a flat input.",
    ),
)
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
        "of ReLUs in an .onnx file; weights are rounded by them, and what is lost is measured.",
    ),
)
_COMPILE_OPTIONS = (
    click.option(
        "--weight-bits",
        type=click.UNPROCESSED,
        multiple=True,
        callback=read_widths,
        metavar="N,NAME=N",
        help="Width of a weight, 1 to 8 [8]; NAME=N for the weights into one population.",
    ),
    click.option(
        "--overflow",
        metavar="wrap,clip",
        callback=read_names_or_none,
        help="Accept that u wraps around, that v sticks at its limit, where calibration data show "
        "it.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        default=None,
        help="Refuse what is else a warning, and count anew what lies on cores.",
    ),
    click.option(
        "--max-thresholds",
        type=int,
        metavar="N",
        help="Different thresholds that a population may have, such as 16 on Loihi.",
    ),
    click.option(
        "--decays",
        metavar="NAME",
        help="What rounding keeps: nearest, time constants [default]; gain, steady potentials.",
    ),
    click.option(
        "--rounding",
        metavar="NAME",
        help="nearest, feedback or recalibrated [recalibrated with --calibrate, feedback with "
        "--max-thresholds too, else nearest].",
    ),
    click.option(
        "--lava",
        metavar="FORM",
        help="Processes for target lava: stock, Lava's own only; mixed, ours as well [default]; "
        "fused, one of ours for all.",
    ),
    click.option(
        "--arch",
        metavar="sm_N,...",
        help="GPUs for which target cuda compiles ahead of time, such as sm_90 [sm_75, which later "
        "ones take too, where NVRTC is installed].",
    ),
    click.option(
        "--hardware",
        metavar="NAME|FILE.yaml",
        help="Lay the network out over the cores of this hardware: loihi1, loihi2, ..., or a "
        "description of your own.",
    ),
    click.option(
        "--split-fan-in",
        type=int,
        metavar="N",
        help="Divide sums of more than N synapses over relay neurons, without any loss.",
    ),
    click.option(
        "--partitioner",
        metavar="NAME",
        help="Who proposes which neurons lie together on cores: metis [default], or mtkahypar, an "
        "extra, slower and with less traffic.",
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
_PAIR_OPTIONS = (
    click.option(
        "--input",
        "source",
        type=PATH,
        required=True,
        metavar="X",
        help="[steps, batch, *shape] in an .npy, .npz or HDF5 file, a NIR data graph, or "
        "recordings of events: docs/inputs.md.",
    ),
    click.option(
        "--targets",
        callback=read_names_or_none,
        metavar="NAME,NAME",
        help="Where to run the two [each artifact's own; of one artifact integer and its own].",
    ),
    click.option("--timeout", type=float, metavar="S", help="Seconds for each run."),
)


def input_options(function: FunctionT) -> FunctionT:
    """Add the options that say how events become steps; ``take_binning`` takes them out again."""
    return _with(function, _INPUT_OPTIONS)


def take_binning(options: dict[str, Any]) -> Binning:
    """Take out of ``options`` what ``input_options`` put there."""
    from snnc.runtime.data.binning import Binning, Values

    return Binning(
        seconds=options.pop("bin_seconds"),
        steps=options.pop("bin_steps"),
        values=options.pop("bin_values") or Values.BINARY,
        sensor=options.pop("sensor_shape"),
    )


def model_options(function: FunctionT) -> FunctionT:
    """Add the options that say what a model leaves open."""
    return _with(function, _MODEL_OPTIONS)


def compile_options(function: FunctionT) -> FunctionT:
    """Add the options of a compilation."""
    return _with(function, (*_MODEL_OPTIONS, *_COMPILE_OPTIONS))


def pair_options(function: FunctionT) -> FunctionT:
    """Add what tells two executions and their input."""
    return _with(function, (*_PAIR_OPTIONS, *_INPUT_OPTIONS))


def json_option(function: FunctionT) -> FunctionT:
    """Add ``--json``."""
    return _with(function, (click.option("--json", "as_json", is_flag=True, help="Print JSON."),))


def _with(function: FunctionT, options: tuple[Callable[[FunctionT], FunctionT], ...]) -> FunctionT:
    for option in reversed(options):
        function = option(function)
    return function
