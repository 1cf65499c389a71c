"""
Icecast 2.4 and later: audio, and some video, in mounts.

One request tells of all mounts.  Which page it asks, what is in it, and what is said of a mount
are read in modules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Drift, Fetch, Found, Kind, Probe, Seen, Survey
from tvmon.servers.icecast_mount import measured, server_session
from tvmon.servers.icecast_stats import Stats, parse_stats, stats_steps
from tvmon.servers.icecast_views import PUBLIC, WHOLE, Views
from tvmon.servers.site import OfSite, Site, Unusable
from tvmon.servers.steps import Steps, in_steps
from tvmon.servers.values import server_time, text
from tvmon.settings import Section
from tvmon.streams import Measurement, Presence, Session, Stream
from tvmon.words import cleaned

NAME_CHARACTERS = 80
"""How much of a name is shown in a sentence."""

_OF_SERVER = frozenset({
    "admin", "banned_IPs", "build", "client_connections", "clients", "connections", "dummy",
    "file_connections", "host", "listener_connections", "listeners", "location", "modules",
    "outgoing_kbitrate", "server_id", "server_start", "server_start_iso8601", "source",
    "source_client_connections", "source_relay_connections", "source_total_connections",
    "sources", "stats", "stats_connections", "stream_kbytes_read", "stream_kbytes_sent",
})  # fmt: skip
_OF_MOUNT = frozenset({
    "FLAC_version", "artist", "audio_bitrate", "audio_channels", "audio_codecid", "audio_info",
    "audio_samplerate", "authentication", "authenticator", "bitrate", "channels", "connected",
    "content-type", "display-title", "dummy", "frame_rate", "frame_size", "genre", "ice-bitrate",
    "ice-channels", "ice-samplerate", "incoming_bitrate", "listener_connections", "listener_peak",
    "listeners", "listenurl", "max_listeners", "metadata", "metadata_updated", "mpeg_channels",
    "mpeg_samplerate", "outgoing_kbitrate", "playlist", "public", "quality", "queue_size",
    "samplerate", "server_description", "server_name", "server_type", "server_url",
    "slow_listeners", "source_ip", "stream_start", "stream_start_iso8601", "subtype", "title",
    "total_bytes_read", "total_bytes_sent", "total_mbytes_sent", "type", "url", "user_agent",
    "video_bitrate", "video_quality", "yp_currently_playing",
})  # fmt: skip

_NEEDED = frozenset({"listeners"})
_NEEDED_WHOLE = _NEEDED | {"total_bytes_read"}

HIDDEN = "the admin's status is not to be had now, and the public one may hide it"


@dataclass(frozen=True, slots=True)
class Icecast(OfSite):
    """One Icecast server of the configuration."""

    def begin(self) -> IcecastOverview:
        """Start a conversation."""
        return IcecastOverview(self.site)


class IcecastOverview:
    """
    A conversation with an Icecast server.

    :ivar views: which of its pages is asked, and why
    """

    def __init__(self, site: Site) -> None:
        self.drift = Drift()
        self.views = Views(site)
        self._site = site
        self._hidden: set[str] = set()

    async def survey(self, fetch: Fetch) -> Survey:
        """All streams now."""
        answer = await self.views.ask(fetch)
        stats = await in_steps(stats_steps(answer.body))
        self.drift.look("icestats", stats.server.keys(), _OF_SERVER)
        return await in_steps(self._survey(stats, server_time(answer)))

    def _survey(self, stats: Stats, now: float) -> Steps[Survey]:
        server = server_session(stats.server)
        seen: dict[str, Seen] = {}
        unseen: dict[str, str] = {}
        skipped: list[str] = []
        for name, fields in stats.mounts:
            yield
            try:
                stream = self._site.stream(name or "")
            except Unusable as why:
                skipped.append(f"a mount is left out: {why}")
                continue
            if stream.key in seen or stream.key in unseen:
                shown = cleaned(stream.key, NAME_CHARACTERS)
                skipped.append(f'mount "{shown}" is left out: it is there twice')
            elif fields is None:
                unseen[stream.key] = "the server tells of another mount under its name"
            else:
                seen[stream.key] = Seen(stream, self._measured(name or "", fields, server, now))
        return Survey(seen, tuple(skipped), self._not_shown(seen) | unseen)

    def _measured(
        self, name: str, fields: Mapping[str, Any], server: Session, now: float
    ) -> Measurement:
        found = measured(name, fields, server, now)
        live = found.presence is Presence.LIVE
        needed = _NEEDED_WHOLE if live and self.views.view.whole else _NEEDED
        self.drift.look("source", fields.keys(), _OF_MOUNT, needed)
        return found

    def _not_shown(self, seen: Mapping[str, Seen]) -> dict[str, str]:
        """What the admin's statistics told of, and the public ones have not shown yet."""
        if self.views.view.whole:
            self._hidden = set(seen)
            return {}
        self._hidden -= seen.keys()
        return dict.fromkeys(self._hidden, HIDDEN)


def configured(section: Section) -> Icecast:
    """The media server that a ``[[server]]`` of kind ``icecast`` describes."""
    return Icecast(Site.configured(section, user="admin"))


def at(sample_interface: str) -> tuple[Icecast, Stream]:
    """The server and the stream of a sample interface, as the public sees them."""
    site, stream = Site.at(sample_interface)
    return Icecast(site), stream


def recognise_status(answer: Answer, url: str) -> Found | None:
    """Whether an answer is of Icecast's public statistics."""
    try:
        stats = parse_stats(answer.body) if answer.status == HTTPStatus.OK else None
    except BadAnswer:
        return None
    return None if stats is None else _found(stats.server.get("server_id"), answer, url)


def recognise_admin(answer: Answer, url: str) -> Found | None:
    """Whether an answer is of an Icecast that asks who wants its statistics."""
    says = f"{answer.headers.get('www-authenticate', '')} {answer.headers.get('server', '')}"
    if answer.status != HTTPStatus.UNAUTHORIZED or "icecast" not in says.lower():
        return None
    return _found(None, answer, url)


def _found(server_id: object, answer: Answer, url: str) -> Found:
    what = text(server_id) or answer.headers.get("server") or "Icecast"
    options = {"url": url, "user": "admin", "password": "${ICECAST_PASSWORD}"}
    return Found(cleaned(what, NAME_CHARACTERS), options)


PORTS = (8000, 8001, 80)

KIND = Kind(
    "icecast",
    configured,
    at,
    probes=(
        Probe(PORTS, PUBLIC[0].path, recognise_status, ("server",)),
        Probe(PORTS, WHOLE[0].path, recognise_admin, ("www-authenticate", "server")),
    ),
)
"""Icecast 2.4 and later."""
