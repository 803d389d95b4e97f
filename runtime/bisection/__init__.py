"""Two executions narrowed to the smallest part that differs, and shrunk to a small case of it."""
