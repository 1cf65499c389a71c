"""
A TVie media server, version 2.0 and later.

One call of its control API lists every channel with its streams; each stream has an address of
its own that answers a sample.  Both answers are read in modules of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tvmon.errors import BadAnswer
from tvmon.servers import Drift, Fetch, Kind, Listing, Request
from tvmon.servers.addresses import http_url
from tvmon.servers.answers import good_body
from tvmon.servers.steps import in_steps
from tvmon.servers.tvie_listing import (
    MOST_STREAM_ID,
    NAME_CHARACTERS,
    listing_steps,
    parse_listing,
)
from tvmon.servers.tvie_sample import parse_sample
from tvmon.settings import Section
from tvmon.streams import Measurement, Stream

__all__ = ["TVie", "parse_listing", "parse_sample"]


@dataclass(frozen=True, slots=True)
class TVie:
    """
    One TVie media server of the configuration.

    :param api: the URL that lists the channels; empty where only ``extra_streams`` are watched
    :param token: the read token of the API
    :param monitor_cdn: watch every stream a second time through the CDN, where it has one
    :param extra_streams: streams that the API does not list
    """

    name: str
    api: str
    token: str = field(repr=False)
    monitor_cdn: bool = False
    extra_streams: tuple[Stream, ...] = ()

    def begin(self) -> TVieTalk:
        """Start a conversation."""
        return TVieTalk(self)


class TVieTalk:
    """A conversation with a TVie media server."""

    def __init__(self, server: TVie) -> None:
        self.drift = Drift()
        self._server = server

    async def list_streams(self, fetch: Fetch) -> Listing:
        """Every stream that the server has now, and the configured ones."""
        of = self._server
        if not of.api:
            return Listing(of.extra_streams)
        answer = await fetch(
            Request(of.api, "POST", (("Content-Type", "text/xml"),), find_channels(of.token))
        )
        if answer.status in (401, 403):
            raise BadAnswer(f"HTTP {answer.status}: the token is refused", "auth")
        steps = listing_steps(
            good_body(answer, (of.token,)),
            server=of.name,
            monitor_cdn=of.monitor_cdn,
            extra_streams=of.extra_streams,
        )
        return await in_steps(steps)

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        """What the server says of one stream now."""
        body = good_body(await fetch(Request(stream.sample_interface)))
        return parse_sample(body, self.drift)


def find_channels(token: str) -> bytes:
    """
    The request for every channel, in ASCII.

    ``text/xml`` without a charset means ASCII to some servers and UTF-8 to others.
    """
    return (
        f"<find><user_key>{escape(token)}</user_key><action>find_all_channels</action>"
        "<select><page_size>0</page_size><offset>0</offset>"
        "<sort_by>id</sort_by><sort_order>asc</sort_order></select></find>"
    ).encode("ascii", "xmlcharrefreplace")


def configured(section: Section) -> TVie:
    """The media server that a ``[[server]]`` of kind ``tvie`` describes."""
    name = section.text("name")
    extra = _extra_streams(section, name)
    api = section.maybe_text("api", check=http_url)
    token = section.secret("token")
    if not extra and "api" not in section:
        section.problem("api", f"is missing, {http_url('')}; or name extra_streams")
    if "api" in section and not section.has_secret("token"):
        section.problem("token", "is missing, must be the read token of the API")
    return TVie(
        name, api or "", token or "", section.flag("monitor_cdn", default=False), tuple(extra)
    )


def at(sample_interface: str) -> tuple[TVie, Stream]:
    """The server and the stream of a sample interface; it lists nothing."""
    return TVie("", "", ""), Stream.of("", "", None, "", sample_interface)


def _extra_streams(section: Section, server: str) -> list[Stream]:
    streams: dict[str, Stream] = {}
    for table in section.tables("extra_streams"):
        stream_id = table.whole("stream_id", unit="a stream", least=0, most=MOST_STREAM_ID)
        unify_name = table.text("unify_name", check=_short_name)
        sample_interface = table.text("sample_interface", check=http_url)
        key = str(stream_id)
        if key in streams:
            table.problem("stream_id", "is the number of another stream above")
        streams[key] = Stream.of(server, key, stream_id, unify_name, sample_interface)
    return list(streams.values())


def _short_name(text: str) -> str | None:
    return (
        None if 0 < len(text) <= NAME_CHARACTERS else f"must be 1 to {NAME_CHARACTERS} characters"
    )


KIND = Kind("tvie", configured, at, keep_missing_minutes=0.0)
"""TVie, version 2.0 and later; its API lists what is configured there, not what is published."""
