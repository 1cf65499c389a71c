"""Noise without memory."""

from __future__ import annotations

import random
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.simulator.noise import Noise

noises = st.builds(lambda seed: Noise.drawn(random.Random(seed)), st.integers(0, 10**6))
positions = st.floats(-1e7, 1e7)


class NoiseTests(SynchronousTestCase):
    @given(noises, positions)
    def test_it_stays_within_its_bounds(self, noise: Noise, position: float) -> None:
        self.assertLessEqual(abs(noise.wave(position)), 1.0)
        self.assertLessEqual(abs(noise.at(int(position))), 1.0)
        self.assertLessEqual(abs(noise.slope(position)), 2.0)

    @given(noises, positions, st.floats(0, 0.5))
    def test_it_never_jumps(self, noise: Noise, position: float, step: float) -> None:
        rise = abs(noise.wave(position + step) - noise.wave(position))
        self.assertLessEqual(rise, 2 * step + 1e-6)

    @given(noises, st.integers(-(10**6), 10**6))
    def test_the_wave_goes_through_the_lattice(self, noise: Noise, index: int) -> None:
        self.assertAlmostEqual(noise.wave(float(index)), noise.at(index))
        self.assertAlmostEqual(noise.slope(index), noise.at(index + 1) - noise.at(index))

    def test_two_noises_have_nothing_in_common(self) -> None:
        a, b = (Noise.drawn(random.Random(seed)) for seed in (1, 2))
        product = mean(a.at(index) * b.at(index) for index in range(4000))
        self.assertLess(abs(product), 0.05)
        self.assertLess(abs(mean(a.at(index) for index in range(4000))), 0.05)
