"""
A request that is not answered as it was asked, and what the client is told instead.

Every error of the API has one form: ``{"error": {"message", "part", "allowed"}}``, where
``part`` and ``allowed`` are there only if one part of the request is to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class Refusal(Exception):  # noqa: N818 - it reads as the sentence that it is
    """
    :param message: one sentence for the person who wrote the request
    :param code: the HTTP status
    :param part: which part of the request is wrong
    :param allowed: what it may be
    :param headers: sent along, such as ``Allow`` or ``Retry-After``
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 400,
        part: str | None = None,
        allowed: Sequence[str] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.part = part
        self.allowed = tuple(allowed)
        self.headers = tuple(headers)

    def as_dict(self) -> dict[str, Any]:
        """The answer's JSON."""
        error: dict[str, Any] = {"message": self.message}
        if self.part is not None:
            error["part"] = self.part
        if self.allowed:
            error["allowed"] = list(self.allowed)
        return {"error": error}


def busy(message: str, seconds: int) -> Refusal:
    """Not now; ask again in so many seconds."""
    return Refusal(message, code=503, headers=[(b"Retry-After", b"%d" % seconds)])


def not_allowed(methods: Iterable[str]) -> Refusal:
    """The address is right, the method is not."""
    allowed = [*methods]
    return Refusal(
        "this address is only to be read",
        code=405,
        part="method",
        allowed=allowed,
        headers=[(b"Allow", ", ".join(allowed).encode())],
    )


NOT_FOUND = Refusal("there is nothing at this address; GET api describes what there is", code=404)
STOPPED = busy("tvmon is being stopped", 5)
