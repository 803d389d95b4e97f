"""A pytest plugin (``-p tests.without``) that makes optional packages look as if not installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

OPTIONAL = ("cuda", "lava", "mlxtend", "norse", "onnx", "onnxscript", "snntorch", "torch")


class Without(PathFinder):
    """Finds what is on the path, but for the optional packages."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in OPTIONAL:
            return None
        return super().find_spec(fullname, path, target)


sys.meta_path[:] = [Without if one is PathFinder else one for one in sys.meta_path]
