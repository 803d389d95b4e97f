"""Random numbers for weights and all else, from a seed: hypothesis draws structure alone."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Reals = npt.NDArray[np.float32]


class Numbers:
    """Numbers of no special form."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def weights(self, rows: int, *shape: int) -> Reals:
        """Give weights that make of values around 1 others around 1."""
        return self.rng.normal(0, 1 / np.sqrt(prod(shape)), (rows, *shape)).astype(np.float32)

    def biases(self, n: int) -> Reals:
        """Give a bias of every second layer."""
        return (self.rng.normal(0, 0.1, n) * (self.rng.random() < 0.5)).astype(np.float32)

    def factors(self, *shape: int, positive: bool = False) -> Reals:
        """Give factors, from 0.5 to 2 where they are ``positive``."""
        drawn = self.rng.uniform(0.5, 2, shape) if positive else self.rng.normal(0, 1, shape)
        return drawn.astype(np.float32)

    def shifts(self, *shape: int) -> Reals:
        """Give what is added behind factors."""
        return self.rng.normal(0, 0.1, shape).astype(np.float32)

    def divisors(self, *shape: int) -> Reals:
        """Give divisors of an average."""
        return self.rng.uniform(1, 4, shape).astype(np.float32)

    def spikes(self, n: int) -> Reals:
        """Give sizes of spikes."""
        return self.rng.uniform(0.5, 2, n).astype(np.float32)


class Quarters(Numbers):
    """Multiples of 1/4, few of them not 0, so that nearly all sums are exact in float32."""

    def weights(self, rows: int, *shape: int) -> Reals:
        """Give weights of which about three a row are not 0."""
        weight = self._quarters(rows, *shape)
        return np.where(self.rng.random(weight.shape) < 3 / prod(shape), weight, np.float32(0))

    def biases(self, n: int) -> Reals:
        return self._quarters(n)

    def factors(self, *shape: int, positive: bool = False) -> Reals:
        factors = self._quarters(*shape)
        return np.maximum(abs(factors), np.float32(0.25)) if positive else factors

    def shifts(self, *shape: int) -> Reals:
        return self._quarters(*shape)

    def divisors(self, *shape: int) -> Reals:
        """Give powers of 2."""
        return (2.0 ** self.rng.integers(0, 3, shape)).astype(np.float32)

    def spikes(self, n: int) -> Reals:
        return (self.rng.integers(1, 9, n) / 4).astype(np.float32)

    def _quarters(self, *shape: int) -> Reals:
        return (self.rng.integers(-4, 5, shape) / 4).astype(np.float32)


SEEDS = st.integers(0, 2**32 - 1)
