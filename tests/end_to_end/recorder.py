"""Notes every sample that a running tvmon takes of every stream, and how it judges it."""

from __future__ import annotations

import calendar
import json
import threading
import time
from itertools import takewhile
from typing import Any, NamedTuple, Self

from tests.daemons import get, wait_for

EVERY_SECONDS = 0.2


class Seen(NamedTuple):
    """
    A sample as the API tells it.

    :param at: when it was told, on the monotonic clock
    :param second: the second of 1970 in which it was taken
    """

    at: float
    second: int
    level: int | None
    score: int | None
    presence: str | None
    received: int | None
    failed_reason: str | None
    reasons: tuple[str, ...]


class Moment(NamedTuple):
    """When something was done: on the monotonic clock, and by the wall."""

    at: float
    wall: float


class Change(NamedTuple):
    """
    How long it took until a stream had another level.

    :param samples: the number of the sample that shows it; samples count from the first one that
        was taken in a later second than the fault, and one of the same second that shows it
        is the first
    :param resting: how many samples, that one included, show the same byte counter as the one
        before them; ``None`` where it shows no counter
    :param rested: for how many seconds, whole ones, they show it
    :param seconds: from the fault to the answer of the API that shows it
    """

    samples: int
    resting: int | None
    rested: int
    seconds: float
    seen: Seen


def now() -> Moment:
    """This moment."""
    return Moment(time.monotonic(), time.time())


class Recorder:
    """
    Reads ``/samples`` all the time; a stream is named by ``server stream``, ``nginx live/cam1``.

    :param base: the address of tvmon
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._series: dict[str, list[Seen]] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def names(self) -> list[str]:
        """Every stream that has a sample."""
        return sorted(self._series)

    def of(self, name: str, since: Moment | None = None) -> list[Seen]:
        """The samples of a stream, oldest first; those told since then."""
        return [seen for seen in self._series.get(name, ()) if not since or seen.at > since.at]

    def newest(self, name: str) -> Seen:
        """The newest sample of a stream."""
        return self._series[name][-1]

    def change(self, name: str, level: int | None, since: Moment, seconds: float) -> Change:
        """The first sample with this level since then; AssertionError if there is none in time."""

        def found() -> Change | None:
            before = 0
            for seen in self.of(name, since):
                if seen.level == level and seen.second >= int(since.wall):
                    same = self._resting(name, seen)
                    resting = None if seen.received is None else len(same) - 1
                    rested = seen.second - same[-1].second
                    return Change(before + 1, resting, rested, seen.at - since.at, seen)
                before += seen.second > int(since.wall)
            return None

        left = since.at + seconds - time.monotonic()
        try:
            return wait_for(found, max(left, 0.0), f"{name} at level {level}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.of(name, since)}") from None

    def _resting(self, name: str, last: Seen) -> list[Seen]:
        """This sample and those before it that show the same byte counter, the newest first."""
        earlier = [seen for seen in self.of(name) if seen.at <= last.at]
        return list(takewhile(lambda seen: seen.received == last.received, reversed(earlier)))

    def _run(self) -> None:
        while not self._is_over.wait(EVERY_SECONDS):
            try:
                entries = json.loads(get(f"{self._base}/samples")[2])["samples"]
            except (OSError, ValueError) as error:
                self.problems.append(f"{type(error).__name__}: {error}")
                continue
            at = time.monotonic()
            for entry in entries:
                self._note(at, entry)

    def _note(self, at: float, entry: dict[str, Any]) -> None:
        if entry["sample_time"] is None:
            return
        second = calendar.timegm(time.strptime(entry["sample_time"], "%Y-%m-%dT%H:%M:%SZ"))
        # A unify_name is the server, its host in brackets, a slash, and the stream.
        stream = entry["unify_name"].removeprefix(f"{entry['server']}/")
        series = self._series.setdefault(f"{entry['server']} {stream}", [])
        if series and series[-1].second == second:
            return
        series.append(
            Seen(
                at,
                second,
                entry["score_level"],
                entry["score"],
                entry["presence"],
                entry["upstream_bytes_received"],
                entry["failed_reason"],
                tuple(entry["score_reasons"]),
            )
        )
