"""
The check of one live HLS media playlist, from look to look.  Pure: no clock, no I/O.

What a server owes its players (RFC 8216, 6.2): a new segment at the latest one and a half target
durations after the one before, a window of at least three, segments under media sequences that
only grow and never change, and dates that go on where they were.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tvmon.servers.hls_playlist import MediaPlaylist, Segment
from tvmon.servers.live_edge import Faults, Look, Moment, Progress, delay, seconds

REMEMBERED = 32
"""How many segments of a window are known again; a window may hold hours."""

LATE = 1.5
"""Target durations without a new segment that are too many."""

DEAD = 3.0
"""Target durations without a new segment after which a playlist is called stale."""

ROUNDED_SECONDS = 1.5
"""
What three segments may lack of three target durations.

The target duration is rounded: three segments of 1.92 s each are as good as 6 s.
"""

JITTER_SECONDS = 1.0
"""By how much dates may go back that are taken from a clock, segment by segment."""

FIRST_SECONDS = 1.0
"""The shortest target duration that is reckoned with."""

ENDED = "ended: the playlist holds EXT-X-ENDLIST"


@dataclass(slots=True)
class _Life:
    """
    What is remembered of a stream since it was published, or first looked at.

    :ivar newest: the highest media sequence so far
    :ivar edge: when its segment ends, by its date; seconds since 1970
    :ivar known: the identities of the last segments, by their media sequences
    :ivar changed_at: when the newest one was seen first
    :ivar seen_at: the look before
    :ivar older_since: since when older playlists come; ``None`` where they do not
    :ivar has_moved: its first segments have left the window
    :ivar tells_change: its Last-Modified changes when it does
    """

    name: str
    first: int
    newest: int
    target: float
    version: int | None
    discontinuities: int
    window_seconds: float
    known: dict[int, tuple[str, float]]
    changed_at: float
    seen_at: float
    changed: float | None
    edge: float | None = None
    received: float = 0.0
    progress: Progress = field(default_factory=Progress)
    older_since: float | None = None
    has_moved: bool = False
    tells_change: bool = True


class HlsCheck:
    """The check of one media playlist; tell it of every answer, in their order."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._life: _Life | None = None

    @property
    def newest(self) -> int | None:
        """The highest media sequence; ``None`` before the first look."""
        return None if self._life is None else self._life.newest

    def look(self, playlist: MediaPlaylist, moment: Moment) -> Look:
        """What a playlist shows."""
        life = self._life
        if life is None:
            life = self._begin(playlist, moment)
        elif not playlist.segments:
            life.seen_at = moment.at
        elif playlist.newest >= life.newest:
            self._follow(life, playlist, moment)
        elif self._is_older(life, playlist, moment):
            words = f"an older playlist came: it ends at {playlist.newest}, not {life.newest}"
            self._faults.note("older", words, moment.at)
            life.seen_at = moment.at
        else:
            words = f"the media sequence went back from {life.newest} to {playlist.newest}"
            self._faults.note("back", words, moment.at)
            life = self._begin(playlist, moment)
        return self._shown(life, playlist, moment)

    def _shown(self, life: _Life, playlist: MediaPlaylist, moment: Moment) -> Look:
        target = max(FIRST_SECONDS, playlist.target_seconds)
        received = round(life.received * 1000)
        if playlist.is_ended:
            return Look(received, life.name, target, None, (ENDED,), is_ended=True)
        late_ms, skewed = (None, None) if life.edge is None else delay(life.edge, moment.now)
        remarks = [
            *self._faults.texts(moment.at),
            _silent(life, target, moment) or life.progress.note(moment.at, life.received, target),
            _short(life, playlist, target),
            _cached(target, moment),
            skewed,
        ]
        told = tuple(remark for remark in remarks if remark is not None)
        return Look(received, life.name, target, late_ms, told)

    def _begin(self, playlist: MediaPlaylist, moment: Moment) -> _Life:
        """Look at a stream for the first time, or at the first that is published anew."""
        life = self._life = _Life(
            name=f"{moment.at:.3f}",
            first=playlist.sequence,
            newest=playlist.newest,
            target=playlist.target_seconds,
            version=playlist.version,
            discontinuities=playlist.discontinuity_sequence,
            window_seconds=playlist.seconds,
            known=_known(playlist),
            changed_at=moment.at,
            seen_at=moment.at,
            changed=moment.changed,
        )
        last = playlist.segments[-3:]
        self._look_at_segments(playlist, last, moment.at)
        ends = _ends(playlist, None)
        life.edge = ends[-1] if ends else None
        return life

    def _is_older(self, life: _Life, playlist: MediaPlaylist, moment: Moment) -> bool:
        """
        Whether it is what came before, once more: an edge of a CDN that is behind the others.

        One that stays so was published anew, with segments of the same names.
        """
        same = [
            life.known[number] == identity
            for number, identity in _known(playlist).items()
            if number in life.known
        ]
        if not same or not all(same):
            return False
        if life.older_since is None:
            life.older_since = moment.at
        return moment.at - life.older_since < DEAD * max(FIRST_SECONDS, playlist.target_seconds)

    def _follow(self, life: _Life, playlist: MediaPlaylist, moment: Moment) -> None:
        """Take in what is new."""
        at, known = moment.at, _known(playlist)
        changed = [n for n, identity in known.items() if life.known.get(n, identity) != identity]
        if changed:
            self._faults.note("changed", f"segment {changed[0]} became another one", at)
        self._look_at_head(life, playlist, at)
        missed = max(0, playlist.sequence - life.newest - 1)
        fresh = playlist.segments[max(0, life.newest + 1 - playlist.sequence) :]
        # The newest segment was up to a target duration old then.
        if missed and at - life.seen_at < life.window_seconds - playlist.target_seconds:
            self._faults.note("jump", f"the window jumped over {_segments(missed)}", at)
        self._look_at_segments(playlist, fresh, at)
        self._look_at_dates(life, playlist, at)
        if missed:
            life.progress.forget()
        life.received += _gained(fresh, missed, at - life.seen_at)
        if fresh:
            life.tells_change = moment.changed is None or moment.changed != life.changed
            life.changed = moment.changed
            life.changed_at = at
        life.has_moved = life.has_moved or playlist.sequence > life.first
        life.newest, life.known = playlist.newest, known
        life.window_seconds, life.seen_at, life.older_since = playlist.seconds, at, None

    def _look_at_head(self, life: _Life, playlist: MediaPlaylist, at: float) -> None:
        if playlist.target_seconds != life.target:
            words = f"from {life.target:g} to {playlist.target_seconds:g} s"
            self._faults.note("target", f"the target duration changed {words}", at)
        if playlist.version != life.version:
            words = f"from {life.version or 1} to {playlist.version or 1}"
            self._faults.note("version", f"the version changed {words}", at)
        if playlist.discontinuity_sequence < life.discontinuities:
            words = f"from {life.discontinuities} to {playlist.discontinuity_sequence}"
            self._faults.note("discontinuity", f"the discontinuity sequence went back {words}", at)
        life.target, life.version = playlist.target_seconds, playlist.version
        life.discontinuities = playlist.discontinuity_sequence

    def _look_at_segments(
        self, playlist: MediaPlaylist, fresh: tuple[Segment, ...], at: float
    ) -> None:
        target = playlist.target_seconds
        for number, segment in enumerate(fresh, playlist.newest - len(fresh) + 1):
            if int(segment.seconds + 0.5) > target:
                words = f"{segment.seconds:.1f} s, longer than the target duration of {target:g} s"
                self._faults.note("long", f"segment {number} takes {words}", at)
            if segment.is_gap:
                self._faults.note("gap", f"segment {number} is missing (EXT-X-GAP)", at)

    def _look_at_dates(self, life: _Life, playlist: MediaPlaylist, at: float) -> None:
        """Follow EXT-X-PROGRAM-DATE-TIME to the live edge."""
        follows = playlist.sequence == life.newest + 1
        ends = _ends(playlist, life.edge if follows else None)
        if not ends or ends[-1] is None:
            # No date is in the window any more: what is new goes on from the last one.
            fresh = playlist.segments[max(0, life.newest + 1 - playlist.sequence) :]
            is_known = playlist.sequence <= life.newest + 1 and life.edge is not None
            life.edge = (life.edge or 0) + sum(s.seconds for s in fresh) if is_known else None
            return
        old = life.newest - playlist.sequence
        before = ends[old] if 0 <= old < len(ends) else None
        if before is not None and life.edge is not None:
            self._look_at_jump(before - life.edge, playlist, at)
        # From segment to segment, where a new one has a date of its own.
        previous = life.edge if follows else before
        for segment, end in list(zip(playlist.segments, ends, strict=True))[max(0, old + 1) :]:
            if segment.date_time is not None and previous is not None:
                self._look_at_jump(segment.date_time - previous, playlist, at)
            previous = end
        life.edge = ends[-1]

    def _look_at_jump(self, jump: float, playlist: MediaPlaylist, at: float) -> None:
        target = max(FIRST_SECONDS, playlist.target_seconds)
        if jump < -max(JITTER_SECONDS, target / 2):
            self._faults.note("date back", f"the dates jumped back by {seconds(-jump)}", at)
        elif jump > 2 * target:
            self._faults.note("date", f"the dates jumped by {seconds(jump)}", at)


def _known(playlist: MediaPlaylist) -> dict[int, tuple[str, float]]:
    """The identities of the last segments, by their media sequences."""
    last = playlist.segments[-REMEMBERED:]
    first = playlist.newest - len(last) + 1
    return {number: (s.identity, s.seconds) for number, s in enumerate(last, first)}


def _ends(playlist: MediaPlaylist, before: float | None) -> list[float | None]:
    """
    When each segment ends, seconds since 1970, as far as dates tell.

    :param before: when the one before the first ends
    """
    ends: list[float | None] = []
    for segment in playlist.segments:
        begin = before if segment.date_time is None else segment.date_time
        before = None if begin is None else begin + segment.seconds
        ends.append(before)
    return ends


def _gained(fresh: tuple[Segment, ...], missed: int, elapsed: float) -> float:
    """
    How much media came, seconds.

    Of segments that came and went between two looks nobody knows how long they were: they count
    as the others do, but for no longer than there was time for them.
    """
    seen = sum(segment.seconds for segment in fresh if not segment.is_gap)
    if not missed or not fresh:
        return seen
    usual = sum(segment.seconds for segment in fresh) / len(fresh)
    return seen + min(missed * usual, max(0.0, elapsed - seen))


def _silent(life: _Life, target: float, moment: Moment) -> str | None:
    """That no new segment comes."""
    silence = moment.at - life.changed_at
    if silence > LATE * target:
        stale = "stale: " if silence >= DEAD * target else ""
        targets = f"{silence / target:.1f} target durations"
        return f"{stale}no new segment for {seconds(silence)}, {targets}"
    # It may have been silent before it was looked at first.
    if life.changed is None or not life.tells_change or moment.changed != life.changed:
        return None
    by_server = moment.now - life.changed
    if by_server > DEAD * target:
        return f"stale: not changed for {seconds(by_server)}, by its Last-Modified"
    return None


def _short(life: _Life, playlist: MediaPlaylist, target: float) -> str | None:
    """That the window is too short to play from; at its start a stream cannot help it."""
    if not playlist.segments:
        return "the playlist holds no segment"
    if not life.has_moved or playlist.seconds >= DEAD * target - ROUNDED_SECONDS:
        return None
    return f"the window holds {seconds(playlist.seconds)}, less than three target durations"


def _cached(target: float, moment: Moment) -> str | None:
    if moment.age <= LATE * target:
        return None
    return f"the playlist lay in a cache for {seconds(moment.age)}"


def _segments(count: int) -> str:
    return "1 segment" if count == 1 else f"{count} segments"
