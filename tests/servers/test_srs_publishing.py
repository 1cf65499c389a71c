"""What is worked out of an SRS's answers over time: ages, means, frames a second."""

from __future__ import annotations

from itertools import pairwise

from tests.servers.test_srs import SRSCase
from tvmon.servers.srs_publishing import Publishing
from tvmon.streams import NO_SESSION

POLL = 1.5


class AgeTests(SRSCase):
    """For how long a stream is published is known only where its beginning was seen."""

    def test_what_was_there_before(self) -> None:
        self.meet().start("live/cam1")
        self.talk.look(100)
        self.talk.look(10)
        said = self.talk.said("live/cam1")
        self.assertIsNone(said.uptime_seconds)
        self.assertIsNone(said.average_upstream_kbps)

    def test_what_began_while_it_was_looked(self) -> None:
        fake = self.meet()
        self.talk.look()
        fake.start("live/cam1", kbps=2000, viewers=2)
        self.talk.look(POLL)
        self.assertEqual(self.talk.said("live/cam1").uptime_seconds, 0)
        self.assertIsNone(self.talk.said("live/cam1").average_upstream_kbps)
        self.talk.look(60)
        said = self.talk.said("live/cam1")
        self.assertEqual(said.uptime_seconds, 60)
        self.assertEqual(said.average_upstream_kbps, 2000)
        self.assertEqual(said.average_downstream_kbps, 4000)
        self.assertIn("uptime_seconds", said.sources.estimated)

    def test_what_began_while_nobody_looked(self) -> None:
        fake = self.meet()
        self.talk.look()
        fake.start("live/cam1")
        self.talk.look(600)
        self.assertIsNone(self.talk.said("live/cam1").uptime_seconds)

    def test_a_new_publisher_begins_anew(self) -> None:
        fake = self.meet()
        self.talk.look()
        fake.start("live/cam1")
        self.talk.look(POLL)
        self.talk.look(100)
        self.assertEqual(self.talk.said("live/cam1").uptime_seconds, 100)
        fake.start("live/cam1")
        self.talk.look(POLL)
        self.assertEqual(self.talk.said("live/cam1").uptime_seconds, 0)

    def test_nothing_is_remembered_of_what_is_gone(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        self.talk.look()
        fake.stop("live/cam1")
        self.talk.look()
        self.assertEqual(self.talk.overview._published, {})  # type: ignore[attr-defined]


class FrameTests(SRSCase):
    """Frames are counted by the server in steps of 5 s, and told as one number."""

    def test_the_frame_rate(self) -> None:
        for version in ("5.0.213", "7.0.128"):
            fake = self.meet(version=version, byte_steps=3.0, frame_steps=5.0)
            fake.start("live/cam1", fps=25)
            told = []
            for _ in range(80):
                self.talk.look(POLL)
                told.append(self.talk.said("live/cam1").stream_info_framerate)
            self.assertEqual(told[:12], [None] * 12)
            self.assertLessEqual({rate for rate in told if rate}, {22, 23, 24, 25, 26, 27, 28})
            self.assertLessEqual(set(told[60:]), {24, 25, 26})

    def test_frames_that_rest_say_nothing(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", fps=25)
        for _ in range(30):
            self.talk.look(POLL)
        self.assertEqual(self.talk.said("live/cam1").stream_info_framerate, 25)
        fake.stall("live/cam1")
        for _ in range(15):
            self.talk.look(POLL)
        self.assertIsNone(self.talk.said("live/cam1").stream_info_framerate)

    def test_a_publisher_whose_frames_are_not_counted(self) -> None:
        fake = self.meet()
        fake.start("live/webrtc", fps=0)
        for _ in range(30):
            self.talk.look(POLL)
        self.assertIsNone(self.talk.said("live/webrtc").stream_info_framerate)

    def test_what_is_remembered_is_bounded(self) -> None:
        publishing = Publishing(NO_SESSION, None, 0, 0)
        for number in range(10_000):
            publishing.frame_rate(number * 0.1, number)
        self.assertLess(len(publishing._steps), 20)

    def test_frames_that_fall_or_are_not_told_start_anew(self) -> None:
        publishing = Publishing(NO_SESSION, None, 0, 0)
        for number in range(30):
            rate = publishing.frame_rate(number * 3.0, number * 75)
        self.assertEqual(rate, 25)
        self.assertIsNone(publishing.frame_rate(91.0, 10))
        self.assertIsNone(publishing.frame_rate(94.0, None))
        self.assertIsNone(publishing.frame_rate(97.0, 20))


class StepTests(SRSCase):
    """The byte counters of a real server move every 3 s."""

    def test_one_silent_poll_is_no_stall_and_two_are(self) -> None:
        fake = self.meet(byte_steps=3.0)
        fake.start("live/cam1")
        self.talk.look(2.9)
        counts = []
        for _ in range(200):
            self.talk.look(2.9)
            counts.append(self.talk.said("live/cam1").upstream_bytes_received or 0)
        silent = [now == before for before, now in pairwise(counts)]
        self.assertIn(True, silent)
        self.assertNotIn((True, True), list(pairwise(silent)))
        pace = self.talk.said("live/cam1").pace
        self.assertGreater(pace.stall_seconds, 3.0)
        self.assertLess(pace.stall_seconds, 2 * 2.9)
