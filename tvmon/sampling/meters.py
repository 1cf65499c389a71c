"""What sampling says of itself to Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from tvmon.errors import Outcome
from tvmon.sampling.tally import Counts, Tally
from tvmon.servers import Drift

INTERNAL: Outcome = "internal"
"""The outcome of a poll that met a mistake of tvmon's own."""
DRIFTS = ("unknown", "missing")
OUTCOMES: tuple[str, ...] = get_args(Outcome)

LATENESS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0, 10.0)
"""Seconds; 100 ms is where a reactor is too busy, 1.5 s is half the usual interval."""
DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10)
"""Seconds; between 2 and 2.5 s lies the usual deadline."""


class PollMeters:
    """
    The instruments of sampling; made once for a registry.

    :ivar in_flight: polls that wait for their answer now
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = 0
        self.polls = Counts(
            "tvmon_polls",
            "Polls of streams that ended, by outcome.",
            ("server", "outcome"),
            registry,
        )
        self.left_out = Counter(
            "tvmon_polls_skipped_total",
            "Polls that were left out, since the one before was not over or tvmon was busy.",
            ("server",),
            registry=registry,
        )
        self.lateness = Tally(
            "tvmon_poll_lateness_seconds",
            "How long after its due time a poll began.",
            LATENESS_BUCKETS,
            registry,
        )
        self.duration = Tally(
            "tvmon_poll_duration_seconds",
            "From the beginning of a poll to its end, good or failed.",
            DURATION_BUCKETS,
            registry,
        )
        self.samplers = Gauge(
            "tvmon_samplers", "Streams that are sampled now.", ("server",), registry=registry
        )
        self.listings = Counter(
            "tvmon_listings_total",
            "Listings of media servers that ended, by outcome.",
            ("server", "outcome"),
            registry=registry,
        )
        self.listing_age = Gauge(
            "tvmon_listing_age_seconds",
            "Since the last good listing, or since the start where there was none.",
            ("server",),
            registry=registry,
        )
        self.listing_skipped = Gauge(
            "tvmon_listing_skipped",
            "Entries of the last good listing that could not be used.",
            ("server",),
            registry=registry,
        )
        self.fields = Gauge(
            "tvmon_server_fields",
            "Fields of a media server's answers that its module does not know, or misses.",
            ("server", "what"),
            registry=registry,
        )
        Gauge(
            "tvmon_polls_in_flight", "Polls that wait for their answer now.", registry=registry
        ).set_function(lambda: self.in_flight)

    def server(self, name: str, listing_age: Callable[[], float]) -> ServerMeters:
        """
        The instruments of one media server, to be closed when it is watched no more, and before
        they are opened again.

        :param listing_age: answers ``tvmon_listing_age_seconds``
        """
        return ServerMeters(self, name, listing_age)

    def forget(self, name: str) -> None:
        """Take a media server's gauges away; counters stay: what was counted was counted."""
        for gauge in (self.samplers, self.listing_age, self.listing_skipped):
            gauge.remove(name)
        for what in DRIFTS:
            self.fields.remove(name, what)


class ServerMeters:
    """The instruments of one media server, looked up once instead of at every poll."""

    __slots__ = (
        "_listings",
        "_name",
        "_outcomes",
        "_room",
        "left_out",
        "listing_skipped",
        "samplers",
    )

    def __init__(self, room: PollMeters, name: str, listing_age: Callable[[], float]) -> None:
        self._room = room
        self._name = name
        self._outcomes = {word: (name, word) for word in OUTCOMES}
        for labels in self._outcomes.values():
            room.polls.begin(*labels)
        self._listings = {word: room.listings.labels(name, word) for word in OUTCOMES}
        self.left_out = room.left_out.labels(name)
        self.samplers = room.samplers.labels(name)
        self.listing_skipped = room.listing_skipped.labels(name)
        room.listing_age.labels(name).set_function(listing_age)

    def watch(self, drift: Drift) -> None:
        """Show how many fields are unknown, and how many are missing."""
        unknown, missing = (self._room.fields.labels(self._name, what) for what in DRIFTS)
        unknown.set_function(lambda: len(drift.unknown))
        missing.set_function(lambda: len(drift.missing))

    def poll_began(self, late: float, left_out: int) -> None:
        """A poll began, so many seconds late, after so many that were left out."""
        self._room.in_flight += 1
        self._room.lateness.observe(late)
        if left_out:
            self.left_out.inc(left_out)

    def poll_ended(self, seconds: float, outcome: str) -> None:
        """A poll ended by itself, after so many seconds."""
        self._room.in_flight -= 1
        self._room.duration.observe(seconds)
        labels = self._outcomes.get(outcome) or self._outcomes[INTERNAL]
        self._room.polls.counts[labels] += 1

    def poll_aborted(self) -> None:
        """A poll was ended by us, and says nothing of its server."""
        self._room.in_flight -= 1

    def listing_ended(self, outcome: str) -> None:
        """A listing ended."""
        self._listings.get(outcome, self._listings[INTERNAL]).inc()

    def close(self) -> None:
        """The media server is watched no more."""
        self._room.forget(self._name)
