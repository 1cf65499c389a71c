"""Answers of a real nginx 1.22.1 with nginx-rtmp-module 1.2.2, which calls itself 1.1.4."""

from __future__ import annotations

import re
import unittest
from itertools import pairwise
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.recordings import RECORDINGS, body
from tvmon.servers import Answer, Request, Survey
from tvmon.servers.nginx_rtmp import NginxRtmp
from tvmon.servers.site import Site
from tvmon.streams import Measurement, Presence

HERE = RECORDINGS / "nginx-rtmp"


def read(path: Path) -> bytes:
    data = path.read_bytes()
    return body(data) if path.suffix == ".http" else data


@unittest.skipUnless(HERE.is_dir(), f"no recordings at {HERE}; set TVMON_RECORDINGS")
class RecordingsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.overview = NginxRtmp(Site("edge", "http://192.0.2.1/stat")).begin()
        self.now = 0.0

    def survey(self, path: Path) -> Survey:
        data = read(path)
        self.now += 3.0

        async def fetch(request: Request) -> Answer:
            return Answer(200, "OK", data, {}, self.now, self.now)

        return self.successResultOf(Deferred.fromCoroutine(self.overview.survey(fetch)))

    def surveys(self, like: str) -> list[Survey]:
        paths = sorted(HERE.glob(f"nginx-rtmp-stat.{like}"))
        self.assertTrue(paths, like)
        return [self.survey(path) for path in paths]

    def of(self, like: str, key: str) -> list[Measurement]:
        return [survey.seen[key].measured for survey in self.surveys(like)]

    def test_all_of_them_are_read_and_nothing_in_them_is_unknown(self) -> None:
        for survey in self.surveys("*"):
            self.assertEqual(survey.skipped, ())
        self.assertEqual(self.overview.drift.unknown, {})
        self.assertEqual(self.overview.drift.missing, {})

    def test_a_healthy_stream(self) -> None:
        found = self.of("1-up-*.xml", "live/cam1")
        received = [m.upstream_bytes_received or 0 for m in found]
        self.assertEqual(received, sorted(set(received)))
        self.assertEqual({m.session for m in found}, {("11569", "11569/2")})
        self.assertLess(max(m.live_delay_ms or 0 for m in found), 100)
        self.assertEqual(found[0].stream_info_width, 160)
        self.assertEqual(found[0].stream_info_stereo, 0)

    def test_a_stalled_publisher_is_seen_by_its_bytes_not_by_its_rate(self) -> None:
        stalled = sorted(HERE.glob("nginx-rtmp-stat.3-stalled-*.xml"))
        rates = [int(re.findall(rb"<bw_in>(\d+)", read(path))[-1]) for path in stalled]
        # The rate that nginx tells is full for two answers more, and 0 only after 18 s.
        self.assertGreater(min(rates[:2]), 100_000)
        self.assertGreater(min(rates[:6]), 0)
        found = self.of("3-stalled-*.xml", "nodrop/cam2")
        self.assertEqual({m.upstream_bytes_received for m in found}, {714468})
        self.assertEqual({m.presence for m in found}, {Presence.LIVE})
        self.assertEqual({m.clients_connected for m in found}, {1})
        delays = [m.live_delay_ms or 0 for m in found]
        self.assertTrue(all(2900 < b - a < 3100 for a, b in pairwise(delays)))

    def test_one_that_nginx_drops_is_gone(self) -> None:
        last = self.surveys("3-stalled-*.xml")[-1]
        self.assertEqual(list(last.seen), ["nodrop/cam2"])
        self.assertEqual(last.unseen, {})

    def test_it_comes_back_as_another_publisher_or_catches_up_as_the_same(self) -> None:
        before = self.surveys("3-stalled-0*.xml")
        (after,) = self.surveys("4-reconnected.xml")
        anew = after.seen["live/cam1"].measured
        self.assertNotEqual(before[0].seen["live/cam1"].measured.session, anew.session)
        self.assertEqual(anew.live_delay_ms, 0)
        same = after.seen["nodrop/cam2"].measured
        self.assertEqual(before[-1].seen["nodrop/cam2"].measured.session, same.session)
        self.assertEqual(same.live_delay_ms, 0)

    def test_gone(self) -> None:
        for survey in self.surveys("5-gone-*.xml"):
            self.assertEqual(list(survey.seen), ["nodrop/cam2"])
            self.assertEqual(survey.unseen, {})

    def test_the_publisher_is_gone_and_a_player_left(self) -> None:
        for found in self.of("6-publisher-gone-player-left-*.xml", "nodrop/cam2"):
            self.assertIs(found.presence, Presence.ABSENT)
            self.assertEqual(found.clients_connected, 1)
            self.assertEqual(found.remarks, ("1 viewer waits for it",))
            self.assertIsNone(found.live_delay_ms)

    def test_a_reload(self) -> None:
        self.surveys("2-up-with-player.xml")
        (after,) = self.surveys("8-after-reload.xml")
        self.assertEqual(after.seen, {})
        why = "the server was reloaded: worker 5884 does not show what worker 11569 still serves"
        self.assertEqual(after.unseen, {"live/cam1": why, "nodrop/cam2": why})

    def test_a_nasty_name(self) -> None:
        (survey,) = self.surveys("9-nasty-name.xml")
        self.assertEqual(list(survey.seen), ['live/a&b<c>"x'])
