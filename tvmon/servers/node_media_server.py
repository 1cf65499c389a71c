"""
Node-Media-Server, versions 4 (from 4.2) and 2.

The two have nothing in common but the name: version 4 wants a login and gives a token, version 2
takes the password with each request, and their lists differ.  Either tells of all streams in one
answer.  How the login goes and how the lists are read is said in modules of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Drift, Fetch, Found, Kind, Probe, Request, Seen, Survey
from tvmon.servers import node_media_server_v2 as v2
from tvmon.servers import node_media_server_v4 as v4
from tvmon.servers.answers import good_body
from tvmon.servers.json_steps import json_steps
from tvmon.servers.node_media_server_entry import Entry
from tvmon.servers.node_media_server_login import HEALTH, Login, version_of
from tvmon.servers.site import OfSite, Site, Unusable
from tvmon.servers.steps import Steps, in_steps
from tvmon.servers.values import json_of, server_time, table
from tvmon.settings import Section
from tvmon.streams import Stream
from tvmon.words import cleaned

STREAMS_4 = "/api/v1/streams"
STREAMS_2 = "/api/streams"

VERSIONS = ("auto", "4", "2")
UNREADABLE = "what the server says of its publisher cannot be read"

_WANTED_BY_PROBE = ("www-authenticate", "access-control-allow-headers")


@dataclass(frozen=True, slots=True)
class NodeMediaServer(OfSite):
    """
    One Node-Media-Server of the configuration.

    :param version: ``4`` or ``2``; ``auto`` is found out
    """

    version: str = "auto"

    def begin(self) -> NodeMediaServerOverview:
        """Start a conversation."""
        return NodeMediaServerOverview(self)


class NodeMediaServerOverview:
    """A conversation with a Node-Media-Server."""

    def __init__(self, server: NodeMediaServer) -> None:
        self.drift = Drift()
        self._site = server.site
        self._login = Login(server.site)
        self._is_auto = server.version == "auto"
        self._version = None if self._is_auto else server.version
        self._published: frozenset[str] = frozenset()

    async def survey(self, fetch: Fetch) -> Survey:
        """All streams now."""
        try:
            return await in_steps(self._told(await self._entries(fetch)))
        except BadAnswer as problem:
            if self._is_auto and problem.outcome == "http":
                self._version = None  # it may be another one since
            raise

    async def _entries(self, fetch: Fetch) -> Iterable[Entry]:
        if self._version is None:
            self._version = await self._find_version(fetch)
        if self._version == "4":
            answer = await self._login.get(fetch, STREAMS_4, ("date",))
            told = await in_steps(json_steps(answer.body, v4.WHAT, v4.LEVELS))
            return v4.entries(told, server_time(answer), self.drift)
        url, headers = self._site.url + STREAMS_2, self._site.authorization
        answer = await fetch(Request(url, headers=headers, wanted=("date",)))
        told = await in_steps(json_steps(self._site.good(answer), v2.WHAT, v2.LEVELS))
        return v2.entries(told, server_time(answer), self.drift)

    async def _find_version(self, fetch: Fetch) -> str:
        """Which version it is; nobody is told the password before that is known."""
        health = await fetch(Request(self._site.url + HEALTH))
        if version_of(health) is not None:
            return "4"
        streams = await fetch(Request(self._site.url + STREAMS_2, wanted=("www-authenticate",)))
        if _is_version_2(streams):
            return "2"
        for answer in (health, streams):
            if answer.status >= HTTPStatus.TOO_MANY_REQUESTS:
                good_body(answer)
        raise BadAnswer(
            f"HTTP {health.status} for {HEALTH} and {streams.status} for {STREAMS_2}: neither is "
            "an answer of Node-Media-Server; version 4 has an API where auth.jwt is configured",
            "http",
        )

    def _told(self, entries: Iterable[Entry]) -> Steps[Survey]:
        seen: dict[str, Seen] = {}
        unseen: dict[str, str] = {}
        skipped: list[str] = []
        published: set[str] = set()
        for number, entry in enumerate(entries, 1):
            yield
            try:
                stream = self._site.stream(entry.path)
            except Unusable as why:
                skipped.append(f"stream {number} of the list is left out: {why}")
                continue
            key = stream.key
            if key in seen or key in unseen:
                skipped.append(f"stream {number} of the list is left out: another is called so")
            elif entry.waited_for and key not in self._published:
                continue  # anybody can wait for any name; it is no stream for that
            elif entry.measured is None:
                unseen[key] = UNREADABLE
            else:
                seen[key] = Seen(stream, entry.measured)
                published.add(key)
        self._published = frozenset(published)
        return Survey(seen, tuple(skipped), unseen)


def configured(section: Section) -> NodeMediaServer:
    """The media server that a ``[[server]]`` of kind ``node-media-server`` describes."""
    site = Site.configured(section, user="admin")
    version = section.choice("version", VERSIONS, VERSIONS[0])
    if version == "4" and not section.has_secret("password"):
        section.problem("password", "is missing: version 4 wants a login")
    return NodeMediaServer(site, version)


def at(sample_interface: str) -> tuple[NodeMediaServer, Stream]:
    """The server and the stream of a sample interface, as far as it wants no password."""
    site, stream = Site.at(sample_interface)
    return NodeMediaServer(site), stream


def recognise_4(answer: Answer, url: str) -> Found | None:
    """Whether :data:`HEALTH` was answered by version 4."""
    version = version_of(answer)
    if version is None or table(table(json_of(answer.body, "")).get("data")).get("status") != "ok":
        return None
    return _found(f"Node-Media-Server {cleaned(version, 20)}", url, "4")


def recognise_2(answer: Answer, url: str) -> Found | None:
    """Whether :data:`STREAMS_2` was answered by version 2, with its password or without."""
    says = answer.headers.get("access-control-allow-headers", "")
    if not says.startswith("Content-Type,Content-Length, Authorization") or not _is_version_2(
        answer
    ):
        return None
    if answer.status == HTTPStatus.OK:
        return Found("Node-Media-Server 2", {"url": url, "version": "2"})
    return _found("Node-Media-Server 2", url, "2")


def _found(what: str, url: str, version: str) -> Found:
    options = {"url": url, "version": version, "user": "admin", "password": "${NMS_PASSWORD}"}
    return Found(what, options)


def _is_version_2(answer: Answer) -> bool:
    """Whether an answer to :data:`STREAMS_2` asks for a password, or is a list of streams."""
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return answer.headers.get("www-authenticate", "").lower().startswith("basic")
    try:
        v2.parse_streams(good_body(answer), 0.0, Drift())
    except BadAnswer:
        return False
    return True


PORTS = (8000, 8080, 80)

KIND = Kind(
    "node-media-server",
    configured,
    at,
    probes=(
        Probe(PORTS, HEALTH, recognise_4),
        Probe(PORTS, STREAMS_2, recognise_2, _WANTED_BY_PROBE),
    ),
)
"""Node-Media-Server, versions 4.2 and later, and 2."""
