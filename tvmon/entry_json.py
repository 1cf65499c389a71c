"""
The JSON of an entry, written by one template.

The bytes are those that simplejson makes of :meth:`tvmon.entry.Entry.as_dict`, for a third of
the work: what never changes of a stream is written once, and the rest are mostly numbers.  A
property test holds the two together; who changes the one changes the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from simplejson.encoder import encode_basestring

from tvmon.streams import MEASURED, Measurement, Rates, Sources, Stream

if TYPE_CHECKING:
    from tvmon.entry import Entry

STREAMS = 32_768
"""Of how many streams the part that never changes is kept, 500 bytes each."""

LARGEST = 1e11
"""Up to here a number with three decimals has no more digits than a float tells apart."""

_STREAM = (
    '"mms_stream_id":%d,"stream_id":%s,"server":%s,"kind":%s,"unify_name":%s,"sample_interface":%s'
)
_TEXTS = ("video_codec", "audio_codec")
_NUMBERS = tuple(n for n in MEASURED if n not in _TEXTS and not n.startswith("average_"))
_RATES = '{"last_3":%s,"last_10":%s,"last_100":%s,"total":%s}'
_TEMPLATE = (
    "{%s"
    f',"average_upstream_kbps":{_RATES},"average_downstream_kbps":{_RATES}'
    ',"last_sample_time":%s,"sample_time":%s,"is_failed":%s,"failed_reason":%s'
    ',"first_byte_ms":%s,"answer_ms":%s,"presence":%s,"score":%s,"score_level":%s'
    ',"score_detail":{"live_delay":%s,"upstream":%s}'
    ',"score_level_detail":{"live_delay":%s,"upstream":%s}'
    ',"score_reasons":[%s],"expected_kbps":%s,"expected_by":%s,"counter_reset":%s,"sources":%s'
    + "".join(f',"{name}":%s' for name in (*_NUMBERS, *_TEXTS))
    + "}"
)
_RESET = '{"why":%s,"time":%s}'
_numbers = attrgetter(*_NUMBERS)
_NOTHING = Measurement()


def entry_json(entry: Entry) -> bytes:
    """An entry as the API answers it; a lone surrogate, which UTF-8 cannot say, becomes ``?``."""
    sample, health = entry.newest, entry.health
    whole, delay, flow = health.whole, health.live_delay, health.upstream
    measured = sample.measured if sample else None
    timing = sample.timing if sample else None
    known = measured or _NOTHING
    kbps, reset = entry.expected.kbps, entry.reset
    text = _TEMPLATE % (
        _stream(entry.stream),
        *_rates(entry.upstream),
        _number(known.average_upstream_kbps),
        *_rates(entry.downstream),
        _number(known.average_downstream_kbps),
        _time(entry.good_time),
        "null" if sample is None else _time(sample.time),
        "null" if sample is None else "true" if measured is None else "false",
        "null" if sample is None else _text(sample.failed_reason),
        "null" if timing is None else _decimal(timing.first_byte_ms, 1),
        "null" if timing is None else _decimal(timing.answer_ms, 1),
        "null" if measured is None else _one_of_few(measured.presence),
        *_or_null((whole.score, whole.level, delay.score, flow.score, delay.level, flow.level)),
        ",".join(map(encode_basestring, health.reasons)),
        "null" if kbps is None else round(kbps),
        _one_of_few(entry.expected.by),
        "null" if reset is None else _RESET % (_one_of_few(reset.why), _time(reset.time)),
        _sources(known.sources),
        *_or_null(_numbers(known)),
        _one_of_few(known.video_codec),
        _one_of_few(known.audio_codec),
    )
    return text.encode("utf-8", "replace")


@lru_cache(STREAMS)
def _stream(stream: Stream) -> str:
    """What never changes of a stream."""
    number = "null" if stream.stream_id is None else stream.stream_id
    texts = (stream.server, stream.kind, stream.unify_name, stream.sample_interface)
    return _STREAM % (stream.mms_stream_id, number, *map(encode_basestring, texts))


def _rates(rates: Rates) -> tuple[str, str, str]:
    """Rates, ``-1`` where they cannot be known."""
    short, middle, long = rates.last_3, rates.last_10, rates.last_100
    return (
        "-1" if short is None else _decimal(short, 3),
        "-1" if middle is None else _decimal(middle, 3),
        "-1" if long is None else _decimal(long, 3),
    )


def _decimal(value: float, digits: int) -> str:
    """A number rounded to some decimals, at most three, as ``repr(round(...))`` writes it."""
    if not -LARGEST < value < LARGEST or isinstance(value, int):
        return _number(round(value, digits))
    text = f"{value:.{digits}f}".rstrip("0")
    return text + "0" if text[-1] == "." else text


def _number(value: float | None) -> str:
    """A number of any size; what is none is null."""
    return "null" if value is None or not math.isfinite(value) else repr(value)


def _time(seconds: float | None) -> str:
    """A time to the second; one second is the same for many streams."""
    if seconds is None:
        return "null"
    whole = int(seconds)
    # What is nearer to the next second than a microsecond is rounded by datetime.
    return _second(whole if 0 <= seconds < whole + 0.999999 else seconds)


@lru_cache(64)
def _second(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime('"%Y-%m-%dT%H:%M:%SZ"')


def _or_null(values: Sequence[object]) -> list[object]:
    return ["null" if value is None else value for value in values]


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


_one_of_few = lru_cache(256)(_text)


@lru_cache(64)
def _sources(sources: Sources) -> str:
    declared, estimated = (",".join(map(encode_basestring, names)) for names in sources)
    return f'{{"declared":[{declared}],"estimated":[{estimated}]}}'
