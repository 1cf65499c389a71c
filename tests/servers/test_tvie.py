"""A TVie media server: what it is asked, and what its answers become."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.recordings import TVIE, body, needs_recordings
from tvmon.errors import BadAnswer, NoAnswer
from tvmon.servers import Answer, Listing, Request
from tvmon.servers.kinds import kinds
from tvmon.servers.tvie import TVie, find_channels
from tvmon.streams import Measurement, Stream

API = "http://control.example/api/service/media/channels/find"
SERVER = TVie("east", API, "geheim")
STREAM = Stream.of("east", "1", 1, "one", "http://192.0.2.7/tag_live_monitor/a/b/c")


class Fake:
    """A fetch that answers the same to everybody, and remembers what it was asked."""

    def __init__(self, status: int = 200, body: bytes = b"", phrase: str = "OK") -> None:
        self.answer = Answer(status, phrase, body)
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.answer


class TVieTests(SynchronousTestCase):
    """Listing and sampling."""

    def listing(self, fetch: Fake, server: TVie = SERVER) -> Listing:
        return self.successResultOf(Deferred.fromCoroutine(server.begin().list_streams(fetch)))

    def sample(self, fetch: Fake) -> Measurement:
        return self.successResultOf(Deferred.fromCoroutine(SERVER.begin().sample(STREAM, fetch)))

    def refused(self, fetch: Fake, outcome: str) -> str:
        """Why there is no listing."""
        failed = Deferred.fromCoroutine(SERVER.begin().list_streams(fetch))
        trouble = self.failureResultOf(failed, BadAnswer).value
        self.assertEqual(trouble.outcome, outcome)
        self.assertNotIn("geheim", trouble.reason)
        return str(trouble)

    def test_the_listing_is_asked_for_with_the_token(self) -> None:
        fetch = Fake(body=b'{"channels": []}')
        self.assertEqual(self.listing(fetch), Listing(()))
        [request] = fetch.asked
        self.assertEqual((request.method, request.url), ("POST", API))
        self.assertEqual(request.headers, (("Content-Type", "text/xml"),))
        self.assertEqual(
            request.body,
            b"<find><user_key>geheim</user_key><action>find_all_channels</action><select>"
            b"<page_size>0</page_size><offset>0</offset><sort_by>id</sort_by>"
            b"<sort_order>asc</sort_order></select></find>",
        )

    @given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
    def test_any_token_reaches_the_server(self, token: str) -> None:
        text = find_channels(token)
        self.assertTrue(text.isascii())
        found = ElementTree.fromstring(text).findtext("user_key")
        # U+FFFE and U+FFFF are in no XML, so in no token either.
        if not {"\ufffe", "\uffff"} & set(token):
            self.assertEqual(found, token)

    def test_a_refused_token(self) -> None:
        for status in (401, 403):
            reason = self.refused(Fake(status, b"key geheim", "geheim"), "auth")
            self.assertEqual(reason, f"HTTP {status}: the token is refused")

    def test_a_listing_of_another_status(self) -> None:
        self.assertEqual(
            self.refused(Fake(502, phrase="Bad Gateway"), "http"), "HTTP 502 Bad Gateway"
        )
        self.assertEqual(
            self.refused(Fake(500, phrase="no user geheim"), "http"),
            "HTTP 500 Internal Server Error",
        )

    def test_a_listing_that_is_none(self) -> None:
        self.assertEqual(
            self.refused(Fake(body=b'{"error": "wrong user_key geheim"}'), "body"),
            'the listing has no "channels"; is the token right?',
        )

    def test_extra_streams_are_listed_too(self) -> None:
        server = TVie("east", API, "geheim", extra_streams=(STREAM,))
        self.assertEqual(self.listing(Fake(body=b'{"channels": []}'), server), Listing((STREAM,)))

    def test_without_an_api_nobody_is_asked(self) -> None:
        fetch = Fake()
        server = TVie("east", "", "", extra_streams=(STREAM,))
        self.assertEqual(self.listing(fetch, server), Listing((STREAM,)))
        self.assertEqual(fetch.asked, [])

    def test_a_sample(self) -> None:
        fetch = Fake(body=b"total_gops: 5\n")
        self.assertEqual(self.sample(fetch).total_gops, 5)
        self.assertEqual(fetch.asked, [Request(STREAM.sample_interface)])

    def test_a_sample_of_another_status(self) -> None:
        for status, phrase, reason in (
            (502, "Bad Gateway", "HTTP 502 Bad Gateway"),
            (404, "", "HTTP 404 Not Found"),
            (204, "No Content", "HTTP 204 No Content"),
            (299, "", "HTTP 299"),
            (500, "\x1b[31m\n", "HTTP 500 �[31m�"),
            (500, "x" * 100, f"HTTP 500 {'x' * 57}..."),
        ):
            with self.subTest(reason):
                fetch = Fake(status, b"total_gops: 5\n", phrase)
                failed = Deferred.fromCoroutine(SERVER.begin().sample(STREAM, fetch))
                trouble = self.failureResultOf(failed, BadAnswer).value
                self.assertEqual((trouble.reason, trouble.outcome), (reason, "http"))

    def test_what_the_network_says_is_passed_on(self) -> None:
        refused = NoAnswer("connection refused", "refused")

        async def fetch(request: Request) -> Answer:
            raise refused

        for asking in (SERVER.begin().sample(STREAM, fetch), SERVER.begin().list_streams(fetch)):
            failure = self.failureResultOf(Deferred.fromCoroutine(asking), NoAnswer)
            self.assertIs(failure.value, refused)

    @needs_recordings
    def test_the_recorded_answers(self) -> None:
        good = Fake(body=body((TVIE / "http_response.txt").read_bytes()))
        self.assertEqual(self.sample(good).average_upstream_kbps, 1465840.0)
        gone = Fake(502, body((TVIE / "http_response_502.txt").read_bytes()), "Bad Gateway")
        failed = Deferred.fromCoroutine(SERVER.begin().sample(STREAM, gone))
        reason = self.failureResultOf(failed, BadAnswer).value.reason
        self.assertEqual(reason, "HTTP 502 Bad Gateway")

    def test_the_representation_shows_no_token(self) -> None:
        self.assertNotIn("geheim", repr(SERVER))


class KindTests(SynchronousTestCase):
    """The kinds of media servers."""

    def test_a_sample_interface_alone_leads_to_a_server_and_a_stream(self) -> None:
        at = kinds()["tvie"].at
        assert at is not None
        server, stream = at(STREAM.sample_interface)
        self.assertEqual(stream.sample_interface, STREAM.sample_interface)
        self.assertEqual(server, TVie("", "", ""))

    def test_what_is_unknown_or_missing_is_counted(self) -> None:
        talk = SERVER.begin()
        fetch = Fake(body=b"total_gops: 5\nnew_field: 7\n")
        for _ in range(2):
            self.successResultOf(Deferred.fromCoroutine(talk.sample(STREAM, fetch)))
        self.assertEqual(talk.drift.unknown, {"sample.new_field": 2})
        self.assertEqual(talk.drift.missing["sample.live_delay_ms"], 2)
        self.assertNotIn("sample.total_gops", talk.drift.missing)
