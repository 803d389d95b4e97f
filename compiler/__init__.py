"""The compiler: one frozen type for each stage, and the passes between them."""
