"""User data into what a network's inputs take: shapes checked, real values into integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.network import Input, Network
from snnc.targets.running import Inputs

INPUT_DATA, CALIBRATION_DATA = "input data", "calibration data"
"""What the data are, as messages call them."""
RESHAPE = "reshape the data; a single sample gets its batch axis by x[:, None]"


def named_inputs(
    declared: tuple[Input | FixedInput, ...], x: Inputs | npt.ArrayLike, what: str = INPUT_DATA
) -> dict[str, npt.NDArray[Any]]:
    """Give the data of each input by its name; a bare array belongs to the only input.

    Args:
        declared: The inputs of the network.
        x: The user's.
        what: The data are, for messages.

    Raises:
        InputError: SNN502, a bare array for a network of several inputs, or no array.
    """
    if isinstance(x, Mapping):
        return {str(name): _array(values, f"{what}: {name}") for name, values in x.items()}
    if len(declared) != 1:
        raise_all([_names_problem(what, "one array", [i.name for i in declared])])
    return {declared[0].name: _array(x, f"{what}: {declared[0].name}")}


def _array(values: npt.ArrayLike, node: str) -> npt.NDArray[Any]:
    """Give the user's data as an array.

    Raises:
        InputError: SNN502, NumPy makes none of them.
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError):  # unequal lists; a tensor with a gradient
        found = f"a {type(values).__name__} that NumPy makes no array of"
        remedy = "give a NumPy array; a tensor becomes one by x.detach().cpu().numpy()"
        raise_all([_shape_problem(node, found, "an array of numbers", remedy)])
        raise


def real_inputs(
    network: Network, inputs: Inputs, what: str = INPUT_DATA
) -> dict[str, npt.NDArray[np.float32]]:
    """Give each input as float32 of shape ``[steps, batch, n]``.

    Args:
        network: Whose inputs they are for.
        inputs: By name.
        what: The data are, for messages.

    Raises:
        InputError: SNN502, shapes do not fit; SNN503, values are not finite.
    """
    raise_all(_shape_problems(network.inputs, inputs, what))
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
        values = {i.name: _flat(inputs[i.name]).astype(np.float32) for i in network.inputs}
    raise_all(_finite_problems(network.inputs, values, what))
    return values


def input_problems(network: Network | FixedNetwork, inputs: Inputs) -> Iterator[Diagnostic]:
    """Tell what is wrong with names, types and shapes of ``inputs``."""
    return _shape_problems(network.inputs, inputs, INPUT_DATA)


def integer_inputs(network: FixedNetwork, inputs: Inputs) -> dict[str, npt.NDArray[np.int32]]:
    """Give each input as the integers that enter, shape ``[steps, batch, n]``.

    A value ``x`` becomes ``x / step``, rounded to nearest where ``step`` is not 1.

    Raises:
        InputError: SNN502, shapes do not fit; SNN503, a value is no integer of the input's range.
    """
    return {n: x.astype(np.int32) for n, x in _encoded_inputs(network, inputs).items()}


def narrow_inputs(
    network: FixedNetwork, inputs: Inputs
) -> dict[str, npt.NDArray[np.int8 | np.int32]]:
    """Give the same integers in 8 bits where those of the input fit.

    Raises:
        InputError: As for ``integer_inputs``.
    """
    fits = {i.name: i.max_abs <= np.iinfo(np.int8).max for i in network.inputs}
    encoded = _encoded_inputs(network, inputs)
    return {n: x.astype(np.int8 if fits[n] else np.int32) for n, x in encoded.items()}


def _encoded_inputs(network: FixedNetwork, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Give the integers that enter, as numbers of whatever type.

    Raises:
        InputError: SNN502, shapes do not fit; SNN503, a value is no integer of the input's range.
    """
    raise_all(_shape_problems(network.inputs, inputs, INPUT_DATA))
    raise_all(_finite_problems(network.inputs, inputs, INPUT_DATA))
    encoded = {i.name: _encode(i, inputs[i.name]) for i in network.inputs}
    raise_all(
        problem for i in network.inputs for problem in _value_problems(i, inputs[i.name], encoded)
    )
    return encoded


def _encode(declared: FixedInput, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    values = _flat(x)
    if declared.step == 1:
        return values.view(np.uint8) if values.dtype == np.bool_ else values
    return np.rint(values.astype(np.float64) / declared.step)


def _flat(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(x).reshape(x.shape[0], x.shape[1], -1)


def _shape_problems(
    declared: tuple[Input | FixedInput, ...], x: Inputs, what: str
) -> Iterator[Diagnostic]:
    names = [i.name for i in declared]
    if sorted(x) != sorted(names):
        yield _names_problem(what, f"arrays {', '.join(sorted(x)) or 'none'}", names)
        return
    for i in declared:
        found, node = x[i.name].shape, f"{what}: {i.name}"
        limit = f"[steps, batch, {', '.join(map(str, i.shape))}]"
        if (kind := x[i.name].dtype).kind not in "biuf":
            yield _shape_problem(node, f"data of type {kind}", "numbers", "give real numbers")
        elif found == (found[:1] + i.shape):
            yield _shape_problem(node, f"shape {list(found)}, which has no batch axis", limit)
        elif found[2:] != i.shape or len(found) < 2:
            yield _shape_problem(node, f"shape {list(found)}", limit)
        elif 0 in found[:2]:
            at_least = f"{limit}, one step and one sample at least"
            yield _shape_problem(node, f"shape {list(found)}", at_least, "give more data")
    lengths = {x[i.name].shape[:2] for i in declared if x[i.name].ndim >= 2}
    if len(lengths) > 1:
        found_all = ", ".join(f"{i.name} {list(x[i.name].shape[:2])}" for i in declared)
        yield _shape_problem(what, found_all, "the same steps and batch for every input")


def _shape_problem(node: str, found: str, limit: str, remedy: str = RESHAPE) -> Diagnostic:
    return Diagnostic(rule=rules.INPUT_SHAPE, node=node, found=found, limit=limit, remedy=remedy)


def _names_problem(what: str, found: str, names: Sequence[str]) -> Diagnostic:
    """Tell of arrays that are not those of the inputs."""
    if all(map(_is_keyword, names)):
        arrays = ", ".join(f"{name}=..." for name in names)
    else:  # what Python does not take as the name of an argument
        arrays = f"**{{{', '.join(f'{name!r}: ...' for name in names)}}}"
    limit = f"an array for each of {', '.join(names)}"
    return _shape_problem(what, found, limit, f"numpy.savez(path, {arrays}), or a mapping of these")


def _is_keyword(name: str) -> bool:
    """Say whether ``numpy.savez`` takes ``name`` as that of an argument."""
    return name.isidentifier() and not iskeyword(name) and name not in {"file", "allow_pickle"}


def _finite_problems(
    declared: tuple[Input | FixedInput, ...], x: Inputs, what: str
) -> Iterator[Diagnostic]:
    for i in declared:
        bad = int(np.count_nonzero(~np.isfinite(x[i.name])))
        if bad:
            yield Diagnostic(
                rule=rules.INPUT_VALUES,
                node=f"{what}: {i.name}",
                found=f"{bad} values that are NaN or infinite",
                limit="finite numbers that float32 can hold",
                remedy="clean the data",
            )


def _value_problems(
    i: FixedInput, x: npt.NDArray[Any], encoded: Mapping[str, npt.NDArray[Any]]
) -> Iterator[Diagnostic]:
    values = encoded[i.name]
    off = values != np.rint(values) if values.dtype.kind == "f" else np.zeros(1, np.bool_)
    limit = f"integers from -{i.max_abs} to {i.max_abs}, in units of {i.step:g}"
    if i.step == 1 and i.max_abs == 1:
        limit = "spikes: 0, 1 or -1, since no calibration data show anything else"
    if off.any():
        found = f"{int(off.sum())} values between integers, such as {_flat(x)[off][0]:g}"
        yield _value_problem(i, found, limit)
    elif max(int(values.max()), -int(values.min())) > i.max_abs:
        least = -int(values.min()) > int(values.max())
        worst = _flat(x).ravel()[values.argmin() if least else values.argmax()]
        yield _value_problem(i, f"a value of {worst:g}", limit)


def _value_problem(i: FixedInput, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.INPUT_VALUES,
        node=f"{INPUT_DATA}: {i.name}",
        found=found,
        limit=limit,
        remedy="compile with --calibrate X.npy, where X holds typical input data",
    )
