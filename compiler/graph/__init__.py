"""NIR graphs: nodes of our own, and what holds for every graph, whoever made it."""
