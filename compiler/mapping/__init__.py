"""Stage 3: populations cut over cores, placed on chips, and counted against every limit."""
