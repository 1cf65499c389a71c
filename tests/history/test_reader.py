"""What is kept, what is shared, and how long an answer holds."""

from __future__ import annotations

import json

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.history.reading import KnownArchive, NotingRrd
from tvmon.history.drawing import Look, Span
from tvmon.history.plots import METRICS
from tvmon.history.reader import BESIDE_BYTES, Answer, Question, Reader, valid_until
from tvmon.history.rrd import NoRrdtool, RrdError
from tvmon.history.subjects import Subject, of_stream
from tvmon.tiers import DEFAULT_TIERS

NOW = 1_700_000_200.0
"""100 s behind a boundary."""

BOUNDARY = 1_700_000_400
CAMERA = of_stream(7)
SPAN = Span(1_700_000_100 - 3600, 1_700_000_100)


class ReaderCase(SynchronousTestCase):
    """A reader over an rrdtool that only notes."""

    def setUp(self) -> None:
        self.now = NOW
        self.rrd = NotingRrd()
        self.archive = KnownArchive({CAMERA: "stream-7.rrd"})
        self.reader = self.make()

    def make(self, **more: int) -> Reader:
        return Reader(rrd=self.rrd, archive=self.archive, now=lambda: self.now, **more)

    def ask(self, subject: Subject | None = CAMERA, look: Look | None = None) -> Deferred[Answer]:
        question = Question(METRICS["traffic"], subject, DEFAULT_TIERS[0], SPAN)
        return Deferred.fromCoroutine(self.reader.picture(question, look or Look()))

    def picture(self, subject: Subject | None = CAMERA, look: Look | None = None) -> Answer:
        return self.successResultOf(self.ask(subject, look))

    def numbers(self, vhost: str | None = None) -> Answer:
        question = Question(METRICS["traffic"], CAMERA, DEFAULT_TIERS[0], SPAN, vhost)
        return self.successResultOf(Deferred.fromCoroutine(self.reader.numbers(question, "json")))


class KeepingTests(ReaderCase):
    """Answers that are made once."""

    def test_a_second_one_asks_nothing(self) -> None:
        first = self.picture()
        self.assertEqual(first.body, self.rrd.image)
        self.assertEqual(first.until, BOUNDARY)
        self.assertEqual(self.picture(), first)
        self.assertEqual(len(self.rrd.commands), 1)

    def test_behind_the_boundary_it_is_made_anew(self) -> None:
        first = self.picture()
        self.now = BOUNDARY - 0.001
        self.picture()
        self.assertEqual(len(self.rrd.commands), 1)
        self.now = BOUNDARY
        second = self.picture()
        self.assertEqual(len(self.rrd.commands), 2)
        self.assertEqual(second.etag, first.etag)
        self.rrd.image += b"!"
        self.now += 300
        self.assertNotEqual(self.picture().etag, first.etag)

    def test_while_the_newest_row_is_written_an_answer_holds_for_seconds_only(self) -> None:
        for now, until in (
            (BOUNDARY, BOUNDARY + 30),
            (BOUNDARY + 29.9, BOUNDARY + 30),
            (BOUNDARY + 30, BOUNDARY + 300),
            (BOUNDARY + 299.9, BOUNDARY + 300),
        ):
            self.assertEqual(valid_until(now), until)

    def test_every_part_of_a_question_counts(self) -> None:
        for look in (Look(), Look("dark"), Look(width=100), Look(height=100)):
            self.picture(look=look)
        self.picture(None)
        self.numbers()
        self.assertEqual(len(self.rrd.commands), 6)
        names = [json.loads(self.numbers(vhost).body)["vhost"] for vhost in (None, "a", "b")]
        self.assertEqual(names, [None, "a", "b"])

    def test_a_file_that_appears_is_seen_at_the_next_question(self) -> None:
        self.picture(of_stream(8))
        self.archive.files[of_stream(8)] = "stream-8.rrd"
        self.picture(of_stream(8))
        self.assertNotIn("DEF:", self.rrd.commands[0])
        self.assertIn("stream-8.rrd", self.rrd.commands[1])

    def test_no_more_is_kept_than_there_is_room_for(self) -> None:
        self.reader = self.make(most_bytes=2 * (len(self.rrd.image) + BESIDE_BYTES))
        looks = [Look(width=width) for width in (100, 101, 102)]
        for look in looks:
            self.picture(look=look)
        self.picture(look=looks[2])
        self.assertEqual(len(self.rrd.commands), 3)
        self.picture(look=looks[0])
        self.assertEqual(len(self.rrd.commands), 4)
        self.reader = self.make(most_bytes=10)
        self.assertEqual(self.picture().body, self.rrd.image)

    def test_a_picture_that_is_none_is_no_answer(self) -> None:
        self.rrd.image = None
        self.failureResultOf(self.ask(), RrdError)


class SharingTests(ReaderCase):
    """The same, asked for by several at once."""

    def setUp(self) -> None:
        super().setUp()
        self.held: list[Deferred[None]] = []
        self.rrd.held = self.held

    def test_all_get_the_one_that_is_being_made(self) -> None:
        asked = [self.ask() for _ in range(3)]
        self.assertEqual(len(self.rrd.commands), 1)
        for each in asked:
            self.assertNoResult(each)
        self.held[0].callback(None)
        self.assertEqual(len({id(self.successResultOf(each)) for each in asked}), 1)

    def test_all_are_told_what_went_wrong_and_the_next_one_tries_again(self) -> None:
        asked = [self.ask() for _ in range(3)]
        self.held[0].errback(RrdError("no"))
        for each in asked:
            self.failureResultOf(each, RrdError)
        again = self.ask()
        self.held[1].callback(None)
        self.assertEqual(self.successResultOf(again).body, self.rrd.image)

    def test_one_that_waits_no_more_is_no_hindrance(self) -> None:
        first, second, third = (self.ask() for _ in range(3))
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.held[0].callback(None)
        self.assertEqual(self.successResultOf(first), self.successResultOf(third))

    def test_where_the_one_that_asks_is_given_up_the_others_are_told(self) -> None:
        first, second = self.ask(), self.ask()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.failureResultOf(second, CancelledError)

    def test_one_that_was_begun_before_a_boundary_is_not_shared_behind_it(self) -> None:
        first = self.ask()
        self.now = BOUNDARY
        second = self.ask()
        self.assertEqual(len(self.rrd.commands), 2)
        for each in self.held:
            each.callback(None)
        self.assertEqual(self.successResultOf(first).until, BOUNDARY)
        self.assertEqual(self.successResultOf(second).until, BOUNDARY + 30)


class TroubleTests(ReaderCase):
    """Without rrdtool."""

    def test_nothing_is_told_of_anybody(self) -> None:
        self.rrd.missing = "rrdtool is not installed: apt-get install rrdtool"
        self.assertEqual(self.reader.trouble(), self.rrd.missing)
        for subject in (CAMERA, None):
            question = Question(METRICS["traffic"], subject, DEFAULT_TIERS[0], SPAN)
            for asked in (
                self.reader.picture(question, Look()),
                self.reader.numbers(question, "json"),
            ):
                self.failureResultOf(Deferred.fromCoroutine(asked), NoRrdtool)
