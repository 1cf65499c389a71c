"""The JSON of an entry is what simplejson makes of its fields, byte for byte."""

from __future__ import annotations

import math

import simplejson
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import HOSTILE
from tvmon.api.reply import encode
from tvmon.entry import FIELDS, CounterReset, Entry
from tvmon.entry_json import LARGEST, _decimal
from tvmon.expected import Expected
from tvmon.streams import (
    MEASURED,
    Health,
    Level,
    Measurement,
    Part,
    Presence,
    Rates,
    Sample,
    Sources,
    Stream,
    Timing,
)

texts = st.sampled_from(HOSTILE) | st.text(max_size=20) | st.text(st.characters(), max_size=5)
counts = st.integers(-(2**63), 2**63)
numbers = st.none() | counts
floats = st.floats() | st.floats(-1e4, 1e4) | st.sampled_from([0.0, -0.0, 1e11, 1e16, 0.0005])
# Whole numbers where the type says a decimal one, as some media servers tell them.
decimals = st.none() | floats | st.integers(-(10**20), 10**20)
times = (
    st.floats(0, 4e9)
    | st.integers(-100, 4_000_000_000)
    | st.builds(
        lambda second, fraction: second + fraction,
        st.integers(-100, 2_000_000_000),
        st.sampled_from([0.5, 0.9999985, 0.999999, 0.9999994, 0.9999995, 0.9999996, 0.99999999]),
    )
)
scores = st.none() | st.integers(0, 100)
parts = st.builds(Part, scores, st.none() | st.sampled_from([*Level]))
fields = st.lists(st.sampled_from(MEASURED), max_size=4).map(tuple)
some_texts = {name: st.none() | texts for name in ("video_codec", "audio_codec")}
rates = st.builds(Rates, decimals, decimals, decimals)
measurements = st.builds(
    Measurement,
    **{
        name: some_texts.get(name, decimals if name.startswith("average_") else numbers)
        for name in MEASURED
    },
    presence=st.sampled_from([*Presence]),
    sources=st.builds(Sources, fields, fields),
)
samples = st.builds(
    Sample,
    times,
    st.just(0.0),
    st.none() | measurements,
    st.none() | texts,
    st.none() | st.builds(Timing, floats, floats),
)
streams = st.builds(Stream, texts, texts, numbers, texts, texts, st.integers(0, 2**48), kind=texts)
entries = st.builds(
    Entry,
    streams,
    st.just(1),
    st.none() | samples,
    st.none() | times,
    rates,
    rates,
    st.builds(Health, parts, parts, parts, st.lists(texts, max_size=3).map(tuple)),
    st.builds(
        Expected,
        st.none() | st.floats(0, 1e9),
        st.sampled_from([None, "configured", "declared", "learned"]),
    ),
    st.none()
    | st.builds(CounterReset, st.sampled_from(["restarted", "republished", "error"]), times),
)


class EntryJsonTests(SynchronousTestCase):
    """One template, for any entry there may be."""

    @given(entries)
    def test_the_bytes_are_those_of_simplejson(self, entry: Entry) -> None:
        self.assertEqual(entry.json, encode(entry.as_dict()))

    def test_the_fields_stand_in_their_order(self) -> None:
        entry = Entry(Stream.of("s", "1", 1, "name", "http://host/"), 1)
        self.assertEqual(tuple(simplejson.loads(entry.json)), FIELDS)

    def test_it_is_made_once(self) -> None:
        entry = Entry(Stream.of("s", "1", 1, "name", "http://host/"), 1)
        self.assertIs(entry.json, entry.json)

    @given(floats, st.sampled_from([1, 3]))
    @example(-0.0004, 3)
    @example(LARGEST, 3)
    @example(-LARGEST, 3)
    @example(math.nextafter(LARGEST, 0), 3)
    @example(math.nan, 3)
    @example(math.inf, 1)
    def test_decimals_are_those_of_round(self, value: float, digits: int) -> None:
        self.assertEqual(_decimal(value, digits).encode(), encode(round(value, digits)))

    @given(st.floats(-LARGEST, LARGEST))
    def test_decimals_of_any_number_of_digits(self, value: float) -> None:
        self.assertEqual(_decimal(value, 3), repr(round(value, 3)))
