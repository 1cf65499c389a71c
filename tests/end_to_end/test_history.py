"""A daemon that keeps histories: from samples to pictures, over a kill, and without rrdtool."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from tests.daemons import Child, config, get, wait_for
from tests.end_to_end.common import FAST, DaemonCase
from tests.history.tools import needs_rrdtool

GRACE_SECONDS = 12
"""A little more than tvmon waits behind a boundary for samples that come late."""


class Clock:
    """The daemon's wall clock, which is ahead of ours."""

    def __init__(self, file: Path) -> None:
        self.file, self.ahead = file, 0.0
        self.go(0.0)

    def go(self, seconds: float) -> None:
        """Set it ahead by so much more."""
        self.ahead += seconds
        new = self.file.with_suffix(".new")
        new.write_text(str(self.ahead))
        new.replace(self.file)

    def to_boundary(self, behind: float) -> int:
        """Set it to so many seconds behind the next boundary of five minutes; the boundary."""
        now = time.time() + self.ahead
        boundary = int(now // 300 + 1) * 300
        self.go(boundary + behind - now)
        return boundary


@needs_rrdtool
class HistoryTests(DaemonCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock(self.folder / "clock")
        self.asked = 0
        _, api = self.simulator("--streams", "5", "--mix", "healthy=100")
        self.path = config(self.folder, api, more=FAST)

    def start(self) -> tuple[Child, str]:
        daemon = self.tvmon(self.path, clock=self.clock.file)
        base = daemon.address()
        self.sampled(base, 5)
        return daemon, base

    def json(self, address: str) -> Any:
        status, _, body = get(address)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def row(self, base: str, stream: int, metric: str, line: str, end: int) -> float | None:
        """The five minutes that ended then; asked so that no answer is one that was kept."""
        self.asked += 1
        found = self.json(
            f"{base}/graph/stream/{stream}.png?metric={metric}&format=json&step=5m"
            f"&start={end - 300 * self.asked}&end={end}"
        )
        series = next(series for series in found["series"] if series["name"] == line)
        return dict(series["points"])[end]

    def test_from_samples_to_pictures_numbers_and_a_report(self) -> None:
        # Not over a boundary of its own: five minutes are over when the test says so.
        self.clock.to_boundary(60)
        daemon, base = self.start()
        number = self.samples(base)[0]["mms_stream_id"]
        wait_for(lambda: self.polled(base) > 5 * 12, 20, "some polls")
        boundary = self.clock.to_boundary(GRACE_SECONDS)
        wait_for(lambda: self.metric(base, "tvmon_history_files") >= 8, 20, "the files")
        viewers = wait_for(
            lambda: self.row(base, number, "viewers", "viewers", boundary), 20, "a row"
        )
        self.assertGreater(viewers, 0)
        status, headers, body = get(f"{base}/graph/stream/{number}.png")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
        self.assertEqual(body[:8], b"\x89PNG\r\n\x1a\n")
        report = self.json(f"{base}/report?vhost=simulator&start={boundary - 300}&end={boundary}")
        self.assertIn("availability", json.dumps(report))
        self.assertEqual(get(f"{base}/graph_global?target=cpu")[0], 200)
        self.assertEqual(get(f"{base}/graph_vhost?target=viewers&vhost=nobody")[0], 404)
        self.assertEqual(daemon.stop(), 0)
        self.assert_clean(daemon)

    def test_a_kill_in_the_middle_of_five_minutes_loses_none_of_their_samples(self) -> None:
        self.clock.to_boundary(60)
        daemon, base = self.start()
        number = self.samples(base)[0]["mms_stream_id"]
        wait_for(lambda: self.polled(base) > 5 * 20, 30, "some polls")
        wait_for(lambda: len(self.kept(base, number)) >= 15, 10, "samples in the database")
        daemon.stop(signal.SIGKILL)
        daemon.log_path.unlink()
        daemon, base = self.start()
        before = len(wait_for(lambda: self.kept(base, number), 10, "the kept samples"))
        boundary = self.clock.to_boundary(GRACE_SECONDS)
        wait_for(lambda: self.metric(base, "tvmon_history_files") >= 8, 20, "the files")

        written = wait_for(lambda: self.row(base, number, "polls", "polls", boundary), 20, "a row")
        self.assertGreaterEqual(written, before)

    def kept(self, base: str, number: int) -> list[Any]:
        """None as long as the database cannot be asked, which may be so for a moment."""
        status, _, body = get(f"{base}/samples/{number}/history")
        samples: list[Any] = json.loads(body)["samples"] if status == 200 else []
        return samples


class WithoutTests(DaemonCase):
    def test_without_rrdtool_all_else_works_and_it_is_said_once(self) -> None:
        _, api = self.simulator("--streams", "3", "--mix", "healthy=100")
        path = config(self.folder, api, more=FAST)
        daemon = self.tvmon(path, PATH="/nowhere")
        base = daemon.address()
        self.sampled(base, 3)
        status, headers, body = get(f"{base}/graph_global?target=cpu")
        self.assertEqual(status, 503)
        self.assertIn("apt-get install rrdtool", body.decode())
        self.assertIn("Retry-After", headers)
        self.assertEqual(self.metric(base, "tvmon_history_up"), 0)
        found = json.loads(get(f"{base}/history")[2])
        self.assertIn("apt-get install rrdtool", found["trouble"])
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 20, "everything ready")

        path.write_text(path.read_text().replace("[history]", "[history]\nenabled = false"))
        daemon.process.send_signal(signal.SIGHUP)
        graph = f"{base}/graph_vhost?target=viewers&vhost=simulator"
        wait_for(lambda: b"history is switched off" in get(graph)[2], 10, "no history any more")
        self.assertEqual(get(graph)[0], 503)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.log.count("rrdtool is not installed"), 1)
        self.assert_clean(daemon)
