"""The other libraries, imported when a section first asks for one."""

import importlib
import importlib.metadata
from functools import cache
from types import ModuleType

# distribution, and the module that must be importable
PEERS = {
    "NumPy": ("numpy", "numpy"),
    "SciPy": ("scipy", "scipy.special"),
    "torch": ("torch", "torch"),
    "JAX": ("jax", "jax"),
    "numba": ("numba", "numba"),
    "ONNX Runtime": ("onnxruntime", "onnxruntime"),
    "onnx": ("onnx", "onnx"),  # which writes the models that ONNX Runtime runs
    "vose": ("vose", "vose"),
    "llama.cpp": ("llama-cpp-python", "llama_cpp"),
}
left_out: set[str] = set()  # by the option --peers


@cache
def find(name: str) -> ModuleType | None:
    """The module, or None if it is left out or cannot be imported."""
    if name in left_out:
        return None
    try:
        module = importlib.import_module(PEERS[name][1])
    except (ImportError, OSError, RuntimeError):  # llama_cpp raises all three
        return None
    if name == "torch":
        module.set_num_threads(1)
    if name == "JAX":
        module.config.update("jax_enable_x64", True)
    return module


def versions() -> dict[str, str]:
    """The versions of what is installed and not left out, without importing it."""
    found = {}
    for name, (distribution, _) in PEERS.items():
        if name not in left_out:
            try:
                found[name] = importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
