"""
``/control``: change what is simulated while it runs.

``GET /control`` says what there is.  Every answer is JSON; a wrong request is told what would
have been right.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import simplejson
from klein import Klein
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException

from tvmon.simulator.behaviours import (
    API_KINDS,
    KINDS,
    SERVER_KINDS,
    Behaviour,
    InputError,
    MissingError,
    described,
    kind_named,
    read,
)
from tvmon.simulator.live import LiveStream
from tvmon.simulator.media import Media
from tvmon.simulator.settings import named_stream

BODY_BYTES = 4 * 1024 * 1024
"""A longer request is refused; this is enough for the numbers of 500,000 streams."""

MOST_ADDED = 100_000
"""How many streams one request may add."""

PATHS = {
    "GET /control": "this description",
    "GET /control/streams": "all streams; ?behaviour=, ?offset=, ?limit= choose among them",
    "GET /control/streams/{id}": "one stream with its counters",
    "PUT /control/streams/{id}": "change what a stream does",
    "PUT /control/streams": 'the same for many: "ids", or "from" (a behaviour) and "count", or all',
    "POST /control/streams": 'a new stream, by its names, or "count" new ones',
    "DELETE /control/streams/{id}": "take a stream away",
    "GET /control/servers": "what each media server does",
    "PUT /control/servers": "change what all do",
    "PUT /control/servers/{name}": "change what one does",
    "POST /control/servers/{name}/restart": "all counters of one server go to zero",
    "POST /control/restart": "all counters go to zero",
    "GET /control/api": "what the listing does",
    "PUT /control/api": "change what the listing does",
}


class Refused(Exception):  # noqa: N818 - it is an answer
    """A request that gets no other answer than this."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Control:
    """The control of one simulator, as a Klein application."""

    app = Klein()

    def __init__(self, media: Media) -> None:
        self._media = media

    @app.handle_errors(InputError)
    def wrong(self, request: IRequest, failure: Failure) -> bytes:
        """What was asked for cannot be done."""
        error = failure.value
        assert isinstance(error, InputError)
        answer: dict[str, Any] = {"error": str(error)}
        if error.allowed:
            answer["allowed"] = list(error.allowed)
        return _reply(request, answer, 404 if isinstance(error, MissingError) else 400)

    @app.handle_errors(Refused)
    def refused(self, request: IRequest, failure: Failure) -> bytes:
        """Said where it was found."""
        error = failure.value
        assert isinstance(error, Refused)
        return _reply(request, {"error": str(error)}, error.status)

    @app.handle_errors(HTTPException)
    def no_route(self, request: IRequest, failure: Failure) -> bytes:
        """Unknown paths and methods."""
        error = failure.value
        assert isinstance(error, HTTPException)
        for name, value in error.get_headers():
            if name.lower() == "allow":
                request.setHeader(b"allow", value.encode())
        answer = {"error": f"{error.code} {error.name}", "allowed": list(PATHS)}
        return _reply(request, answer, error.code or 500)

    @app.route("/", methods=["GET"])
    def describe(self, request: Request) -> bytes:
        """What there is."""
        return _reply(
            request,
            {
                "paths": PATHS,
                "behaviours": described(KINDS),
                "api_modes": described(API_KINDS),
                "server_modes": described(SERVER_KINDS),
            },
        )

    @app.route("/streams", methods=["GET"])
    def list_streams(self, request: Request) -> bytes:
        """All streams, or some."""
        wanted = _argument(request, "behaviour")
        if wanted is not None:
            kind_named(wanted)
        offset = _whole(_argument(request, "offset"), "offset", 0)
        limit = _whole(_argument(request, "limit"), "limit", len(self._media.streams))
        chosen = [
            stream
            for stream in self._media.streams.values()
            if wanted is None or stream.behaviour.name == wanted
        ]
        page = [_entry(stream) for stream in chosen[offset : offset + limit]]
        return _reply(request, {"count": len(chosen), "streams": page})

    @app.route("/streams", methods=["PUT"])
    def change_streams(self, request: Request) -> bytes:
        """Let many do something else."""
        wanted = _body(request)
        streams = self._chosen(wanted)
        behaviour = read(wanted)
        self._media.change(streams, behaviour)
        return _reply(request, {"changed": [stream.id for stream in streams]} | _shown(behaviour))

    @app.route("/streams", methods=["POST"])
    def add_streams(self, request: Request) -> bytes:
        """New streams."""
        wanted = _body(request)
        count = wanted.pop("count", None)
        if count is None and wanted.keys() & {"channel_name", "name"}:
            added = [self._media.add(named_stream(wanted))]
        else:
            number = _count(1 if count is None else count, MOST_ADDED)
            behaviour = read({"behaviour": "healthy"} | wanted)
            added = [self._media.add(wanted=behaviour) for _ in range(number)]
        return _reply(request, {"streams": [_entry(stream) for stream in added]}, 201)

    @app.route("/streams/<int:number>", methods=["GET"])
    def show_stream(self, request: Request, number: int) -> bytes:
        """One stream."""
        stream = self._media.stream(number)
        counters = self._media.counters(stream)._asdict()
        return _reply(request, _entry(stream) | {"counters": counters})

    @app.route("/streams/<int:number>", methods=["PUT"])
    def change_stream(self, request: Request, number: int) -> bytes:
        """Let one do something else."""
        stream = self._media.stream(number)
        self._media.change([stream], read(_body(request)))
        return _reply(request, _entry(stream))

    @app.route("/streams/<int:number>", methods=["DELETE"])
    def remove_stream(self, request: Request, number: int) -> bytes:
        """Take one away."""
        self._media.remove(number)
        return _reply(request, {"removed": number})

    @app.route("/servers", methods=["GET"])
    def list_servers(self, request: Request) -> bytes:
        """What they do."""
        return _reply(request, {"servers": self._modes()})

    @app.route("/servers", methods=["PUT"])
    def change_servers(self, request: Request) -> bytes:
        """All at once."""
        self._media.set_modes(read(_body(request), SERVER_KINDS, "mode"))
        return _reply(request, {"servers": self._modes()})

    @app.route("/servers/<name>", methods=["PUT"])
    def change_server(self, request: Request, name: str) -> bytes:
        """One of them."""
        name = self._media.server(name)
        self._media.set_modes(read(_body(request), SERVER_KINDS, "mode"), name)
        return _reply(request, {"servers": self._modes()})

    @app.route("/servers/<name>/restart", methods=["POST"])
    def restart_server(self, request: Request, name: str) -> bytes:
        """All its counters to zero."""
        return _reply(request, {"restarted": self._media.restart(self._media.server(name))})

    @app.route("/restart", methods=["POST"])
    def restart(self, request: Request) -> bytes:
        """All counters to zero."""
        return _reply(request, {"restarted": self._media.restart()})

    @app.route("/api", methods=["GET"])
    def show_api(self, request: Request) -> bytes:
        """What the listing does."""
        return _reply(request, _shown(self._media.api, "mode"))

    @app.route("/api", methods=["PUT"])
    def change_api(self, request: Request) -> bytes:
        """What the listing is to do."""
        self._media.api = read(_body(request), API_KINDS, "mode")
        return _reply(request, _shown(self._media.api, "mode"))

    def _modes(self) -> dict[str, str]:
        return {name: mode.name for name, mode in self._media.modes.items()}

    def _chosen(self, wanted: dict[str, Any]) -> list[LiveStream]:
        """The streams that a request is about; takes what chooses them out of it."""
        media = self._media
        ids, source = wanted.pop("ids", None), wanted.pop("from", None)
        count = wanted.pop("count", None)
        if ids is not None:
            if source is not None or count is not None:
                raise InputError('"ids" goes with neither "from" nor "count"')
            return [media.stream(number) for number in _numbers(ids)]
        streams: Iterable[LiveStream] = media.streams.values()
        if source is not None:
            name = kind_named(source).name
            streams = (stream for stream in streams if stream.behaviour.name == name)
        chosen = list(streams)
        return chosen if count is None else chosen[: _count(count, len(media.streams))]


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine."""
    host = getattr(request.getClientAddress(), "host", None)
    if host is None:
        return True
    address = ipaddress.ip_address(host.partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _entry(stream: LiveStream) -> dict[str, Any]:
    channel = stream.channel
    return {
        "id": stream.id,
        "server": channel.server.name,
        "customer_name": channel.customer_name,
        "channel_name": channel.name,
        "display_name": channel.display_name,
        "name": stream.name,
        "needed_kilobytes_per_second": round(stream.source.needed / 1000, 1),
        "polls": stream.polls,
    } | _shown(stream.behaviour)


def _shown(behaviour: Behaviour, key: str = "behaviour") -> dict[str, Any]:
    return {key: behaviour.name, **behaviour.parameters}


def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    assert request.content is not None
    raw = request.content.read(BODY_BYTES + 1)
    if len(raw) > BODY_BYTES:
        raise Refused(413, f"a request has at most {BODY_BYTES} bytes")
    try:
        value = simplejson.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError("not a JSON object")
    return value


def _numbers(value: object) -> list[int]:
    if not isinstance(value, list):
        raise InputError(f'"ids" is not a list: {value!r}')
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int):
            raise InputError(f'"ids" holds {each!r}, which is not a number of a stream')
    return list(dict.fromkeys(value))


def _count(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InputError(f'"count" is {value!r}, allowed: 0 to {most}')
    return value


def _argument(request: Request, name: str) -> str | None:
    values = (request.args or {}).get(name.encode())
    return None if values is None else values[0].decode("utf-8", "replace")


def _whole(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"{name} is not a number: {text!r}")
    return int(text)


def _reply(request: IRequest, value: dict[str, Any], status: int = 200) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return simplejson.dumps(value, ensure_ascii=False).encode() + b"\n"
