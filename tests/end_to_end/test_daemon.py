"""
tvmon as its operators have it: started with twistd, asked over HTTP, and treated badly.

Every daemon and simulator here is a process of its own, with a real PostgreSQL below it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import postgres
from tests.daemons import (
    Child,
    config,
    get,
    metric,
    short_folder,
    simulator,
    wait_for,
)

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

    def tvmon(self, path: Path, clock: Path | None = None) -> Child:
        child = Child(self.folder / "tvmon", "tvmon", "-c", str(path), clock=clock)
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

    def polled(self, base: str) -> float:
        return self.metric(base, "tvmon_poll_lateness_seconds_count")

    def assert_clean(self, child: Child) -> None:
        for sign in BAD_SIGNS:
            self.assertNotIn(sign, child.log)


class LifeTests(DaemonCase):
    """Start, stop, and start again."""

    def test_good_and_bad_streams_within_ten_seconds_and_a_clean_stop(self) -> None:
        _, api = self.simulator("--streams", "20")
        began = time.monotonic()
        daemon = self.tvmon(config(self.folder, api))
        base = daemon.address()

        def levels() -> set[int] | None:
            found = {entry["score_level"] for entry in self.samples(base)}
            return found if {0, 1, 2} <= found else None

        wait_for(levels, 10 - (time.monotonic() - began), "bad, problem and good streams")
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 10, "everything ready")
        self.assertIn(b"<html", get(f"{base}/")[2])
        postmaster = int(next(self.folder.rglob("postmaster.pid")).read_text().split()[0])
        stopping = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - stopping, 5)
        wait_for(lambda: not Path(f"/proc/{postmaster}").exists(), 5, "the end of PostgreSQL")
        self.assert_clean(daemon)

    def test_after_a_restart_the_first_answer_holds_everything_though_the_server_is_dead(
        self,
    ) -> None:
        source, api = self.simulator("--streams", "20")
        path = config(self.folder, api)
        daemon = self.tvmon(path)
        before = self.sampled(daemon.address(), 20)
        daemon.stop()
        source.stop()
        daemon.log_path.unlink()
        daemon = self.tvmon(path)
        base = daemon.address()
        after = self.samples(base)
        self.assertEqual(
            {(e["mms_stream_id"], e["unify_name"]) for e in before},
            {(e["mms_stream_id"], e["unify_name"]) for e in after},
        )
        self.assertTrue(all(entry["sample_time"] for entry in after))
        # They are sampled although nothing lists them, and fail in words.
        wait_for(
            lambda: all(e["failed_reason"] == "connection refused" for e in self.samples(base)),
            10,
            "failed samples",
        )
        ready = json.loads(get(f"{base}/-/ready")[2])
        self.assertIn("connection refused", ready["checks"]["server simulator"])
        self.assertEqual(daemon.stop(), 0)

    def test_sigkill_loses_at_most_the_last_second(self) -> None:
        _, api = self.simulator("--streams", "20", "--mix", "healthy=100")
        database = postgres.shared().new_database()
        path = config(self.folder, api, database=postgres.shared().url(database), more=FAST)
        daemon = self.tvmon(path)
        base = daemon.address()
        self.sampled(base, 20)
        wait_for(lambda: self.polled(base) >= 200, 20, "some polls")
        killed = time.time()
        daemon.stop(signal.SIGKILL)
        rows = postgres.shared().sql(
            "SELECT extract(epoch FROM max(sample_time)) FROM mms_samples GROUP BY mms_stream_id",
            database=database,
        )
        self.assertEqual(len(rows), 20)
        for (newest,) in rows:
            # A poll every half second, written at most a second later, and a moment to write.
            self.assertLess(killed - float(newest), 2.0)

    def test_a_stream_that_goes_and_comes_back_is_the_same_stream(self) -> None:
        source = Channels([294, 295, 296])
        self.addCleanup(source.close)
        database = postgres.shared().new_database()
        url = postgres.shared().url(database)
        path = config(self.folder, source.address, database=url, more=FAST)
        base = self.tvmon(path).address()
        stream = next(e for e in self.sampled(base, 3) if e["stream_id"] == 295)
        source.listed = [294, 296]
        wait_for(lambda: len(self.samples(base)) == 2, 5, "the stream to be gone")
        gone = "SELECT stream_id FROM mms_stream WHERE gone_at IS NOT NULL"
        wait_for(
            lambda: postgres.shared().sql(gone, database=database) == [(295,)],
            5,
            "the stream to be marked gone",
        )
        kept = self.history(base, stream["mms_stream_id"])
        self.assertGreater(len(kept), 0)
        source.listed = [294, 295, 296]
        wait_for(lambda: len(self.samples(base)) == 3, 5, "the stream to be back")
        wait_for(
            lambda: len(self.history(base, stream["mms_stream_id"])) > len(kept) + 3,
            10,
            "its history to go on",
        )
        self.assertEqual(postgres.shared().sql(gone, database=database), [])

    def history(self, base: str, mms_stream_id: int) -> list[dict[str, Any]]:
        status, _, body = get(f"{base}/samples/{mms_stream_id}/history?limit=200")
        self.assertEqual(status, 200, body)
        found: list[dict[str, Any]] = json.loads(body)["samples"]
        return found


class Channels:
    """A TVie server, as small as can be, whose listing a test decides."""

    def __init__(self, listed: list[int]) -> None:
        self.listed = listed
        channels = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(json.dumps({"channels": channels.all()}))

            def do_GET(self) -> None:
                self.answer("total_gops: 1\nupstream_bytes_received: 1000\n")

            def answer(self, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._host = f"127.0.0.1:{self._server.server_port}"
        self.address = f"http://{self._host}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def all(self) -> list[dict[str, Any]]:
        """Every channel, each with one stream."""
        server = {"name": "small", "ip_address": self._host, "host_name": ""}
        return [
            {
                "customer_name": "tvie",
                "channel_name": f"c{number}",
                "display_name": f"Channel {number}",
                "server": [server],
                "streams": [{"id": number, "name": "hd"}],
            }
            for number in self.listed
        ]

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class RefusedStartTests(DaemonCase):
    """What an operator must put right first: exit code 1, and one line that names it."""

    def refused(self, path: Path, *words: str) -> None:
        daemon = Child(self.folder / "tvmon", "tvmon", "-c", str(path))
        self.addCleanup(daemon.stop)
        self.assertEqual(daemon.process.wait(20), 1, daemon.log)
        lines = [line for line in daemon.log.splitlines() if "tvmon: " in line]
        self.assertEqual(len(lines), 1, daemon.log)
        for word in words:
            self.assertIn(word, lines[0])
        self.assert_clean(daemon)

    def test_a_busy_port(self) -> None:
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            endpoint = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
            path = config(self.folder)
            path.write_text(path.read_text().replace("tcp:0:interface=127.0.0.1", endpoint))
            self.refused(path, endpoint, "Address already in use")

    def test_a_directory_that_cannot_be_written(self) -> None:
        path = config(self.folder)
        (self.folder / "file").write_text("not a directory")
        path.write_text(
            path.read_text().replace(f"{self.folder}/database", f"{self.folder}/file/database")
        )
        self.refused(path, f"{self.folder}/file")

    def test_a_wrong_value(self) -> None:
        path = config(self.folder, more="[polling]\nsampling_seconds = -3\n")
        self.refused(path, str(path), "polling.sampling_seconds", "-3")

    def test_no_configuration(self) -> None:
        self.refused(self.folder / "nothing.conf", "nothing.conf")

    def test_a_second_tvmon_on_the_same_database(self) -> None:
        url = postgres.shared().url(postgres.shared().new_database())
        first = self.tvmon(config(self.folder, database=url))
        base = first.address()
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 10, "the first one to be ready")
        second = Child(self.folder / "second", "tvmon", "-c", str(self.folder / "tvmon.conf"))
        self.addCleanup(second.stop)
        self.assertEqual(second.process.wait(20), 1, second.log)
        self.assertIn("another tvmon", second.log)
        self.assertIn(str(first.pid), second.log)
        self.assertEqual(get(f"{base}/-/ready")[0], 200)
        self.assert_clean(second)


class ReloadTests(DaemonCase):
    """SIGHUP: only what changed is made anew, and a wrong configuration changes nothing."""

    def setUp(self) -> None:
        super().setUp()
        _, self.api = self.simulator("--streams", "4", "--mix", "healthy=100")
        self.path = config(self.folder, self.api)
        self.daemon = self.tvmon(self.path)
        self.base = self.daemon.address()
        self.sampled(self.base, 4)

    def reload(self, old: str, new: str, says: str) -> None:
        text = self.path.read_text()
        self.assertIn(old, text)
        self.path.write_text(text.replace(old, new))
        seen = len(self.daemon.log)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: says in self.daemon.log[seen:], 10, f"{says!r} in the log")

    def test_a_wrong_one_is_refused_and_the_old_one_goes_on(self) -> None:
        self.reload('kind = "tvie"', 'kind = "tape"', "configuration is refused")
        self.assertIn('server[1].kind = "tape"', self.daemon.log)
        before = self.polled(self.base)
        wait_for(lambda: self.polled(self.base) > before, 10, "polls to go on")

    def test_a_port_that_is_busy_is_refused_and_the_old_one_stays(self) -> None:
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            taken = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
            # An old port that the system chose is another one after it was closed and opened.
            port = self.base.rpartition(":")[2]
            self.path.write_text(self.path.read_text().replace("tcp:0:", f"tcp:{port}:"))
            self.daemon.process.send_signal(signal.SIGHUP)
            wait_for(lambda: self.daemon.log.count("listening on") == 2, 10, "the port, pinned")
            self.reload(f"tcp:{port}:interface=127.0.0.1", taken, "configuration is refused")
        self.assertEqual(get(f"{self.base}/samples")[0], 200)

    def test_an_unchanged_one_restarts_nothing(self) -> None:
        time_before = {e["mms_stream_id"] for e in self.samples(self.base)}
        seen = len(self.daemon.log)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "read again" in self.daemon.log[seen:], 10, "the reload")
        self.assertEqual(time_before, {e["mms_stream_id"] for e in self.samples(self.base)})
        self.assertEqual(self.daemon.log[seen:].count("\n"), 1, self.daemon.log[seen:])

    def test_scoring_servers_and_intervals(self) -> None:
        self.reload(
            "[[server]]", "[score]\nbad_score = 98\ngood_score = 100\n[[server]]", "read again"
        )
        wait_for(
            lambda: all(e["score_level"] != 1 for e in self.samples(self.base)), 5, "new levels"
        )
        before = self.samples(self.base)
        self.reload("[score]", "[polling]\nsampling_seconds = 0.5\n[score]", "read again")
        after = self.samples(self.base)
        self.assertEqual(
            sorted(e["mms_stream_id"] for e in before), sorted(e["mms_stream_id"] for e in after)
        )
        self.assertTrue(all(e["sample_time"] for e in after))
        before = self.polled(self.base)
        wait_for(lambda: self.polled(self.base) - before > 40, 15, "the quicker rhythm")
        self.reload('name = "simulator"', 'name = "renamed"', "read again")
        wait_for(
            lambda: {e["server"] for e in self.samples(self.base)} == {"renamed"},
            10,
            "the server's new name",
        )
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_clean(self.daemon)

    def test_another_database_and_a_token(self) -> None:
        url = postgres.shared().url(postgres.shared().new_database())
        self.reload('url = "embedded"', f'url = "{url}"', "read again")
        wait_for(lambda: get(f"{self.base}/-/ready")[0] == 200, 10, "the new database")
        port = self.base.rpartition(":")[2]
        self.reload(
            'listen = ["tcp:0:interface=127.0.0.1"]',
            f'listen = ["tcp:{port}:interface=127.0.0.1"]\ntoken = "secret"',
            "read again",
        )
        self.assertEqual(get(f"{self.base}/samples")[0], 401)
        self.assertEqual(get(f"{self.base}/samples", Authorization="Bearer secret")[0], 200)
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_clean(self.daemon)


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
        peer = Peer()
        server.freeze()
        frozen = time.monotonic()
        wait_for(lambda: get(f"{base}/-/ready")[0] == 503, 20, "a database that is not ready")
        self.assertIn("database", json.loads(get(f"{base}/-/ready")[2])["checks"])
        self.assertEqual(self.metric(base, "tvmon_database_up"), 0)
        polled = self.polled(base)
        wait_for(lambda: time.monotonic() - frozen >= 30, 31, "half a minute")
        self.assertGreater(self.polled(base) - polled, 40 * 20)
        self.assertEqual(len(self.samples(base)), 40)
        server.thaw()
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 30, "the database again")
        wait_for(lambda: self.metric(base, "tvmon_pending_rows") <= 80, 20, "the backlog written")
        longest = self.metric(base, "tvmon_reactor_longest_turn_seconds")
        # The machine itself may stand still; a peer on it in the same time tells for how long.
        self.assertLess(longest, 0.05 + 4 * peer.longest())
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
            wait_for(lambda: get(f"{base}/-/ready")[0] == 503, 10, "the outage to be seen")
            self.assertEqual(len(self.samples(base)), 40)
            server.start()
            wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 20, "the database again")
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
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 20, "the database")
        wait_for(lambda: self.metric(base, "tvmon_pending_rows") <= 80, 20, "the backlog written")
        self.assert_none_missing(server, database)

    def test_a_server_that_hangs_delays_no_poll_of_another(self) -> None:
        hanging, hung_api = self.simulator("--streams", "30", name="hanging")
        _, well_api = self.simulator("--streams", "30", "--mix", "healthy=100", name="well")
        base = self.tvmon(config(self.folder, well_api, hung_api, more=FAST)).address()
        self.sampled(base, 60)
        os.kill(hanging.pid, signal.SIGSTOP)
        wait_for(
            lambda: (
                self.metric(base, 'tvmon_polls_total{outcome="timeout",server="simulator1"}') > 150
            ),
            20,
            "polls of the hanging server",
        )
        page = get(f"{base}/metrics")[2]
        late = metric(page, "tvmon_poll_lateness_seconds_count") - metric(
            page, 'tvmon_poll_lateness_seconds_bucket{le="0.25"}'
        )
        self.assertEqual(late, 0)
        self.assertEqual(metric(page, 'tvmon_polls_skipped_total{server="simulator"}'), 0)
        well = [e for e in self.samples(base) if e["server"] == "simulator"]
        self.assertFalse(any(e["is_failed"] for e in well))

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
            for entry in self.samples(base):
                self.assertFalse(entry["is_failed"])
                self.assertGreater(entry["average_upstream_kbps"]["last_10"], 0)
                self.assertEqual(entry["score_level"], 2, entry["score_reasons"])
        self.assertEqual(get(f"{base}/-/ready")[0], 200)
        page = get(f"{base}/metrics")[2]
        self.assertEqual(metric(page, 'tvmon_polls_skipped_total{server="simulator"}'), 0)
        self.assertEqual(daemon.stop(), 0)
        self.assert_clean(daemon)


class Peer:
    """A thread that sleeps 10 ms over and over: by how much the machine made it oversleep."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def longest(self) -> float:
        """The longest, in seconds; ends the thread."""
        self._over.set()
        self._thread.join()
        return self._longest

    def _run(self) -> None:
        before = time.monotonic()
        while not self._over.wait(0.01):
            now = time.monotonic()
            self._longest = max(self._longest, now - before - 0.01)
            before = now
