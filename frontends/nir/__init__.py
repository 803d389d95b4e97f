"""NIR files: every node type, read and written."""
