"""
What a TVie media server says of one stream: text, one ``name: value`` a line.

The answer for a healthy stream has 21 lines and is read ten thousand times every few seconds,
so it is read in one pass over its bytes.  Where the server has no stream it leaves out the eight
lines that describe one; what is left out is ``None``.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Drift
from tvmon.servers.answers import kind_of_text
from tvmon.servers.codecs import AUDIO, VIDEO
from tvmon.servers.values import MOST, MOST_OF_STREAM
from tvmon.streams import Measurement, Pace, Presence, Sources
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


def parse_sample(body: bytes, drift: Drift | None = None) -> Measurement:
    """
    The measurement that an answer holds; BadAnswer where it holds none, or one not to be trusted.

    Names that are not known are left alone: a newer server may tell more.

    :param drift: is told of those, and of what is missing
    """
    if not body.isascii():
        _refuse_what_is_no_text(body)
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
