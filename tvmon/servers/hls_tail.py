"""
The end of a long HLS playlist, which is all that a live stream is judged by.

A window may hold hours, and to read all of it at every poll would hold up every other stream.
"""

from __future__ import annotations

from typing import NamedTuple

KEPT = 100
"""How many segments are read."""

_EXTINF = "#EXTINF:"
_DATE = "#EXT-X-PROGRAM-DATE-TIME:"
_ENDED = "#EXT-X-ENDLIST"


class Tail(NamedTuple):
    """
    A playlist with its last segments alone.

    :param skipped: how many segments are left out
    :param date: the last EXT-X-PROGRAM-DATE-TIME before the first segment that is kept
    :param since: how much media lies between the two, seconds
    """

    text: str
    skipped: int = 0
    date: str | None = None
    since: float = 0.0


def tail(text: str) -> Tail:
    """The end of a playlist, and what is to be known of the rest; ValueError where it is broken."""
    head, *segments = text.split(_EXTINF)
    skipped = len(segments) - KEPT
    if skipped <= 0:
        return Tail(text)
    # Tags of a segment stand in the part before it, behind the URI, or in its own before the URI.
    since, date = 0.0, None
    for part in reversed(segments[:skipped]):
        before_uri, after_uri = _dates(part)
        if after_uri is not None:
            date = after_uri
            break
        since += float(part.partition("\n")[0].partition(",")[0])
        if before_uri is not None:
            date = before_uri
            break
    else:
        date = _dates(f"\nuri\n{head}")[1]
    plain = "".join(
        line for line in head.splitlines(keepends=True) if not line.lstrip().startswith(_DATE)
    )
    ended = f"\n{_ENDED}\n" if any(_ENDED in part for part in segments[:skipped]) else ""
    kept = _EXTINF + _EXTINF.join(segments[skipped:])
    return Tail(f"{plain}{kept}{ended}", skipped, date, since)


def _dates(part: str) -> tuple[str | None, str | None]:
    """The dates in a part that begins with a segment: its own, and that of the next one."""
    if _DATE not in part:
        return None, None
    own = following = None
    is_behind = False
    for line in part.splitlines()[1:]:
        if line.startswith(_DATE):
            if is_behind:
                following = line.removeprefix(_DATE)
            else:
                own = line.removeprefix(_DATE)
        elif line.strip() and not line.startswith("#"):
            is_behind = True
    return own, following
