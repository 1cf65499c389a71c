"""
HLS playlists and DASH manifests, wherever they are served: what a viewer's player would ask for.

Which streams there are is configured: each playlist is one, or, where it is a master playlist,
each of its renditions is.  What is in a playlist, and what that says of its stream, is worked
out in modules of their own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tvmon.errors import BadAnswer, NoAnswer, Trouble
from tvmon.servers import Answer, Drift, Fetch, Kind, Listing, Request
from tvmon.servers.addresses import playlist_url
from tvmon.servers.answers import good_body, kind_of_text
from tvmon.servers.dash import parse_manifest
from tvmon.servers.dash_check import DashCheck
from tvmon.servers.hls_check import HlsCheck
from tvmon.servers.hls_known import NAME_CHARACTERS, Known, Playlist, stream_of
from tvmon.servers.hls_playlist import MasterPlaylist, parse_playlist
from tvmon.servers.hls_renditions import Edge, apart
from tvmon.servers.live_edge import WANTED, Look, Moment
from tvmon.settings import Section
from tvmon.streams import Measurement, Presence, Session, Sources, Stream

REREAD_SECONDS = 10.0
"""How old a master playlist is read again at once, where a rendition is not where it says."""

SHOWN_NAMES = 10
"""How many renditions are named in a sentence."""

SOURCES = Sources(
    declared=(
        "stream_info_videodatarate",
        "stream_info_audiodatarate",
        "stream_info_width",
        "stream_info_height",
        "stream_info_framerate",
        "stream_info_videocodecid",
        "stream_info_audiocodecid",
        "video_codec",
        "audio_codec",
    ),
    estimated=("media_received_ms", "live_delay_ms"),
)

GONE = Measurement(
    presence=Presence.ABSENT,
    remarks=("the master playlist names this rendition no more",),
    sources=SOURCES,
)


@dataclass(frozen=True, slots=True)
class Hls:
    """The playlists of one ``[[server]]``, and how tvmon gets in: by HTTP's Basic scheme."""

    name: str
    playlists: tuple[Playlist, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def extra_streams(self) -> tuple[Stream, ...]:
        """None: every playlist is listed, whether it answers or not."""
        return ()

    def begin(self) -> HlsTalk:
        """Start a conversation."""
        return HlsTalk(self)

    def request(self, url: str, home: str, method: str = "GET") -> Request:
        """A request for a URL that a playlist at ``home`` led to; the password stays there."""
        headers: tuple[tuple[str, str], ...] = ()
        if self.password is not None and _origin(url) == _origin(home):
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
            headers = (("Authorization", f"Basic {pair}"),)
        return Request(url, method, headers, wanted=WANTED)

    def good(self, answer: Answer, request: Request) -> bytes:
        """The body of an answer of status 200; BadAnswer for any other."""
        if answer.status in (401, 403) and request.headers:
            raise BadAnswer(f"HTTP {answer.status}: the user or the password is refused", "auth")
        values = [value for _, value in parse_qsl(urlsplit(request.url).query)]
        return good_body(answer, tuple(v for v in (self.password, *values) if v))


class HlsTalk:
    """A conversation with those who serve the playlists."""

    def __init__(self, server: Hls) -> None:
        self.drift = Drift()
        self._server = server
        self._known = {playlist.name: Known(playlist) for playlist in server.playlists}
        self._order = list(self._known.values())
        self._checks: dict[str, HlsCheck | DashCheck] = {}
        self._edges: dict[str, Edge] = {}
        self._aligned: set[str] = set()

    async def list_streams(self, fetch: Fetch) -> Listing:
        """
        Every playlist, or the renditions of those that are master playlists.

        It never fails: a playlist that cannot be read is a stream that is bad, and the renditions
        of a master playlist that cannot be read are those that it named when it could.
        """
        for known in list(self._order):
            if known.is_single:
                continue  # its samples would show that it became something else
            try:
                await self._read(known, fetch)
            except Trouble as trouble:
                known.trouble = trouble.reason
                # One that hangs takes the time of all behind it, so it comes last from now on.
                self._order.remove(known)
                self._order.append(known)
                if trouble.outcome == "timeout":
                    break
        streams = [s for known in self._known.values() for s in known.streams(self._server.name)]
        self._forget_all_but(stream.key for stream in streams)
        skipped = (
            f'"{known.playlist.name}": {sentence}'
            for known in self._known.values()
            for sentence in known.skipped
        )
        return Listing(tuple(streams), tuple(skipped))

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        """What its playlist says of one stream now."""
        name, _, rendition = stream.key.partition("/")
        known = self._known.get(name)
        if known is None:
            raise BadAnswer("no playlist of this name is configured", "body")
        if rendition:
            return await self._sample_rendition(stream.key, known, rendition, fetch)
        body, answer = await self._ask(known, known.playlist.url, fetch)
        if kind_of_text(body) == "XML":
            return await self._look_at_manifest(stream.key, known, body, answer, fetch)
        playlist = parse_playlist(body)
        if isinstance(playlist, MasterPlaylist):
            known.learn(playlist, answer)
            names = [*known.names()][:SHOWN_NAMES]
            words = f"a master playlist; watched are its renditions: {', '.join(names)}"
            raise BadAnswer(words, "body")
        known.is_one()
        return _measured(self._hls(stream.key).look(playlist, Moment.of(answer)))

    async def _sample_rendition(
        self, key: str, known: Known, name: str, fetch: Fetch
    ) -> Measurement:
        if known.renditions is None:
            await self._read(known, fetch)
        found = (known.renditions or {}).get(name)
        if found is None:
            return GONE
        request = self._server.request(found.url, known.playlist.url)
        answer = await fetch(request)
        if 400 <= answer.status < 500 and answer.at - known.read_at >= REREAD_SECONDS:
            # Where URLs hold tokens, they change.
            known.read_at = answer.at
            try:
                await self._read(known, fetch)
            except Trouble as trouble:
                known.trouble = trouble.reason
            found = (known.renditions or {}).get(name)
            if found is None:
                return GONE
            if found.url != request.url:
                request = self._server.request(found.url, known.playlist.url)
                answer = await fetch(request)
        playlist = parse_playlist(self._server.good(answer, request))
        if isinstance(playlist, MasterPlaylist):
            raise BadAnswer("a master playlist in the place of a rendition", "body")
        check = self._hls(key)
        look = check.look(playlist, Moment.of(answer))
        lag = None if look.is_ended else self._lag(key, known, check, look, answer.at)
        lost = None if known.trouble is None else f"its master playlist: {known.trouble}"
        return _measured(look, found.fields, (lag, lost))

    async def _look_at_manifest(
        self, key: str, known: Known, body: bytes, answer: Answer, fetch: Fetch
    ) -> Measurement:
        manifest = parse_manifest(body, answer.url or known.playlist.url)
        known.is_one()
        moment = manifest.moment(Moment.of(answer))
        edge = None
        for segment in manifest.newest_segments(moment.now):
            if await self._is_there(segment.url, known, fetch):
                edge = segment.edge
                break
        check = self._checks.get(key)
        if not isinstance(check, DashCheck):
            check = self._checks[key] = DashCheck()
        return _measured(check.look(manifest, moment, edge), manifest.fields)

    async def _is_there(self, url: str, known: Known, fetch: Fetch) -> bool:
        """Whether a segment can be had; its media is not fetched."""
        request = self._server.request(url, known.playlist.url, "HEAD")
        answer = await fetch(request)
        if answer.status in (405, 501):
            first = ("Range", "bytes=0-0")
            try:
                answer = await fetch(Request(url, "GET", (*request.headers, first)))
            except NoAnswer as trouble:
                if trouble.outcome != "size":
                    raise
                return True
        return answer.status in (200, 206)

    async def _read(self, known: Known, fetch: Fetch) -> None:
        """Read a playlist to learn what it is."""
        body, answer = await self._ask(known, known.playlist.url, fetch)
        if kind_of_text(body) == "XML":
            parse_manifest(body, known.playlist.url)
            known.is_one()
            return
        playlist = parse_playlist(body)
        if isinstance(playlist, MasterPlaylist):
            known.learn(playlist, answer)
        else:
            known.is_one()

    async def _ask(self, known: Known, url: str, fetch: Fetch) -> tuple[bytes, Answer]:
        request = self._server.request(url, known.playlist.url)
        answer = await fetch(request)
        return self._server.good(answer, request), answer

    def _hls(self, key: str) -> HlsCheck:
        check = self._checks.get(key)
        if not isinstance(check, HlsCheck):
            check = self._checks[key] = HlsCheck()
        return check

    def _lag(self, key: str, known: Known, check: HlsCheck, look: Look, at: float) -> str | None:
        """That a rendition lags behind another one of its master playlist."""
        mine = Edge(at, look.delay_ms, check.newest or 0, look.target_seconds)
        self._edges[key] = mine
        keys = (f"{known.playlist.name}/{name}" for name in known.renditions or ())
        others = [self._edges[k] for k in keys if k != key and k in self._edges]
        lag, is_aligned = apart(mine, others, key in self._aligned)
        if is_aligned:
            self._aligned.add(key)
        return lag

    def _forget_all_but(self, keys: Iterable[str]) -> None:
        """Keep what is remembered of these streams, and of no other."""
        kept = frozenset(keys)
        self._checks = {key: check for key, check in self._checks.items() if key in kept}
        self._edges = {key: edge for key, edge in self._edges.items() if key in kept}
        self._aligned &= kept


def _measured(
    look: Look, fields: Mapping[str, Any] | None = None, faults: Iterable[str | None] = ()
) -> Measurement:
    if look.is_ended:
        return Measurement(presence=Presence.ABSENT, remarks=look.remarks, sources=SOURCES)
    return Measurement(
        media_received_ms=look.received_ms,
        live_delay_ms=look.delay_ms,
        remarks=(*look.remarks, *(fault for fault in faults if fault is not None)),
        pace=look.pace,
        session=Session(publisher=look.life),
        sources=SOURCES,
        **(fields or {}),
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def configured(section: Section) -> Hls:
    """The playlists that a ``[[server]]`` of kind ``hls`` describes."""
    name = section.text("name")
    user = section.maybe_text("user", check=_no_colon)
    password = section.secret("password")
    if user is not None and not section.has_secret("password"):
        section.problem("password", "is missing: a user needs one")
    if user is None and section.has_secret("password"):
        section.problem("user", "is missing: a password needs one")
    playlists: dict[str, Playlist] = {}
    for table in section.tables("playlists"):
        of = table.text("name", check=_playlist_name)
        if of in playlists:
            table.problem("name", "is the name of another playlist above")
        playlists[of] = Playlist(of, table.text("url", check=playlist_url, secret=True))
    if not playlists:
        section.problem("playlists", "is missing, must be one [[server.playlists]] at least")
    return Hls(name, tuple(playlists.values()), user if password else None, password)


def _playlist_name(text: str) -> str | None:
    if len(text) <= NAME_CHARACTERS and not set(text) & set("/?#;"):
        return None
    return f"must be 1 to {NAME_CHARACTERS} characters, without / ? # ;"


def _no_colon(text: str) -> str | None:
    return "must hold no colon, which ends it in HTTP" if ":" in text else None


def at(sample_interface: str) -> tuple[Hls, Stream]:
    """The server and the stream that a URL leads to; behind a # is the name of a rendition."""
    url, _, rendition = sample_interface.partition("#")
    playlist = Playlist("-", url)
    return Hls("", (playlist,)), stream_of("", playlist, unquote(rendition))


KIND = Kind("hls", configured, at, keep_missing_minutes=0.0, requests_at_once=32)
"""HLS and DASH.  What is listed is configured; nothing on a host tells which playlists it has."""
