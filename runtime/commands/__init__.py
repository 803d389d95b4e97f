"""The commands: a module each, which imports what it works with when it is run."""
