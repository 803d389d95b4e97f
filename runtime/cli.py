"""The command ``snnc``. This module and those of the commands import nothing but click."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from snnc import __version__
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.names import nearest
from snnc.compiler.rules import OPTION_VALID
from snnc.runtime.commands import (
    bisect,
    diff,
    doctor,
    explain,
    import_,
    inspect,
    reduce,
    run,
    schema,
    targets,
    verify,
)
from snnc.runtime.commands import compile as compile_
from snnc.runtime.ending import unwinding
from snnc.runtime.exits import EXIT_CODES, exit_code

DEBUG = "--debug"


class Commands(click.Group):
    """The commands in the order of the work, with a hint where one is misspelled."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names as they were added."""
        del ctx
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise InputError([_unknown_command(args[0], list(self.commands))])
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), says) for code, says in EXIT_CODES.items()])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="snnc", message="%(prog)s %(version)s")
@click.option(DEBUG, is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Compile spiking networks for neuromorphic targets, and prove that they compute the same.

    Data goes to stdout, diagnostics and progress to stderr.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)
    return 0


for module in (
    import_,
    compile_,
    run,
    verify,
    bisect,
    reduce,
    diff,
    inspect,
    targets,
    explain,
    schema,
    doctor,
):
    cli.add_command(module.command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; no exception leaves it.

    Args:
        argv: The arguments, or None for those of the process. ``--debug`` may stand anywhere.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = DEBUG in arguments
    try:
        with unwinding():
            code = cli.main(
                [a for a in arguments if a != DEBUG], prog_name="snnc", standalone_mode=False
            )
    except BaseException as error:  # noqa: BLE001  (the one place where errors become exit codes)
        called = [a for a in arguments[:1] if a in cli.commands]
        return exit_code(error, command=" ".join(["snnc", *called]), debug=debug)
    return code if isinstance(code, int) else 0


def _unknown_command(name: str, names: list[str]) -> Diagnostic:
    like = nearest(name, names)
    return Diagnostic(
        rule=OPTION_VALID,
        node="snnc",
        found=f"no command {name}",
        limit=", ".join(names),
        remedy=f"did you mean snnc {like}?" if like else "snnc --help lists the commands",
    )
