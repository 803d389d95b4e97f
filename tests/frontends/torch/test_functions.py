"""Functions of torch that ``forward`` calls itself: 0 differing spikes and potentials."""
# torch and snntorch are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.frontends.cases import VALUES, Case, becomes, over
from tests.frontends.optional import optional
from tests.frontends.torch.models import assert_exact, data, dyadic

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F = optional("torch.nn.functional")

pytestmark = pytest.mark.torch

CHANNELS, SIZE = 4, 8


class Calling(nn.Module if nn else object):  # type: ignore[misc]
    """Two convolutions that give ``a`` and ``b``, what is computed of them, and neurons."""

    def __init__(self, expression: str) -> None:
        super().__init__()
        self.one = dyadic(nn.Conv2d(1, CHANNELS, 3, padding=1), 1)
        self.one.weight.data -= 0.125  # as many below 0 as above
        self.two = dyadic(nn.Conv2d(1, CHANNELS, 3, padding=1), 2)
        self.lif = snn.Leaky(beta=0.5, threshold=0.5, init_hidden=True)
        self.kernel = dyadic(nn.Conv2d(CHANNELS, 3, (2, 3)), 3).weight
        self.matrix = dyadic(nn.Linear(CHANNELS * SIZE * SIZE, 100), 4, 0.125).weight
        self.each = nn.Parameter(torch.tensor([0.5, -0.25, 2.0, 1.0]).view(CHANNELS, 1, 1))
        self.code = compile(expression, "forward", "eval")

    def forward(self, x: Any) -> Any:
        names = {"a": self.one(x), "b": self.two(x), "self": self, "torch": torch, "nn": nn, "F": F}
        return self.lif(eval(self.code, names))


FUNCTIONS = {
    "a + b": "Scale",
    "a - b": "Scale",
    "sum([a, b])": "Scale",
    "torch.stack([a, b]).sum(0)": "Scale",
    "torch.cat([a, b], 1)": "Conv2d, Scale",
    "torch.cat([a.flatten(1), b.flatten(1)], 1)": "Flatten, Linear, Scale",
    "a * 0.3": "Scale",
    "a * self.each": "Scale",
    "-a": "Scale",
    "a / 4": "Scale",
    "a + 0.25": "Conv2d",
    "a - self.each": "Conv2d",
    "F.conv2d(a, self.kernel)": "Conv2d",
    "F.linear(a.flatten(1), self.matrix)": "Flatten, Linear",
    "a.view(len(a), -1) @ self.matrix.T": "Flatten, Linear",
    "F.max_pool2d(a, 2)": "MaxPool2d",
    "F.avg_pool2d(a, 3, stride=1)": "AvgPool2d",
    "F.adaptive_avg_pool2d(a, 4)": "AvgPool2d",
    "a.mean([2, 3])": "AvgPool2d, Flatten",
    "F.dropout(a, 0.5, training=self.training)": "nothing",
    "a.clone().detach().contiguous().to(torch.float32)": "nothing",
    "a[...]": "nothing",
    "nn.Flatten()(a)": "Flatten",
    "a.flatten(1)": "Flatten",
    "a.reshape(a.size(0), -1)": "Flatten",
    "a.unsqueeze(1).squeeze(1)": "nothing",
}
CASES = [
    Case(f"`{expression}`", "", nodes, partial(Calling, expression))
    for expression, nodes in FUNCTIONS.items()
]


@over(CASES)
def test_functions(case: Case) -> None:
    module = case.make().eval()
    with torch.no_grad():
        neurons = module(torch.zeros(1, 1, SIZE, SIZE)).numel()
    graph = assert_exact(module, data(-(-VALUES // (250 * neurons)), 250, 1, SIZE, SIZE))
    rest = {n: node for n, node in graph.nodes.items() if n not in {"one", "two", "lif"}}
    graph.nodes = rest
    assert (becomes(graph) or "nothing") == case.becomes
