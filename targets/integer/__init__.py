"""The NumPy reference: the arithmetic of ``docs/arithmetic.md``, slow and plain."""
