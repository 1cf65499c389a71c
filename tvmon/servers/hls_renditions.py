"""
The renditions of a master playlist: what they are called, and whether they keep together.

A rendition is called by what does not change from answer to answer: its size, its codec, its
name; never by its URL, which may hold a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from tvmon.servers.addresses import URL_CHARACTERS
from tvmon.servers.codecs import codec, codec_fields, is_video
from tvmon.servers.hls_playlist import MasterPlaylist, Variant
from tvmon.words import cleaned

MOST_RENDITIONS = 100
"""Of one master playlist; none has so many."""

TOGETHER_SECONDS = 30.0
"""How old a look at another rendition may be that one is compared with."""

APART = 2.0
"""By how many target durations renditions may be apart."""

_UNSAFE = str.maketrans(dict.fromkeys('/?#;& "<>', "-"))


@dataclass(frozen=True, slots=True)
class Rendition:
    """
    One media playlist of a master playlist.

    :param url: where it is now; may hold a token
    :param fields: of a Measurement: what the master playlist declares of it
    """

    url: str = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict)


class Edge(NamedTuple):
    """
    Where the live edge of a rendition was at the last look.

    :param at: when that was, monotonic seconds
    :param delay_ms: how far it was behind, by its dates
    :param newest: its highest media sequence
    :param target_seconds: its target duration
    """

    at: float
    delay_ms: int | None
    newest: int
    target_seconds: float


def renditions(master: MasterPlaylist, base: str) -> tuple[dict[str, Rendition], tuple[str, ...]]:
    """
    Its renditions by name, and a sentence for each that is left out.

    :param base: the URL of the master playlist
    """
    usable: dict[str, Variant] = {}
    skipped: list[str] = []
    for number, variant in enumerate(master.variants, 1):
        url = _absolute(base, variant.url)
        if url is None:
            skipped.append(f"rendition {number} is left out: its URL cannot be asked")
        elif url not in usable and len(usable) < MOST_RENDITIONS:
            # One media playlist may be there several times, with this sound and with that.
            usable[url] = variant
        elif url not in usable:
            skipped.append(f"rendition {number} is left out: there are {MOST_RENDITIONS} already")
    names = _names(list(usable.values()))
    found = {
        name: Rendition(url, _fields(variant))
        for name, (url, variant) in zip(names, usable.items(), strict=True)
    }
    return found, tuple(skipped)


def apart(mine: Edge, others: Iterable[Edge], is_aligned: bool) -> tuple[str | None, bool]:
    """
    That a rendition lags behind another one, and whether they are numbered alike.

    Dates tell it, where they are.  Without them media sequences do, of renditions that were seen
    to be numbered alike; they need not be.
    """
    near = [edge for edge in others if abs(mine.at - edge.at) < TOGETHER_SECONDS]
    delays = [edge.delay_ms for edge in near if edge.delay_ms is not None]
    if mine.delay_ms is not None and delays:
        lag = (mine.delay_ms - min(delays)) / 1000
        if lag > APART * mine.target_seconds:
            return f"{lag:.1f} s behind another rendition", is_aligned
        return None, is_aligned
    if not near:
        return None, is_aligned
    behind = max(edge.newest for edge in near) - mine.newest
    if abs(behind) <= APART:
        return None, True
    if is_aligned and behind > APART:
        return f"{behind} segments behind another rendition", True
    return None, is_aligned


def _absolute(base: str, url: str) -> str | None:
    """Where a URL of a playlist leads; ``None`` where that is nowhere to be asked."""
    try:
        joined = urljoin(base, url)
        parts = urlsplit(joined)
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return joined if usable and len(joined) <= URL_CHARACTERS else None


def _names(variants: list[Variant]) -> list[str]:
    """A name for each: the shortest one that no other has, and a number where there is none."""
    ways = [_ways(variant) for variant in variants]
    counts = Counter(name for names in ways for name in dict.fromkeys(names))
    found: list[str] = []
    for names in ways:
        name = next((name for name in names if counts[name] == 1), names[-1])
        plain, number = name, 2
        while name in found:
            name, number = f"{plain}-{number}", number + 1
        found.append(name)
    return found


def _ways(variant: Variant) -> list[str]:
    """What it may be called, from short to long."""
    codecs = [codec(spelled) or "" for spelled in variant.codecs]
    first = next((c for c in codecs if is_video(c)), codecs[0] if codecs else "")
    size = f"{variant.height}p" if variant.height else variant.kind
    rate = str(variant.frame_rate or "") if variant.height else ""
    kbps = f"{variant.bits_per_second // 1000}k" if variant.bits_per_second else ""
    if variant.name:
        names = [f"{variant.kind}-{variant.name}"]
    else:
        longer = ((), (first,), (first, kbps))
        names = [size, *("-".join(filter(None, (size + rate, *more))) for more in longer)]
    return [cleaned(name.translate(_UNSAFE), 100).rstrip("-") for name in names]


def _fields(variant: Variant) -> dict[str, Any]:
    names = [(codec(spelled), spelled) for spelled in variant.codecs]
    video = next((spelled for name, spelled in names if name and is_video(name)), None)
    audio = next((spelled for name, spelled in names if name and not is_video(name)), None)
    kbps = variant.bits_per_second // 1000 if variant.bits_per_second else None
    return {
        f"stream_info_{variant.kind}datarate": kbps or None,
        "stream_info_width": variant.width,
        "stream_info_height": variant.height,
        "stream_info_framerate": variant.frame_rate,
        **codec_fields(video, audio),
    }
