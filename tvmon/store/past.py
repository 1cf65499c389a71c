"""
The windows of before a restart, as the server packs them, and as the board takes them.  Pure.

Half a million rows as rows, and as samples that are taken in one after the other, would be
several seconds of processor time.  So the server makes one value of a stream's rows, and the
window of a stream whose counters just grew is filled from it as it is; the few others go the
long way.

    packed    for each row, in no order, seven numbers of 64 bits, the most significant byte
              first: its number, below 0 where it is failed; its time, microseconds since 2000;
              and those of a window's row
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from typing import Any, NamedTuple

from tvmon.entry import CounterReset
from tvmon.streams import Measurement, Sample
from tvmon.window import UNKNOWN, Window

PACKED = (
    "upstream_bytes_received",
    "total_bytes_sent",
    "live_delay_ms",
    "upstream_opened_count",
    "media_received_ms",
)
"""The columns that are packed behind number and time, in the order of a window's row."""

_WIDTH = 2 + len(PACKED)
_EPOCH = 946_684_800
"""Seconds from 1970 to 2000, whence PostgreSQL counts."""

_ARRAY_HEADER = 20
"""Bytes before the first element of an array of one dimension; each has its length before it."""

_Row = tuple[int, ...]


class Past(NamedTuple):
    """
    What came before a stream's newest sample.

    :ivar reset: when the counters began anew last within the window
    """

    window: Window
    reset: CounterReset | None


def past_of(packed: bytes, newest: Sample, number: int) -> Past:
    """
    The good samples that came before the newest one.

    Monotonic moments are worked out back from the newest sample's, by the wall clock; where that
    was put back, what lies before is left out, since nobody knows how far back it lies.

    :param number: of the newest sample
    """
    _, micros, *counts = _columns(packed, number, newest.time)
    behind = newest.at - newest.time
    times = [_EPOCH + micro / 1e6 for micro in micros]
    at = array("d", [time + behind for time in times])
    window = Window()
    if window.refill(at, counts):
        return Past(window, None)
    window, reset = Window(), None
    for time, moment, *numbers in zip(times, at, *counts, strict=True):
        told: dict[str, Any] = {
            name: number for name, number in zip(PACKED, numbers, strict=True) if number != UNKNOWN
        }
        why = window.add(Sample(time, moment, Measurement(**told)))
        if why is not None:
            reset = CounterReset(why, time)
    return Past(window, reset)


def floats(packed: bytes) -> array[float]:
    """A ``real[]`` without nulls, as ``array_send`` packs it."""
    words = array("f", packed[_ARRAY_HEADER:])
    if sys.byteorder == "little":
        words.byteswap()
    return words[1::2]


def _columns(packed: bytes, number: int, newest_time: float) -> list[array[int]]:
    """
    The columns of the rows before the one of this number, in their order.

    Without the failed ones, and since the wall clock was put back last, if it was.
    """
    numbers = array("q", packed)
    if sys.byteorder == "little":
        numbers.byteswap()
    each = iter(numbers)
    # Workers of the server scan in turns, so that mostly the rows come in no order.
    rows: list[_Row] = sorted(zip(*[each] * _WIDTH, strict=True))
    has_failed = bool(rows) and rows[0][0] < 0
    if has_failed:
        rows.sort(key=_number)
    del rows[bisect_left(rows, number, key=_number) :]
    later = round((newest_time - _EPOCH) * 1e6)
    times = [row[1] for row in rows]
    if has_failed or times != sorted({*times}) or (times and times[-1] >= later):
        rows = _good(rows, later)
    return [array("q", column) for column in zip(*rows, strict=True)] or [array("q")] * _WIDTH


def _number(row: _Row) -> int:
    return abs(row[0])


def _good(rows: list[_Row], later: int) -> list[_Row]:
    """The good ones since the wall clock was put back last, if it was."""
    good = []
    for row in reversed(rows):
        if row[1] >= later:
            break
        later = row[1]
        if row[0] > 0:
            good.append(row)
    good.reverse()
    return good
