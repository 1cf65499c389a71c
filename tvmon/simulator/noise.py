"""
Noise without memory: any moment of it can be asked for, in any order, at the price of a look-up.

A stream's counters must be a function of time, or ten thousand streams would need ten thousand
timers.  A running sum of random numbers is no such function; a smooth wave through random values
on a lattice is, and since it stays within its bounds, so does the sum that it is added to: what
comes late in one second comes on top in another, as on a real line.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

_SIZE = 4096
_MASK = _SIZE - 1
_chance = random.Random(20111222)  # noqa: S311 - noise, not a secret
_TABLE = tuple(math.sin(math.pi / 2 * _chance.uniform(-1.0, 1.0)) for _ in range(_SIZE))


class Noise(NamedTuple):
    """
    One endless noise out of many.

    :param stride: odd, so that it visits every place of the table before it repeats
    :param offset: where it starts in the table
    """

    stride: int
    offset: int

    @classmethod
    def drawn(cls, chance: random.Random) -> Noise:
        """One of the many."""
        return cls(chance.randrange(101, _SIZE, 2), chance.randrange(_SIZE))

    def at(self, index: int) -> float:
        """The value at a point of the lattice: -1..1, more often near the ends than in between."""
        return _TABLE[(index * self.stride + self.offset) & _MASK]

    def wave(self, position: float) -> float:
        """The value between two points of the lattice, on the straight line between theirs."""
        index = int(position // 1)
        place = index * self.stride + self.offset
        before = _TABLE[place & _MASK]
        return before + (_TABLE[(place + self.stride) & _MASK] - before) * (position - index)

    def slope(self, position: float) -> float:
        """By how much the wave rises over this step of the lattice: -2..2."""
        place = int(position // 1) * self.stride + self.offset
        return _TABLE[(place + self.stride) & _MASK] - _TABLE[place & _MASK]
