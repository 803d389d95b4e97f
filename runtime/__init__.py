"""Runtime: the command, compilation, runs, comparisons and reports."""
