"""
The check of one live DASH manifest, from look to look.  Pure: no clock, no I/O.

Its live edge is that of its picture, or of its sound where it has no picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tvmon.errors import BadAnswer
from tvmon.servers.dash import Manifest, Timeline, Track
from tvmon.servers.live_edge import Faults, Look, Moment, Progress, delay, seconds

LATE = 1.5
"""Times the longest rest without new media that are too many."""

DEAD = 3.0
"""Times the longest rest after which a manifest is called stale."""

APART_SECONDS = 0.1
"""By how much picture and sound may end apart, beside what their segments differ in length."""

SHORTEST_PERIOD_SECONDS = 0.5

BACK_SECONDS = 0.001
"""By how much an edge may go back: what reckoning with fractions loses."""

ENDED = "ended: the manifest is static"


@dataclass(slots=True)
class _Life:
    """
    What is remembered of a stream since it was published, or first looked at.

    :ivar begin: its availabilityStartTime
    :ivar edge: its live edge
    :ivar changed_at: when that was seen first
    :ivar seen_at: the look before
    :ivar older_since: since when older manifests come; ``None`` where they do not
    :ivar kinds: of tracks that it had
    :ivar is_apart: picture and sound were apart at the look before
    """

    name: str
    begin: float
    edge: float | None
    published: float | None
    changed_at: float
    seen_at: float
    kinds: frozenset[str]
    received: float = 0.0
    progress: Progress = field(default_factory=Progress)
    is_apart: bool = False
    older_since: float | None = None


class DashCheck:
    """The check of one manifest; tell it of every answer, in their order."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._life: _Life | None = None

    def look(self, manifest: Manifest, moment: Moment, found: float | None = None) -> Look:
        """
        What a manifest shows; BadAnswer where nothing in it can be followed.

        :param found: when the newest segment ends that is there, where no timeline tells it
        """
        life = self._life
        if not manifest.is_live:
            name, received = ("", 0.0) if life is None else (life.name, life.received)
            return Look(round(received * 1000), name, 1.0, None, (ENDED,), is_ended=True)
        main = manifest.main
        if main is None:
            raise BadAnswer("its last period has no segments that can be followed", "body")
        edge = found if main.timeline is None else main.timeline.edge
        is_older = life is not None and self._is_older(life, manifest, moment)
        if life is None or manifest.begin != life.begin:
            if life is not None:
                words = f"by {seconds(abs(manifest.begin - life.begin))}"
                self._faults.note("begin", f"availabilityStartTime moved {words}", moment.at)
            life = self._begin(manifest, edge, moment)
        elif not is_older and edge is not None:
            life = self._follow(life, manifest, edge, moment)
        life.seen_at = moment.at
        if not is_older:
            life.older_since = None
            life.published = manifest.published
            self._look_at_periods(life, manifest, moment.at)
        return self._shown(life, manifest, main, edge, moment)

    def _is_older(self, life: _Life, manifest: Manifest, moment: Moment) -> bool:
        """Whether it was written before the last one; one that stays so is a new beginning."""
        if not (life.published and manifest.published and manifest.published < life.published):
            return False
        back = seconds(life.published - manifest.published)
        self._faults.note("older", f"publishTime went back by {back}", moment.at)
        if life.older_since is None:
            life.older_since = moment.at
        return moment.at - life.older_since < DEAD * _rest(manifest, manifest.main)

    def _begin(self, manifest: Manifest, edge: float | None, moment: Moment) -> _Life:
        self._life = _Life(
            f"{moment.at:.3f}",
            manifest.begin,
            edge,
            manifest.published,
            changed_at=moment.at,
            seen_at=moment.at,
            kinds=frozenset(),
        )
        return self._life

    def _follow(self, life: _Life, manifest: Manifest, edge: float, moment: Moment) -> _Life:
        """Take in what is new."""
        at = moment.at
        if life.edge is None:
            life.edge, life.changed_at = edge, at
            return life
        gained = edge - life.edge
        if gained < -BACK_SECONDS:
            self._faults.note("back", f"the live edge went back by {seconds(-gained)}", at)
            return self._begin(manifest, edge, moment)
        if gained <= BACK_SECONDS:
            return life
        main = manifest.main
        rest = _rest(manifest, main)
        most = at - life.changed_at + DEAD * rest
        if gained > most:
            self._faults.note("jump", f"the live edge jumped by {seconds(gained)}", at)
        first = manifest.first
        if (
            first is not None
            and life.edge < first - BACK_SECONDS
            and at - life.seen_at < edge - first
        ):
            words = f"the window jumped over {seconds(first - life.edge)}"
            self._faults.note("window", words, at)
        if main is not None and main.timeline is not None:
            self._look_at_timeline(life.edge, main.timeline, at)
        life.received += min(gained, most)
        life.edge, life.changed_at = edge, at
        return life

    def _look_at_timeline(self, before: float, timeline: Timeline, at: float) -> None:
        for end, off in timeline.gaps:
            if end >= before - BACK_SECONDS:
                what = "a gap" if off > 0 else "an overlap"
                self._faults.note("gap", f"{what} of {abs(off):.3g} s between segments", at)

    def _look_at_periods(self, life: _Life, manifest: Manifest, at: float) -> None:
        for period in manifest.periods:
            if period.duration is not None and period.duration < SHORTEST_PERIOD_SECONDS:
                words = f"takes {period.duration:.1f} s, less than {SHORTEST_PERIOD_SECONDS:g} s"
                self._faults.note("short", f"a period {words}", at)
            kinds = frozenset(t.kind for t in period.tracks) & {"video", "audio"}
            for kind in sorted(life.kinds - kinds):
                self._faults.note(kind, f"a period has no {kind}, which an earlier one had", at)
            life.kinds |= kinds

    def _shown(
        self, life: _Life, manifest: Manifest, main: Track, edge: float | None, moment: Moment
    ) -> Look:
        rest = _rest(manifest, main)
        late_ms, skewed = (None, None) if life.edge is None else delay(life.edge, moment.now)
        remarks = [
            *self._faults.texts(moment.at),
            _silent(life, manifest, rest, moment)
            or life.progress.note(moment.at, life.received, rest),
            "the newest segments, by their numbers, are not there" if edge is None else None,
            _apart(life, manifest),
            f"the manifest lay in a cache for {seconds(moment.age)}"
            if moment.age > LATE * rest
            else None,
            skewed,
        ]
        told = tuple(remark for remark in remarks if remark is not None)
        return Look(round(life.received * 1000), life.name, rest, late_ms, told)


def _rest(manifest: Manifest, main: Track | None) -> float:
    """How long the live edge may rest: a segment, or until the manifest is written anew."""
    longest = 1.0
    if main is not None and main.timeline is not None:
        longest = max(main.timeline.longest, manifest.update_seconds or 0.0)
    elif main is not None and main.numbers is not None:
        longest = main.numbers.seconds
    return min(max(1.0, longest), 3600.0)


def _silent(life: _Life, manifest: Manifest, rest: float, moment: Moment) -> str | None:
    silence = moment.at - life.changed_at
    if silence <= LATE * rest:
        return None
    stale = "stale: " if silence >= DEAD * rest else ""
    why = "" if manifest.update_seconds is not None else "; it has no minimumUpdatePeriod"
    return f"{stale}no new segment for {seconds(silence)}, {silence / rest:.1f} segments{why}"


def _apart(life: _Life, manifest: Manifest) -> str | None:
    """That picture and sound end apart, at two looks in a row: one is written after the other."""
    last = manifest.periods[-1]
    video, audio = (
        None if track is None else track.timeline
        for track in (last.track("video"), last.track("audio"))
    )
    if video is None or audio is None:
        return None
    apart = abs(video.edge - audio.edge)
    was_apart, life.is_apart = life.is_apart, apart > APART_SECONDS + abs(video.last - audio.last)
    if not (was_apart and life.is_apart):
        return None
    return f"picture and sound end {apart:.1f} s apart"
