"""What the tests of a running tvmon share: children that are stopped, and a look into the API."""

from __future__ import annotations

import json
import shutil
import unittest
from pathlib import Path
from typing import Any

from tests import postgres
from tests.daemons import Child, get, metric, short_folder, simulator, wait_for

FAST = """
[polling]
listing_seconds = 0.5
sampling_seconds = 0.5
"""
DAY = 86_400
BAD_SIGNS = ("Traceback", "Unhandled", "never awaited", "DeprecationWarning", "Unable to format")


@postgres.needs_postgres
class DaemonCase(unittest.TestCase):
    """What these tests share: a folder, children that are stopped, and a look into the API."""

    def setUp(self) -> None:
        self.folder = short_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def simulator(self, *options: str, name: str = "simulator") -> tuple[Child, str]:
        child, address = simulator(self.folder / name, *options)
        self.addCleanup(child.stop)
        return child, address

    def tvmon(self, path: Path, clock: Path | None = None, **environ: str) -> Child:
        child = Child(self.folder / "tvmon", "tvmon", "-c", str(path), clock=clock, **environ)
        self.addCleanup(child.stop)
        return child

    def samples(self, base: str) -> list[dict[str, Any]]:
        status, _, body = get(f"{base}/samples")
        self.assertEqual(status, 200)
        found: list[dict[str, Any]] = json.loads(body)["samples"]
        return found

    def sampled(self, base: str, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        """All entries as soon as so many streams have a sample."""

        def enough() -> list[dict[str, Any]] | None:
            found = self.samples(base)
            taken = [entry for entry in found if entry["sample_time"]]
            return found if len(taken) >= count else None

        return wait_for(enough, seconds, f"{count} sampled streams at {base}")

    def metric(self, base: str, name: str) -> float:
        return metric(get(f"{base}/metrics")[2], name)

    def database_trouble(self, base: str) -> str | None:
        """What ``/-/ready`` says of the database; its status alone may speak of a media server."""
        trouble: str | None = json.loads(get(f"{base}/-/ready")[2])["checks"]["database"]
        return trouble

    def polled(self, base: str) -> float:
        return self.metric(base, "tvmon_poll_lateness_seconds_count")

    def assert_clean(self, child: Child) -> None:
        for sign in BAD_SIGNS:
            self.assertNotIn(sign, child.log)
