"""What the fetcher says of itself to Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tvmon.sampling.fetch import Figures


class FetchMeters(Collector):
    """
    The fetcher's figures, read when Prometheus asks; made once for a registry.

    :param figures: those of the fetcher of the moment: on a reload another one may take its
        place, and its counters begin at 0, as they do at a restart
    """

    def __init__(self, registry: CollectorRegistry, figures: Callable[[], Figures]) -> None:
        self._figures = figures
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Nothing: to be asked for it at the start would need a fetcher already."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        now = self._figures()
        connections = GaugeMetricFamily(
            "tvmon_connections",
            "Connections to media servers: all open ones, and those of them that wait for use.",
            labels=("state",),
        )
        connections.add_metric(("open",), now.connections)
        connections.add_metric(("idle",), now.idle)
        yield connections
        yield GaugeMetricFamily(
            "tvmon_fetches_in_flight", "HTTP requests that wait for their answer.", now.in_flight
        )
        yield GaugeMetricFamily(
            "tvmon_name_lookups_in_flight", "Host names that are looked up now.", now.lookups
        )
        yield CounterMetricFamily(
            "tvmon_connections_opened", "Connections to media servers ever opened.", now.opened
        )
        yield CounterMetricFamily(
            "tvmon_connections_reused", "Requests that were sent on a kept connection.", now.reused
        )
        yield CounterMetricFamily(
            "tvmon_connections_retried",
            "Requests sent once more, since their kept connection had been closed.",
            now.retried,
        )
        yield CounterMetricFamily(
            "tvmon_connections_awaited",
            "Requests that waited for a connection, since the server had many of us at once.",
            now.awaited,
        )
        yield CounterMetricFamily(
            "tvmon_answers_plain",
            "Answers in the plainest form of HTTP, which are read without treq.",
            now.plain,
        )
        yield GaugeMetricFamily(
            "tvmon_answers_waiting",
            "Answers that have come and wait for their turn, since many came at once.",
            now.backlog,
        )
