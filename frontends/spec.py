"""Load the model that the user names on the command line."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.frontends.packages import missing_framework
from snnc.frontends.state import load_state, missing_file

if TYPE_CHECKING:
    from torch.nn import Module

Result = TypeVar("Result")

FRAMEWORKS = ("snntorch", "norse")
"""Packages whose layers the frontends import."""


def load_model(spec: str, *, state: Path | None = None) -> Module:
    """Load the module that ``spec`` names.

    Args:
        spec: ``FILE.py:FUNCTION``, a function that takes nothing and returns the module, or a
            variable that holds it.
        state: File of its state dict, by ``torch.save`` or of safetensors; None where the module
            is trained already.

    Raises:
        InputError: SNN001, there is no such file; SNN114, it gives no module; SNN115, the state
            dict is none, or that of another module.
    """
    place, colon, function = spec.rpartition(":")
    if not (colon and place.lower().endswith(".py") and function):
        remedy = f"{spec}:FUNCTION" if spec.lower().endswith(".py") else "FILE.py:FUNCTION"
        raise InputError([_failed(spec, "no Python file with a function", remedy)])
    module = _call(Path(place), function)
    if state is not None:
        load_state(module, state)
    return module


def infer_input_shape(module: Module) -> tuple[int, ...] | None:
    """Give the shape of one sample where the model says it itself: its first layer is dense."""
    from torch import nn

    for layer in module.modules():
        if type(layer) is nn.Linear:
            return (layer.in_features,)
        if not _has_children(layer) and type(layer) not in {nn.Identity, nn.Dropout}:
            return None
    return None


def input_shape_of(module: Module, option: tuple[int, ...] | None) -> tuple[int, ...]:
    """Give the shape of one sample: the option's, or else the one that the model says itself.

    Raises:
        InputError: SNN004, neither of the two is there.
    """
    shape = infer_input_shape(module) if option is None else tuple(map(int, option))
    if shape is None:
        diagnostic = Diagnostic(
            rule=rules.OPTION_VALID,
            node="--input-shape",
            found="not given, and the model's first layer is not nn.Linear",
            limit="the shape of one sample at one step",
            remedy="--input-shape 1,28,28, in Python input_shape=(1, 28, 28)",
        )
        raise InputError([diagnostic])
    return shape


def framework_of(module: Module, option: str | None = None) -> str:
    """Give the name of the framework whose neurons ``module`` has.

    Args:
        module: The user's.
        option: What the user says that it is, or None.

    Raises:
        InputError: SNN112, it has neurons of none that snnc imports; SNN004, of another one than
            the option says.
    """
    framework = _framework_of(module)
    if option not in {None, framework}:
        diagnostic = Diagnostic(
            rule=rules.OPTION_VALID,
            node="--framework",
            found=f"{option}",
            limit=f"{framework}, whose layers the model has",
            remedy=f"--framework {framework}, or leave it out",
        )
        raise InputError([diagnostic])
    return framework


def _framework_of(module: Module) -> str:
    kinds = {kind for layer in module.modules() for kind in type(layer).mro()}
    packages = {kind.__module__.partition(".")[0] for kind in kinds}
    for framework in FRAMEWORKS:
        if framework in packages:
            return framework
    layers = sorted({type(m).__name__ for m in module.modules() if not _has_children(m)})
    diagnostic = Diagnostic(
        rule=rules.LAYER_SUPPORTED,
        node=type(module).__name__,
        found=f"layers {', '.join(layers)}",
        limit=f"neurons of a framework that snnc imports: {', '.join(FRAMEWORKS)}",
        remedy="build the model with the neurons of one of them, or export it as a .nir file; "
        "a network of ReLUs as a .onnx file",
    )
    raise InputError([diagnostic])


def neuron_packages(module: Module) -> list[str]:
    """Give the frameworks whose neurons ``module`` has, containers left aside."""
    leaves = [layer for layer in module.modules() if not _has_children(layer)]
    packages = {kind.__module__.partition(".")[0] for m in leaves for kind in type(m).mro()}
    return [framework for framework in FRAMEWORKS if framework in packages]


def _has_children(module: Module) -> bool:
    return next(module.children(), None) is not None


def _call(path: Path, function: str) -> Module:
    if not path.is_file():
        raise InputError([missing_file(path, "a Python file")])
    node = f"{path}:{function}"
    with _running(path):
        source = _guarded(path, str(path), lambda: _import(path))
        make = cast("object", getattr(source, function, None))
        if is_module(make):
            return cast("Module", make)
        if not callable(make):
            raise InputError([_unknown(path, function, source)])
        if wanted := _required(make):
            found = f"{function} needs {', '.join(wanted)}"
            remedy = f"write a function without arguments that returns {function}(...), and name it"
            raise InputError([_failed(node, found, remedy)])
        made = _guarded(path, node, cast("Callable[[], object]", make))
    if not is_module(made):
        remedy = "return the trained torch.nn.Module"
        raise InputError([_failed(node, f"the function returned {type(made).__name__}", remedy)])
    return cast("Module", made)


def _unknown(path: Path, function: str, source: ModuleType) -> Diagnostic:
    """Tell that the file has no such function, and which one may be meant."""
    own = [
        name
        for name, value in vars(source).items()
        if is_module(value)
        or (isinstance(value, FunctionType | type) and value.__module__ == source.__name__)
    ]
    like = difflib.get_close_matches(function.removesuffix("()"), own, n=1)
    found = f"no function {function!r} among {', '.join(own) or 'none'}"
    return _failed(f"{path}:{function}", found, f"{path}:{like[0] if like else 'FUNCTION'}")


def _required(make: Callable[..., object]) -> list[str]:
    """Give the arguments that a function cannot be called without."""
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):  # of C, which says nothing
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in optional]


@contextmanager
def _running(path: Path) -> Generator[None]:
    """Let the user's file run as by itself: beside its neighbors, and without our arguments.

    It writes no bytecode, and what it prints goes to stderr: stdout is for results.
    """
    before, arguments, bytecode = list(sys.path), sys.argv, sys.dont_write_bytecode
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv = [str(path)]
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = before
        sys.argv = arguments
        sys.dont_write_bytecode = bytecode


def _import(path: Path) -> ModuleType:
    """Import ``path`` under a name that no package has."""
    name = f"_snnc_model_{path.stem}"
    loader = SourceFileLoader(name, str(path))  # named, as an ending .PY has none
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    source = importlib.util.module_from_spec(spec)
    sys.modules[name] = source  # dataclasses and pickle look for it there
    spec.loader.exec_module(source)
    return source


def _guarded(path: Path, node: str, work: Callable[[], Result]) -> Result:
    """Run the user's code.

    Raises:
        InputError: SNN114, it raised; the text names the line in the user's file.
        EnvironmentFault: SNN501, it imports a framework that is not installed.
    """
    try:
        return work()
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and (fault := missing_framework(error)):
            raise fault from error
        message = str(error).partition("\n")[0]
        found = f"{type(error).__name__}: {message} ({_line_of(path, error)})"
        remedy = f"run it by itself: python {path}"
        raise InputError([_failed(node, found, remedy)]) from error


def _line_of(path: Path, error: BaseException) -> str:
    """Give the last line of the user's file on the way to ``error``."""
    place = path.resolve()
    if isinstance(error, SyntaxError) and Path(error.filename or "").resolve() == place:
        return f"line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == place]
    return f"line {lines[-1]}" if lines else "outside the file"


def is_module(made: object) -> bool:
    """Say whether ``made`` is a module of torch, without importing torch."""
    torch = cast("Any", sys.modules.get("torch"))
    return torch is not None and isinstance(made, torch.nn.Module)


def _failed(node: str, found: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_LOADS,
        node=node,
        found=found,
        limit="a torch.nn.Module, or a function without arguments that returns one",
        remedy=remedy,
    )
