"""
What a TVie media server says of one stream: text, one ``name: value`` a line.

The answer for a healthy stream has 21 lines and is read ten thousand times every few seconds, so
one that is written exactly as a server writes it is read all at once: every line begins with the
name that belongs there, and plain numbers follow.  Every other answer is read line by line, with a
reason for what is wrong in it.  Where the server has no stream it leaves out the eight lines that
describe one; what is left out is ``None``.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from operator import itemgetter
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Drift
from tvmon.servers.answers import kind_of_text
from tvmon.servers.codecs import AUDIO, VIDEO
from tvmon.servers.values import MOST, MOST_OF_STREAM
from tvmon.streams import NO_SESSION, Measurement, Pace, Presence, Sources
from tvmon.words import cleaned

SHOWN_CHARACTERS = 40
"""How much of what cannot be read is shown."""

PACE = Pace(burst_seconds=2.0, stall_seconds=5.0)
"""Data comes in groups of pictures of some 3 s: a burst may be late by two thirds of one."""

RATES = frozenset({"average_upstream_kbps", "average_downstream_kbps"})
"""What may have a fraction; everything else is counted in whole numbers."""

SIGNED = frozenset({"live_delay_ms"})
"""What may be negative: a healthy stream runs a little ahead at times."""


def _plain_digits(name: str) -> int:
    """Up to how many digits a number of that name is good without a second look."""
    if name in RATES:
        return 0
    return 9 if name.startswith("stream_info_") else 18


ALWAYS = (
    "total_gops", "upstream_opened_count", "upstream_connected_count",
    "upstream_connection_fail_count", "upstream_bytes_received", "clients_connected",
    "total_clients_served", "total_bytes_sent", "live_delay_ms", "average_upstream_kbps",
    "average_downstream_kbps", "stream_info_audiodatarate", "stream_info_videodatarate",
)  # fmt: skip
"""What every answer has."""

OF_A_STREAM = (
    "stream_info_audiocodecid", "stream_info_audiosamplesize", "stream_info_audiosamplerate",
    "stream_info_stereo", "stream_info_videocodecid", "stream_info_framerate",
    "stream_info_width", "stream_info_height",
)  # fmt: skip
"""What an answer has besides, where there is a stream."""

SOURCES = Sources(
    declared=("stream_info_audiodatarate", "stream_info_videodatarate", *OF_A_STREAM),
    estimated=("live_delay_ms",),
)

_NEEDED = frozenset(ALWAYS)
_KNOWN = frozenset((*ALWAYS, *OF_A_STREAM))
_FIELDS = {name.encode(): (name, _plain_digits(name)) for name in (*ALWAYS, *OF_A_STREAM)}
_WHOLE = {len(ALWAYS), len(_KNOWN)}
_UNKNOWN = ("", 0)

_PREFIXES = [*(f"{name}: " for name in (*ALWAYS, *OF_A_STREAM)), ""]
"""What the lines of a healthy stream's answer begin with; behind the last line end is nothing."""

_PREFIX_CHARACTERS = sum(map(len, _PREFIXES))
_PLAIN_DIGITS = 18
"""So many digits are never more than ``MOST``."""

_COUNTS = itemgetter(*range(8), *range(11, 21))
_FIRST_OF_STREAM = 8
"""The lines that hold plain counts, and which of them is the first that describes the stream."""


def parse_sample(body: bytes, drift: Drift | None = None) -> Measurement:
    """
    The measurement that an answer holds; BadAnswer where it holds none, or one not to be trusted.

    Names that are not known are left alone: a newer server may tell more.

    :param drift: is told of those, and of what is missing
    """
    if not body.isascii():
        _refuse_what_is_no_text(body)
    elif (healthy := _healthy(body.decode("ascii"))) is not None:
        return healthy
    values: dict[str, Any] = {}
    unknown: list[bytes] = []
    odd_line = 0
    for number, line in enumerate(body.split(b"\n"), 1):
        label, colon, digits = line.partition(b":")
        name, plain = _FIELDS.get(label, _UNKNOWN)
        if not name:
            name, plain = _FIELDS.get(label.strip(), _UNKNOWN)
            if not name:
                if colon:
                    unknown.append(label)
                elif not odd_line and line.strip():
                    odd_line = number
                continue
        if name in values:
            raise BadAnswer(f'line {number}: "{name}" is there twice', "body")
        digits = digits.strip()
        if len(digits) <= plain and digits.isdigit():
            values[name] = int(digits)
        else:
            values[name] = _number(name, digits, number)
    if not values:
        raise BadAnswer(_not_a_sample(body), "body")
    if odd_line:
        shown = _shown(body.split(b"\n")[odd_line - 1])
        raise BadAnswer(f'line {odd_line} is not "name: value": {shown}', "body")
    if drift is not None and (unknown or len(values) not in _WHOLE):
        names = {label.decode("utf-8", "replace").strip() for label in unknown}
        drift.look("sample", names | values.keys(), _KNOWN, _NEEDED)
    measured = Measurement(
        **values,
        video_codec=VIDEO.get(values.get("stream_info_videocodecid", -1)),
        audio_codec=AUDIO.get(values.get("stream_info_audiocodecid", -1)),
        pace=PACE,
        sources=SOURCES,
    )
    # No data rate is how the server says that there is no stream.
    return replace(measured, presence=Presence.ABSENT) if measured.declared_kbps == 0 else measured


def _healthy(text: str) -> Measurement | None:
    """What a healthy stream's answer says, read all at once; ``None`` where that cannot be done."""
    lines = text.split("\n")
    if len(lines) != len(_PREFIXES):
        return None
    values = list(map(str.removeprefix, lines, _PREFIXES))
    told = "".join(values)
    # No line lost more than its name.  So where all names are gone, each line had its own.
    if len(text) - (len(lines) - 1) - len(told) != _PREFIX_CHARACTERS or values[-1]:
        return None
    if max(map(len, values)) > _PLAIN_DIGITS:
        return None
    counts, (delay, rate_in, rate_out) = _COUNTS(values), values[8:11]
    if not "".join(counts).isdigit() or not delay.removeprefix("-").isdigit():
        return None
    if not rate_in.replace(".", "", 1).isdigit() or not rate_out.replace(".", "", 1).isdigit():
        return None
    try:
        numbers: list[Any] = list(map(int, counts))
    except ValueError:  # a line that ends behind its name
        return None
    of_stream = numbers[_FIRST_OF_STREAM:]
    if max(of_stream) > MOST_OF_STREAM or not (of_stream[0] or of_stream[1]):
        return None
    numbers[_FIRST_OF_STREAM:_FIRST_OF_STREAM] = int(delay), float(rate_in), float(rate_out)
    video, audio = VIDEO.get(numbers[17]), AUDIO.get(numbers[13])
    numbers += (None, None, video, audio, Presence.LIVE, (), PACE, NO_SESSION, SOURCES)
    return Measurement(*numbers)  # in its own order, which is the server's


def _number(name: str, digits: bytes, line: int) -> int | float:
    """A number that is not plainly a small count: long, signed, with a fraction, or none."""
    wrong, value = _rate(digits) if name in RATES else _count(digits)
    if not wrong:
        most = MOST_OF_STREAM if name.startswith("stream_info_") else MOST
        if value < 0 and name not in SIGNED:
            wrong = "cannot be negative"
        elif abs(value) > most:
            wrong = "is too large"
    if wrong:
        raise BadAnswer(f'line {line}: "{name}" {wrong}: {_shown(digits)}', "body")
    return value


def _count(digits: bytes) -> tuple[str, int]:
    """What is wrong with a whole number, and the number."""
    unsigned = digits[1:] if digits[:1] in (b"-", b"+") else digits
    if unsigned.isdigit():
        # Python refuses to read thousands of digits, and rightly so.
        return ("is too large", 0) if len(unsigned) > 30 else ("", int(digits))
    wrong, _ = _rate(digits)
    return wrong or "is not a whole number", 0


def _rate(digits: bytes) -> tuple[str, float]:
    """What is wrong with a number that may have a fraction, and the number."""
    try:
        value = float(digits) + 0.0  # there is no -0.0 afterwards
    except ValueError:
        return "is not a number", 0.0
    if isfinite(value) and b"_" not in digits:  # 1_000 is a number in Python only
        return "", value
    return ("is too large" if b"e" in digits.lower() else "is not a number"), 0.0


def _refuse_what_is_no_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise BadAnswer(f"line {line} is not UTF-8 text", "body") from None


def _not_a_sample(body: bytes) -> str:
    """What came instead of a sample."""
    kind = kind_of_text(body)
    if kind == "empty":
        return "not a sample: the answer is empty"
    if kind is not None:
        return f"{kind} instead of a sample"
    start = body.lstrip().split(b"\n", 1)[0]
    return f"not a sample: the answer begins with {_shown(start)}"


def _shown(text: bytes) -> str:
    # Four bytes a character at most, so that what is cut off here is never shown.
    short = text.strip()[: 4 * SHOWN_CHARACTERS + 4].decode(errors="replace")
    return f'"{cleaned(short, SHOWN_CHARACTERS)}"'
