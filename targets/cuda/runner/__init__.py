"""Runs a network on a GPU. Copied into artifacts: NumPy, safetensors and cuda-bindings suffice."""
