"""
The one interface behind which every kind of media server stands.

A media server here is a translator and no more: it says what to ask, and turns the answers
into :class:`~tvmon.streams.Stream` and :class:`~tvmon.streams.Measurement`.  It is handed a
``fetch`` that does the asking, with deadline, size cap and keep-alive already in it, so it
knows no clock, no reactor and no service, and its parsers can be tested with plain bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tvmon.streams import Measurement, Stream


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to a media server; ``body`` and ``headers`` may hold secrets, ``url`` not."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, its body already read and within the cap."""

    status: int
    phrase: str
    body: bytes


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


class MediaServer(Protocol):
    """
    One configured media server.  Values only: two of the same settings are equal.

    Both methods raise :class:`tvmon.errors.Trouble` and nothing else.
    """

    @property
    def name(self) -> str:
        """The name of its section in the configuration."""

    @property
    def extra_streams(self) -> tuple[Stream, ...]:
        """What the configuration names beside what the server lists; sampled from the start."""

    async def list_streams(self, fetch: Fetch) -> Listing:
        """Every stream that the server has now."""

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        """What the server says of one stream now."""
