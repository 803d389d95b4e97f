"""Two executions of one sample that part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from snnc.compiler.trace import Array, Trace
from snnc.runtime.compare import Divergence, compare
from snnc.targets.artifact import Artifact
from snnc.targets.inputs import integer_inputs, real_inputs
from snnc.targets.running import Inputs


@dataclass(frozen=True, eq=False, kw_only=True)
class Parted:
    """Two executions of one sample, with every signal that they have.

    Attributes:
        names: Of the reference and of the other, as the link names them.
        artifact: What the other executed, on its target. Of ``framework -> float`` any artifact of
            the network, and of ``float -> integer`` one that holds the integers.
        inputs: Data of each input, ``[steps, 1, *shape]``.
        reference: The one that is right; arrays ``[steps, 1, *shape]``.
        other: The other.
        sample: Index of the sample in the data of the verification.
    """

    names: tuple[str, str]
    artifact: Artifact
    inputs: Inputs
    reference: Trace
    other: Trace
    sample: int

    def first(self, signals: tuple[str, ...]) -> Divergence | None:
        """Give the value of these signals that differs first, as of the whole data."""
        if not any(self.reference.signal(s) and self.other.signal(s) for s in signals):
            return None
        found = compare(self.reference, self.other, signals).first
        return None if found is None else replace(found, sample=self.sample)

    @cached_property
    def sent(self) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """What inputs and populations sent, ``[steps, *shape]``: of the reference, of the other.

        Inputs as the integers that enter.
        """
        fixed = self.artifact.required_fixed
        entering = integer_inputs(fixed, self.inputs)
        x = {i.name: entering[i.name][:, 0].reshape(-1, *i.shape) for i in fixed.inputs}
        return self._with(x)

    @cached_property
    def sent_reals(self) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """The same with inputs in real numbers."""
        network = self.artifact.network
        entering = real_inputs(network, self.inputs)
        x = {i.name: entering[i.name][:, 0].reshape(-1, *i.shape) for i in network.inputs}
        return self._with(x)

    def layer(self, population: str) -> str:
        """Give what the user calls a population."""
        artifact = self.artifact
        known = [*artifact.network.populations]
        origins = {p.name: p.origin for p in known}
        if artifact.fixed is not None:
            origins = {p.name: p.origin for p in artifact.fixed.populations} | origins
        return " + ".join(origins[population]) or population

    def _with(self, x: Mapping[str, Array]) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        a, b = (
            {**x, **{name: spikes[:, 0] for name, spikes in trace.spikes.items()}}
            for trace in (self.reference, self.other)
        )
        return a, b
