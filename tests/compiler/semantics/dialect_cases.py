"""What several tests of dialects name."""

from __future__ import annotations

import numpy as np

EXACT = 10 * np.exp(-0.1)
"""``r`` that Rockpool writes for 10 ms at a step of 1 ms."""
