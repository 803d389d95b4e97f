"""How the command ends: every exception becomes a message on stderr and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import click

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, SnncError
from snnc.compiler.names import nearest
from snnc.runtime.console import note, note_diagnostic
from snnc.runtime.ending import Terminated

EXIT_CODES = {
    0: "done",
    1: "not equivalent (snnc verify, snnc bisect), not the same (snnc diff)",
    2: "the model, the data or the options cannot be used",
    3: "the environment lacks or refuses something: a package, a file system, a worker",
    4: "a fault of snnc itself",
    124: "ended at the time limit",
    129: "terminated, since the terminal was closed (SIGHUP)",
    130: "interrupted (Ctrl-C)",
    143: "terminated (SIGTERM)",
}
USE, ENVIRONMENT, INTERNAL, INTERRUPTED = 2, 3, 4, 130


def exit_code(error: BaseException, *, command: str, debug: bool) -> int:
    """Say on stderr what went wrong and give the code to end with.

    Args:
        error: What ended the command.
        command: What was called, such as ``snnc run``.
        debug: Show the traceback too.
    """
    if debug:
        note("".join(traceback.format_exception(error)).rstrip())
    match error:
        case click.Abort() | KeyboardInterrupt():
            note("interrupted")
            return INTERRUPTED
        case Terminated():
            note("terminated")
            return error.exit_code
        case SystemExit() if _is_of_click(error):
            return 0  # the reader of its help has gone away
        case _:
            diagnostics, code = _told(error, command)
    for index, diagnostic in enumerate(diagnostics):
        if index:
            note("")
        note_diagnostic(diagnostic)
    return code


def _is_of_click(error: BaseException) -> bool:
    """Say whether click itself raised ``error``, and not a function that it called."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).startswith("click.")


def _told(error: BaseException, command: str) -> tuple[Sequence[Diagnostic], int]:
    """Give what to say of an error, and the exit code."""
    match error:
        case SnncError():
            return error.diagnostics, error.exit_code
        case click.UsageError():
            return [_wrong_use(error, command)], USE
        case MemoryError():
            return [_refused("out of memory", "give fewer samples at once")], ENVIRONMENT
        case OSError():
            found = f"{error.strerror or error}: {error.filename or 'no file'}"
            return [_refused(found, "snnc doctor looks at the machine")], ENVIRONMENT
        case _:
            return [_fault(error)], INTERNAL


def _wrong_use(error: click.UsageError, command: str) -> Diagnostic:
    """Give what click found wrong as a diagnostic."""
    node, found, remedy = command, error.message.rstrip("."), f"{command} --help"
    match error:
        case click.NoSuchOption():
            found = f"no option {error.option_name}"
            remedy = _instead(error, command)
        case click.MissingParameter():
            found = f"no {_written(error.param)}" if error.param else found
        case click.BadParameter():
            node = f"{command} {_written(error.param)}" if error.param else command
            found = f"{found[:1].lower()}{found[1:]}"
        case _:
            found = f"{found[:1].lower()}{found[1:]}"
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=node,
        found=found,
        limit=f"the arguments that {command} --help lists",
        remedy=remedy,
    )


def _instead(error: click.NoSuchOption, command: str) -> str:
    """Name the command that has such an option, or the option of this one that is most like it."""
    options = _options(error.ctx.command) if error.ctx else []
    group = error.ctx.parent.command if error.ctx and error.ctx.parent else None
    others = group.commands if isinstance(group, click.Group) else dict[str, click.Command]()
    owners = [f"snnc {name}" for name, c in others.items() if error.option_name in _options(c)]
    like = nearest(error.option_name, options)
    if owners:
        return f"it is an option of {' and '.join(owners)}"
    meant = f"did you mean {like}? {command} --help tells all options"
    return meant if like else f"{command} --help"


def _options(command: click.Command) -> list[str]:
    return [option for parameter in command.params for option in parameter.opts]


def _written(parameter: click.Parameter) -> str:
    """Give a parameter as users write it: ``--input``, ``MODEL``."""
    if isinstance(parameter, click.Argument):
        return parameter.metavar or parameter.human_readable_name
    return max(parameter.opts, key=len)


def _refused(found: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MACHINE_SUFFICES,
        node="this machine",
        found=found,
        limit="what the operating system gives this process",
        remedy=remedy,
    )


def _fault(error: BaseException) -> Diagnostic:
    return Diagnostic(
        rule=rules.INTERNAL,
        node="snnc",
        found=f"{type(error).__name__}: {error}",
        limit="no such error, whatever the input",
        remedy="run the command again with --debug and report what it prints",
    )
