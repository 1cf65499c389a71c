"""The ends of paths: what every resource of the simulator has in common."""

from __future__ import annotations

from typing import Any, ClassVar

import simplejson
from twisted.web.resource import Resource
from twisted.web.server import Request


def sentence(request: Request, status: int, words: str) -> bytes:
    """An answer of one sentence, as JSON."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return simplejson.dumps({"error": words}, ensure_ascii=False).encode() + b"\n"


class Leaf(Resource):
    """
    A resource with nothing below it.

    :cvar methods: those that it takes
    """

    isLeaf = True
    methods: ClassVar[tuple[bytes, ...]]

    def render(self, request: Request) -> Any:
        """Its answer, or a refusal that says what it would have taken."""
        if request.method in self.methods:
            return super().render(request)
        allowed = b", ".join(self.methods)
        request.setHeader(b"allow", allowed)
        return sentence(request, 405, f"allowed: {allowed.decode()}")
