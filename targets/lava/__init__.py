"""Intel Lava: processes for its CPU simulation. Only ``runner/`` imports lava."""
