"""
SRS, versions 4 to 7: its HTTP API lists every stream, with all that it says of them.

The list comes in pages, of streams in the order of their random ids.  So a stream that ends
while the pages are read moves others to pages that were read already, and they are missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Drift, Fetch, Found, Kind, Probe, Request, Seen, Survey
from tvmon.servers.site import OfSite, Site, Unusable
from tvmon.servers.srs_publishing import Publishing
from tvmon.servers.srs_stream import (
    Counts,
    id_of,
    is_published,
    look,
    measurement,
    path_of,
    session_of,
)
from tvmon.servers.steps import Steps, in_steps
from tvmon.servers.values import count, json_of, rows, table, text
from tvmon.settings import Section
from tvmon.streams import Session, Stream
from tvmon.words import cleaned

PAGE = 100
"""How many streams are asked for at a time.  Without a number SRS tells of ten at most."""

MOST_PAGES = 1000
"""A server that has more has a list without an end."""

MOST_REMEMBERED = 20_000
"""How many names are remembered with the streams that were made of them, which takes a while."""

GAP_SECONDS = 15.0
"""When a stream began is known only where somebody looked so shortly before."""

_IDENTITY = ("id", "vhost", "app", "name")
_Told = tuple[Mapping[str, Any], float]
"""An entry, and when it came."""

_Named = tuple[Stream, Mapping[str, Any], float]
"""The same, with its stream."""

_ANSWER = frozenset({"code", "server", "service", "pid", "total", "streams"})


@dataclass(frozen=True, slots=True)
class SRS(OfSite):
    """One SRS of the configuration."""

    def begin(self) -> SRSOverview:
        """Start a conversation."""
        return SRSOverview(self.site)


@dataclass(slots=True)
class _Reading:
    """The pages of one list: its entries by what identifies them, and when each was told."""

    server: str | None = None
    pages: int = 0
    at: float = 0.0
    entries: dict[tuple[str | None, ...], _Told] = field(default_factory=dict)
    wrong: int = 0

    def take(self, entries: list[Any], at: float) -> bool:
        """Add a page, which came at that time; whether it held anything new."""
        self.pages, self.at = self.pages + 1, at
        before = len(self.entries)
        for entry in entries:
            if isinstance(entry, dict):
                identity = tuple(id_of(entry.get(name)) for name in _IDENTITY)
                self.entries[identity] = (entry, at)
            else:
                self.wrong += 1
        return len(self.entries) > before


class SRSOverview:
    """A conversation with an SRS."""

    def __init__(self, site: Site) -> None:
        self.drift = Drift()
        self._site = site
        self._stream = lru_cache(MOST_REMEMBERED)(site.stream)
        self._vhosts: dict[str, str] = {}
        self._known: frozenset[str] = frozenset()
        self._published: dict[str, Publishing] = {}
        self._server: str | None = None
        self._looked: float | None = None

    async def survey(self, fetch: Fetch) -> Survey:
        """All streams now."""
        reading = await self._read(fetch)
        if reading.server != self._server:
            # Another run of the server, on which no id means what it meant.
            self._vhosts, self._known, self._server = {}, frozenset(), reading.server
        await self._name_vhosts(fetch, reading)
        found, skipped = await in_steps(self._named(reading))
        if reading.pages > 1 and not self._known <= found.keys():
            again = await self._read(fetch)
            if again.server == reading.server:
                found |= (await in_steps(self._named(again)))[0]
        return await in_steps(self._told(found, skipped, reading.at))

    async def _read(self, fetch: Fetch) -> _Reading:
        """Every page."""
        reading, start = _Reading(), 0
        for _ in range(MOST_PAGES):
            path = f"/api/v1/streams/?start={start}&count={PAGE}"
            answer, body = await self._ask(fetch, path, "the list of streams")
            self.drift.look("answer", body.keys(), _ANSWER, {"code", "streams"})
            entries, server = body.get("streams"), server_of(body)
            if not isinstance(entries, list):
                raise BadAnswer("the list of streams holds no streams", "body")
            if reading.pages and server != reading.server:
                # It restarted meanwhile: what stood on the pages before is of the past.
                reading, start = _Reading(), 0
                continue
            reading.server = server
            is_new = reading.take(entries, answer.at)
            start += len(entries)
            more = start < (count(body.get("total")) or 0)
            # A server that does not know "count" has told all; one that does not know "start"
            # says the same again.
            if len(entries) > PAGE or not is_new or (len(entries) < PAGE and not more):
                return reading
        raise BadAnswer(f"the list of streams has more than {MOST_PAGES} pages", "body")

    async def _name_vhosts(self, fetch: Fetch, reading: _Reading) -> None:
        """Ask for the names of the vhosts, where there is one that is not known yet."""
        ids = {id_of(entry.get("vhost")) for entry, _ in reading.entries.values()} - {None}
        if ids <= self._vhosts.keys():
            return
        _, body = await self._ask(fetch, "/api/v1/vhosts/", "the list of vhosts")
        if server_of(body) != reading.server:
            raise BadAnswer("the server restarted while it was asked", "body")
        self._vhosts = {}
        for vhost in rows(body.get("vhosts")):
            number, name = id_of(table(vhost).get("id")), text(table(vhost).get("name"))
            if number is not None and name is not None:
                self._vhosts[number] = name

    async def _ask(self, fetch: Fetch, path: str, what: str) -> tuple[Answer, dict[str, Any]]:
        """The answer to a GET, and the object in it; an error may come with status 200."""
        url = self._site.url + path
        answer = await fetch(Request(url, headers=self._site.authorization))
        body = json_of(self._site.good(answer), what)
        if not isinstance(body, dict):
            raise BadAnswer(f"{what} is not of an SRS", "body")
        code = body.get("code", 0)
        if count(code) != 0:
            shown = cleaned(str(code), 20) if isinstance(code, int | str) else "that is no number"
            raise BadAnswer(f"{what}: SRS answers with error code {shown}", "body")
        return answer, body

    def _named(self, reading: _Reading) -> Steps[tuple[dict[str, _Named], tuple[str, ...]]]:
        """Each entry by its stream's key, and why others are left out."""
        skipped = [f"{reading.wrong} streams of the list are no objects"] if reading.wrong else []
        found: dict[str, _Named] = {}
        for number, (entry, at) in enumerate(reading.entries.values(), 1):
            yield
            look(entry, self.drift)
            try:
                stream = self._stream(path_of(entry, self._vhosts))
            except Unusable as why:
                skipped.append(f"stream {number} of the list is left out: {why}")
                continue
            known = found.get(stream.key)
            if known is not None and is_published(known[1]):
                if is_published(entry):
                    skipped.append(f"stream {number} of the list is left out: its name is taken")
                continue
            found[stream.key] = (stream, entry, at)
        return found, tuple(skipped)

    def _told(
        self, found: Mapping[str, _Named], skipped: tuple[str, ...], looked: float
    ) -> Steps[Survey]:
        """What the entries say, each with what is remembered of its stream."""
        seen: dict[str, Seen] = {}
        published: dict[str, Publishing] = {}
        for key, (stream, entry, at) in found.items():
            yield
            session = session_of(entry, self._server)
            if is_published(entry):
                published[key] = self._publishing(key, entry, session, at)
            seen[key] = Seen(stream, measurement(entry, session, at, published.get(key)))
        self._published, self._known, self._looked = published, frozenset(seen), looked
        return Survey(seen, skipped)

    def _publishing(
        self, key: str, entry: Mapping[str, Any], session: Session, at: float
    ) -> Publishing:
        """What is remembered of a stream; from now on, where it is published anew."""
        known = self._published.get(key)
        if known is not None and known.session == session:
            return known
        looked_before = self._looked is not None and at - self._looked <= GAP_SECONDS
        counts = Counts.of(entry)
        return Publishing(session, at if looked_before else None, counts.received, counts.sent)


def server_of(body: Mapping[str, Any]) -> str | None:
    """What changes when SRS starts anew; before 5.0 there is no more than the server's id."""
    service, pid = id_of(body.get("service")), id_of(body.get("pid"))
    if service is None and pid is None:
        return id_of(body.get("server"))
    return f"{service}/{pid}"


def configured(section: Section) -> SRS:
    """The media server that a ``[[server]]`` of kind ``srs`` describes."""
    return SRS(Site.configured(section))


def at(sample_interface: str) -> tuple[SRS, Stream]:
    """The server and the stream of a sample interface, without a password."""
    site, stream = Site.at(sample_interface)
    return SRS(site), stream


def recognise(answer: Answer, url: str) -> Found | None:
    """Whether ``/api/v1/versions`` was answered by an SRS."""
    if answer.status == 401 and answer.headers.get("server", "").startswith("SRS/"):
        found = {"url": url, "user": "${SRS_USER}", "password": "${SRS_PASSWORD}"}
        return Found("SRS, which asks for a user and a password", found)
    try:
        body = table(json_of(answer.body, "the version"))
    except BadAnswer:
        return None
    version = text(table(body.get("data")).get("version"))
    if answer.status != 200 or count(body.get("code")) != 0 or version is None:
        return None
    return Found(f"SRS {cleaned(version, 20)}", {"url": url})


KIND = Kind(
    "srs",
    configured,
    at,
    probes=(Probe((1985,), "/api/v1/versions", recognise, ("server",)),),
)
"""SRS, versions 4 to 7."""
