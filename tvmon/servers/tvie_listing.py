"""
What a TVie media server lists: channels as JSON, each with its server and its streams.

An entry that cannot be used costs only itself: a channel that lacks a field is left out with a
sentence, and so is a stream of a channel.  What is no listing at all is a BadAnswer, since one
that is taken for empty would stop every sampler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tvmon.errors import BadAnswer
from tvmon.servers import Listing
from tvmon.servers.addresses import authority
from tvmon.servers.json_steps import json_steps
from tvmon.servers.steps import Steps, at_once
from tvmon.streams import Stream
from tvmon.words import cleaned

CDN_OFFSET = 10_000
"""What is added to the number of a stream for its copy that is seen through the CDN."""

MOST_STREAM_ID = 10**15
"""The largest number of a stream; it stays exact in JavaScript with the offset added."""

NAME_CHARACTERS = 200
"""How long the name of a customer, channel, stream or server may be."""

SHOWN_CHARACTERS = 40
"""How much of an entry that cannot be used is shown."""


class _Unusable(Exception):  # noqa: N818 - it reads as the sentence that it is
    """Why an entry is left out."""


@dataclass(frozen=True, slots=True)
class _Channel:
    """What the streams of one channel have in common."""

    customer_name: str
    channel_name: str
    display_name: str
    server_name: str
    ip_address: str
    host_name: str
    streams: Sequence[object]

    def stream(self, server: str, stream_id: int, name: str, *, cdn: bool) -> Stream:
        """One stream of the channel, as seen on its server or through the CDN."""
        host = self.host_name if cdn else self.ip_address
        parts = (self.customer_name, self.channel_name, name)
        path = "/".join(quote(part, safe="") for part in parts)
        names = f"{self.server_name}[{host}]/{self.customer_name}/{self.display_name}/{name}"
        return Stream.of(
            server,
            f"{stream_id}@cdn" if cdn else str(stream_id),
            stream_id + CDN_OFFSET if cdn else stream_id,
            cleaned(names, 6 * NAME_CHARACTERS),
            f"http://{authority(host)}/tag_live_monitor/{path}",
        )


def parse_listing(
    body: bytes, *, server: str, monitor_cdn: bool = False, extra_streams: Sequence[Stream] = ()
) -> Listing:
    """
    Every stream that an answer lists, and behind them the configured ones.

    :param server: the name of the media server in the configuration
    :param monitor_cdn: whether each stream counts a second time, as seen through the CDN
    """
    return at_once(
        listing_steps(body, server=server, monitor_cdn=monitor_cdn, extra_streams=extra_streams)
    )


def listing_steps(
    body: bytes, *, server: str, monitor_cdn: bool, extra_streams: Sequence[Stream]
) -> Steps[Listing]:
    """The same in steps."""
    channels = yield from _channels(body)
    found: dict[str, Stream] = {}
    skipped: list[str] = []
    for position, entry in enumerate(channels, 1):
        for stream in _streams(entry, position, server, monitor_cdn, skipped):
            if stream.key in found:
                skipped.append(_second(stream, "listed"))
            else:
                found[stream.key] = stream
        channels[position - 1] = None  # let go here, and not ten thousand of them at the end
        yield
    for stream in extra_streams:
        if stream.key in found:
            skipped.append(_second(stream, "configured"))
        else:
            found[stream.key] = stream
    return Listing(tuple(found.values()), tuple(skipped))


def _channels(body: bytes) -> Steps[list[object]]:
    """The channels of an answer, whatever each of them may be."""
    answer = yield from json_steps(body, "the listing", 2)
    channels = answer.get("channels") if isinstance(answer, dict) else None
    if not isinstance(channels, list):
        # What it says instead stays unsaid: it may repeat the token.
        raise BadAnswer('the listing has no "channels"; is the token right?', "body")
    return channels


def _streams(
    entry: object, position: int, server: str, monitor_cdn: bool, skipped: list[str]
) -> Iterator[Stream]:
    """The streams of one channel; why it, or one of them, is left out goes to ``skipped``."""
    who = f"channel {position}"
    try:
        channel = _channel(entry)
    except _Unusable as why:
        name = entry.get("channel_name") if isinstance(entry, dict) else None
        known = f" ({_shown(name)})" if isinstance(name, str) else ""
        skipped.append(f"{who}{known} is left out: {why}")
        return
    for number, item in enumerate(channel.streams, 1):
        try:
            fields = _table(item)
            stream_id, name = _stream_id(fields), _name(fields, "name", in_path=True)
        except _Unusable as why:
            name = _shown(channel.channel_name)
            skipped.append(f"stream {number} of {who} ({name}) is left out: {why}")
            continue
        yield channel.stream(server, stream_id, name, cdn=False)
        if monitor_cdn and channel.host_name:
            yield channel.stream(server, stream_id, name, cdn=True)


def _channel(entry: object) -> _Channel:
    fields = _table(entry)
    servers = fields.get("server")
    if not isinstance(servers, list) or not servers:
        raise _Unusable('it has no "server"')
    streams = fields.get("streams")
    if not isinstance(streams, list):
        raise _Unusable('it has no "streams"')
    first = _table(servers[0])
    # Only the CDN needs the host name, so a server that does not tell it is watched all the same.
    host_name = "" if first.get("host_name") is None else _name(first, "host_name", empty=True)
    return _Channel(
        _name(fields, "customer_name", in_path=True),
        _name(fields, "channel_name", in_path=True),
        _name(fields, "display_name", empty=True),
        _name(first, "name", empty=True),
        _host(_name(first, "ip_address"), "ip_address"),
        host_name and _host(host_name, "host_name"),
        streams,
    )


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unusable("it is no JSON object")
    return value


def _name(fields: dict[str, Any], key: str, *, empty: bool = False, in_path: bool = False) -> str:
    """A name; one that is all digits may come as a number."""
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (value or empty):
        raise _Unusable(f'it has no "{key}"')
    if len(value) > NAME_CHARACTERS:
        raise _Unusable(f'its "{key}" is longer than {NAME_CHARACTERS} characters')
    if not value.isascii():
        _refuse_what_is_no_text(value, key)
    if in_path and value in (".", ".."):
        # On the way to the server these would be taken for folders and vanish from the path.
        raise _Unusable(f'its "{key}" is {_shown(value)}, which cannot be in a URL')
    return value


def _refuse_what_is_no_text(value: str, key: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unusable(f'its "{key}" is no text') from None


def _host(value: str, key: str) -> str:
    if authority(value) is None:
        raise _Unusable(f'its "{key}" is {_shown(value)}, which is no address')
    return value


def _stream_id(fields: dict[str, Any]) -> int:
    """The number of a stream, which may come as a text of digits."""
    value = fields.get("id")
    if value is None:
        raise _Unusable('it has no "id"')
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_STREAM_ID:
        raise _Unusable(f'its "id" is {_shown(value)}, which is no number of a stream')
    return value


def _second(stream: Stream, where: str) -> str:
    name = cleaned(stream.unify_name, 2 * SHOWN_CHARACTERS)
    through = " through the CDN" if stream.key.endswith("@cdn") else ""
    return f"stream {stream.key.partition('@')[0]}{through}, {where} as {name}, is there already"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{cleaned(value, SHOWN_CHARACTERS)}"'
    if isinstance(value, bool):
        return str(value).lower()
    return cleaned(str(value), SHOWN_CHARACTERS) if isinstance(value, int | float) else "no text"
