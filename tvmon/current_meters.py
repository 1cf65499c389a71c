"""Metrics of what another one may take the place of, as at a reload."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector


class CurrentMeters(Collector):
    """The metrics of whichever one is in use now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    def collect(self) -> Iterable[Metric]:
        """What its registry has."""
        return self.registry.collect()
