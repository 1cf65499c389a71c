"""
JSON read in steps: a long list element by element, each by the parser in C.

The result is that of ``simplejson.loads``, and what that refuses is refused.  Element by element
takes a third longer than the whole in one go, and holds nobody up.
"""

from __future__ import annotations

import re
from typing import Any

import simplejson

from tvmon.errors import BadAnswer
from tvmon.servers.steps import Steps
from tvmon.servers.values import not_json

_scan = simplejson.JSONDecoder().scan_once
_space = re.compile(r"[ \t\n\r]*").match


def json_steps(body: bytes, what: str, levels: int) -> Steps[Any]:
    """
    The value of a JSON answer, as by :func:`tvmon.servers.values.json_of`; BadAnswer.

    :param levels: so many objects and arrays deep lies what the answer has thousands of: 1 for
        a list of streams, 2 where the list is in an object
    """
    try:
        return (yield from loads(body.removeprefix(b"\xef\xbb\xbf").decode(), levels))
    except (ValueError, RecursionError):
        raise BadAnswer(not_json(body, what), "body") from None


def loads(text: str, levels: int) -> Steps[Any]:
    """The value of a JSON text; ValueError or RecursionError."""
    start = _after_space(text, 0)
    if text[start : start + 1] not in ("{", "["):
        return simplejson.loads(text)
    value, end = yield from _value(text, start, levels)
    if _after_space(text, end) != len(text):
        raise ValueError("there is more behind the value")
    return value


def _value(text: str, start: int, levels: int) -> Steps[tuple[Any, int]]:
    """The value that begins there, and where it ends."""
    opening = text[start : start + 1]
    if levels and opening == "[":
        return (yield from _array(text, start + 1, levels - 1))
    if levels and opening == "{":
        return (yield from _object(text, start + 1, levels - 1))
    value, end = _scan(text, start)
    return value, end


def _array(text: str, start: int, levels: int) -> Steps[tuple[list[Any], int]]:
    found: list[Any] = []
    at = _after_space(text, start)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        value, end = yield from _value(text, at, levels)
        found.append(value)
        yield
        at, is_last = _after_mark(text, end, "]")
        if is_last:
            return found, at


def _object(text: str, start: int, levels: int) -> Steps[tuple[dict[str, Any], int]]:
    found: dict[str, Any] = {}
    at = _after_space(text, start)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("a name is missing")
        name, end = _scan(text, at)
        end = _after_space(text, end)
        if text[end : end + 1] != ":":
            raise ValueError("a colon is missing")
        value, end = yield from _value(text, _after_space(text, end + 1), levels)
        found[name] = value
        yield
        at, is_last = _after_mark(text, end, "}")
        if is_last:
            return found, at


def _after_mark(text: str, end: int, closing: str) -> tuple[int, bool]:
    """Where it goes on behind a value, and whether that was the last one."""
    at = _after_space(text, end)
    mark = text[at : at + 1]
    if mark == closing:
        return at + 1, True
    if mark != ",":
        raise ValueError("a comma is missing")
    return _after_space(text, at + 1), False


def _after_space(text: str, start: int) -> int:
    found = _space(text, start)
    assert found is not None
    return found.end()
