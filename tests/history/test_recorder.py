"""Samples on their way into RRDs: a board fed by hand, a stepped clock, a real rrdtool."""

from __future__ import annotations

import unittest

from tests.history.feeding import START, Feeding, Pipe, stream
from tests.history.tools import needs_rrdtool, temporary_folder
from tvmon.history.recorder import GRACE_SECONDS
from tvmon.history.subjects import ALL, MACHINE, Subject, of_stream

FIRST = int(START) + 300


@needs_rrdtool
class RecorderTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder(self) / "history"
        self.pipe = Pipe(self, self.folder)
        self.feeding = self.begin()

    def begin(self) -> Feeding:
        feeding = Feeding(self.pipe, self.folder)
        feeding.recorder.startService()
        return feeding

    def rows(self, subject: Subject, source: str, count: int) -> list[float | None]:
        """The first five minutes since the start, so many of them."""
        file = self.feeding.files.file_of(subject)
        assert file is not None
        found = self.pipe.rows(file, source, "LAST", 300, FIRST - 300, FIRST + 300 * (count - 1))
        return [found[FIRST + 300 * n] for n in range(count)]

    def flow(self, number: int, kbps: int = 800, viewers: int = 3) -> None:
        """Every three seconds a sample of a steady stream."""
        received = round(kbps * 125 * self.feeding.clock.seconds())
        self.feeding.sample(
            number,
            upstream_bytes_received=received,
            total_bytes_sent=2 * received,
            clients_connected=viewers,
        )

    def minutes(self, count: float, *numbers: int) -> None:
        self.feeding.step(60 * count, 3, lambda: [self.flow(number) for number in numbers])

    def test_five_minutes_are_written_at_their_end_and_belong_to_it(self) -> None:
        self.feeding.board.put(stream(1))
        self.minutes(5, 1)
        self.assertIsNone(self.feeding.files.file_of(of_stream(1)))
        self.feeding.clock.advance(GRACE_SECONDS)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        self.assertEqual(self.pipe.ask(f"last {file}").lines, (str(FIRST),))
        self.assertAlmostEqual(self.rows(of_stream(1), "in_kbps", 1)[0] or 0, 800, 3)
        self.assertAlmostEqual(self.rows(of_stream(1), "out_kbps", 1)[0] or 0, 1600, 3)
        # The first sample has none before it: what 99 of 100 intervals brought is known.
        self.assertEqual(self.rows(of_stream(1), "sent_bytes", 1), [99 * 3 * 200_000])
        self.assertEqual(self.rows(of_stream(1), "viewers", 1), [3])
        self.assertEqual(self.rows(of_stream(1), "polls", 1), [100])
        self.assertEqual(self.rows(of_stream(1), "answer_ms", 1), [5])
        self.assertEqual(self.rows(MACHINE, "load", 1), [1])

    def test_a_sum_is_that_of_the_parts_that_are_known(self) -> None:
        for number in (1, 2):
            self.feeding.board.put(stream(number))
        self.feeding.board.put(stream(3, "other", "radio"))
        self.feeding.step(
            300, 3, lambda: (self.flow(1), self.flow(2, 400, 5), self.feeding.fail(3))
        )
        self.feeding.clock.advance(GRACE_SECONDS)
        for subject in (
            Subject("server", "ingest"),
            Subject("application", "ingest/live"),
            Subject("protocol", "rtmp"),
            ALL,
        ):
            with self.subTest(subject=subject):
                self.assertAlmostEqual(self.rows(subject, "in_kbps", 1)[0] or 0, 1200, 3)
                self.assertEqual(self.rows(subject, "viewers", 1), [8])
        self.assertEqual(self.rows(ALL, "polls", 1), [300])
        self.assertEqual(self.rows(Subject("server", "other"), "viewers", 1), [None])
        # A mean, and not a sum; the failed one counts, as bad.
        self.assertAlmostEqual(self.rows(ALL, "good_share", 1)[0] or 0, 200 / 3, 3)

    def test_a_gap_is_a_gap_and_not_the_mean_of_what_is_around_it(self) -> None:
        self.feeding.board.put(stream(1))
        self.minutes(5, 1)
        self.feeding.clock.advance(300)
        self.minutes(5, 1)
        self.feeding.clock.advance(GRACE_SECONDS)
        found = self.rows(of_stream(1), "viewers", 3)
        self.assertEqual(found, [3, None, 3])

    def test_failed_polls_are_gaps_of_what_they_do_not_tell(self) -> None:
        self.feeding.board.put(stream(1))
        self.feeding.step(300, 3, lambda: self.feeding.fail(1))
        self.feeding.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.rows(of_stream(1), "in_kbps", 1), [None])
        self.assertEqual(self.rows(of_stream(1), "score", 1), [0])
        self.assertEqual(self.rows(of_stream(1), "good_share", 1), [0])
        self.assertEqual(self.rows(of_stream(1), "samples", 1), [0])
        self.assertEqual(self.rows(of_stream(1), "polls", 1), [100])

    def test_a_counter_that_begins_anew_makes_no_rate(self) -> None:
        self.feeding.board.put(stream(1))
        counts = iter([0, 300_000, 600_000, 100, 300_100, 600_100])
        self.feeding.step(
            18, 3, lambda: self.feeding.sample(1, upstream_bytes_received=next(counts))
        )
        self.feeding.clock.advance(300)
        self.assertAlmostEqual(self.rows(of_stream(1), "in_kbps", 1)[0] or 0, 800, 6)

    def test_a_restart_within_five_minutes_loses_nothing(self) -> None:
        self.feeding.board.put(stream(1))
        self.minutes(5, 1)
        self.feeding.clock.advance(GRACE_SECONDS)
        self.minutes(2, 1)
        before = self.feeding
        self.success(before.recorder.stopService())
        self.feeding = self.begin()
        self.feeding.kept = before.kept
        self.feeding.wall += before.clock.seconds()
        self.feeding.board.put(stream(1))
        started = before.clock.seconds()

        def flow() -> None:
            received = round(800 * 125 * (started + self.feeding.clock.seconds()))
            self.feeding.sample(1, upstream_bytes_received=received, clients_connected=3)

        self.feeding.step(30, 3, flow)
        self.feeding.recorder.restored([stream(1)])
        self.feeding.step(300 - GRACE_SECONDS - 120 - 30, 3, flow)
        self.feeding.clock.advance(2 * GRACE_SECONDS)
        self.assertAlmostEqual(self.rows(of_stream(1), "in_kbps", 2)[1] or 0, 800, 3)
        # All but those that were due in the ten seconds of grace, when nobody sampled.
        self.assertEqual(self.rows(of_stream(1), "polls", 2)[1], 97)

    def success(self, work: object) -> None:
        from twisted.internet.defer import Deferred

        done: list[object] = []
        Deferred.fromCoroutine(work).addBoth(done.append)  # type: ignore[arg-type]
        self.assertEqual(done, [None])
