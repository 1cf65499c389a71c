"""A conversation with a Node-Media-Server of either version, and what it makes of its streams."""

from __future__ import annotations

import unittest
from typing import Any

from tests.recordings import RECORDINGS, needs_recordings
from tests.servers.fakes_node_media_server import (
    PUBLISHER_2,
    STREAM,
    SUBSCRIBER_2,
    URL,
    Fake,
    Fake2,
    Fake4,
    result,
)
from tvmon.errors import BadAnswer
from tvmon.problems import ConfigError
from tvmon.servers import Answer, Found, Request, Survey
from tvmon.servers.kinds import kinds
from tvmon.servers.node_media_server import (
    KIND,
    NodeMediaServer,
    configured,
    recognise_2,
    recognise_4,
)
from tvmon.servers.site import Site
from tvmon.settings import Section
from tvmon.streams import Presence

HEALTH, LOGIN, STREAMS_4 = "GET /api/v1/health", "POST /api/v1/login", "GET /api/v1/streams"
STREAMS_2 = "GET /api/streams"
LIVE_2 = {"live": {"cam1": {"publisher": PUBLISHER_2, "subscribers": [SUBSCRIBER_2]}}}


class ConversationCase(unittest.TestCase):
    """A fake server and a conversation with it."""

    def meet(
        self, fake: Fake, version: str = "auto", password: str | None = "right", **more: Any
    ) -> None:
        self.fake = fake
        site = Site("n", URL, None if password is None else "admin", password, **more)
        self.overview = NodeMediaServer(site, version).begin()

    def survey(self) -> Survey:
        return result(self.overview.survey(self.fake))

    def fails(self, outcome: str) -> str:
        with self.assertRaises(BadAnswer) as caught:
            self.survey()
        self.assertEqual(caught.exception.outcome, outcome)
        return caught.exception.reason


class VersionTests(ConversationCase):
    """Which version it is, and what is asked for."""

    def test_version_4_is_found_out_once(self) -> None:
        self.meet(Fake4(STREAM))
        self.assertEqual(list(self.survey().seen), ["live/cam1"])
        self.assertEqual(self.fake.took(), [HEALTH, HEALTH, LOGIN, STREAMS_4])
        self.survey()
        self.assertEqual(self.fake.took(), [STREAMS_4])

    def test_version_2_is_found_out_once_and_is_told_the_password_after_that(self) -> None:
        for password in ("right", None):
            self.meet(Fake2(LIVE_2, password))
            self.assertEqual(list(self.survey().seen), ["live/cam1"])
            self.assertEqual([r.headers for r in self.fake.asked[:2]], [(), ()])
            self.assertEqual(self.fake.took(), [HEALTH, STREAMS_2, STREAMS_2])
            self.survey()
            self.assertEqual(self.fake.took(), [STREAMS_2])

    def test_a_version_that_is_configured_is_not_looked_for(self) -> None:
        self.meet(Fake4(STREAM), "4")
        self.survey()
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, STREAMS_4])
        self.meet(Fake2(LIVE_2), "2")
        self.survey()
        self.assertEqual(self.fake.took(), [STREAMS_2])

    def test_another_version_after_an_upgrade(self) -> None:
        self.meet(Fake2(LIVE_2))
        self.survey()
        self.fake = Fake4(STREAM)
        self.assertEqual(self.fails("http"), "HTTP 404 Not Found")
        self.survey()
        self.fake = Fake2(LIVE_2)
        self.assertIn("HTTP 401 for /api/v1/health", self.fails("http"))
        self.survey()

    def test_an_api_that_is_not_there(self) -> None:
        self.meet(Fake4(STREAM))
        self.fake.lies["/api/v1/health"] = 404
        self.assertEqual(
            self.fails("http"),
            "HTTP 404 for /api/v1/health and 404 for /api/streams: neither is an answer of "
            "Node-Media-Server; version 4 has an API where auth.jwt is configured",
        )

    def test_a_server_that_is_ill_is_no_other_server(self) -> None:
        for path in ("/api/v1/health", "/api/streams"):
            self.meet(Fake2(LIVE_2))
            self.fake.lies[path] = 503
            if path == "/api/streams":
                self.assertEqual(self.fails("http"), "HTTP 503 Service Unavailable")
            else:
                self.survey()
        self.meet(Fake4(STREAM))
        self.survey()
        self.fake.lies["/api/v1/streams"] = 500
        self.assertEqual(self.fails("http"), "HTTP 500 Internal Server Error")
        self.fake.lies.clear()
        self.fake.took()
        self.survey()
        self.assertEqual(self.fake.took(), [HEALTH, STREAMS_4])

    def test_a_page_for_everything_is_no_api(self) -> None:
        page = Answer(200, "OK", b"<!DOCTYPE html><html></html>")
        self.meet(Fake4())
        self.fake.lies.update({"/api/v1/health": page, "/api/streams": page})
        self.assertIn("HTTP 200 for /api/v1/health and 200", self.fails("http"))

    def test_who_may_not_in(self) -> None:
        self.meet(Fake2(LIVE_2), password="wrong")
        self.assertEqual(self.fails("auth"), "HTTP 401: the user or the password is refused")
        self.fake.took()
        self.fails("auth")
        self.assertEqual(self.fake.took(), [STREAMS_2])
        self.meet(Fake2(LIVE_2), password=None)
        self.assertEqual(self.fails("auth"), "HTTP 401: the server asks for a user and a password")
        self.meet(Fake4(), password=None)
        self.assertEqual(self.fails("auth"), "the server asks for a user and a password")
        self.meet(Fake4(), password="wrong")
        self.assertEqual(self.fails("auth"), "HTTP 401: the user or the password is refused")


class SurveyTests(ConversationCase):
    """The streams of a list."""

    def test_a_name_that_somebody_only_waits_for_is_no_stream(self) -> None:
        idle = {**STREAM, "status": "idle", "publisher": None, "subscribers": 2}
        fake = Fake4(idle)
        self.meet(fake)
        self.assertEqual((self.survey().seen, self.survey().skipped), ({}, ()))
        fake.streams = (STREAM,)
        self.survey()
        fake.streams = (idle,)
        for _ in range(2):
            measured = self.survey().seen["live/cam1"].measured
            self.assertEqual(measured.presence, Presence.ABSENT)
            self.assertEqual(measured.clients_connected, 2)
            self.assertEqual(measured.remarks, ("nobody publishes it",))
        # What is remembered is never more than one list.
        fake.streams = ()
        self.survey()
        fake.streams = (idle,)
        self.assertEqual(self.survey().seen, {})

    def test_the_same_in_version_2(self) -> None:
        waiting = {"publisher": None, "subscribers": [SUBSCRIBER_2]}
        fake = Fake2({"live": {"nosuch": waiting, **LIVE_2["live"]}})
        self.meet(fake)
        self.assertEqual(list(self.survey().seen), ["live/cam1"])
        fake.streams = {"live": {"cam1": waiting}}
        self.assertEqual(self.survey().seen["live/cam1"].measured.presence, Presence.ABSENT)

    def test_entries_that_cannot_be_used_cost_only_themselves(self) -> None:
        wrong = ({"publisher": None}, 7, {**STREAM, "key": "/live/" + "x" * 600})
        same = {**STREAM, "key": "/live/cam1?sign=1-abc"}
        dark = {**STREAM, "key": "/live/dark", "publisher": "?"}
        self.meet(Fake4(*wrong, STREAM, same, dark))
        survey = self.survey()
        self.assertEqual(list(survey.seen), ["live/cam1"])
        self.assertEqual(
            survey.skipped,
            (
                "stream 1 of the list is left out: it has no name",
                "stream 2 of the list is left out: it has no name",
                "stream 3 of the list is left out: its name is longer than 500 characters",
                "stream 5 of the list is left out: another is called so",
            ),
        )
        words = "what the server says of its publisher cannot be read"
        self.assertEqual(survey.unseen, {"live/dark": words})

    def test_names_that_are_secrets(self) -> None:
        self.meet(Fake4({**STREAM, "key": "/live/geheim"}), secret_names=True)
        (seen,) = self.survey().seen.values()
        self.assertRegex(seen.stream.key, r"^live/geh~[0-9a-f]{6}$")
        self.assertNotIn("geheim", repr(seen))

    def test_a_list_that_is_none(self) -> None:
        for body in (b"", b"[]", b'{"success": false, "data": {"streams": []}}', b'{"data": 1}'):
            self.meet(Fake4(), "4")
            self.fake.lies["/api/v1/streams"] = Answer(200, "OK", body)
            self.fails("body")
        for body in (b"", b"[]", b'{"error": "x"}', b'{"live": []}'):
            self.meet(Fake2({}), "2")
            self.fake.lies["/api/streams"] = Answer(200, "OK", body)
            self.fails("body")


@needs_recordings
class RecordingTests(ConversationCase):
    """What a real 4.4.3 said while a stream was up, stalled and gone."""

    def replay(self, name: str) -> Survey:
        body = (RECORDINGS / "nms" / f"nms-{name}.json").read_bytes()
        self.fake.lies["/api/v1/streams"] = Answer(200, "OK", body)
        survey = self.survey()
        self.assertEqual(list(survey.seen), ["live/cam1"])
        self.assertEqual((survey.skipped, survey.unseen), ((), {}))
        return survey

    def test_up_stalled_gone_and_gone_later(self) -> None:
        self.meet(Fake4())
        names = ["streams.1-up", *(f"streams.2-stalled-{n}" for n in range(1, 8))]
        told = [self.replay(name).seen["live/cam1"].measured for name in names]
        self.assertEqual({one.presence for one in told}, {Presence.LIVE})
        self.assertEqual([one.upstream_bytes_received for one in told], [99739] + [100868] * 7)
        self.assertEqual({one.clients_connected for one in told}, {1})
        self.assertEqual(len({one.session for one in told}), 1)
        for name in ("streams.3-gone", "streams.4-gone-later"):
            gone = self.replay(name).seen["live/cam1"].measured
            self.assertEqual(gone.presence, Presence.ABSENT)
            self.assertEqual(gone.clients_connected, 1)
            self.assertIsNone(gone.upstream_bytes_received)
            self.assertEqual(
                gone.remarks, ("its publisher is gone, and may come back within 30 s",)
            )
        drift = self.overview.drift
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))

    def test_every_other_answer_is_no_list(self) -> None:
        for path in sorted((RECORDINGS / "nms").iterdir()):
            if ".json" not in path.name or "nms-streams." in path.name:
                continue
            self.meet(Fake4())
            self.fake.lies["/api/v1/streams"] = Answer(200, "OK", path.read_bytes())
            self.fails("body")

    def test_health_is_recognised(self) -> None:
        body = (RECORDINGS / "nms" / "nms-health.1-up.json").read_bytes()
        found = recognise_4(Answer(200, "OK", body), URL)
        self.assertEqual(found and found.what, "Node-Media-Server 4.4.3")


class ProbeTests(unittest.TestCase):
    """How one is found on a host."""

    def probe(self, fake: Fake) -> list[Found]:
        found = []
        for probe in KIND.probes:
            answer = result(fake(Request(URL + probe.path, wanted=probe.wanted)))
            found.append(probe.recognise(answer, URL))
        return [one for one in found if one is not None]

    def test_each_version(self) -> None:
        options = {"url": URL, "user": "admin", "password": "${NMS_PASSWORD}"}
        self.assertEqual(
            self.probe(Fake4()), [Found("Node-Media-Server 4.4.3", {**options, "version": "4"})]
        )
        self.assertEqual(
            self.probe(Fake2({})), [Found("Node-Media-Server 2", {**options, "version": "2"})]
        )
        open_ = {"url": URL, "version": "2"}
        self.assertEqual(self.probe(Fake2(LIVE_2, None)), [Found("Node-Media-Server 2", open_)])
        self.assertEqual(self.probe(Fake2({}, None)), [Found("Node-Media-Server 2", open_)])

    def test_others_are_not_taken_for_one(self) -> None:
        basic = {"www-authenticate": 'Basic realm="x"'}
        ours = {"access-control-allow-headers": Fake2.says}
        self.assertIsNone(recognise_2(Answer(401, "", b"", basic), URL))
        self.assertIsNone(recognise_2(Answer(200, "", b"{}"), URL))
        self.assertIsNone(recognise_2(Answer(200, "", b"<html>", ours), URL))
        self.assertIsNone(recognise_2(Answer(404, "", b"{}", ours), URL))
        for body in (b"", b"{}", b"[]", b"<html>", b'{"success": true, "data": {"version": "x"}}'):
            self.assertIsNone(recognise_4(Answer(200, "", body), URL))
        good = b'{"success": true, "data": {"version": "4.4.3", "status": "ok"}}'
        self.assertIsNone(recognise_4(Answer(404, "", good), URL))
        self.assertIsNone(recognise_4(Answer(200, "", good.replace(b'"ok"', b"1")), URL))


class ConfiguredTests(unittest.TestCase):
    """A section of the configuration."""

    def read(self, text: str) -> NodeMediaServer:
        top = Section.of(f'name = "n"\nurl = "{URL}/"\n{text}', "f", {"P": "geheim"})
        server = configured(top)
        top.finish()
        return server

    def test_what_may_be_said(self) -> None:
        self.assertEqual(self.read(""), NodeMediaServer(Site("n", URL)))
        server = self.read('password = "${P}"\nversion = "4"\nsecret_names = true')
        self.assertEqual(server.site, Site("n", URL, "admin", "geheim", secret_names=True))
        self.assertEqual((server.name, server.version, server.extra_streams), ("n", "4", ()))
        self.assertNotIn("geheim", repr(server))
        self.assertEqual(self.read('user = "ops"\npassword = "x"').site.user, "ops")

    def test_what_is_wrong(self) -> None:
        for text, words in (
            ('version = "4"', "password: is missing: version 4 wants a login"),
            ('version = "3"', "must be auto, 4 or 2"),
            ("version = 4", "must be"),
        ):
            with self.assertRaises(ConfigError) as caught:
                self.read(text)
            self.assertIn(words, str(caught.exception))

    def test_it_is_a_kind(self) -> None:
        self.assertIs(kinds()["node-media-server"], KIND)
        assert KIND.at is not None
        server, stream = KIND.at(f"{URL}#live/cam1")
        self.assertEqual(server, NodeMediaServer(Site("", URL)))
        self.assertEqual(stream.key, "live/cam1")
