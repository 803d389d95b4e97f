"""What makes two runs of a module alike: the same parameters, and sums in the same order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def one_thread() -> Generator[None]:
    """Let torch compute with one thread: how many share a sum can change its last bit."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def parameters_sha256(module: torch.nn.Module) -> str:
    """Give the hash of the names, shapes and values of parameters and buffers."""
    import torch

    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        told, content = [name, repr(value)], b""
        if isinstance(value, torch.Tensor):
            plain = value.detach().cpu().contiguous()
            told = [name, str(plain.dtype), str(list(plain.shape))]
            content = plain.reshape(-1).view(torch.uint8).numpy().tobytes()
        digest.update(json.dumps(told).encode() + content)
    return digest.hexdigest()
