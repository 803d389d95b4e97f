"""The command: read, run, write."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from safetensors.numpy import load

from .faults import BadInput, CudaFault, Lack, Overtime
from .files import check_writable, read_inputs, write_results
from .records import PROGRAM, WEIGHTS, check_whole, program_of, read_json
from .running import Code, run_on_gpu
from .session import SIGNALS, recorded_names

HERE = Path(__file__).resolve().parent.parent
"""Where program, weights and kernels lie: beside this package."""
PLAN = "cuda.json"
"""Says what the compiler found out of the network, and which files are its kernels."""
REPORT_PERIOD = 2.0
"""Seconds between two lines of progress."""


def main() -> NoReturn:
    """Run as the command line says, and exit.

    The code is 0, or 2 for bad input, 3 for a fault of the machine, 4 for one of the kernels, 124
    for the time limit, 130 for Ctrl-C.
    """
    sys.exit(_ended(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run this network on an NVIDIA GPU.")
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


def _ended(arguments: argparse.Namespace) -> int:
    """Run with messages as text, and give the exit code."""
    try:
        _run(arguments)
    except BadInput as error:
        return _fail(2, str(error))
    except CudaFault as error:
        return _fail(4 if error.lack is Lack.COMPILATION else 3, str(error))
    except MemoryError:
        return _fail(3, "out of memory; give fewer samples at once")
    except OSError as error:
        return _fail(3, f"{error.filename or 'the run'}: {error.strerror or error}")
    except Overtime as error:
        return _fail(124, str(error))
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


def _run(arguments: argparse.Namespace) -> None:
    record = _signals(arguments.record)
    if arguments.timeout is not None and not arguments.timeout > 0:
        raise BadInput(f"--timeout: {arguments.timeout:g} is not a number of seconds above 0")
    if arguments.input is None or arguments.output is None:
        raise BadInput("--input X.npy and --output OUT.npz are needed")
    check_whole(HERE, (PLAN,))
    plan = read_json(HERE / PLAN)
    check_whole(HERE, (PROGRAM, WEIGHTS, *plan["sources"], *plan["images"]))
    tensors = load((HERE / WEIGHTS).read_bytes())
    program = program_of(read_json(HERE / PROGRAM), tensors, narrow=bool(plan["narrow"]))
    inputs = read_inputs(program, arguments.input)
    check_writable(arguments.output)
    code = Code(
        {Path(name).name: (HERE / name).read_bytes() for name in plan["sources"]},
        {name: (HERE / name).read_bytes() for name in plan["images"]},
    )
    kept = recorded_names(program, record)
    recorded, _ = run_on_gpu(program, code, inputs, kept, _progress(arguments.timeout))
    steps = None if arguments.raw_time else next(iter(inputs.values())).shape[0]
    write_results(program, recorded, record, arguments.output, steps)


def _signals(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    unknown = [name for name in names if name not in SIGNALS]
    if unknown:
        raise BadInput(f"--record: {unknown[0]!r} is none of {', '.join(SIGNALS)}")
    return names


def _progress(timeout: float | None) -> Callable[[int, int], None]:
    """Give what tells of the run, and ends it at its limit."""
    begin = told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if timeout is not None and done < total and now - begin > timeout:
            raise Overtime(f"the run was ended after {timeout:g} s (--timeout)")
        if now - told > REPORT_PERIOD:
            told = now
            sys.stderr.write(f"step {done} of {total}\n")

    return progress
