"""What the tests of talks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tvmon.servers import Drift, Fetch, Request, Seen, Survey
from tvmon.streams import Measurement, Stream

SECONDS = 2.4

FRESH = 1.5


def stream(key: str) -> Stream:
    return Stream.of("edge", key, None, f"edge/{key}", f"http://edge.example/stat#{key}")


def survey(counts: Mapping[str, int], unseen: Mapping[str, str] | None = None) -> Survey:
    """One in which these streams have received so many bytes."""
    return Survey(
        {k: Seen(stream(k), Measurement(upstream_bytes_received=n)) for k, n in counts.items()},
        unseen=unseen or {},
    )


class FakeOverview:
    """Asks once for each survey; what it then gives is set by the test."""

    def __init__(self) -> None:
        self.drift = Drift()
        self.surveys = 0
        self.result: Any = survey({"a": 1, "b": 2})

    async def survey(self, fetch: Fetch) -> Any:
        self.surveys += 1
        await fetch(Request("http://edge.example/stat"))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result
