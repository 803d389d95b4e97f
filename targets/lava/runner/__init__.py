"""Runs a program of integers on Lava. Needs lava-nc, numpy and safetensors only, not snnc.

- ``main``: the command, for a user; ``serve``: the same for snnc, which watches from outside
- ``program``: ``program.json``, ``weights.safetensors`` and ``lava.json`` as records
- ``packages``: looks for the packages that are needed
- ``arrays``: input data and results
- ``network``: runs the program, all samples in one start
- ``fused``: the program as one Lava process
- ``whole``: what that computes, the samples of a batch side by side
- ``build``: the program as connected Lava processes
- ``processes``: source, sink and population as Lava processes, with their models
- ``models``: models of Lava's own processes that record
- ``neuron``: the arithmetic of a population; ``synapse``: that of a projection
- ``kernels``: products of spikes and weights, in the way that is fastest for them
- ``window``: which step of which sample a hardware step is, and what is recorded of it
- ``guard``: starts, steps and ends Lava so that it cannot hang
- ``orphans``: lets nothing outlive a run
- ``compat``: repairs of lava-nc 0.10.0 for current Python and NumPy
"""
