"""What is installed on this machine."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from snnc import __version__

LAVA_COMMAND = (
    'pip install "snnc[lava]" && pip install --no-deps --ignore-requires-python lava-nc==0.10.0'
)
"""lava-nc 0.10.0 declares an upper limit of Python that it does not need."""


@dataclass(frozen=True)
class Package:
    """A distribution that snnc uses.

    Attributes:
        name: Its name on the package index.
        command: What installs it.
        purpose: What snnc needs it for.
        core: Whether snnc itself needs it.
    """

    name: str
    command: str
    purpose: str
    core: bool = False

    @property
    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


def _core(name: str, purpose: str) -> Package:
    return Package(name, f"pip install {name}", purpose, core=True)


PACKAGES = (
    _core("numpy", "arrays"),
    _core("nir", "NIR graphs"),
    _core("h5py", ".nir files"),
    _core("safetensors", "tensors of artifacts"),
    _core("pydantic", "manifests, reports, settings"),
    _core("click", "the command"),
    _core("rich", "progress"),
    _core("jinja2", "report.html"),
    _core("pyyaml", "--config, --hardware"),
    _core("networkx", "graphs"),
    _core("scipy", "--budget, --hardware, target lava"),
    _core("pymetis", "--hardware"),
    _core("threadpoolctl", "--hardware"),
    Package("torch", 'pip install "snnc[snntorch]"', "models of snnTorch and norse"),
    Package("snntorch", 'pip install "snnc[snntorch]"', "models of snnTorch"),
    Package("norse", 'pip install "snnc[norse]"', "models of norse"),
    Package("onnx", 'pip install "snnc[onnx]"', "ONNX models"),
    Package("aedat", 'pip install "snnc[aedat]"', "recordings in AEDAT 4"),
    Package("mtkahypar", 'pip install "snnc[mtkahypar]"', "--partitioner mtkahypar"),
    Package("dask", 'pip install "snnc[dist]"', "--scheduler"),
    Package("cuda-bindings", 'pip install "snnc[cuda]"', "target cuda"),
    Package("nvidia-cuda-nvrtc", 'pip install "snnc[cuda]"', "target cuda"),
    Package("lava-nc", LAVA_COMMAND, "target lava"),
    Package("asteval", 'pip install "snnc[lava]"', "target lava"),
    Package("scikit-learn", 'pip install "snnc[lava]"', "target lava, examples"),
)


def environment() -> dict[str, str]:
    """Give the versions of Python, snnc and every installed package that can take part."""
    installed = {p.name: p.version for p in PACKAGES}
    return {
        "platform": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "snnc": __version__,
        **{name: found for name, found in installed.items() if found is not None},
    }
