"""What the frontends of torch share: a model is run, recorded and rolled up into a graph."""
