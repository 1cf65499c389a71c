"""What a TVie media server says of a stream, read in the plainest way."""

from __future__ import annotations

from tvmon.errors import BadAnswer
from tvmon.servers.tvie import parse_sample
from tvmon.servers.tvie_sample import ALWAYS, OF_A_STREAM
from tvmon.streams import Measurement

HEALTHY = b"""total_gops: 244
upstream_opened_count: 1
upstream_connected_count: 1
upstream_connection_fail_count: 0
upstream_bytes_received: 36312983240
clients_connected: 3
total_clients_served: 31
total_bytes_sent: 500194990
live_delay_ms: -282
average_upstream_kbps: 552.598409
average_downstream_kbps: 0.000000
stream_info_audiodatarate: 47
stream_info_videodatarate: 354
stream_info_audiocodecid: 10
stream_info_audiosamplesize: 16
stream_info_audiosamplerate: 44100
stream_info_stereo: 1
stream_info_videocodecid: 7
stream_info_framerate: 24
stream_info_width: 1024
stream_info_height: 576
"""

ABSENT = (
    "stream_info_audiocodecid",
    "stream_info_audiosamplesize",
    "stream_info_audiosamplerate",
    "stream_info_stereo",
    "stream_info_videocodecid",
    "stream_info_framerate",
    "stream_info_width",
    "stream_info_height",
)

TOLD = (*ALWAYS, *OF_A_STREAM)


def told(measured: Measurement) -> dict[str, int | float | None]:
    """What a measurement holds of the fields that a TVie server tells."""
    return {name: getattr(measured, name) for name in TOLD}


def read_plainly(text: str) -> dict[str, int | float | None]:
    """A recording read a second way: what the parser says is checked against it."""
    lines = dict(line.split(": ") for line in text.splitlines())
    values: dict[str, int | float | None] = {}
    for name in TOLD:
        value = lines.get(name)
        values[name] = None if value is None else float(value) if "." in value else int(value)
    return values


def why(answer: bytes) -> str:
    """Why this is no sample."""
    measured, trouble = outcome(answer)
    assert measured is None, "it is a sample"
    assert trouble is not None
    return trouble.reason


def outcome(answer: bytes) -> tuple[Measurement | None, BadAnswer | None]:
    """The measurement, or why there is none."""
    try:
        return parse_sample(answer), None
    except BadAnswer as trouble:
        return None, trouble
