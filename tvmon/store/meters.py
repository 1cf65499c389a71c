"""The store's own numbers, for whoever watches tvmon."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class StoreMeters:
    """
    The prometheus instruments of the store.

    :param is_up: whether the database takes what it is given
    :param pending: how many rows wait to be written
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        is_up: Callable[[], bool],
        pending: Callable[[], int],
    ) -> None:
        up = Gauge(
            "tvmon_database_up", "1 while the database takes what it is given", registry=registry
        )
        up.set_function(lambda: float(is_up()))
        rows = Gauge("tvmon_pending_rows", "Samples that wait to be written", registry=registry)
        rows.set_function(lambda: float(pending()))
        self.reconnects = Counter(
            "tvmon_database_reconnects", "Times the database was up again", registry=registry
        )
        self.written = Counter("tvmon_rows_written", "Samples that were written", registry=registry)
        self.dropped = Counter(
            "tvmon_rows_dropped",
            "Samples that were never written: more than 200 waited for a stream, or the database"
            " cannot hold the value",
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "tvmon_batch_seconds",
            "How long a batch of samples took to be written",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
