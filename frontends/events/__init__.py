"""Recordings of event cameras, a module for each format, read with no trust in who made them."""
