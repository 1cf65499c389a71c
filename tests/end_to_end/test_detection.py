"""
How soon tvmon sees what happens to streams on real media servers, at its default rhythm of 3 s.

One tvmon watches them all at once, and all faults happen at once; the tests look at what was
recorded.  ``samples`` and ``resting`` are counted as :class:`tests.end_to_end.recorder.Change`
says.  docs/detection.md has a table of such a run.
"""

from __future__ import annotations

import json
import unittest
from typing import Any, ClassVar

from tests import postgres
from tests.daemons import get
from tests.end_to_end.common import BAD_SIGNS
from tests.end_to_end.detection import WORKERS, Detection, Row
from tests.end_to_end.media_scene import FAKES, FOREIGN, ODD, RTMP, MediaScene
from tests.end_to_end.recorder import Seen
from tests.media.ffmpeg import needs_ffmpeg
from tests.media.icecast import needs_icecast
from tests.media.nginx import needs_nginx
from tests.media.node_media_server import needs_node_media_server

STEADY = (*RTMP, "mediamtx")
"""Those whose counters move with every frame."""

ODD_ONES = (f"nginx live/{ODD}", f"nms2 live/{FOREIGN}", "icecast -", f"icecast {FOREIGN}.mp3")


@needs_nginx
@needs_icecast
@needs_node_media_server
@needs_ffmpeg
@postgres.needs_postgres
class DetectionTests(unittest.TestCase):
    scene: ClassVar[MediaScene]
    detection: ClassVar[Detection]
    entries: ClassVar[dict[str, dict[str, Any]]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scene = cls.enterClassContext(MediaScene())
        cls.detection = Detection(cls.scene)
        cls.detection.play()
        samples = json.loads(get(f"{cls.scene.base}/samples")[2])["samples"]
        cls.entries = {entry["unify_name"]: entry for entry in samples}

    def row(self, stream: str, fault: str) -> Row:
        return self.detection.row(stream, fault)

    def seen(self, stream: str) -> list[Seen]:
        return self.scene.recorder.of(stream)

    def entry(self, stream: str) -> dict[str, Any]:
        """The last that was told of a stream."""
        server, _, name = stream.partition(" ")
        return self.entries[f"{server}/{name}"]

    def levels(self, stream: str) -> set[int | None]:
        return {seen.level for seen in self.seen(stream)}

    def test_what_is_healthy_is_good_and_stays_so(self) -> None:
        healthy = [f"{server} live/healthy" for server in RTMP]
        for stream in (*healthy, *ODD_ONES, "icecast healthy"):
            with self.subTest(stream):
                seen = self.seen(stream)
                first = next(i for i, sample in enumerate(seen) if sample.level == 2)
                self.assertLessEqual(first, 3)
                self.assertLessEqual({sample.level for sample in seen[:first]}, {None})
                self.assertEqual({sample.level for sample in seen[first:]}, {2}, seen)

    def test_a_stall_is_bad_at_the_second_sample_without_a_byte_at_the_latest(self) -> None:
        for server in STEADY:
            with self.subTest(server):
                change = self.row(f"{server} live/stalled", "stalled").change
                self.assertEqual(change.seen.presence, "live")
                self.assertIn(change.resting, {1, 2})
                self.assertLessEqual(change.samples, 3)
                self.assertIn("upstream: no byte for", change.seen.reasons[0])

    def test_where_bytes_come_each_few_seconds_a_stall_is_seen_a_little_later(self) -> None:
        for stream, most in (("icecast stalled", 5), ("srs live/stalled", 4)):
            with self.subTest(stream):
                change = self.row(stream, "stalled").change
                # Two intervals, by the second: two samples, or one after one that was missed.
                self.assertGreaterEqual(change.rested, 5, change)
                self.assertLessEqual(change.resting, 3, change)
                self.assertLessEqual(change.samples, most, change)

    def test_a_stream_that_goes_on_is_good_again(self) -> None:
        for stream in (*(f"{server} live/stalled" for server in STEADY), "icecast stalled"):
            with self.subTest(stream):
                self.assertLessEqual(self.row(stream, "goes on").change.samples, 4)

    def test_what_nobody_publishes_any_more_is_bad_at_the_next_sample(self) -> None:
        gone = [
            *(
                (f"{server} live/{fault}", fault)
                for server in RTMP
                for fault in ("killed", "ended")
            ),
            *((f"{server} live/killed", "killed") for server in FAKES),
            *((f"icecast {fault}", fault) for fault in ("killed", "ended")),
        ]
        for stream, fault in gone:
            with self.subTest(stream):
                change = self.row(stream, fault).change
                self.assertEqual((change.samples, change.seen.presence), (1, "absent"))

    def test_so_is_what_only_players_wait_for(self) -> None:
        for server in (*RTMP, *FAKES):
            with self.subTest(server):
                change = self.row(f"{server} live/left", "left").change
                self.assertEqual((change.samples, change.seen.presence), (1, "absent"))

    def test_and_it_stays_on_the_page(self) -> None:
        for stream in (*(f"{server} live/ended" for server in RTMP), "icecast ended"):
            with self.subTest(stream):
                entry = self.entry(stream)
                self.assertEqual((entry["score_level"], entry["presence"]), (0, "absent"))
                self.assertIn("no stream: ", entry["score_reasons"][0])

    def test_what_is_published_again_is_good_at_its_third_sample_at_the_latest(self) -> None:
        killed = [f"{server} live/killed" for server in RTMP]
        for stream in (*killed, "icecast killed", *(f"{server} live/healthy" for server in FAKES)):
            with self.subTest(stream):
                change = self.row(stream, "is published again").change
                self.assertLessEqual(change.samples, 5)
                since = self.scene.recorder.of(stream, self.detection.mended)
                live = [seen.level for seen in since if seen.presence == "live"]
                self.assertNotIn(0, live[-3:])

    def test_a_reload_of_nginx_is_no_fault_of_its_streams(self) -> None:
        stream = "reloaded live/reloaded"
        self.assertEqual(self.row(stream, "reloaded").change.seen.presence, "unseen")
        self.assertEqual(self.levels(stream), {None, 2})
        self.assertIn(
            "the server was reloaded", self.row(stream, "reloaded").change.seen.reasons[0]
        )
        self.row(stream, "is published again")

    def test_all_streams_of_two_workers_are_seen(self) -> None:
        for name in WORKERS:
            with self.subTest(name):
                seen = self.seen(f"workers live/{name}")
                before = [one for one in seen if one.at < self.detection.stopped.at]
                self.assertGreater(len(before), 5)
                levels = [one.level for one in before]
                self.assertLessEqual(set(levels), {None, 2})
                self.assertNotIn(None, levels[3:])
                self.assertEqual({one.presence for one in before}, {"live"})

    def test_a_server_that_stops_is_bad_at_the_next_sample(self) -> None:
        for stream in (f"workers live/{name}" for name in WORKERS):
            with self.subTest(stream):
                change = self.row(stream, "server stopped").change
                self.assertEqual(change.samples, 1)
                self.assertIsNotNone(change.seen.failed_reason)
        for server in FAKES:
            with self.subTest(server):
                change = self.row(f"{server} live/healthy", "server restarted").change
                self.assertEqual((change.samples, change.seen.presence), (1, "absent"))

    def test_a_wrong_password_is_tried_once_and_said_once(self) -> None:
        log = self.scene.tvmon.log
        for server in ("icecast-wrong", "nms4-wrong"):
            lines = [line for line in log.splitlines() if f"{server}: " in line]
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("HTTP 401: the user or the password is refused", lines[0])
        asked = self.scene.icecast.requests()
        refused = [line for line in asked if "/admin/" in line and '" 401 ' in line]
        self.assertEqual(len(refused), 1, refused)
        logins = [line for line in self.scene.nms4_proxy.requests if "login" in line]
        self.assertEqual(logins, ["POST /api/v1/login"])
        self.assertFalse([name for name in self.scene.recorder.names() if "-wrong" in name])

    def test_odd_names_are_told_as_they_are(self) -> None:
        for stream in ODD_ONES:
            with self.subTest(stream):
                self.assertEqual(self.entry(stream)["presence"], "live")

    def test_nothing_went_wrong_beside(self) -> None:
        self.assertEqual(self.scene.recorder.problems, [])
        for sign in BAD_SIGNS:
            self.assertNotIn(sign, self.scene.tvmon.log)
