"""The CUDA target: the integers in kernels of our own, compiled at run time."""
