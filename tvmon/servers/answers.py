"""What every kind of media server asks of an HTTP answer before it reads on."""

from __future__ import annotations

from http import HTTPStatus

from tvmon.errors import BadAnswer
from tvmon.servers import Answer
from tvmon.words import cleaned

PHRASE_CHARACTERS = 60
"""How much of a status line's own words is shown."""


def good_body(answer: Answer, secrets: tuple[str, ...] = ()) -> bytes:
    """
    The body of an answer of status 200; BadAnswer for any other status.

    :param secrets: what was sent with the request and must not be shown, should it come back
    """
    if answer.status == HTTPStatus.OK:
        return answer.body
    phrase = cleaned(answer.phrase, PHRASE_CHARACTERS).strip() or _phrase(answer.status)
    if any(secret in answer.phrase for secret in secrets):
        phrase = _phrase(answer.status)
    raise BadAnswer(f"HTTP {answer.status} {phrase}".rstrip(), "http")


def kind_of_text(body: bytes) -> str | None:
    """What a body plainly is by its first character: "an HTML page", "XML", "JSON", "empty"."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "an HTML page" if b"<html" in start else "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return None


def _phrase(status: int) -> str:
    """The usual words for a status; empty where there are none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
