"""
The one interface behind which every kind of media server stands.

A media server's module is a translator and no more: it says what to ask, and turns the answers
into :class:`~tvmon.streams.Stream` and :class:`~tvmon.streams.Measurement`.  It is handed a
``fetch`` that does the asking, with deadline, size cap and keep-alive already in it, so it
knows no clock, no reactor and no service, and its parsers can be tested with plain bytes.

    Kind          what there is to know of a kind: how its section of the configuration is read
    MediaServer   one configured server; a value, so that two configurations can be compared
    Talk          a conversation with a server that is asked for each stream by itself, or
    Overview      one with a server that tells of all its streams in one answer

A conversation lasts for as long as the server is watched unchanged, and is where a module keeps
what it must remember from one answer to the next: a login, a playlist's last segment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from tvmon.servers.drift import Drift
from tvmon.settings import Section
from tvmon.streams import Measurement, Stream, Timing, value

__all__ = [
    "Answer",
    "Drift",
    "Fetch",
    "Found",
    "Kind",
    "Listing",
    "MediaServer",
    "Overview",
    "Probe",
    "Request",
    "Seen",
    "Survey",
    "Talk",
]


@value
class Request:
    """
    An HTTP request to a media server.

    :param url: may hold a secret where a playlist's does; never shown beyond its host
    :param headers: and ``body`` may hold secrets
    :param wanted: the headers of the answer that are looked at, in lower case
    :param fresh: on a connection of its own, which another worker of the server may accept
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    wanted: tuple[str, ...] = ()
    fresh: bool = False


@value
class Answer:
    """
    A whole HTTP answer, its body already read and within the cap.

    :param headers: those that were wanted and are there, by their names in lower case
    :param at: when it was complete, on the monotonic clock that measures distances, seconds
    :param time: the same moment by the wall clock, seconds since 1970 in UTC
    :param url: where redirects led to; empty where there were none
    :param timing: how long it took; ``None`` where nobody measured that
    """

    status: int
    phrase: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    at: float = field(default=0.0, compare=False)
    time: float = field(default=0.0, compare=False)
    url: str = field(default="", repr=False, compare=False)
    timing: Timing | None = field(default=None, compare=False)


Fetch = Callable[[Request], Awaitable[Answer]]
"""Asks once; raises :class:`tvmon.errors.NoAnswer`; answers of any status are returned."""


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What a media server lists.

    :param streams: each key once
    :param skipped: one sentence for each entry that could not be used, and why
    """

    streams: tuple[Stream, ...]
    skipped: tuple[str, ...] = ()


class Seen(NamedTuple):
    """A stream in an answer that tells of many, and what is said of it."""

    stream: Stream
    measured: Measurement


@dataclass(frozen=True, slots=True)
class Survey:
    """
    What one answer, or some that belong together, tells of all streams of a media server.

    :param seen: by the stream's key
    :param skipped: one sentence for each entry that could not be used, and why
    :param unseen: why a stream that is not in ``seen`` may be there all the same, by its key; a
        stream that is in neither is published by nobody
    """

    seen: Mapping[str, Seen]
    skipped: tuple[str, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)


class Talk(Protocol):
    """
    A conversation with a media server that is asked for each stream by itself.

    Both methods raise :class:`tvmon.errors.Trouble` and nothing else.

    :ivar drift: which fields of its answers are unknown, or missing
    """

    drift: Drift

    async def list_streams(self, fetch: Fetch) -> Listing:
        """Every stream that the server has now."""

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        """What the server says of one stream now."""


@runtime_checkable
class Overview(Protocol):
    """
    A conversation with a media server that tells of all its streams at once.

    tvmon asks once for all samplers that want to know within half an interval.

    :ivar drift: which fields of its answers are unknown, or missing
    """

    drift: Drift

    async def survey(self, fetch: Fetch) -> Survey:
        """All streams now; raises :class:`tvmon.errors.Trouble` and nothing else."""


class MediaServer(Protocol):
    """One configured media server.  Values only: two of the same settings are equal."""

    @property
    def name(self) -> str:
        """The name of its section in the configuration."""

    @property
    def extra_streams(self) -> tuple[Stream, ...]:
        """What the configuration names beside what the server lists; sampled from the start."""

    def begin(self) -> Talk | Overview:
        """Start a conversation."""


class Found(NamedTuple):
    """
    A media server that a probe has found.

    :param what: it is, for the operator: ``Icecast 2.4.4``
    :param options: the keys of its ``[[server]]`` and their values; a secret as ``${NAME}``
    """

    what: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Probe:
    """
    How to find out whether a host runs a kind of media server.

    :param ports: where it usually listens
    :param path: what is asked for there, by GET
    :param recognise: the answer, and the URL of the host with its port and without a path ->
        what it is; ``None`` where it is something else.  Never raises
    :param wanted: the headers that it looks at, in lower case
    """

    ports: tuple[int, ...]
    path: str
    recognise: Callable[[Answer, str], Found | None]
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of media server; another package adds one by an entry point of ``tvmon.servers``.

    :param name: what a ``[[server]]`` says as its ``kind``
    :param configured: reads the rest of its section, and notes what is wrong
    :param at: the server and the stream that a ``sample_interface`` alone leads to, for ``tvmon
        sample URL``; ``None`` where it takes more to ask this kind
    :param probes: how to find one on a host
    :param keep_missing_minutes: how long a stream that is published no more stays on the page as
        bad, where the configuration does not say; 0 where the server lists what is configured
        and not what is published
    :param requests_at_once: to one server, where the configuration does not say; 0 is no bound
    """

    name: str
    configured: Callable[[Section], MediaServer]
    at: Callable[[str], tuple[MediaServer, Stream]] | None = None
    probes: tuple[Probe, ...] = ()
    keep_missing_minutes: float = 60.0
    requests_at_once: int = 0
