"""
What is known of an nginx whose workers tell of their own streams only.

A stream belongs to the worker that takes it in.  What that worker does not show any more,
nobody publishes; what it could not be asked about is unseen, however many others answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from tvmon.servers import Drift, Seen, Survey
from tvmon.servers.media_clock import MediaClock, moved
from tvmon.servers.nginx_rtmp_stat import Stat
from tvmon.servers.nginx_rtmp_stream import Rank, Reading, measured, read_stream
from tvmon.servers.nginx_rtmp_workers import Worker, Workers
from tvmon.servers.site import Site, Unusable
from tvmon.servers.steps import Steps
from tvmon.streams import Session, Stream
from tvmon.words import cleaned

UNSEEN_SECONDS = 3600.0
MOST_UNSEEN = 10_000
"""For how long, and how many, streams are remembered whose worker does not answer."""

_SHOWN_CHARACTERS = 80


class _Known(NamedTuple):
    """A stream that was published: by which worker, when that was seen last, and its clock."""

    pid: str
    at: float
    clock: MediaClock | None


class _Sight(NamedTuple):
    """A stream in the answer of one worker."""

    pid: str
    stream: Stream
    reading: Reading


class View:
    """
    All that the answers so far have told.

    :ivar workers: those that answered
    """

    def __init__(self, site: Site, drift: Drift) -> None:
        self.workers = Workers()
        self._site = site
        self._drift = drift
        self._known: dict[str, _Known] = {}
        self._streams: dict[tuple[str, str], Stream] = {}

    def forget(self) -> None:
        """All workers are gone, and with them what they had."""
        self.workers.clear()
        self._known.clear()

    def merging(self, stats: Mapping[str, Stat], at: float) -> Steps[Survey]:
        """
        What the answers of some workers tell together, at least one.

        :param stats: by the worker's process; all of them are noted in ``workers``
        :param at: when the last of them came
        """
        skipped: list[str] = []
        sights = yield from self._sights(stats, skipped)
        known, unseen = self._not_asked(stats, at)
        alive = self.workers.alive(at)
        seen: dict[str, Seen] = {}
        for key, sight in sights.items():
            yield
            if sight.reading.rank is Rank.PUBLISHED:
                known[key] = self._met(key, sight, at)
                unseen.pop(key, None)
            if key not in unseen:
                seen[key] = self._seen(sight, known.get(key), alive)
        for key in list(unseen)[: max(0, len(unseen) - MOST_UNSEEN)]:
            del unseen[key], known[key]
        self._known = known
        return Survey(seen, tuple(skipped), unseen)

    def _sights(self, stats: Mapping[str, Stat], skipped: list[str]) -> Steps[dict[str, _Sight]]:
        """Each stream as the worker has it that counts."""
        sights: dict[str, _Sight] = {}
        streams: dict[tuple[str, str], Stream] = {}
        for pid, stat in stats.items():
            own: set[str] = set()
            viewers: dict[str, int] = {}
            for entry in stat.entries:
                yield
                try:
                    stream = self._stream(entry.place, entry.name)
                    if stream.key in own:
                        raise Unusable("another one has the same name")
                except Unusable as why:
                    place = cleaned(entry.place, _SHOWN_CHARACTERS)
                    skipped.append(f'a stream of "{place}" is left out: {why}')
                    continue
                key = stream.key
                own.add(key)
                streams[entry.place, entry.name] = stream
                sight = _Sight(pid, stream, read_stream(entry.fields, self._drift))
                if sight.reading.viewers:
                    viewers[key] = sight.reading.viewers
                sights[key] = self._better(sights[key], sight) if key in sights else sight
            worker = self.workers.get(pid)
            if worker is not None:
                worker.viewers = viewers
        self._streams = streams
        return sights

    def _stream(self, place: str, name: str) -> Stream:
        """The stream of that name, worked out once; Unusable."""
        stream = self._streams.get((place, name))
        if stream is None:
            self._site.shown(name)  # a name that is a token only leaves nothing
            stream = self._site.stream(f"{place}/{name}")
        return stream

    def _better(self, one: _Sight, other: _Sight) -> _Sight:
        """Of two workers that have a stream, the one that counts."""
        if one.reading.rank is not other.reading.rank:
            return max(one, other, key=lambda sight: sight.reading.rank)
        known = self._known.get(other.stream.key)
        return other if known is not None and known.pid == other.pid else one

    def _not_asked(
        self, answered: Collection[str], at: float
    ) -> tuple[dict[str, _Known], dict[str, str]]:
        """The streams of workers that did not answer, and why they are unseen; oldest first."""
        known: dict[str, _Known] = {}
        unseen: dict[str, str] = {}
        why: dict[str, str] = {}
        for key, old in self._known.items():
            if old.pid in answered or at - old.at > UNSEEN_SECONDS:
                continue
            if old.pid not in why:
                why[old.pid] = self.workers.why_unseen(old.pid)
            known[key] = old
            unseen[key] = why[old.pid]
        return known, unseen

    def _met(self, key: str, sight: _Sight, at: float) -> _Known:
        """What is to be remembered of a stream that is published."""
        before, reading = self._known.get(key), sight.reading
        clock = None if before is None else before.clock
        if reading.clock is not None:
            clock = moved(clock, f"{sight.pid}/{reading.publisher}", *reading.clock)
        return _Known(sight.pid, at, clock)

    def _seen(self, sight: _Sight, known: _Known | None, alive: Collection[Worker]) -> Seen:
        stream, reading = sight.stream, sight.reading
        worker = self.workers.get(sight.pid)
        publisher = None if reading.publisher is None else f"{sight.pid}/{reading.publisher}"
        session = Session(None if worker is None else worker.session, publisher)
        viewers, delay_ms = reading.viewers, None
        if viewers is not None and len(alive) > 1:
            viewers += sum(
                other.viewers.get(stream.key, 0) for other in alive if other.pid != sight.pid
            )
        if known is not None and known.clock is not None and reading.clock is not None:
            delay_ms = known.clock.delay_ms
        return Seen(stream, measured(reading, self._drift, session, viewers, delay_ms))
