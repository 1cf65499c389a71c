"""The values that everything passes on."""

from __future__ import annotations

import unittest
from dataclasses import FrozenInstanceError, replace

from tests.frozen import VALUES
from tvmon.streams import MEASURED, Health, Measurement, Part, Presence, Rates, Sample

MEASUREMENT = Measurement(total_gops=3, remarks=("late",))
NOTHING = Part(None, None)


class ValueTests(unittest.TestCase):
    """What is made at every poll is a value as any other, though it is made cheaply."""

    def test_it_is_never_changed(self) -> None:
        held = (
            MEASUREMENT,
            Sample(1.0, 1.0, MEASUREMENT),
            Rates(1.0),
            Health(NOTHING, NOTHING, NOTHING, ()),
        )
        self.assertLessEqual({type(value) for value in held}, set(VALUES))
        for value in held:
            for name in type(value).__match_args__:
                with self.subTest(type(value), name=name), self.assertRaises(FrozenInstanceError):
                    setattr(value, name, None)
            with self.assertRaises(AttributeError):
                value.more = 1  # type: ignore[union-attr]

    def test_another_one_is_made_of_it(self) -> None:
        absent = replace(MEASUREMENT, presence=Presence.ABSENT)
        self.assertEqual((absent.presence, absent.total_gops), (Presence.ABSENT, 3))
        self.assertEqual(MEASUREMENT.presence, Presence.LIVE)

    def test_those_that_say_the_same_are_equal(self) -> None:
        same = Measurement(*(getattr(MEASUREMENT, n) for n in MEASURED), remarks=("late",))
        self.assertEqual(same, MEASUREMENT)
        self.assertEqual(hash(same), hash(MEASUREMENT))
        self.assertNotEqual(replace(same, total_gops=4), MEASUREMENT)
        self.assertNotEqual(Rates(), (None, None, None))

    def test_it_says_what_it_is(self) -> None:
        self.assertEqual(repr(Rates(1.5)), "Rates(last_3=1.5, last_10=None, last_100=None)")
