"""The fetcher's figures as Prometheus sees them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fetching import FetchCase
from tvmon.sampling.fetch import Figures
from tvmon.sampling.fetch_meters import FetchMeters


def shown(registry: CollectorRegistry) -> dict[str, float]:
    """Every sample of the registry."""
    lines = generate_latest(registry).decode().splitlines()
    parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in parts}


class FetchMetersTests(SynchronousTestCase):
    def test_each_figure_has_its_name(self) -> None:
        registry = CollectorRegistry()
        FetchMeters(registry, lambda: Figures(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
        self.assertEqual(
            shown(registry),
            {
                "tvmon_fetches_in_flight": 1,
                'tvmon_connections{state="open"}': 2,
                'tvmon_connections{state="idle"}': 3,
                "tvmon_connections_opened_total": 4,
                "tvmon_connections_reused_total": 5,
                "tvmon_connections_retried_total": 6,
                "tvmon_name_lookups_in_flight": 7,
                "tvmon_connections_awaited_total": 8,
                "tvmon_answers_plain_total": 9,
                "tvmon_answers_waiting": 10,
            },
        )

    def test_nothing_is_read_before_prometheus_asks(self) -> None:
        FetchMeters(CollectorRegistry(), self.fail)


class FetcherTests(FetchCase):
    async def test_they_are_of_the_moment(self) -> None:
        registry = CollectorRegistry()
        FetchMeters(registry, lambda: self.fetcher.figures)
        self.assertEqual(set(shown(registry).values()), {0.0})
        for _ in range(3):
            await self.get(self.upstream.url())
        now = shown(registry)
        self.assertEqual(now['tvmon_connections{state="idle"}'], 1)
        self.assertEqual(now["tvmon_connections_opened_total"], 1)
        self.assertEqual(now["tvmon_connections_reused_total"], 2)
        self.assertEqual(now["tvmon_answers_plain_total"], 3)
        self.fetcher = self.new_fetcher()
        self.assertEqual(set(shown(registry).values()), {0.0})
