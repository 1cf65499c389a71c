"""tvmon started with twistd, stopped, refused, and started again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import postgres
from tests.daemons import CHECKOUT, TWISTD, Child, config, get, wait_for
from tests.end_to_end.common import FAST, DaemonCase


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


class BackgroundTests(DaemonCase):
    """``twistd`` without ``-n``: the start is over when the command is."""

    def twistd(self, path: Path) -> subprocess.CompletedProcess[str]:
        where = {
            f"--{name}": str(self.folder / f"twistd.{name}") for name in ("pidfile", "logfile")
        }
        return subprocess.run(
            [TWISTD, *(f"{k}={v}" for k, v in where.items()), "tvmon", "-c", str(path)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def test_it_goes_on_in_the_background_and_stops_by_its_pid(self) -> None:
        done = self.twistd(config(self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        pid = int((self.folder / "twistd.pidfile").read_text())
        self.addCleanup(kill, pid)
        log = self.folder / "twistd.logfile"
        said = r"listening on (http://\S+)/"
        wait_for(lambda: log.exists() and re.search(said, log.read_text()), 20, "its ports")
        base = re.search(said, log.read_text())[1]
        wait_for(lambda: get(f"{base}/-/ready")[0] == 200, 20, "everything ready")
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10, "its end")
        self.assertIn("tvmon has stopped", log.read_text())

    def test_what_is_refused_ends_with_1_and_a_line(self) -> None:
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            endpoint = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
            path = config(self.folder)
            path.write_text(path.read_text().replace("tcp:0:interface=127.0.0.1", endpoint))
            done = self.twistd(path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot listen on {endpoint}", done.stdout + done.stderr)
        # twistd removes it when it has told of its end.
        wait_for(lambda: not (self.folder / "twistd.pidfile").exists(), 10, "no pid file")


def kill(pid: int) -> None:
    """SIGKILL, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


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
