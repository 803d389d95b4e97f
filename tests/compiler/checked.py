"""What is said of a network that is not well formed."""

from __future__ import annotations

from snnc.compiler.check import check_fixed, check_network
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network

SAYS = {
    "SNN104": "every node has all its fields, each with the shape that the node's equation needs",
    "SNN105": "every parameter is finite and in the range where its equation makes sense",
    "SNN106": "every edge joins two nodes of the graph whose shapes agree",
}
REMEDY = {
    "SNN104": "give the node arrays of one shape",
    "SNN105": "correct the parameter in the model",
    "SNN106": "correct the edges of the graph",
}


def text(code: str, node: str, found: str, limit: str) -> str:
    return (
        f"error[{code}]: {SAYS[code]}\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {REMEDY[code]}"
    )


def said(net: Network | FixedNetwork) -> list[str]:
    found = check_network(net) if isinstance(net, Network) else check_fixed(net)
    return [str(d) for d in found]
