"""Tests of the Lava target."""
