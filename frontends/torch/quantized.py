"""A module of torch whose forward gives what integers compute."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.torch.exact import Execute
from snnc.frontends.torch.graph import Imported
from snnc.frontends.torch.module import device_of
from snnc.frontends.torch.run import data_problems, step_problems
from snnc.frontends.torch.through import run_through, tensor_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def quantized(module: Module, follow: Callable[[Module], Imported], execute: Execute) -> Module:
    """Give a module that runs ``execute`` and has the gradients of ``module``.

    Args:
        module: The user's.
        follow: Imports it, with the parameters that it has then.
        execute: Runs the integers.
    """
    return cast("Module", _kind()(module, follow, execute))


@cache
def _kind() -> Any:
    import torch

    class QuantizedModule(torch.nn.Module):
        """The integers that ``snnc.compile`` makes of ``module``; see ``docs/training.md``."""

        made_by_snnc = True

        def __init__(
            self, module: Module, follow: Callable[[Module], Imported], execute: Execute
        ) -> None:
            super().__init__()
            self.module = module
            self.training = module.training
            self._follow, self._execute = follow, execute
            own = cast("Any", self)
            own.register_state_dict_post_hook(_without_prefix)
            own.register_load_state_dict_pre_hook(_with_prefix)

        def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
            """Run data ``[steps, batch, *shape]``; give the outputs, ``[steps, batch, *shape]``."""
            x = _tensor(x).to(device_of(self.module), torch.float32)
            data = x.numpy(force=True)
            raise_all(data_problems(data))
            imported = self._follow(self.module)
            raise_all(step_problems(imported.model, data))
            exact = self._execute(imported.graph, data)
            if torch.is_grad_enabled():
                outputs = run_through(imported, self.module, x, exact)
            else:
                outputs = {name: tensor_of(values, x) for name, values in exact.outputs.items()}
            return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    return QuantizedModule


def _tensor(x: Any) -> Tensor:
    """Give the user's data as a tensor of real numbers.

    Raises:
        InputError: SNN502, they are none.
    """
    import torch

    try:
        made = torch.as_tensor(x)
    except (ValueError, TypeError, RuntimeError):  # unequal lists, None, a mapping
        found = f"a {type(x).__name__} that torch makes no tensor of"
    else:
        if not made.is_complex():
            return made
        found = f"data of type {made.dtype}"
    problem = Diagnostic(
        rule=rules.INPUT_SHAPE,
        node="input",
        found=found,
        limit="a tensor or an array of real numbers, [steps, batch, *shape]",
        remedy="give the data of the network's only input as one tensor",
    )
    raise InputError([problem])


PREFIX = "module."
"""Of the names of parameters within a quantized module; its state dict is that of the module."""


def _without_prefix(own: Any, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    del own, metadata
    for name in [n for n in state if n.startswith(prefix + PREFIX)]:
        state[prefix + name.removeprefix(prefix + PREFIX)] = state.pop(name)


def _with_prefix(own: Any, state: dict[str, Any], prefix: str, *others: Any) -> None:
    del own, others
    for name in [n for n in state if n.startswith(prefix)]:
        state[prefix + PREFIX + name.removeprefix(prefix)] = state.pop(name)
