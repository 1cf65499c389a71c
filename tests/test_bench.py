"""The measurements of ``bench/``: that they count what they say, and poll what they say."""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench import metrics, processes
from bench.daemon import Daemon, configuration
from bench.others import Collectd, Prometheus, collectd_config, prometheus_targets
from bench.peers import Tool
from bench.results import Report, command, replaced, table
from bench.soak import shown
from bench.targets import BOUNDS, Counts, Target, lacking, manners
from tests.daemons import wait_for
from tvmon.config import load
from tvmon.servers.tvie import parse_listing, parse_sample
from tvmon.servers.tvie_sample import ALWAYS, OF_A_STREAM

CHECKOUT = Path(__file__).resolve().parent.parent
TITLES = st.sampled_from(["One", "Two", "Three of them", "Four"])
BODIES = st.text("ab |-:\n", max_size=30)


class ResultsTests(unittest.TestCase):
    @given(st.lists(st.tuples(TITLES, BODIES), max_size=8))
    def test_each_section_holds_what_was_said_last(self, said: list[tuple[str, str]]) -> None:
        text = ""
        for title, body in said:
            text = replaced(text, title, body, ("Two", "One"))
        _, *sections = re.split(r"(?m)^## ", text)
        found = dict(section.split("\n", 1) for section in sections)
        self.assertEqual(
            {title: body.strip() for title, body in found.items()},
            {title: body.strip() for title, body in said},
        )
        wanted = [title for title in ("Two", "One") if title in found]
        self.assertEqual(list(found)[: len(wanted)], wanted)
        for title, body in list(said)[-1:]:
            self.assertEqual(replaced(text, title, body, ("Two", "One")), text)

    def test_a_table_is_aligned(self) -> None:
        self.assertEqual(
            table(("tool", "us"), [("tvmon", "160"), ("x", "9")]),
            "| tool  |  us |\n| ----- | --: |\n| tvmon | 160 |\n| x     |   9 |",
        )

    def test_the_command_names_what_it_was_told(self) -> None:
        options = {"streams": (1, 2), "seconds": 40.0, "only": None, "faults": True, "results": "f"}
        self.assertEqual(
            command("scale", options), "python -m bench.scale --streams 1 2 --seconds 40 --faults"
        )

    def test_a_report_is_printed_and_kept(self) -> None:
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as printed:
            path = Path(folder) / "RESULTS.md"
            report = Report("Title", argparse.Namespace(results=path))
            report.say("a part")
            report.write()
            wanted = r"(?s)^# .*\n## Title\n.*Python 3.*\n\na part\n\nAt the end of it, .*\.\n$"
            self.assertRegex(path.read_text(), wanted)
        self.assertIn("\na part\n", printed.getvalue())

    def test_a_share_of_all_is_shown_only_where_it_is_all(self) -> None:
        self.assertEqual([shown(1.0), shown(0.999_999)], ["100.000 %", "99.999 %"])


class MetricsTests(unittest.TestCase):
    def setUp(self) -> None:
        registry = CollectorRegistry()
        self.polls = Counter("polls", "-", ("server", "outcome"), registry=registry)
        self.late = Histogram("late_seconds", "-", buckets=(0.05, 0.1, 0.25), registry=registry)
        self.look = lambda: metrics.parse(generate_latest(registry))

    def test_what_came_to_pass_between_two_looks(self) -> None:
        self.late.observe(0.2)
        before = self.look()
        self.polls.labels("a", "ok").inc(3)
        self.polls.labels("b", "ok").inc(4)
        for seconds in (0.01, 0.07, 0.07, 0.09):
            self.late.observe(seconds)
        said = metrics.since(before, self.look())
        self.assertEqual(metrics.total(said, "polls_total"), 7)
        self.assertEqual(
            metrics.by_labels(said, "polls_total", "server", "outcome"),
            {("a", "ok"): 3, ("b", "ok"): 4},
        )
        self.assertEqual(metrics.within(said, "late_seconds", 0.05), 1)
        self.assertEqual(metrics.share_within(said, "late_seconds", 0.05), 0.25)
        self.assertEqual(metrics.at_most(said, "late_seconds"), 0.1)
        self.assertEqual(metrics.at_most(self.look(), "late_seconds"), 0.25)
        with self.assertRaisesRegex(KeyError, "no bound of 0.3 s"):
            metrics.within(said, "late_seconds", 0.3)

    def test_what_is_said_of_each_stream_is_left_out(self) -> None:
        said = b'# HELP x y\ntvmon_streams 2.0\ntvmon_stream_score{mms_stream_id="7"} 99\n'
        self.assertEqual(metrics.parse(said), {"tvmon_streams": 2.0})

    def test_the_longest_turn_is_known_where_it_is_a_record_and_else_bounded(self) -> None:
        registry = CollectorRegistry()
        turns = Histogram(metrics.TURNS, "-", buckets=(0.01, 0.05, 0.1), registry=registry)
        longest = Gauge(metrics.LONGEST_TURN, "-", registry=registry)
        looks = []
        for seconds in (0.02, 0.08, 0.03):
            looks.append(metrics.parse(generate_latest(registry)))
            turns.observe(seconds)
            longest.set(max(seconds, longest._value.get()))
        looks.append(metrics.parse(generate_latest(registry)))
        self.assertEqual(metrics.longest_turn(*looks[1:3]), "80 ms")
        self.assertEqual(metrics.longest_turn(*looks[2:]), "at most 50 ms")
        self.assertEqual(metrics.longest_turn(looks[0], looks[3]), "80 ms")
        self.assertEqual([metrics.long_turns(looks[n], looks[n + 1]) for n in range(3)], [0, 1, 0])


class ProcessesTests(unittest.TestCase):
    def test_this_process_and_one_that_there_is_not(self) -> None:
        here = os.getpid()
        gone = 2**22 + 1  # above the largest pid
        self.assertEqual(processes.tree(here)[0], here)
        self.assertEqual(processes.tree(gone), [gone])
        self.assertGreater(processes.cpu([here, gone]), 0)
        self.assertGreater(processes.memory([here, gone]), 1)
        self.assertGreater(processes.rss(here), 1)
        self.assertEqual(processes.name(gone), "")

    def test_a_child_belongs_to_the_tree(self) -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        try:
            self.assertIn(child, processes.tree(os.getpid()))
        finally:
            os.close(writing)
            os.close(reading)
            os.waitpid(child, 0)


class CountsTests(unittest.TestCase):
    def test_the_share_on_time_of_all_servers_and_of_some(self) -> None:
        counts = Counts((4, 4), 2, 0.0, 0, 0.0, ((1, 1, 1, 1, 0, 0, 0), (0, 0, 0, 0, 0, 0, 4)))
        self.assertEqual(counts.on_time(0.1), 0.5)
        self.assertEqual(counts.on_time(0.025), 0.25)
        self.assertEqual(counts.on_time(0.1, [0]), 1.0)
        self.assertEqual(counts.on_time(1.0, [1]), 0.0)

    def test_of_twenty_servers_two_are_silent_and_one_drips(self) -> None:
        self.assertEqual(set(manners(20, faults=False)), {"healthy"})
        faulty = manners(20, faults=True)
        counted = [faulty.count(manner) for manner in ("healthy", "silent", "dripping")]
        self.assertEqual(counted, [17, 2, 1])


@unittest.skipIf(lacking(), f"no nginx with Lua: {' '.join(lacking())}")
class TargetTests(unittest.TestCase):
    """nginx as twenty media servers of two streams each, two of them silent and one dripping."""

    target: Target

    @classmethod
    def setUpClass(cls) -> None:
        cls.target = Target(40, faults=True, pad=2000)
        cls.addClassCleanup(cls.target.close)

    def setUp(self) -> None:
        self.target.list_streams(40)

    def test_tvmon_reads_its_listing_and_its_samples(self) -> None:
        name, api = self.target.listings()[0]
        listing = parse_listing(fetched(api, b"<find/>"), server=name)
        self.assertEqual((len(listing.streams), listing.skipped), (2, ()))
        body = fetched(listing.streams[1].sample_interface)
        self.assertTrue(2000 < len(body) < 3000)
        sample = parse_sample(body)
        self.assertEqual(sample.declared_kbps, 764)
        counts = self.target.counts()
        self.assertEqual((counts.polled[0], counts.distinct, counts.listings), (1, 1, 1))

    def test_every_form_has_the_same_21_names(self) -> None:
        port = self.target.ports[0]
        told = fetched(f"http://127.0.0.1:{port}/prometheus/1").decode()
        families = [family.name for family in text_string_to_metric_families(told)]
        wanted = {*ALWAYS, *OF_A_STREAM}
        self.assertEqual({name.removeprefix("tvie_") for name in families}, wanted)
        self.assertEqual(set(json.loads(fetched(f"http://127.0.0.1:{port}/json/1"))), wanted)

    def test_streams_come_and_go(self) -> None:
        name, api = self.target.listings()[0]
        for streams in (60, 20):
            self.target.list_streams(streams)
            listing = parse_listing(fetched(api, b"<find/>"), server=name)
            self.assertEqual(len(listing.streams), streams // 20)
        with self.assertRaises(urllib.error.HTTPError) as gone:
            fetched(f"http://127.0.0.1:{self.target.ports[0]}/json/3")
        gone.exception.close()

    def test_two_polls_within_a_moment_are_not_on_time(self) -> None:
        for _ in range(2):
            fetched(f"http://127.0.0.1:{self.target.ports[0]}/json/1")
        counts = self.target.counts(anew=True)
        self.assertEqual((sum(map(sum, counts.gaps)), counts.on_time(BOUNDS[-1])), (1, 0.0))
        self.assertEqual(sum(self.target.counts().polled), 0)

    def test_a_silent_server_accepts_and_a_dripping_one_sends_a_little(self) -> None:
        with ExitStack() as stack:
            silent, dripping = (
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
                for port in self.target.ports[-2:]
            )
            for connection in (silent, dripping):
                connection.sendall(b"GET /json/1 HTTP/1.1\r\nHost: here\r\n\r\n")
            received = b""
            while b"\r\n\r\n{" not in received:
                received += dripping.recv(4096)
            self.assertTrue(received.endswith(b"\r\n\r\n{"))
            wait_for(lambda: self.target.counts().distinct == 2, 5, "both polls")
            self.assertEqual(select.select([silent], [], [], 0)[0], [])

    def test_tvmon_and_its_peers_are_told_of_every_stream(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "tvmon.conf").write_text(configuration(self.target, folder, False, 60.0))
            self.assertEqual(len(load(folder / "tvmon.conf", {}).servers), 20)
            collectd = collectd_config(self.target, folder)
        self.assertEqual(len(prometheus_targets(self.target)), 40)
        self.assertEqual(collectd.count("<URL "), 40)
        self.assertEqual(collectd.count("<Key "), 40 * 21)


@unittest.skipIf(lacking(), f"no nginx with Lua: {' '.join(lacking())}")
class ToolTests(unittest.TestCase):
    """The tools at work on a few streams."""

    def assert_polls(self, target: Target, tool: Tool) -> None:
        wait_for(lambda: tool.good() == 1.0, 60, "a good answer of every stream")
        wait_for(lambda: target.counts().distinct == target.streams, 60, "a poll of every stream")
        self.assertGreater(processes.cpu(processes.tree(tool.pid)), 0)

    def test_tvmon(self) -> None:
        with Target(20, interval=1.0) as target, Daemon(target) as daemon:
            before = daemon.reading()
            daemon.warm_up(0.0)
            self.assert_polls(target, daemon)
            done = daemon.reading().since(before)
            self.assertGreater(done.polls, 0)
            self.assertGreater(done.own, 0)
            wait_for(
                lambda: "postgres" in map(processes.name, processes.tree(daemon.pid)),
                60,
                "PostgreSQL in the tree",
            )

    @unittest.skipUnless(Prometheus.is_there(), f"no {' '.join(Prometheus.packages)}")
    def test_prometheus(self) -> None:
        with Target(20, interval=1.0) as target, Prometheus(target) as prometheus:
            self.assert_polls(target, prometheus)

    @unittest.skipUnless(Collectd.is_there(), f"no {' '.join(Collectd.packages)}")
    def test_collectd(self) -> None:
        with Target(20, interval=1.0) as target, Collectd(target) as collectd:
            self.assert_polls(target, collectd)


class MakefileTests(unittest.TestCase):
    def test_every_measurement_can_be_begun(self) -> None:
        names = sorted(path.stem for path in CHECKOUT.glob("bench/*.py"))
        imports = "".join(f"import bench.{name}\n" for name in names if name != "__init__")
        subprocess.run([sys.executable, "-c", imports], cwd=CHECKOUT, check=True)

    def test_make_bench_takes_every_measurement(self) -> None:
        commands = {
            path.stem for path in CHECKOUT.glob("bench/*.py") if "__main__" in path.read_text()
        }
        recipe = (CHECKOUT / "Makefile").read_text().partition("\nbench:")[2].partition("\n\n")[0]
        self.assertEqual(commands - set(re.findall(r"\w+", recipe)), set())


def fetched(url: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as response:
        return bytes(response.read())
