"""What breaks below a running tvmon, and what its readers notice."""

from __future__ import annotations

import os
import signal
import time

from tests import postgres
from tests.daemons import config, get, metric, wait_for
from tests.end_to_end.common import DAY, FAST, DaemonCase


class FaultTests(DaemonCase):
    """What breaks below a running tvmon, and what its readers notice."""

    def test_a_database_that_hangs_for_half_a_minute_costs_nothing(self) -> None:
        server = postgres.Postgres()
        server.start()
        self.addCleanup(server.close)
        database = server.new_database()
        _, api = self.simulator("--streams", "40", "--mix", "healthy=100")
        path = config(self.folder, api, database=server.url(database), more=FAST)
        base = self.tvmon(path).address()
        self.sampled(base, 40)
        server.freeze()
        frozen = time.monotonic()
        wait_for(lambda: self.database_trouble(base), 20, "a database that is not ready")
        self.assertEqual(get(f"{base}/-/ready")[0], 503)
        self.assertEqual(self.metric(base, "tvmon_database_up"), 0)
        polled = self.polled(base)
        wait_for(lambda: time.monotonic() - frozen >= 30, 31, "half a minute")
        self.assertGreater(self.polled(base) - polled, 40 * 20)
        self.assertEqual(len(self.samples(base)), 40)
        server.thaw()
        wait_for(lambda: self.database_trouble(base) is None, 30, "the database again")
        wait_for(lambda: self.metric(base, "tvmon_pending_rows") <= 80, 20, "the backlog written")
        # Who waits for a hanging database waits for a deadline of it, which is seconds.
        self.assertLess(self.metric(base, "tvmon_reactor_longest_turn_seconds"), 1.5)
        self.assert_none_missing(server, database)

    def assert_none_missing(self, server: postgres.Postgres, database: str) -> None:
        """Every number of every stream is there; gaps between samples are none but by rhythm."""
        rows = server.sql(
            "SELECT mms_stream_id, count(*), max(sample_no) - min(sample_no) + 1,"
            " max(gap) FROM (SELECT *, extract(epoch FROM sample_time - lag(sample_time)"
            " OVER (PARTITION BY mms_stream_id ORDER BY sample_no)) AS gap FROM mms_samples) s"
            " GROUP BY mms_stream_id",
            database=database,
        )
        self.assertEqual(len(rows), 40)
        for _, count, numbers, gap in rows:
            self.assertEqual(count, numbers)
            self.assertLess(float(gap), 1.5)

    def test_a_database_that_is_killed_under_load_loses_no_sample(self) -> None:
        server = postgres.Postgres()
        server.start()
        self.addCleanup(server.close)
        database = server.new_database()
        _, api = self.simulator("--streams", "40", "--mix", "healthy=100")
        path = config(self.folder, api, database=server.url(database), more=FAST)
        daemon = self.tvmon(path)
        base = daemon.address()
        self.sampled(base, 40)
        for _ in range(3):
            server.kill()
            wait_for(lambda: self.database_trouble(base), 10, "the outage to be seen")
            self.assertEqual(len(self.samples(base)), 40)
            server.start()
            wait_for(lambda: self.database_trouble(base) is None, 20, "the database again")
        wait_for(lambda: self.metric(base, "tvmon_pending_rows") <= 80, 20, "the backlog written")
        self.assertEqual(daemon.stop(), 0)
        self.assert_none_missing(server, database)
        self.assert_clean(daemon)

    def test_without_a_database_at_the_start_everything_else_works(self) -> None:
        server = postgres.Postgres()
        server.start()
        self.addCleanup(server.close)
        database = server.new_database()
        server.stop()
        _, api = self.simulator("--streams", "40", "--mix", "healthy=100")
        path = config(self.folder, api, database=server.url(database), more=FAST)
        base = self.tvmon(path).address()
        self.sampled(base, 40)
        self.assertEqual(get(f"{base}/-/ready")[0], 503)
        self.assertEqual(get(f"{base}/-/healthy")[0], 200)
        stream = self.samples(base)[0]["mms_stream_id"]
        status, headers, _ = get(f"{base}/samples/{stream}/history")
        self.assertEqual(status, 503)
        self.assertIn("Retry-After", headers)
        server.start()
        wait_for(lambda: self.database_trouble(base) is None, 20, "the database")
        wait_for(lambda: self.metric(base, "tvmon_pending_rows") <= 80, 20, "the backlog written")
        self.assert_none_missing(server, database)

    def test_a_server_that_hangs_delays_no_poll_of_another(self) -> None:
        hanging, hung_api = self.simulator("--streams", "30", name="hanging")
        _, well_api = self.simulator("--streams", "30", "--mix", "healthy=100", name="well")
        base = self.tvmon(config(self.folder, well_api, hung_api, more=FAST)).address()
        self.sampled(base, 60)
        before = get(f"{base}/metrics")[2]
        os.kill(hanging.pid, signal.SIGSTOP)
        wait_for(
            lambda: (
                self.metric(base, 'tvmon_polls_total{outcome="timeout",server="simulator1"}') > 150
            ),
            20,
            "polls of the hanging server",
        )
        page = get(f"{base}/metrics")[2]

        def since(name: str) -> float:
            return metric(page, name) - metric(before, name)

        begun = since("tvmon_poll_lateness_seconds_count")
        late = begun - since('tvmon_poll_lateness_seconds_bucket{le="0.25"}')
        # Some may be late on a busy machine; all would be that waited for the hanging server.
        self.assertLess(late, 0.05 * begun)
        polls = metric(page, 'tvmon_polls_total{outcome="ok",server="simulator"}')
        self.assertLess(metric(page, 'tvmon_polls_skipped_total{server="simulator"}'), 0.05 * polls)
        wait_for(lambda: self.all_good(base, "simulator"), 10, "good polls of the other server")

    def all_good(self, base: str, server: str) -> bool:
        """Whether every stream of a server is well at this moment."""
        return all(
            entry["score_level"] == 2 and entry["average_upstream_kbps"]["last_10"] > 0
            for entry in self.samples(base)
            if entry["server"] == server
        )

    def test_a_clock_that_jumps_a_day_forward_and_back_stops_nothing(self) -> None:
        _, api = self.simulator("--streams", "5", "--mix", "healthy=100")
        clock = self.folder / "clock"
        clock.write_text("0")
        path = config(self.folder, api, more=FAST)
        daemon = self.tvmon(path, clock=clock)
        base = daemon.address()
        self.sampled(base, 5)
        wait_for(lambda: self.polled(base) > 50, 20, "a few polls")
        for jump in (DAY, 0, -DAY, 0):
            replacement = self.folder / "clock.new"
            replacement.write_text(str(jump))
            replacement.replace(clock)
            before = self.polled(base)
            wait_for(
                lambda seen=before: self.polled(base) - seen > 20,
                10,
                f"polls after a jump of {jump}",
            )
            wait_for(lambda: self.all_good(base, "simulator"), 10, "good polls after a jump")
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 10, "everything ready")
        page = get(f"{base}/metrics")[2]
        polls = metric(page, 'tvmon_polls_total{outcome="ok",server="simulator"}')
        self.assertLess(metric(page, 'tvmon_polls_skipped_total{server="simulator"}'), 0.05 * polls)
        self.assertEqual(daemon.stop(), 0)
        self.assert_clean(daemon)
