"""The history's own numbers, for whoever watches tvmon."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0, 300.0)


class HistoryMeters:
    """
    The prometheus instruments of the recorder.

    :param is_up: whether histories are written
    :param files: how many RRDs there are
    """

    def __init__(
        self, registry: CollectorRegistry, is_up: Callable[[], bool], files: Callable[[], int]
    ) -> None:
        up = Gauge("tvmon_history_up", "1 while history is written", registry=registry)
        up.set_function(lambda: float(is_up()))
        count = Gauge("tvmon_history_files", "RRDs that there are", registry=registry)
        count.set_function(lambda: float(files()))
        self.written = Counter(
            "tvmon_history_buckets_written", "Five minutes of somebody, written", registry=registry
        )
        self.lost = Counter(
            "tvmon_history_buckets_lost",
            "Five minutes of somebody that rrdtool did not take, or was not there to take",
            registry=registry,
        )
        self.late = Counter(
            "tvmon_history_samples_late",
            "Samples of a time whose history is written, as a clock that is set back brings them",
            registry=registry,
        )
        self.seconds = Histogram(
            "tvmon_history_write_seconds",
            "How long it took to write five minutes of everybody",
            buckets=_BUCKETS,
            registry=registry,
        )
