"""
The values that everything passes on: a stream, what was measured of it, one sample, its health.

Units, everywhere: byte, kbit/s (1,000 bit), ms, seconds, UTC.  What a server did not tell is
``None``, never 0.  This module imports nothing of ours, so every room may import it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[_T]) -> type[_T]:
    """
    A frozen dataclass for what is made at every poll: it takes an eighth of the time to make.

    mypy holds that nobody changes one, and the tests do.  Where Python itself is asked to hold it,
    each field costs 60 ns more, and ten thousand streams make some 100,000 fields a second.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


def stream_number(server: str, key: str) -> int:
    """
    The ``mms_stream_id`` of a stream: 48 bits of a hash over its server's name and its key there.

    The number is worked out, not handed out by a database, so a stream has it from its first
    second even while the database is away, and keeps it when the database is lost or shared.
    48 bits stay exact in JavaScript; among 10,000 streams two collide once in five million
    installations, and the updater refuses the second one by name.
    """
    digest = hashlib.blake2b(f"{server}\0{key}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True, slots=True)
class Stream:
    """
    A live stream, as a media server lists it.

    :param server: the name of the media server in the configuration
    :param key: what the media server knows the stream by; unique on that server, never changes
    :param stream_id: the media server's own number of the stream, if it has one
    :param unify_name: the name that operators read
    :param sample_interface: the URL that is asked for a sample; holds no secret.  Where one URL
        tells of many streams, its fragment says which one: ``http://host/stat#live/cam1``
    :param kind: of its media server, ``nginx-rtmp`` for one
    :param expected_kbps: what the configuration says that the stream needs, kbit/s
    :param may_sleep: the configuration says that it may be there without being published
    """

    server: str
    key: str
    stream_id: int | None
    unify_name: str
    sample_interface: str
    mms_stream_id: int
    kind: str = ""
    expected_kbps: int | None = None
    may_sleep: bool = False

    @classmethod
    def of(
        cls, server: str, key: str, stream_id: int | None, unify_name: str, sample_interface: str
    ) -> Stream:
        """A stream with its number worked out."""
        number = stream_number(server, key)
        return cls(server, key, stream_id, unify_name, sample_interface, number)


class Presence(StrEnum):
    """
    Whether a stream is there, as its media server tells.

    ``LIVE``: it is published.  ``ABSENT``: the server knows it, or knew it, and nobody publishes
    it.  ``UNSEEN``: the answer does not tell, since it shows only a part of the server.
    """

    LIVE = "live"
    ABSENT = "absent"
    UNSEEN = "unseen"


class Pace(NamedTuple):
    """
    How a stream's counters move while all is well; a constant of each kind of media server.

    :param burst_seconds: how long they may rest between two movements: what comes in bursts may
        be late by so much at the edge of a window
    :param stall_seconds: what rests for so long has stalled
    :param delay_seconds: how far it runs behind by nature, as what comes in whole segments does
    """

    burst_seconds: float = 2.0
    stall_seconds: float = 2.0
    delay_seconds: float = 0.0


STEADY = Pace()
"""That of counters which move with every frame."""


class Session(NamedTuple):
    """
    What tells one life of the counters from the next; ``None`` where the server does not tell.

    :param server: changes when the media server, or the process that counts, starts anew
    :param publisher: changes when the stream is published anew
    """

    server: str | None = None
    publisher: str | None = None


NO_SESSION = Session()
"""That of a server which tells nothing of it."""


class Sources(NamedTuple):
    """
    How the fields of a kind of media server came to be; what is in neither was measured by it.

    :param declared: what the encoder, or a playlist, says of the stream, true or not
    :param estimated: what the media server, or tvmon, works out from something else
    """

    declared: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()


ALL_MEASURED = Sources()
"""That of a server which measures all that it tells."""


@value
class Measurement:
    """
    What a media server said of a stream at one moment, in the normal form.

    Counters count since the stream's start on that server and go back to 0 when it restarts.

    :param media_received_ms: media that came in, by its own clock: 1000 a second while all is well
    :param uptime_seconds: since the stream was published
    :param video_codec: and ``audio_codec``: a name of :mod:`tvmon.servers.codecs`
    :param remarks: what the media server's module noticed.  Of a live stream each one is a fault
        that costs points; of one that is not, why
    """

    total_gops: int | None = None
    upstream_opened_count: int | None = None
    upstream_connected_count: int | None = None
    upstream_connection_fail_count: int | None = None
    upstream_bytes_received: int | None = None
    clients_connected: int | None = None
    total_clients_served: int | None = None
    total_bytes_sent: int | None = None
    live_delay_ms: int | None = None
    average_upstream_kbps: float | None = None
    average_downstream_kbps: float | None = None
    stream_info_audiodatarate: int | None = None
    stream_info_videodatarate: int | None = None
    stream_info_audiocodecid: int | None = None
    stream_info_audiosamplesize: int | None = None
    stream_info_audiosamplerate: int | None = None
    stream_info_stereo: int | None = None
    stream_info_videocodecid: int | None = None
    stream_info_framerate: int | None = None
    stream_info_width: int | None = None
    stream_info_height: int | None = None
    media_received_ms: int | None = None
    uptime_seconds: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    # What is not measured, but needed to judge what is.
    presence: Presence = Presence.LIVE
    remarks: tuple[str, ...] = ()
    pace: Pace = STEADY
    session: Session = NO_SESSION
    sources: Sources = ALL_MEASURED

    @property
    def declared_kbps(self) -> int | None:
        """Audio plus video as the stream declares them, kbit/s; 0 is "there is no stream"."""
        audio, video = self.stream_info_audiodatarate, self.stream_info_videodatarate
        if audio is None and video is None:
            return None
        return (audio or 0) + (video or 0)


_NOT_MEASURED = {"presence", "remarks", "pace", "session", "sources"}
MEASURED = tuple(f.name for f in fields(Measurement) if f.name not in _NOT_MEASURED)
"""The fields that are numbers and texts of the stream."""


class Timing(NamedTuple):
    """
    How long a media server took over an HTTP answer, whatever its status, ms.

    Both count from when it was asked, with the name's lookup, the connection and redirects in
    them, and without what tvmon let the request wait for its turn.

    :param first_byte_ms: until the first byte of the answer
    :param answer_ms: until its last one
    """

    first_byte_ms: float
    answer_ms: float


@value
class Sample:
    """
    One answer, or the lack of one, to one poll.

    :param time: when it was taken, wall clock, seconds since 1970 in UTC
    :param at: the same moment on the monotonic clock that measures distances, seconds; a wall
        clock may jump, so nothing is ever divided by a difference of ``time``
    :param measured: ``None`` where the poll failed
    :param failed_reason: in an operator's words; ``None`` where the poll was good
    :param timing: of the HTTP answer, which a failed poll may have, too; of the last request
        where the poll took several.  ``None`` where that one had no whole answer, and where
        nothing was asked
    """

    time: float
    at: float
    measured: Measurement | None
    failed_reason: str | None = None
    timing: Timing | None = None

    @property
    def is_failed(self) -> bool:
        """Whether the poll brought nothing."""
        return self.measured is None


class Level(IntEnum):
    """What a score means to an operator."""

    BAD = 0
    PROBLEM = 1
    GOOD = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score, or the whole: 0..100 and its level; both ``None`` where unknown."""

    score: int | None
    level: Level | None


@value
class Health:
    """
    The judgement of a stream's newest sample.

    :param reasons: sentences that say what took the points; their points add up to 100 - score
    """

    whole: Part
    live_delay: Part
    upstream: Part
    reasons: tuple[str, ...]


@value
class Rates:
    """Measured rates over the last 3, 10 and 100 seconds in kbit/s; ``None`` = not known."""

    last_3: float | None = None
    last_10: float | None = None
    last_100: float | None = None


NO_RATES = Rates()
"""Those of a stream of which nothing came."""
