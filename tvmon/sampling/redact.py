"""Texts from outside that may be logged: without the parts of URLs that can hold secrets."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^\s/?#'\"<>]*@")
_QUERY = re.compile(r"(\w+://[^\s?#'\"<>]*)[?#][^\s'\"<>]*")


def redact(text: str) -> str:
    """The text; userinfo is cut out of every URL in it, and query and fragment become ``?...``."""
    return _QUERY.sub(r"\1?...", _USER.sub("", text))
