"""SIGHUP on a running tvmon."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

from tests import postgres
from tests.daemons import Child, config, get, wait_for
from tests.end_to_end.common import DaemonCase


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

    def hang_up(self, times: int = 1) -> None:
        """So many SIGHUPs, and as many ends of a reload."""
        ended = r"read again|configuration is refused"
        seen = len(self.daemon.log)
        for _ in range(times):
            self.daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: re.search(ended, self.daemon.log[seen:]), 20, "the end of a reload")

    def rewrite(self, old: str, new: str) -> None:
        text = self.path.read_text()
        self.assertIn(old, text)
        self.path.write_text(text.replace(old, new))

    def test_one_port_of_two_that_is_busy_leaves_the_old_one(self) -> None:
        port = self.base.rpartition(":")[2]
        self.rewrite("tcp:0:", f"tcp:{port}:")
        self.hang_up()
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            taken = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
            mine = f'"tcp:{port}:interface=127.0.0.1"'
            self.reload(mine, f'{mine}, "{taken}"', f"refused: cannot listen on {taken}")
        self.assertEqual(get(f"{self.base}/samples")[0], 200)

    def test_a_database_that_cannot_be_had_leaves_the_old_one(self) -> None:
        wait_for(lambda: get(f"{self.base}/-/ready")[0] == 200, 20, "the database")
        (self.folder / "file").write_text("not a directory")
        self.rewrite(str(self.folder / "database"), str(self.folder / "file" / "database"))
        self.rewrite("[[server]]", "[score]\nbad_score = 98\ngood_score = 100\n[[server]]")
        self.hang_up()
        self.assertIn("configuration is refused", self.daemon.log)
        self.assertEqual(get(f"{self.base}/-/ready")[0], 200)
        before = self.metric(self.base, "tvmon_rows_written_total")
        wait_for(
            lambda: self.metric(self.base, "tvmon_rows_written_total") > before + 4,
            15,
            "rows in the old database",
        )
        # Nothing else of the refused configuration was put to use either.
        self.assertEqual({e["score_level"] for e in self.samples(self.base)}, {2})

    def test_a_database_that_another_tvmon_writes_to_is_given_back(self) -> None:
        url = postgres.shared().url(postgres.shared().new_database())
        (self.folder / "other").mkdir()
        other = Child(
            self.folder / "other", "tvmon", "-c", str(config(self.folder / "other", database=url))
        )
        self.addCleanup(other.stop)
        theirs = other.address()
        wait_for(lambda: get(f"{theirs}/-/ready")[0] == 200, 20, "the other one to be ready")
        self.reload('url = "embedded"', f'url = "{url}"', "the new database is refused")
        wait_for(lambda: get(f"{self.base}/-/ready")[0] == 200, 20, "the old database again")
        self.assertIsNone(self.daemon.process.poll())

    def test_several_at_once_and_a_stop_in_the_middle(self) -> None:
        wait_for(lambda: get(f"{self.base}/-/ready")[0] == 200, 20, "the database")
        self.rewrite("[web]", '[web]\ntoken = "secret"')
        self.hang_up(3)
        url = postgres.shared().url(postgres.shared().new_database())
        self.rewrite('url = "embedded"', f'url = "{url}"')
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_clean(self.daemon)
        self.assertNotIn("refused", self.daemon.log)
        self.assertTrue(self.daemon.log.rstrip().endswith("tvmon has stopped"), self.daemon.log)


class EarlyReloadTests(DaemonCase):
    """SIGHUP before tvmon is ready for it."""

    def test_it_is_done_as_soon_as_it_can_be(self) -> None:
        daemon = self.tvmon(config(self.folder))
        handled = 1 << (signal.SIGHUP - 1)

        def catches() -> bool:
            status = Path(f"/proc/{daemon.pid}/status").read_text()
            return bool(int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) & handled)

        wait_for(catches, 20, "a handler of SIGHUP")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "read again" in daemon.log, 20, "the reload")
        self.assertEqual(daemon.stop(), 0)
