"""Verification in batches of samples: what is planned, done, kept and put together again."""
