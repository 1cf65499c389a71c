"""A web of playlists that is no web, and a conversation with it; for tests."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.playlists import MASTER, NOON, media
from tvmon.errors import Trouble
from tvmon.servers import Answer, Listing, Request
from tvmon.servers.hls import Hls, HlsTalk
from tvmon.servers.hls_known import Playlist
from tvmon.streams import Measurement, Stream

T = TypeVar("T")
HOST = "https://cdn.example"
URL = f"{HOST}/live/master.m3u8"
HD, SD = f"{HOST}/live/video/720.m3u8?tok=1", f"{HOST}/live/video/360.m3u8?tok=1"
SOUND = f"{HOST}/live/audio/en.m3u8?tok=1"


class Web:
    """A fetch that answers by URL, and remembers what it was asked."""

    def __init__(self, **answers: bytes) -> None:
        self.at = 100.0
        self.answers: dict[str, bytes | int | Trouble] = dict(answers)
        self.headers: dict[str, str] = {}
        self.redirected = ""
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        found = self.answers.get(f"{request.method} {request.url}")
        if found is None:
            found = self.answers.get(request.url, 404)
        if isinstance(found, Trouble):
            raise found
        status, body = (found, b"") if isinstance(found, int) else (200, found)
        return Answer(status, "", body, self.headers, self.at, NOON + self.at, url=self.redirected)

    @property
    def urls(self) -> list[str]:
        """What was asked since this was looked at last."""
        asked, self.asked = self.asked, []
        return [request.url for request in asked]


class Case(SynchronousTestCase):
    """A conversation and a web."""

    def setUp(self) -> None:
        self.web = Web()
        self.web.answers = {URL: MASTER, HD: media(0), SD: media(0), SOUND: media(0)}
        self.talk = self.begin(URL)

    def begin(self, *urls: str, password: str | None = None) -> HlsTalk:
        names = [f"c{n}" if n else "news" for n in range(len(urls))]
        user = None if password is None else "u"
        playlists = tuple(map(Playlist, names, urls))
        return Hls("cdn", playlists, user, password).begin()

    def now(self, asking: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(asking))

    def listed(self) -> Listing:
        return self.now(self.talk.list_streams(self.web))

    def keys(self) -> list[str]:
        return [stream.key for stream in self.listed().streams]

    def sample(self, key: str = "news") -> Measurement:
        stream = Stream.of("cdn", key, None, key, "")
        return self.now(self.talk.sample(stream, self.web))

    def refused(self, key: str = "news", outcome: str = "http") -> str:
        stream = Stream.of("cdn", key, None, key, "")
        failed = Deferred.fromCoroutine(self.talk.sample(stream, self.web))
        trouble = self.failureResultOf(failed, Trouble).value
        self.assertEqual(trouble.outcome, outcome)
        return str(trouble)
