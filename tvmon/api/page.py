"""
The pages: the files below ``web/``, as they are.

A browser asks for each file every time and gets 304 while it is the same, so an upgrade shows
at the next look.  What is no file is an error in JSON; folders are neither listed nor led to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from twisted.web.resource import Resource
from twisted.web.server import Request

from tvmon.api.query import decoded
from tvmon.api.refusal import NOT_FOUND, Refusal, not_allowed
from tvmon.api.reply import finish, refuse, reply

PAGES = {b"/": "index.html", b"/trend": "trend.html"}
"""The addresses of pages, which show no ending.  All of a page's own addresses are relative to
it, so that it works below a path as well."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Named here, since a system's own table may say otherwise, and a script that is not called one
is not run."""

PACKED = (".png", ".woff2")
"""What no compression makes smaller."""


class Page(Resource):
    """The folder of the page, at every address that is nobody else's."""

    isLeaf = True

    def __init__(self, web: Path) -> None:
        super().__init__()
        self._web = web

    def render(self, request: Request) -> int:
        """Answer with the whole file."""
        try:
            return finish(request, self._answer(request))
        except Refusal as refusal:
            return finish(request, refuse(request, refusal))

    def _answer(self, request: Request) -> bytes:
        path = self._web.joinpath(*names(request.path))
        try:
            body, status = path.read_bytes(), path.stat()
        except OSError:
            raise NOT_FOUND from None
        if request.method not in (b"GET", b"HEAD"):
            raise not_allowed(["GET", "HEAD"])
        # The content and not its time: a package may give one time to all files of all versions.
        etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
        changed = datetime.fromtimestamp(status.st_mtime, UTC)
        request.setHeader(b"Last-Modified", changed.strftime("%a, %d %b %Y %H:%M:%S GMT").encode())
        kind = path.suffix.lower()
        return reply(
            request,
            body,
            content_type=TYPES.get(kind, "application/octet-stream").encode(),
            etag=etag.encode(),
            shrinks=kind not in PACKED,
        )


def names(path: bytes) -> list[str]:
    """
    The folders and the file that an address means, each a plain name.

    Split before it is decoded, so that no name can hold a slash and lead elsewhere; hidden
    files are not shown.
    """
    if path in PAGES:
        return [PAGES[path]]
    parts = [decoded(part, "path") for part in path.split(b"/")[1:]]
    if not all(part and part[0] != "." and not set(part) & {"/", "\\", "\0"} for part in parts):
        raise NOT_FOUND
    return parts
