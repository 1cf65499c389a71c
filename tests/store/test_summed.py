"""Kept samples with their scores, of many streams at once, for what is made of five minutes."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.store.common import StoreCase, measurement, reactor, stream
from tvmon.history.bucket import Bucket
from tvmon.store import Away
from tvmon.store.rows import SUMMED
from tvmon.streams import MEASURED, Level, Measurement, Sample, Timing

numbers = st.one_of(st.none(), st.integers(0, 10**6))
measurements = st.builds(
    Measurement, **{name: numbers for name in MEASURED if not name.endswith("codec")}
)


class ScoredTests(StoreCase):
    """Asked of a store."""

    async def test_each_since_a_time_of_its_own_and_what_waits_too(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        wall, at = time.time(), reactor.seconds()
        scores: dict[int, list[int | None]] = {1: [], 2: []}

        def note(number: int, count: int) -> None:
            ago = 3.0 * (20 - count)
            measured = measurement(count, clients_connected=count) if count != 7 else None
            reason = None if measured else "no answer"
            sample = Sample(wall - ago, at - ago, measured, reason, Timing(1.5, 2.5))
            self.board.note(stream(number).mms_stream_id, sample)
            entry = self.board.get(stream(number).mms_stream_id)
            assert entry is not None
            scores[number].append(entry.health.whole.score)

        for number in scores:
            self.board.put(stream(number))
            for count in range(1, 16):
                note(number, count)
        await self.written()
        first, second = (stream(number).mms_stream_id for number in scores)
        for count in range(16, 21):
            note(2, count)
        told = await store.scored({first: wall - 3.0 * 15 - 1, second: 0.0, 17: 0.0}, 4.0)
        self.assertEqual(
            {number: [each.score for each in some] for number, some in told.items()},
            {first: scores[1][3:], second: scores[2], 17: []},
        )
        samples = [each.sample for each in told[second]]
        viewers = [s.measured and s.measured.clients_connected for s in samples]
        self.assertEqual(viewers, [*range(1, 7), None, *range(8, 21)])
        self.assertEqual([sample.is_failed for sample in samples].index(True), 6)
        self.assertEqual({sample.timing for sample in samples}, {Timing(1.5, 2.5)})
        for count, sample in enumerate(samples, 1):
            self.assertLess(abs(sample.time - (wall - 3.0 * (20 - count))), 1e-4)
            self.assertLess(abs(sample.at - (at - 3.0 * (20 - count))), 0.5)

    async def test_without_a_database_it_says_so(self) -> None:
        store = self.start(f"postgresql:///none?host={self.directory()}")
        with self.assertRaises(Away):
            await store.scored({17: 0.0}, 0.0)


class SummedTests(SynchronousTestCase):
    """What is read of a row, and what is not."""

    @given(st.lists(measurements, min_size=1, max_size=5))
    def test_five_minutes_are_made_of_nothing_else(self, told: list[Measurement]) -> None:
        whole, summed = Bucket(), Bucket()
        before: list[Sample | None] = [None, None]
        for at, measured in enumerate(told):
            few = Measurement(**{name: getattr(measured, name) for name in SUMMED})
            for place, (bucket, each) in enumerate(((whole, measured), (summed, few))):
                sample = Sample(3.0 * at, 3.0 * at, each)
                bucket.add(sample, 90, Level.GOOD, before[place])
                before[place] = sample
        self.assertEqual(summed.values, whole.values)
