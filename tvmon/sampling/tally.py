"""
Histograms and counters that are counted thousands of times a second.

Those of prometheus_client take a lock for each count, and look at one bucket after the other,
which made a tenth of a poll.  These are counted in the reactor's thread alone, and get the form
of a metric when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counts(Collector):
    """
    A counter for each of some sets of labels.

    :param labels: their names
    :ivar counts: by the labels' values
    """

    def __init__(
        self, name: str, documentation: str, labels: tuple[str, ...], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self.counts: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def begin(self, *labels: str) -> None:
        """Show this one, even before it is counted for the first time."""
        self.counts.setdefault(labels, 0)

    def collect(self) -> Iterator[Metric]:
        """For prometheus_client."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, count in self.counts.items():
            family.add_metric(labels, count)
        yield family


class Tally(Collector):
    """
    A histogram.

    :param buckets: the upper bounds, ascending; what is above the last one counts, too
    """

    def __init__(
        self, name: str, documentation: str, buckets: tuple[float, ...], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self._bounds = name, documentation, buckets
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[Metric]:
        """For prometheus_client."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        counts = map(float, accumulate(self._counts))
        yield HistogramMetricFamily(
            self._name, self._documentation, list(zip(bounds, counts, strict=True)), self._sum
        )
