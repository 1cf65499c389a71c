"""A window that was filled in one go is the one that its samples would have made."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.store.past import floats, past_of
from tvmon.store.rows import Stored, samples, unbroken
from tvmon.streams import Measurement, Sample, Stream
from tvmon.window import ROW, UNKNOWN

STREAM = Stream.of("edge", "1", 1, "cam", "http://edge/1")
EPOCH = 946_684_800
NOON = 1_700_000_000

counts = st.one_of(
    st.integers(0, 3_000_000),  # it grows
    st.just(None),  # it is not told
    st.integers(-(10**12), -1),  # it falls
    st.sampled_from([0, 10**9, 10**14]),  # it rests, or leaps
)
growths = st.one_of(st.just((500_000, 900_000, 3000)), st.tuples(counts, counts, counts))
# Microseconds; quarters of a second, which floats hold exactly: else a distance of 30 s may be
# less or more than 30 s after its way through them, and a sample in or out of a window.
gaps = st.one_of(st.just(3_000_000), st.sampled_from([250_000, 2_750_000, 60_000_000, -5_000_000]))
others = st.tuples(
    st.one_of(st.none(), st.integers(-100, 5000)), st.one_of(st.none(), st.integers(1, 2))
)


@st.composite
def pasts(draw: st.DrawFn) -> list[Stored]:
    """Rows of one stream, oldest first."""
    lives = draw(st.booleans())
    steps = draw(st.lists(st.tuples(gaps, growths, others, st.booleans()), min_size=1, max_size=40))
    time, counted = NOON * 1_000_000, [10**6, 10**6, 10**6]
    rows = []
    for number, (gap, grown, (delay, opened), fails) in enumerate(steps, 1):
        time += gap
        told: list[int | None] = []
        for place, growth in enumerate(grown):
            if growth is not None:
                counted[place] = max(0, min(2**62, counted[place] + growth))
            told.append(None if growth is None else counted[place])
        measured = Measurement(
            upstream_bytes_received=told[0],
            total_bytes_sent=told[1],
            media_received_ms=told[2],
            live_delay_ms=delay,
            upstream_opened_count=opened,
            stream_info_videodatarate=1300,
        )
        is_failed = fails and not lives
        rows.append(
            Stored(
                STREAM.mms_stream_id,
                number,
                time / 1e6,
                None if is_failed else measured,
                "no answer" if is_failed else None,
            )
        )
    return rows


def packed(rows: list[Stored], order: Random) -> bytes:
    """These as the server packs them."""
    each = []
    for row in rows:
        number = row.number if row.measured is not None else -row.number
        time = round((row.time - EPOCH) * 1e6)
        numbers = [getattr(row.measured, name, None) for name in ROW]
        each.append(struct.pack(">7q", number, time, *map(unknown, numbers)))
    order.shuffle(each)
    return b"".join(each)


def unknown(number: int | None) -> int:
    return UNKNOWN if number is None else number


def told(board: Board) -> dict[str, Any]:
    """What the API says."""
    entry = board.get(STREAM.mms_stream_id)
    assert entry is not None
    return entry.as_dict()


class PastTests(SynchronousTestCase):
    """Against the samples, one after the other."""

    @given(pasts(), st.randoms(use_true_random=False), st.integers(0, 400))
    def test_it_is_as_if_all_were_taken_in_again(
        self, rows: list[Stored], order: Random, quarters: int
    ) -> None:
        clock_now, wall_now = 5000.0, rows[-1].time + quarters / 4
        latest_first = samples(unbroken(rows[::-1]), clock_now, wall_now)
        slow, fast = Board(Scoring()), Board(Scoring())
        slow.restore(STREAM, reversed(latest_first))
        past = past_of(packed(rows, order), latest_first[0], rows[-1].number)
        fast.restore(STREAM, ())
        fast.recall(STREAM, latest_first[0], past.window, past.reset)
        # When it was good last is told apart from the samples, and may be before them.
        old, new = told(slow), told(fast)
        self.assertIn(new.pop("last_sample_time"), {old.pop("last_sample_time"), None})
        self.assertEqual(new, old)
        # And so does what comes next say.
        for seconds in (3.0, 6.0, 40.0):
            measured = Measurement(
                upstream_bytes_received=10**8 + int(seconds * 200_000),
                total_bytes_sent=10**8 + int(seconds * 400_000),
                live_delay_ms=20,
                upstream_opened_count=1,
                stream_info_videodatarate=1300,
            )
            sample = Sample(wall_now + seconds, clock_now + seconds, measured)
            slow.note(STREAM.mms_stream_id, sample)
            fast.note(STREAM.mms_stream_id, sample)
            self.assertEqual(told(fast), told(slow))

    def test_rows_that_came_after_the_newest_are_none_of_it(self) -> None:
        rows = [
            Stored(1, number, NOON + 3.0 * number, Measurement(live_delay_ms=number), None)
            for number in range(1, 9)
        ]
        (newest,) = samples([rows[4]], 100.0, rows[4].time)
        past = past_of(packed(rows, Random(1)), newest, 5)
        assert past.window.newest is not None
        self.assertEqual(past.window.newest.delay_ms, 4)
        self.assertEqual((len(past.window), past.window.newest.at), (4, 97.0))

    def test_nothing_before_it(self) -> None:
        past = past_of(b"", Sample(NOON, 50.0, Measurement()), 1)
        self.assertEqual((len(past.window), past.reset), (0, None))

    @given(st.lists(st.floats(width=32, allow_nan=False), max_size=120))
    def test_rates_come_as_they_went(self, rates: list[float]) -> None:
        elements = b"".join(struct.pack(">if", 4, rate) for rate in rates)
        header = struct.pack(">iiiii", 1, 0, 700, len(rates), 1) if rates else bytes(12)
        self.assertEqual(list(floats(header + elements)), rates)
