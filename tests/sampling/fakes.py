"""A media server and a fetch that do what a test says, on a clock that the test drives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.errors import NoAnswer, Trouble
from tvmon.health import Scoring
from tvmon.sampling.asking import Terms
from tvmon.sampling.meters import PollMeters
from tvmon.sampling.sampler import Sampler
from tvmon.sampling.talks import Direct
from tvmon.servers import Answer, Drift, Fetch, Listing, Request
from tvmon.streams import Measurement, Sample, Stream

EPOCH = 1_700_000_000.0
GOOD = Measurement(live_delay_ms=0, stream_info_audiodatarate=64, stream_info_videodatarate=800)
ANSWER = Answer(200, "OK", b"")


def stream(key: str, server: str = "farm", where: str = "media1.example") -> Stream:
    return Stream.of(server, key, None, f"name of {key}", f"http://{where}/{key}")


def streams(count: int) -> list[Stream]:
    return [stream(f"s{number}") for number in range(count)]


@dataclass
class Asked:
    """One fetch that waits; fire ``answer`` to end it."""

    request: Request
    seconds: float
    answer: Deferred[Answer]
    is_aborted: bool = False


@dataclass
class FakeFetch:
    """
    Answers at once, but for URLs that hold one of the words in ``waiting`` or ``refused``.

    Those that wait end at their deadline, as a good fetch does, unless ``is_deaf``.

    :ivar abort_seconds: how long it holds up the reactor to abort one
    """

    clock: Clock
    waiting: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    is_deaf: bool = False
    abort_seconds: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    async def __call__(self, request: Request, seconds: float) -> Answer:
        def abort(_: object) -> None:
            asked.is_aborted = True
            self.clock.rightNow += self.abort_seconds

        asked = Asked(request, seconds, Deferred(abort))
        self.asked.append(asked)
        if any(word in request.url for word in self.refused):
            raise NoAnswer("connection refused", "refused")
        if not any(word in request.url for word in self.waiting):
            return ANSWER
        call = None
        if not self.is_deaf:
            late = NoAnswer(f"no answer within {seconds:g} s", "timeout")
            call = self.clock.callLater(seconds, asked.answer.errback, late)
        try:
            return await asked.answer
        finally:
            if call is not None and call.active():
                call.cancel()

    @property
    def urls(self) -> list[str]:
        return [asked.request.url for asked in self.asked]


Behaviour = Callable[[Stream, Fetch], Awaitable[Any]]


@dataclass
class FakeServer:
    """
    Lists what it is told to, and asks for each sample once.

    :ivar listings: what the next listings are; the last one stays.  An exception is raised, a
        Deferred waited for, anything else returned
    :ivar behaviours: by key, in place of asking once
    """

    name: str = "farm"
    listings: list[Any] = field(default_factory=lambda: [Listing(())])
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    listed: int = 0
    drift: Drift = field(default_factory=Drift)
    extra_streams: tuple[Stream, ...] = ()

    def begin(self) -> FakeServer:
        return self

    async def list_streams(self, fetch: Fetch) -> Listing:
        self.listed += 1
        what = self.listings.pop(0) if len(self.listings) > 1 else self.listings[0]
        if isinstance(what, BaseException):
            raise what
        if isinstance(what, Deferred):
            what = await what
        if isinstance(what, str):
            await fetch(Request(what))
        return what

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        behave = self.behaviours.get(stream.key)
        if behave is not None:
            return await behave(stream, fetch)
        await fetch(Request(stream.sample_interface))
        return GOOD


class Notes:
    """A listener of the board that keeps what it was told."""

    def __init__(self) -> None:
        self.put: list[Stream] = []
        self.dropped: list[Stream] = []
        self.samples: list[tuple[str, Sample]] = []

    def stream_put(self, entry: Entry) -> None:
        self.put.append(entry.stream)

    def stream_dropped(self, entry: Entry) -> None:
        self.dropped.append(entry.stream)

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        self.samples.append((entry.stream.key, sample))

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        pass

    def of(self, key: str) -> list[Sample]:
        return [sample for noted, sample in self.samples if noted == key]

    def reasons(self, key: str) -> list[str | None]:
        return [sample.failed_reason for sample in self.of(key)]


class Given:
    """What samplers and updaters are made of; only the board and the meters are real."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.wall_offset = EPOCH
        self.random = Random(1)
        self.server = FakeServer()
        self.fetch = FakeFetch(self.clock)
        self.board = Board(Scoring())
        self.notes = Notes()
        self.board.listen(self.notes)
        self.registry = CollectorRegistry()
        self.meters = PollMeters(self.registry)

    def now(self) -> float:
        return self.wall_offset + self.clock.seconds()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def sampler(self, of: Stream, interval: float = 3.0, seconds: float = 2.4) -> Sampler:
        self.board.put(of)
        return Sampler(
            of,
            now=self.now,
            talk=Direct(self.server.name, self.server, self.clock),
            terms=Terms(self.clock, self.fetch, seconds, 0.25),
            board=self.board,
            meters=self.meters.server(self.server.name, lambda: 0.0),
            interval=interval,
        )

    def pass_time(self, seconds: float, step: float = 1 / 16) -> None:
        """Let time pass in small steps that add up exactly, as a reactor does that is not busy."""
        self.clock.pump([step] * round(seconds / step))


def lines(captured: Iterable[dict[str, Any]]) -> list[str]:
    """The captured log events as lines."""
    from twisted.logger import formatEvent

    return [formatEvent(event) for event in captured]


async def never(of: Stream, fetch: Fetch) -> Measurement:
    """Waits for nothing, and does not even end when it is cancelled."""
    while True:
        try:
            await Deferred()
        except Exception:
            continue


def raising(error: BaseException) -> Behaviour:
    async def behave(of: Stream, fetch: Fetch) -> Measurement:
        raise error

    return behave


def giving(value: object) -> Behaviour:
    async def behave(of: Stream, fetch: Fetch) -> Any:
        await fetch(Request(of.sample_interface))
        return value

    return behave


def refused() -> Trouble:
    return NoAnswer("connection refused", "refused")
