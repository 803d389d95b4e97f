"""How alike two executions are: of spike trains, of potentials, and of what they answer."""
