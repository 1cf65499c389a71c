"""The wrong answers, as they come over a real connection."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from tvmon.simulator.behaviours import Behaviour
from tvmon.simulator.held import Held

HUGE_PIECE = b"filler: 0\n" * 6_554
"""A little more than 64 KiB of good-looking lines."""

HEAD_LINE_SECONDS = 0.01

PROXY_BODY = (
    b"<html>\r\n"
    b"<head><title>502 Bad Gateway</title></head>\r\n"
    b'<body bgcolor="white">\r\n'
    b"<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx/0.8.22</center>\r\n"
    b"</body>\r\n"
    b"</html>\r\n"
)
"""As recorded."""

PAGE = b"<!DOCTYPE html>\n<html><head><title>It works</title></head><body>Hello.</body></html>\n"

_chance = random.Random(502)  # noqa: S311 - garbage, not a secret
GARBAGE = b"\xff\xfe\x00" + _chance.randbytes(576)
"""Neither UTF-8 nor any other text."""

Fault = Callable[[Request, Behaviour, Held, Callable[[], bytes]], bytes | int]
"""Answers a request; is handed what a good answer would be."""


def answer(
    request: Request, behaviour: Behaviour, held: Held, good: Callable[[], bytes]
) -> bytes | int:
    """Answer in the way that the behaviour says; the head of a good answer is set already."""
    return _FAULTS[behaviour.name](request, behaviour, held, good)


def silence(*_: object) -> int:
    """Never answer; the connection ends when its client ends it."""
    return NOT_DONE_YET


def page(request: Request, *_: object) -> bytes:
    """A page for people."""
    request.setHeader(b"content-type", b"text/html")
    return PAGE


def garbage(*_: object) -> bytes:
    """Bytes that are nothing."""
    return GARBAGE


def _slow(request: Request, behaviour: Behaviour, held: Held, good: Callable[[], bytes]) -> int:
    return held.later(request, behaviour.number, good)


def _drip(request: Request, behaviour: Behaviour, held: Held, good: Callable[[], bytes]) -> int:
    body = good()
    left = iter(range(len(body)))
    request.setHeader(b"content-length", b"%d" % len(body))

    def step() -> bool:
        index = next(left, None)
        if index is None:
            request.finish()
            return False
        request.write(body[index : index + 1])
        return True

    return held.paced(request, behaviour.number, step)


def _half(request: Request, good: Callable[[], bytes]) -> None:
    body = good()
    request.setHeader(b"content-length", b"%d" % len(body))
    request.write(body[: len(body) // 2])


def _stall(request: Request, _: Behaviour, __: Held, good: Callable[[], bytes]) -> int:
    _half(request, good)
    return NOT_DONE_YET


def _truncated(request: Request, _: Behaviour, __: Held, good: Callable[[], bytes]) -> int:
    _half(request, good)
    request.loseConnection()
    return NOT_DONE_YET


def _reset(request: Request, *_: object) -> int:
    _transport(request).abortConnection()
    return NOT_DONE_YET


def _bad_gateway(request: Request, *_: object) -> bytes:
    request.setResponseCode(502)
    for name in (b"expires", b"last-modified", b"pragma", b"cache-control"):
        request.responseHeaders.removeHeader(name)
    request.setHeader(b"server", b"nginx/0.8.22")
    request.setHeader(b"content-type", b"text/html")
    request.setHeader(b"x-tvie-debug", b"Connect to upstream failed")
    return PROXY_BODY


def _redirect(request: Request, *_: object) -> bytes:
    request.setResponseCode(302)
    request.setHeader(b"location", request.uri)
    return b""


def _endless_head(request: Request, _: Behaviour, held: Held, __: object) -> int:
    transport = _transport(request)
    transport.write(b"HTTP/1.1 200 OK\r\n")

    def step() -> bool:
        transport.write(b"X-More: and more\r\n")
        return True

    return held.paced(request, HEAD_LINE_SECONDS, step)


def _huge(request: Request, *_: object) -> int:
    request.registerProducer(_Endless(request), False)
    return NOT_DONE_YET


@implementer(IPullProducer)
class _Endless:
    """Hands on piece after piece, each only when the one before is gone."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted calls it
        self._request.write(HUGE_PIECE)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """The client has gone; there is nothing to let go of."""


def _transport(request: Request) -> Any:
    """The connection itself, below HTTP."""
    return request.channel.transport


_FAULTS: dict[str, Fault] = {
    "silent": silence,
    "slow": _slow,
    "drip": _drip,
    "stall": _stall,
    "truncated": _truncated,
    "reset": _reset,
    "garbage": garbage,
    "html": page,
    "502": _bad_gateway,
    "redirect": _redirect,
    "huge": _huge,
    "endless_head": _endless_head,
}
