"""Hosts and URLs of media servers, as operators and media servers write them."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import urlsplit

URL_CHARACTERS = 2000
"""How long a URL may be."""

HTTP_URL = "must be an http:// or https:// URL in ASCII, without user, password, query, fragment"

PLAYLIST_URL = "must be an http:// or https:// URL in ASCII, without user, password and fragment"

_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_HOST_CHARACTERS = 253
_URL = re.compile(r"https?://[!-~]+")
_QUERY = re.compile(r"[!-~]*")


@lru_cache(maxsize=1024)
def authority(address: str) -> str | None:
    """
    A host as it stands in a URL, with its port where it has one; ``None`` where it is none.

    An IPv6 address may come bare, ``2001:db8::1``, or in brackets with a port behind them.
    """
    if _is_ipv6(address):
        return f"[{address}]"
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        good = _is_ipv6(host) and address[1 + len(host) :].startswith("]")
    else:
        host = address.partition(":")[0]
        rest = address[len(host) :]
        good = len(host) <= _HOST_CHARACTERS and _HOST.fullmatch(host) is not None
    return address if good and _is_port_or_nothing(rest) else None


def http_url(text: str) -> str | None:
    """
    Check a URL that everybody may see: ``None``, or what it must be.

    A password in it, or a token in its query, would be on the page and in the log.
    """
    if len(text) > URL_CHARACTERS or not _URL.fullmatch(text) or "?" in text or "#" in text:
        return HTTP_URL
    try:
        place = urlsplit(text).netloc
    except ValueError:
        return HTTP_URL
    # In a URL an IPv6 address stands in brackets, always.
    return HTTP_URL if authority(place) is None or _is_ipv6(place) else None


def playlist_url(text: str) -> str | None:
    """
    Check a URL whose query may hold a token: ``None``, or what it must be.

    What is behind the question mark is to be shown to nobody.
    """
    public, mark, query = text.partition("?")
    good = len(text) <= URL_CHARACTERS and http_url(public) is None
    if mark:
        good = good and "#" not in query and _QUERY.fullmatch(query) is not None
    return None if good else PLAYLIST_URL


def _is_ipv6(text: str) -> bool:
    if text.count(":") < 2:
        return False
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _is_port_or_nothing(text: str) -> bool:
    digits = text[1:]
    if not text:
        return True
    plain = text.startswith(":") and digits.isascii() and digits.isdigit() and len(digits) <= 5
    return plain and 1 <= int(digits) <= 65535
