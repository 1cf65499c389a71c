"""What single elements of a DASH manifest say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import isodate

from tvmon.errors import BadAnswer
from tvmon.servers.codecs import codec_fields
from tvmon.servers.values import count, instant, whole

LONGEST_SECONDS = 10.0**9
"""What no duration is longer than: 30 years."""

_DIRECT = "urn:mpeg:dash:utc:direct:2014"


def best(period: Element) -> Iterator[tuple[str, Element, Element]]:
    """Of each kind of track the representation with the highest rate: kind, set, itself."""
    highest: dict[str, tuple[int, Element, Element]] = {}
    for found in sets(period):
        for representation in children(found, "Representation"):
            rate = count(representation.get("bandwidth")) or 0
            kind = kind_of(found)
            if kind not in highest or rate > highest[kind][0]:
                highest[kind] = rate, found, representation
    for kind, (_, found, representation) in highest.items():
        yield kind, found, representation


def declared(representations: Iterable[tuple[str, Element, Element]]) -> dict[str, Any]:
    """What they declare, as fields of a Measurement."""
    told: dict[str, Any] = {}
    codecs: dict[str, str | None] = {}
    for kind, found, representation in representations:
        both = {**found.attrib, **representation.attrib}
        if kind not in ("video", "audio"):
            continue
        kbps = (count(both.get("bandwidth")) or 0) // 1000
        told[f"stream_info_{kind}datarate"] = min(kbps, 2**31 - 1) or None
        codecs[kind] = (both.get("codecs") or "").partition(",")[0] or None
        if kind == "video":
            above, _, below = both.get("frameRate", "").partition("/")
            rate, by = count(above), count(below or "1")
            told["stream_info_width"] = count(both.get("width"), 100_000) or None
            told["stream_info_height"] = count(both.get("height"), 100_000) or None
            told["stream_info_framerate"] = whole(rate / by, 1000) if rate and by else None
        else:
            hertz = count(both.get("audioSamplingRate"), 2**31 - 1)
            told["stream_info_audiosamplerate"] = hertz
    return {**told, **codec_fields(codecs.get("video"), codecs.get("audio"))}


def kind_of(found: Element) -> str:
    """What an adaptation set holds."""
    told = found.get("contentType") or found.get("mimeType") or ""
    if not told:
        for representation in children(found, "Representation"):
            told = representation.get("mimeType") or ""
            break
    return told.partition("/")[0].lower()


def clock(root: Element) -> float | None:
    """The time that a manifest tells itself, seconds since 1970."""
    for timing in children(root, "UTCTiming"):
        if timing.get("schemeIdUri") == _DIRECT:
            return instant(timing.get("value"))
    return None


def base_of(url: str, element: Element) -> str:
    """The URL at which those of an element begin."""
    for base in children(element, "BaseURL"):
        try:
            return urljoin(url, (base.text or "").strip())
        except ValueError:
            raise bad("a BaseURL cannot be read") from None
    return url


def duration(text: str | None) -> float | None:
    """An xs:duration, seconds; ``None`` where there is none that is one, of 0 or more."""
    if text is None or len(text) > 60:
        return None
    try:
        found = isodate.parse_duration(text)
    except (ValueError, ArithmeticError, TypeError):
        return None
    if not isinstance(found, timedelta):
        return None  # of months and years, whose length nobody knows
    seconds = found.total_seconds()
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def children(element: Element, name: str) -> Iterator[Element]:
    """Those of a name, whatever their namespace."""
    return (child for child in element if name_of(child) == name)


def name_of(element: Element) -> str:
    """The name of an element, without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def sets(period: Element) -> Iterator[Element]:
    """The adaptation sets of a period."""
    return children(period, "AdaptationSet")


def bad(why: str) -> BadAnswer:
    """Why a manifest cannot be used."""
    return BadAnswer(f"no DASH manifest that can be used: {why}", "body")
