"""DASH manifests as packagers write them, for tests."""

from __future__ import annotations

from tests.servers.playlists import date_time

MIDNIGHT = 1_767_312_000.0  # 2026-01-02T00:00:00Z
TICKS = 90_000


def timeline(*rows: str) -> str:
    """A SegmentTimeline of these S, written as their attributes."""
    return f"<SegmentTimeline>{''.join(f'<S {row}/>' for row in rows)}</SegmentTimeline>"


def track(kind: str = "video", inner: str = "", template: str = "", **attributes: str) -> str:
    """An adaptation set with one representation."""
    told = {"bandwidth": "2500000", "id": kind, **attributes}
    of = " ".join(f'{name}="{value}"' for name, value in told.items())
    media = f'timescale="{TICKS}" media="{kind}-$Number$.m4s" {template}'
    return (
        f'<AdaptationSet mimeType="{kind}/mp4"><SegmentTemplate {media}>{inner}</SegmentTemplate>'
        f"<Representation {of}/></AdaptationSet>"
    )


def period(*tracks: str, attributes: str = 'start="PT0S"') -> str:
    """A period."""
    return f"<Period {attributes}>{''.join(tracks)}</Period>"


def mpd(
    *periods: str,
    kind: str = "dynamic",
    published: float | None = None,
    update: str | None = "PT2S",
    begin: float = MIDNIGHT,
    clock: str = "",
) -> bytes:
    """A manifest."""
    more = "" if update is None else f' minimumUpdatePeriod="{update}"'
    if published is not None:
        more += f' publishTime="{date_time(published)}"'
    return (
        f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{kind}"'
        f' availabilityStartTime="{date_time(begin)}"{more}>{"".join(periods)}{clock}</MPD>'
    ).encode()


def running(seconds: float, count: int = 5, length: float = 4.0, **more: str) -> str:
    """A picture whose timeline ends so many seconds after the start of its period."""
    return track("video", rows(seconds, count, length), **more)


def rows(seconds: float, count: int = 5, length: float = 4.0) -> str:
    """A timeline that ends so many seconds after the start of its period."""
    first = round((seconds - count * length) * TICKS)
    return timeline(f't="{first}" d="{round(length * TICKS)}" r="{count - 1}"')
