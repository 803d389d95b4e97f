"""The command: read, run, write."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import compat, packages
from .arrays import check_writable, read_inputs, write_results
from .deadline import deadline
from .faults import BadInput, Overtime, ProcessFault
from .network import simulate
from .orphans import end_in_order
from .program import check_whole, read_program
from .serve import serve
from .window import SIGNALS

HERE = Path(__file__).resolve().parent.parent
"""Where program and weights lie: beside this package."""
REPORT_PERIOD = 2.0
"""Seconds between two lines of progress."""


def main() -> NoReturn:
    """Run as the command line says, and exit.

    The code is 0, or 2 for bad input, 3 for a fault of the machine or of Lava, 124 for the time
    limit, 130 for Ctrl-C.
    """
    arguments = _parser().parse_args()
    end_in_order()
    code = serve(arguments.serve) if arguments.serve else _run_for_user(arguments)
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run this network on Lava's CPU simulation.")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--input", type=Path, metavar="X.npy", help="[steps, batch, *shape]; X.npz: one per input"
    )
    parser.add_argument("--output", type=Path, metavar="OUT.npz", help="where the spikes go")
    parser.add_argument(
        "--record", default="", metavar="SIGNALS", help="spikes,u,v of every population as well"
    )
    parser.add_argument("--raw-time", action="store_true", help="leave everything in hardware time")
    parser.add_argument("--timeout", type=float, metavar="S", help="end the run after S seconds")
    return parser


def _run_for_user(arguments: argparse.Namespace) -> int:
    """Run with messages as text, and give the exit code."""
    try:
        _check_timeout(arguments.timeout)
        with deadline(arguments.timeout):
            _run(arguments)
    except BadInput as error:
        return _fail(2, str(error))
    except ProcessFault as error:
        return _fail(3, str(error))
    except OSError as error:
        return _fail(3, f"{error.filename or 'the run'}: {error.strerror or error}")
    except Overtime as error:
        return _fail(124, str(error))
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    except Exception as error:
        raise SystemExit(_fail(3, f"the run failed: {type(error).__name__}: {error}")) from error
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


def _run(arguments: argparse.Namespace) -> None:
    packages.require()
    record = _signals(arguments.record)
    if arguments.input is None or arguments.output is None:
        raise BadInput("--input X.npy and --output OUT.npz are needed")
    check_whole(HERE)
    program = read_program(HERE)
    inputs = read_inputs(program, arguments.input)
    check_writable(arguments.output)
    compat.install()
    recording = simulate(program, inputs, record, _no_check, _progress_lines())
    steps = None if arguments.raw_time else next(iter(inputs.values())).shape[0]
    write_results(program, recording, arguments.output, steps)


def _signals(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    unknown = [name for name in names if name not in SIGNALS]
    if unknown:
        raise BadInput(f"--record: {unknown[0]!r} is none of {', '.join(SIGNALS)}")
    return names


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and not timeout > 0:  # nan is not above 0 either
        raise BadInput(f"--timeout: {timeout:g} is not a number of seconds above 0")


def _no_check() -> None:
    """Let the run go on: ``deadline`` and Ctrl-C end it where they find it."""


def _progress_lines() -> Callable[[int, int], None]:
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > REPORT_PERIOD:
            told = time.monotonic()
            sys.stderr.write(f"step {done} of {total}\n")

    return progress
