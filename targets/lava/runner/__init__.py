"""Runs a program of integers on Lava. Needs lava-nc, numpy and safetensors only, not snnc.

- ``main``: the command, for a user; ``serve``: the same for snnc, which watches from outside
- ``program``: ``program.json``, ``weights.safetensors`` and ``lava.json`` as records
- ``packages``: looks for the packages that are needed
- ``arrays``: input data and results
- ``network``: runs the program, all samples one after the other
- ``build``: the program as connected Lava processes
- ``processes``: source, sink and population as Lava processes, with their models
- ``models``: models of Lava's own processes that record
- ``neuron``: the arithmetic of a population
- ``window``: which step of which sample a hardware step is, and what is recorded of it
- ``deadline``: ends a run at its time limit, in whatever phase it is
- ``room``: room in shared memory
- ``guard``: starts, steps and ends Lava so that it cannot hang
- ``orphans``: lets nothing outlive a run
- ``compat``: repairs of lava-nc 0.10.0 for current Python and NumPy
"""
