"""
What stands in the fields of an answer, as far as it can be believed.

A value that is not what it should be is ``None``, as if the server did not tell: one field that
cannot be read must not cost the other twenty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import simplejson

from tvmon.errors import BadAnswer
from tvmon.servers import Answer
from tvmon.servers.answers import kind_of_text

MOST = 2**63 - 1
"""The largest number that a database column and everyone behind it can hold."""

MOST_OF_STREAM = 2**31 - 1
"""The largest number that describes a stream: bit rates, pictures, codecs."""


def json_of(body: bytes, what: str) -> Any:
    """
    The value of a JSON answer; BadAnswer where it is none.

    :param what: the answer should be, for the operator: ``the list of streams``
    """
    try:
        return simplejson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        raise BadAnswer(not_json(body, what), "body") from None


def not_json(body: bytes, what: str) -> str:
    """That an answer is not JSON, and what it is instead, for the operator."""
    kind = kind_of_text(body)
    words = {None: "", "empty": ": it is empty", "JSON": ": it breaks off or is wrong"}
    return f"{what} is not JSON{words.get(kind, f' but {kind}')}"


def table(value: object) -> dict[str, Any]:
    """A JSON object; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    """A JSON array; an empty one where it is something else."""
    return value if isinstance(value, list) else []


def count(value: object, most: int = MOST) -> int | None:
    """A whole number from 0 to ``most``, which may come as a text, or with a fraction of 0."""
    if isinstance(value, str):
        text = value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            return None
        value = int(text)
    if isinstance(value, float) and isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= most else None


def number(value: object, most: float = float(MOST)) -> float | None:
    """A number from 0 to ``most``, which may come as a text."""
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 40 and "_" not in value else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= most else None  # and nothing that is no number: nan


def whole(value: object, most: int = MOST_OF_STREAM) -> int | None:
    """A number from 0 to ``most``, rounded: a frame rate of 29.97 is 30."""
    found = number(value, most)
    return None if found is None else round(found)


def text(value: object) -> str | None:
    """A text that is not empty, and can be encoded."""
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-8", "replace").decode()


def instant(value: object) -> float | None:
    """A time in ISO 8601, ``2026-01-02T03:04:05Z``, as seconds since 1970; UTC if it says none."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def http_time(value: object) -> float | None:
    """A time as HTTP and mail write it, as seconds since 1970; UTC if it says none."""
    try:
        sent = parsedate_to_datetime(value if isinstance(value, str) else "")
        return (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def server_time(answer: Answer) -> float:
    """
    When an answer was sent, seconds since 1970: by the server's clock, where it tells that.

    The request must want its ``date``.
    """
    sent = http_time(answer.headers.get("date"))
    return answer.time if sent is None else sent


def average_kbps(transferred: int | None, seconds: float | None) -> float | None:
    """The mean rate of so many bytes in so many seconds, kbit/s."""
    if transferred is None or seconds is None or seconds < 1:
        return None
    return round(transferred * 8 / 1000 / seconds, 3)
