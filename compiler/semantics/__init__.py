"""From a NIR graph to a ``Network``: what its numbers mean, and how its neurons compute."""
