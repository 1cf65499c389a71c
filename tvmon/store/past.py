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
from tvmon.window import ROW, UNKNOWN, WIDTH, Window

_WIDTH = 2 + WIDTH
_BYTES = 8 * _WIDTH
_EPOCH = 946_684_800
"""Seconds from 1970 to 2000, whence PostgreSQL counts."""

_ARRAY_HEADER = 20
"""Bytes before the first element of an array of one dimension; each has its length before it."""


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
    shift = _EPOCH + newest.at - newest.time
    at = array("d", [micro / 1e6 + shift for micro in micros])
    window = Window()
    if window.refill(at, counts):
        return Past(window, None)
    window, reset = Window(), None
    for micro, moment, *numbers in zip(micros, at, *counts, strict=True):
        time = _EPOCH + micro / 1e6
        told: dict[str, Any] = {
            name: number for name, number in zip(ROW, numbers, strict=True) if number != UNKNOWN
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
    # Workers of the server scan in turns, so that mostly the rows come in no order.  As bytes they
    # sort by their number, and failed ones come last.
    rows = sorted([packed[at : at + _BYTES] for at in range(0, len(packed), _BYTES)])
    numbers = array("q", b"".join(rows))
    if sys.byteorder == "little":
        numbers.byteswap()
    columns = [numbers[place::_WIDTH] for place in range(_WIDTH)]
    if rows and columns[0][-1] < 0:
        return _sifted(columns, number, newest_time)
    end = bisect_left(columns[0], number)
    before = [column[:end] for column in columns]
    times = list(before[1])
    if times and (times[-1] >= _micros(newest_time) or times != sorted({*times})):
        return _sifted(columns, number, newest_time)
    return before


def _sifted(columns: list[array[int]], number: int, newest_time: float) -> list[array[int]]:
    """The good ones before the one of this number, since the clock was put back last."""
    good = []
    later = _micros(newest_time)
    for row in sorted(zip(*columns, strict=True), key=lambda row: abs(row[0]), reverse=True):
        if abs(row[0]) >= number:
            continue
        if row[1] >= later:
            break
        later = row[1]
        if row[0] > 0:
            good.append(row)
    good.reverse()
    return [array("q", column) for column in zip(*good, strict=True)] or [array("q")] * _WIDTH


def _micros(time: float) -> int:
    """Microseconds since 2000."""
    return round((time - _EPOCH) * 1e6)
