"""``POST /api/service/media/channels/find``: the one call that lists every channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import simplejson
from twisted.web.server import Request

from tvmon.simulator import faults
from tvmon.simulator.behaviours import InputError
from tvmon.simulator.channels import Channel
from tvmon.simulator.held import Held
from tvmon.simulator.leaf import Leaf, sentence
from tvmon.simulator.live import LiveStream
from tvmon.simulator.media import Media

BODY_BYTES = 65_536
"""A longer request is refused; a real one has 300 bytes."""

SORTS: Mapping[str, Callable[[Channel], Any]] = {
    "id": lambda channel: channel.id,
    "customer_name": lambda channel: (channel.customer_name, channel.id),
    "channel_name": lambda channel: (channel.name, channel.id),
    "display_name": lambda channel: (channel.display_name, channel.id),
}
ORDERS = ("asc", "desc")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """What the listing is asked for; ``page_size`` 0 is everything."""

    user_key: str = ""
    page_size: int = 0
    offset: int = 0
    sort_by: str = "id"
    sort_order: str = "asc"


def read_query(body: bytes) -> Query:
    """The XML of a request; :class:`InputError` says what is wrong with it."""
    texts = _leaves(body)
    if texts.get("find/action", "find_all_channels") != "find_all_channels":
        raise InputError(f"there is no action {texts['find/action']!r}", ("find_all_channels",))
    select = {
        path.rpartition("/")[2]: text
        for path, text in texts.items()
        if path.startswith("find/select/")
    }
    query = Query(
        user_key=texts.get("find/user_key", ""),
        page_size=_number(select, "page_size"),
        offset=_number(select, "offset"),
        sort_by=select.get("sort_by", "id"),
        sort_order=select.get("sort_order", "asc"),
    )
    if query.sort_by not in SORTS:
        raise InputError(f"cannot sort by {query.sort_by!r}", tuple(SORTS))
    if query.sort_order not in ORDERS:
        raise InputError(f"there is no order {query.sort_order!r}", ORDERS)
    return query


def _number(select: Mapping[str, str], name: str) -> int:
    text = select.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"{name} is not a number: {text!r}")
    return int(text)


def _leaves(body: bytes) -> dict[str, str]:
    """The text of every element, by its path; nothing but elements and text is taken."""
    path: list[str] = []
    texts: dict[str, str] = {}

    def opened(name: str, _: dict[str, str]) -> None:
        path.append(name)
        if "/".join(path) in texts:
            raise InputError(f"{'/'.join(path)} is there twice")
        texts["/".join(path)] = ""

    def said(text: str) -> None:
        texts["/".join(path)] += text

    def closed(_: str) -> None:
        path.pop()

    def declared(*_: object) -> None:
        raise InputError("a document type is not taken")

    parser = expat.ParserCreate()
    parser.StartElementHandler = opened
    parser.CharacterDataHandler = said
    parser.EndElementHandler = closed
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"not XML: {error}") from None
    if "find" not in texts:
        raise InputError(f"the root is {next(iter(texts))!r}", ("find",))
    return {name: text.strip() for name, text in texts.items()}


def listing(media: Media, query: Query, address: str) -> dict[str, Any]:
    """
    What is answered.

    :param address: where the caller has found us, as ``host`` or ``host:port``
    """
    channels = sorted(
        media.channels().items(),
        key=lambda item: SORTS[query.sort_by](item[0]),
        reverse=query.sort_order == "desc",
    )
    end = query.offset + query.page_size if query.page_size else None
    return {
        "channels": [
            _channel(channel, streams, address) for channel, streams in channels[query.offset : end]
        ]
    }


def _channel(channel: Channel, streams: list[LiveStream], address: str) -> dict[str, Any]:
    server = channel.server
    # The real one is of two minds about the type of an id, so this one is too.
    number: Callable[[int], int | str] = str if channel.id % 5 == 0 else int
    return {
        "id": number(channel.id),
        "customer_name": channel.customer_name,
        "channel_name": channel.name,
        "display_name": channel.display_name,
        "server": [
            {
                "name": server.name,
                "ip_address": server.address or address,
                "host_name": _with_port(server.host_name, address),
            }
        ],
        "streams": [{"id": number(stream.id), "name": stream.name} for stream in streams],
    }


def _with_port(host: str, address: str) -> str:
    """The host of a CDN; where it names no port, it is on ours."""
    port = address.rpartition(":")[2]
    if not host or ":" in host or not port.isdigit():
        return host
    return f"{host}:{port}"


class Find(Leaf):
    """The listing."""

    methods = (b"POST",)

    def __init__(self, media: Media, held: Held) -> None:
        super().__init__()
        self._media = media
        self._held = held

    def render_POST(self, request: Request) -> bytes | int:
        """Every channel, or what the listing was told to answer instead."""
        assert request.content is not None
        body = request.content.read(BODY_BYTES + 1)
        mode = self._media.api
        request.setHeader(b"content-type", b"application/json")
        if mode.name == "silent":
            return faults.silence()
        if mode.name == "slow":
            return self._held.later(request, mode.number, lambda: self._answer(request, body))
        if mode.name == "fail":
            return sentence(request, 500, "the control server has failed, as it was told to")
        if mode.name == "garbage":
            return faults.garbage()
        if mode.name == "html":
            return faults.page(request)
        return self._answer(request, body)

    def _answer(self, request: Request, body: bytes) -> bytes:
        if len(body) > BODY_BYTES:
            return sentence(request, 413, f"a request has at most {BODY_BYTES} bytes")
        try:
            query = read_query(body)
        except InputError as error:
            return sentence(request, 400, str(error))
        if not query.user_key:
            return sentence(request, 401, "user_key is missing")
        if query.user_key != self._media.settings.token:
            return sentence(request, 403, "user_key is wrong")
        return _json(self._listing(query, request))

    def _listing(self, query: Query, request: Request) -> dict[str, Any]:
        mode = self._media.api.name
        if mode == "empty":
            return {"channels": []}
        if mode == "no_channels":
            return {"status": "ok"}
        answer = listing(self._media, query, address_of(request))
        if mode == "broken_channel" and answer["channels"]:
            del answer["channels"][0]["streams"]
        return answer


def address_of(request: Request) -> str:
    """Where a caller has found us: what he says, if that is a host, else where he was taken."""
    said = (request.getHeader("host") or "").strip()
    if _HOST.fullmatch(said):
        return said
    host: Any = request.getHost()
    return f"{getattr(host, 'host', 'localhost')}:{getattr(host, 'port', 80)}"


def _json(value: dict[str, Any]) -> bytes:
    return simplejson.dumps(value, ensure_ascii=False).encode() + b"\n"
