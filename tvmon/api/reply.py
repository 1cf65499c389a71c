"""One way to answer: JSON, errors, unchanged answers, compression, what every answer says."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import simplejson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tvmon.api.refusal import Refusal

JSON = b"application/json"
GZIP_LEVEL = 1
"""The numbers of 10,000 entries shrink to a ninth at level 1, and to a thirteenth at level 6 for
three times the work."""

SMALLEST_GZIP = 1024
"""Below so many bytes an answer fits one packet anyway."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    b"Server": b"tvmon",
    b"Cache-Control": b"no-cache",
    b"Content-Security-Policy": POLICY.encode(),
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Referrer-Policy": b"no-referrer",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
}
"""What every answer says, of whatever kind and code."""

OF_GOOD_ANSWERS = (
    b"Content-Encoding",
    b"Content-Length",
    b"ETag",
    b"Last-Modified",
    b"X-Accel-Buffering",
)
"""What no error says: each is about a body that is not sent."""


def encode(value: Any) -> bytes:
    """JSON in UTF-8, on one line; a lone surrogate, which UTF-8 cannot say, becomes ``?``."""
    text: str = simplejson.dumps(value, separators=(",", ":"), ensure_ascii=False, ignore_nan=True)
    return text.encode("utf-8", "replace")


def reply(
    request: Request,
    body: bytes,
    *,
    code: int = 200,
    content_type: bytes = JSON,
    etag: bytes | None = None,
    shrinks: bool = True,
) -> bytes:
    """
    Set the head of an answer and return its body, ready to be written.

    An answer with an ``etag`` that the client has already becomes 304 without a body.

    :param shrinks: whether compressing it is worth the work
    """
    if etag is not None and unchanged(request, etag):
        return b""
    gzip = shrinks and len(body) >= SMALLEST_GZIP and accepts_gzip(request)
    if gzip:
        body = b"".join(filter(None, gzipped((body,))))
    request.setResponseCode(code)
    set_head(request, content_type, gzip=gzip)
    request.setHeader(b"Content-Length", b"%d" % len(body))
    return body


def set_head(request: Request, content_type: bytes, *, gzip: bool) -> None:
    """Say what the body is, and how it is packed."""
    request.setHeader(b"Content-Type", content_type)
    request.setHeader(b"Vary", b"Accept-Encoding")
    if gzip:
        request.setHeader(b"Content-Encoding", b"gzip")


def reply_json(request: Request, value: Any, *, code: int = 200) -> bytes:
    """Answer with a value as JSON."""
    return reply(request, encode(value), code=code)


def refuse(request: Request, refusal: Refusal) -> bytes:
    """Answer with an error; what was said of the good answer that was to come is taken back."""
    for name in OF_GOOD_ANSWERS:
        request.responseHeaders.removeHeader(name)
    request.setHeader(b"Cache-Control", HEADERS[b"Cache-Control"])
    for name, value in refusal.headers:
        request.responseHeaders.addRawHeader(name, value)
    return reply_json(request, refusal.as_dict(), code=refusal.code)


def unchanged(request: Request, etag: bytes) -> bool:
    """
    Say which version the answer is of; true if the client has it, and 304 is said.

    Tags are compared weakly: a proxy that compresses turns a strong one into a weak one.
    """
    request.setHeader(b"ETag", etag)
    known = b",".join(request.requestHeaders.getRawHeaders(b"If-None-Match") or ())
    tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
    if request.method not in (b"GET", b"HEAD") or not tags & {b"*", etag.removeprefix(b"W/")}:
        return False
    request.setResponseCode(304)
    request.setHeader(b"Vary", b"Accept-Encoding")
    return True


def accepts_gzip(request: Request) -> bool:
    """Whether the client can read gzip, and does not rule it out with ``q=0``."""
    wishes: dict[bytes, float] = {}
    for line in request.requestHeaders.getRawHeaders(b"Accept-Encoding") or ():
        for wish in line.lower().split(b","):
            coding, _, weight = wish.partition(b";")
            try:
                quality = float(weight.strip().removeprefix(b"q=") or 1)
            except ValueError:
                quality = 0.0
            wishes[coding.strip()] = quality
    return wishes.get(b"gzip", wishes.get(b"*", 0.0)) > 0


def gzipped(chunks: Iterable[bytes | None]) -> Iterator[bytes | None]:
    """The same chunks compressed, one for one, and the end."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for chunk in chunks:
        yield packer.compress(chunk) if chunk else None
    yield packer.flush()


GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""How a gzip stream begins whose pieces come from :func:`packed`."""


def packed(text: bytes) -> bytes:
    """
    A piece of a gzip stream, which can be read as soon as it is there.

    It looks back to nothing before it, so what is packed once can stand in many streams, behind
    whatever each of them began with.
    """
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)


def abort(request: Request) -> None:
    """Cut the connection of a request, whatever is still to be sent."""
    transport: Any = request.transport
    transport.abortConnection()


class Refused(Resource):
    """A resource that answers every request with the same error."""

    isLeaf = True

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self._refusal = refusal

    def render(self, request: Request) -> int:
        """Answer."""
        return finish(request, refuse(request, self._refusal))


def finish(request: Request, body: bytes) -> int:
    """Write an answer whose head is set, outside of Klein; for ``render`` to return."""
    request.write(body)
    request.finish()
    return NOT_DONE_YET
