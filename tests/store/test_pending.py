"""What waits to be written: order, numbers, bounds."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.store.common import measurement, stream
from tvmon.alarm import Alarm
from tvmon.entry import Entry
from tvmon.store.pending import Pending
from tvmon.store.queries import RING
from tvmon.store.rows import Row, StreamState
from tvmon.streams import Sample

ENTRIES = [Entry(stream(number), 1) for number in range(4)]
NUMBERS = [entry.stream.mms_stream_id for entry in ENTRIES]


def row(index: int, count: int) -> Row:
    return Row(ENTRIES[index], Sample(float(count), float(count), measurement(count)))


def counts(rows: list[Row]) -> list[int]:
    return [int(one.sample.time) for one in rows]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 3), st.integers(1, 230)),
        st.tuples(st.just("take"), st.integers(1, 700), st.booleans()),
    ),
    max_size=25,
)


class PendingTests(SynchronousTestCase):
    """The bookkeeping of rows."""

    def test_each_stream_has_its_turn(self) -> None:
        pending = Pending()
        for count in range(3):
            pending.add(row(0, count))
        pending.add(row(1, 0))
        taken = pending.take(3)
        self.assertEqual([r.mms_stream_id for r in taken], [NUMBERS[0], NUMBERS[1], NUMBERS[0]])
        self.assertEqual([r.number for r in taken], [1, 1, 2])
        self.assertEqual(pending.count, 1)
        self.assertEqual(counts(pending.of(NUMBERS[0])), [2])

    def test_numbers_go_on_after_those_of_the_database(self) -> None:
        pending = Pending()
        pending.count_from({NUMBERS[0]: 399})
        pending.add(row(0, 1))
        pending.add(row(1, 1))
        self.assertEqual([r.number for r in pending.take(9)], [400, 1])
        pending.forget(NUMBERS[0])
        pending.add(row(0, 2))
        self.assertEqual([r.number for r in pending.take(9)], [1])

    def test_more_than_the_ring_holds(self) -> None:
        pending = Pending()
        lost = sum(pending.add(row(0, count)) for count in range(RING + 5))
        self.assertEqual((lost, pending.count), (5, RING))
        self.assertEqual(counts(pending.of(NUMBERS[0])), list(range(5, RING + 5)))

    def test_what_comes_back_is_older(self) -> None:
        pending = Pending()
        for count in range(RING):
            pending.add(row(0, count))
        batch = pending.take(3)
        pending.add(row(0, RING))
        # Two find room, the oldest does not.
        self.assertEqual(pending.begin_again(batch, {}), 1)
        self.assertEqual(counts(pending.of(NUMBERS[0])), list(range(1, RING + 1)))
        self.assertEqual({r.number for r in batch[1:]}, {None})

    def test_a_newer_state_of_a_stream_counts(self) -> None:
        pending = Pending()
        old, new = StreamState(stream(1), 1.0, None), StreamState(stream(1), 1.0, 2.0)
        pending.change(old)
        pending.change(StreamState(stream(2), 1.0, None))
        taken = pending.take_streams(1)
        self.assertEqual(taken, [old])
        pending.change(new)
        pending.give_back_streams(taken)
        self.assertEqual(pending.streams[stream(1).mms_stream_id], new)
        self.assertEqual(len(pending.take_streams(9)), 2)

    @given(STEPS)
    def test_nothing_is_lost_doubled_or_out_of_order(
        self, steps: list[tuple[str, int, int]]
    ) -> None:
        pending = Pending()
        noted: dict[int, int] = defaultdict(int)
        written: dict[int, list[tuple[int, int]]] = defaultdict(list)
        gone: dict[int, int] = defaultdict(int)
        for what, first, second in steps:
            if what == "add":
                for _ in range(second):
                    noted[first] += 1
                    gone[first] += pending.add(row(first, noted[first]))
                continue
            batch = pending.take(first)
            self.assertLessEqual(len(batch), first)
            slots = [(r.mms_stream_id, (r.number or 0) % RING) for r in batch]
            self.assertEqual(len(set(slots)), len(slots), "no slot twice in one statement")
            if not second:
                newest = {NUMBERS[index]: rows[-1][0] for index, rows in written.items()}
                self.assertEqual(pending.begin_again(batch, newest), 0)
                continue
            for r in batch:
                assert r.number is not None
                written[NUMBERS.index(r.mms_stream_id)].append((r.number, int(r.sample.time)))
        waiting = 0
        for index, total in noted.items():
            rest = counts(pending.of(NUMBERS[index]))
            waiting += len(rest)
            numbers = [number for number, _ in written[index]]
            seen = [count for _, count in written[index]] + rest
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            self.assertEqual(seen, sorted(set(seen)))
            self.assertEqual(len(seen) + gone[index], total)
        self.assertEqual(pending.count, waiting)


class AlarmTests(SynchronousTestCase):
    """A sleep that can be ended early."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.alarm = Alarm(self.clock)

    def sleep(self, seconds: float) -> Deferred[None]:
        return Deferred.fromCoroutine(self.alarm.sleep(seconds))

    def test_it_ends_in_time(self) -> None:
        sleep = self.sleep(3)
        self.clock.advance(2.9)
        self.assertNoResult(sleep)
        self.clock.advance(0.1)
        self.successResultOf(sleep)
        self.assertNoResult(self.sleep(1))

    def test_a_ring_ends_it(self) -> None:
        sleep = self.sleep(3)
        self.alarm.ring()
        self.successResultOf(sleep)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_ring_before_is_kept_once(self) -> None:
        self.alarm.ring()
        self.alarm.ring()
        self.successResultOf(self.sleep(3))
        self.assertNoResult(self.sleep(3))
