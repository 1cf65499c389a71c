"""What may stand on the command line; each function takes a text, or says what it must be."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import NamedTuple
from urllib.parse import urlsplit

from tvmon.servers.addresses import authority, http_url

STREAM_URL = "must be an http:// or https:// URL in ASCII, without user and password"
HOST = "must be one host, as media1.example, 192.0.2.7, 2001:db8::7 or media1.example:8080"


class Host(NamedTuple):
    """
    A host of the command line.

    :param name: as in a URL, an IPv6 address in brackets
    """

    name: str
    port: int | None


def stream_url(text: str) -> str | None:
    """Check a URL that a stream is sampled at: ``None``, or what it must be."""
    path = text.partition("#")[0].partition("?")[0]
    return STREAM_URL if http_url(path) or not text.isprintable() else None


def host(text: str) -> Host:
    """One host, and its port where it has one."""
    place = authority(text)
    if place is None:
        raise ArgumentTypeError(f"{HOST}{_hint(text)}")
    name, colon, digits = place.rpartition(":")
    if not colon or place.endswith("]"):
        return Host(place, None)
    return Host(name, int(digits))


def _hint(text: str) -> str:
    """The host of a URL, without what it may hold of secrets."""
    try:
        place = urlsplit(text).netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f", and no URL; did you mean {place}?" if place and authority(place) else ""


def port(text: str) -> int:
    """A port."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise ArgumentTypeError("must be a port, 1 to 65535")
    return int(text)


def watching(text: str) -> float:
    """For how long a stream is watched: 0 to an hour."""
    return _number(text, 0.0, 3600.0)


def interval(text: str) -> float:
    """What may lie between two samples, and what one may take."""
    return _number(text, 0.05, 65.0)


def _number(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ArgumentTypeError(f"must be seconds, {least:g} to {most:g}")
    return value
