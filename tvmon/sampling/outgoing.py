"""What is sent with a request: its headers, its body, and no cookies."""

from __future__ import annotations

from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any, cast
from urllib.request import Request as StandardRequest

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from tvmon.sampling.targets import Origin, usual_headers

ORIGINS_KEPT = 1_024
"""For how many origins the headers of a request are kept ready."""


class _NoCookies(CookieJar):
    """Neither keeps nor sends any: what a poll brings must not depend on the poll before."""

    def add_cookie_header(self, request: StandardRequest) -> None:
        """None is sent."""

    def extract_cookies(self, response: object, request: StandardRequest) -> None:
        """None is kept."""


# treq wants its own subclass, for a method that is not used here.
NO_COOKIES = cast(Any, _NoCookies())


@implementer(IBodyProducer)
class Content:
    """The body of a request, written in one go; treq's own way takes turns of the reactor."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802
        """Write it."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802
        """It is written already."""

    def resumeProducing(self) -> None:  # noqa: N802
        """It is written already."""

    def stopProducing(self) -> None:  # noqa: N802
        """It is written already."""


def headers_for(
    origin: Origin, authorization: str | None, more: tuple[tuple[str, str], ...]
) -> Headers:
    """
    The headers of a request.

    :param more: the request's own; they stand in place of ours of the same name
    """
    ready = _ready_headers(origin, authorization)
    if not more:
        return ready
    headers = ready.copy()
    for name in {name for name, _ in more}:
        headers.removeHeader(name)
    for name, value in more:
        headers.addRawHeader(name, value)
    return headers


@lru_cache(maxsize=ORIGINS_KEPT)
def _ready_headers(origin: Origin, authorization: str | None) -> Headers:
    """What every request to an origin sends; not to be changed by anybody."""
    headers = Headers()
    for name, value in usual_headers(origin, authorization):
        headers.addRawHeader(name, value)
    return headers
