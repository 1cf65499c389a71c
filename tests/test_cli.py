"""The command ``tvmon``: what it says, on which stream, and with which exit code."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import simplejson
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tvmon import __version__
from tvmon.cli import main
from tvmon.cli.listing import list_streams
from tvmon.cli.sampling import UNITS, Watch, watch
from tvmon.cli.terminal import Terminal, aligned
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.servers.kinds import SAMPLERS
from tvmon.servers.tvie import TVie
from tvmon.streams import MEASURED, Stream

CHECKOUT = Path(__file__).resolve().parent.parent
SAMPLE = """total_gops: {number}
upstream_opened_count: 1
upstream_bytes_received: {received}
clients_connected: 3
live_delay_ms: 421
average_upstream_kbps: 505.592107
stream_info_audiodatarate: 46
stream_info_videodatarate: 354
stream_info_videocodecid: 7
stream_info_width: 1024
"""


class MediaServer(Resource):
    """A TVie media server with one stream, which fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True
        self.samples = 0
        self.statuses: list[int] = []
        self.channels: list[object] = []

    def render_GET(self, request: Request) -> bytes:
        self.samples += 1
        status = self.statuses.pop(0) if self.statuses else 200
        request.setResponseCode(status)
        return SAMPLE.format(number=self.samples, received=self.samples * 150_000).encode()

    def render_POST(self, request: Request) -> bytes:
        return simplejson.dumps({"channels": self.channels}).encode()


class ServedTests(TestCase):
    """Against a real HTTP server."""

    def setUp(self) -> None:
        self.upstream = MediaServer()
        port = reactor.listenTCP(0, Site(self.upstream), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.host = f"127.0.0.1:{port.getHost().port}"
        self.out, self.err = StringIO(), StringIO()
        self.terminal = Terminal(self.out, self.err)

    async def watch(self, seconds: float = 0.0) -> int:
        job = Watch(
            f"http://{self.host}/tag_live_monitor/a/b/c",
            SAMPLERS["tvie"](),
            Scoring(),
            seconds=seconds,
            interval=0.1,
            deadline=5.0,
            body_bytes=65536,
        )
        return await watch(reactor, job, self.terminal)

    async def list(self, *servers: TVie) -> int:
        return await list_streams(reactor, servers, Polling(), self.terminal)


class SampleTests(ServedTests):
    """``tvmon sample``."""

    async def test_one_sample_with_its_units_and_without_a_score(self) -> None:
        self.assertEqual(await self.watch(), 0)
        told = dict(line.split(None, 1) for line in self.out.getvalue().splitlines())
        self.assertRegex(told["sample_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(told["total_gops"], "1")
        self.assertEqual(told["upstream_bytes_received"], "150000 byte")
        self.assertEqual(told["live_delay_ms"], "421 ms")
        self.assertEqual(told["average_upstream_kbps"], "505.592107 kbit/s")
        self.assertEqual(told["stream_info_videocodecid"], "7 (AVC)")
        self.assertEqual(told["stream_info_width"], "1024 pixel")
        self.assertEqual(told["stream_info_height"], "not told")
        self.assertEqual(told["score"], "not known")
        self.assertEqual(told["live_delay"], "95 of 100, good")
        self.assertIn("One sample tells no flow: --seconds 30", self.out.getvalue())
        self.assertEqual(self.err.getvalue(), "")

    async def test_every_field_is_told(self) -> None:
        await self.watch()
        for name in MEASURED:
            self.assertIn(f"\n{name} ", self.out.getvalue())
        for end, _ in UNITS:
            self.assertTrue(any(name.endswith(end) for name in MEASURED), end)

    async def test_several_samples_have_a_line_each_and_a_score(self) -> None:
        self.assertEqual(await self.watch(0.3), 0)
        self.assertEqual(self.upstream.samples, 4)
        lines = self.out.getvalue().splitlines()
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\dZ  score -  upstream - kbit/s  delay 421 ms")
        for line in lines[1:4]:
            self.assertRegex(line, r"Z  score \d+  upstream \d+ kbit/s  delay 421 ms  viewers 3$")
        self.assertRegex(self.out.getvalue(), r"\nscore +99 of 100, good\n")
        self.assertNotIn("One sample tells no flow", self.out.getvalue())

    async def test_a_failed_sample_is_1_and_says_why(self) -> None:
        self.upstream.statuses = [502]
        self.assertEqual(await self.watch(), 1)
        self.assertRegex(self.out.getvalue(), r"\nfailed_reason +HTTP 502 Bad Gateway\n")
        self.assertRegex(self.out.getvalue(), r"\nscore +0 of 100, bad\n")
        self.assertIn("- HTTP 502 Bad Gateway: takes all 100 points", self.out.getvalue())

    async def test_of_several_the_last_one_counts(self) -> None:
        self.upstream.statuses = [200, 502, 200]
        self.assertEqual(await self.watch(0.2), 0)
        self.assertIn("Z  failed: HTTP 502 Bad Gateway\n", self.out.getvalue())
        self.upstream.statuses = [200, 502]
        self.assertEqual(await self.watch(0.1), 1)


class ListTests(ServedTests):
    """``tvmon list``."""

    def setUp(self) -> None:
        super().setUp()
        self.upstream.channels = [
            {
                "customer_name": "tvie",
                "channel_name": name,
                "display_name": display,
                "server": [{"name": "M", "ip_address": "192.0.2.7", "host_name": ""}],
                "streams": [{"id": number, "name": "hd"}],
            }
            for number, name, display in ((7, "a", "新闻"), (1234, "b", "news"))
        ]
        self.east = TVie("east", f"http://{self.host}/find", "t")

    async def test_every_stream_in_columns(self) -> None:
        self.assertEqual(await self.list(self.east), 0)
        self.assertEqual(
            self.out.getvalue(),
            "server  id    name                       sample_interface\n"
            "east    7     M[192.0.2.7]/tvie/新闻/hd  http://192.0.2.7/tag_live_monitor/tvie/a/hd\n"
            "east    1234  M[192.0.2.7]/tvie/news/hd  http://192.0.2.7/tag_live_monitor/tvie/b/hd\n",
        )
        self.assertEqual(self.err.getvalue(), "")

    async def test_what_is_left_out_is_told_aside(self) -> None:
        del self.upstream.channels[0]["server"]
        self.assertEqual(await self.list(self.east), 0)
        self.assertEqual(len(self.out.getvalue().splitlines()), 2)
        self.assertEqual(
            self.err.getvalue(), 'east: channel 1 ("a") is left out: it has no "server"\n'
        )

    async def test_a_server_that_fails_keeps_none_of_the_others_from_being_listed(self) -> None:
        unused = socket.socket()
        self.addCleanup(unused.close)
        unused.bind(("127.0.0.1", 0))  # and never listens
        west = TVie("west", f"http://127.0.0.1:{unused.getsockname()[1]}/find", "t")
        self.assertEqual(await self.list(west, self.east), 1)
        self.assertEqual(len(self.out.getvalue().splitlines()), 3)
        self.assertEqual(self.err.getvalue(), "west: the listing failed: connection refused\n")

    async def test_servers_in_their_order_and_those_without_streams(self) -> None:
        extra = Stream.of("extra", "1", 1, "one", "http://h/1")
        self.upstream.channels = []
        servers = (TVie("extra", "", "", extra_streams=(extra,)), self.east)
        self.assertEqual(await self.list(*servers), 0)
        self.assertIn("\nextra   1   one   http://h/1\n", self.out.getvalue())
        self.assertEqual(self.err.getvalue(), "east: lists no streams\n")

    async def test_no_servers(self) -> None:
        self.assertEqual(await self.list(), 0)
        self.assertEqual(self.out.getvalue(), "")
        self.assertEqual(self.err.getvalue(), "the configuration names no media servers\n")


class CheckTests(SynchronousTestCase):
    """``tvmon check``, and what needs no network."""

    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(arguments)
            except SystemExit as ended:
                code = int(ended.code or 0)
        return code, out.getvalue(), err.getvalue()

    def file(self, text: str) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "tvmon.conf"
        path.write_text(text)
        return str(path)

    def test_a_good_file(self) -> None:
        path = self.file('[database]\nurl = "host=db1 password=geheim"\n')
        code, out, err = self.run_main("check", path)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            out,
            f"{path} is good: 0 servers; listens on tcp:8080:interface=127.0.0.1;"
            " database elsewhere\n",
        )

    def test_the_example(self) -> None:
        code, out, _ = self.run_main("check", str(CHECKOUT / "etc/tvmon.conf"))
        self.assertEqual(code, 0)
        self.assertIn("tvmon.conf is good: 1 server (simulator); listens on tcp:8080", out)

    def test_a_wrong_file_has_a_line_for_each_problem(self) -> None:
        path = self.file("[web]\nlisten = []\n[log]\nlevel = 'loud'\n")
        code, out, err = self.run_main("check", path)
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(
            err,
            f"{path}: web.listen = a list: must be a list of texts, at least one\n"
            f'{path}: log.level = "loud": must be debug, info, warn, error or critical\n',
        )

    def test_a_wrong_file_is_told_by_every_command(self) -> None:
        path = self.file("[")
        for command in (["list", path], ["sample", "http://h/", "--config", path]):
            code, out, err = self.run_main(*command)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(f"{path}: line 1, ", err)

    def test_a_file_that_is_not_there(self) -> None:
        code, _, err = self.run_main("check", "/nowhere/tvmon.conf")
        self.assertEqual(code, 1)
        self.assertEqual(err, "/nowhere/tvmon.conf: cannot be read: No such file or directory\n")

    def test_the_version(self) -> None:
        self.assertEqual(self.run_main("--version"), (0, f"tvmon {__version__}\n", ""))

    def test_the_help_tells_the_exit_codes(self) -> None:
        for command in ([], ["check"], ["list"], ["sample"]):
            code, out, _ = self.run_main(*command, "--help")
            self.assertEqual(code, 0)
            self.assertIn("exit codes:", out)

    def test_a_wrong_command_line_is_2(self) -> None:
        for arguments, words in (
            ([], "COMMAND"),
            (["chek", "x"], "invalid choice"),
            (["check"], "FILE"),
            (["sample", "rtmp://h/"], "must be an http:// or https:// URL"),
            (["sample", "http://h/", "--seconds", "nan"], "must be seconds, 0 to 3600"),
            (["sample", "http://h/", "--deadline", "0"], "must be seconds, 0.05 to 65"),
            (["sample", "http://h/", "--kind", "srs"], "invalid choice"),
            (
                ["sample", "http://h/", "--seconds", "9", "--deadline", "3"],
                "--deadline 3 must be below the interval of 3",
            ),
        ):
            with self.subTest(arguments):
                code, _, err = self.run_main(*arguments)
                self.assertEqual(code, 2)
                self.assertIn(words, err)

    def test_columns_are_as_wide_as_a_terminal_shows_them(self) -> None:
        self.assertEqual(
            aligned([("a", "b"), ("新闻", "c"), ("e\N{COMBINING ACUTE ACCENT}", "d")]),
            ["a     b", "新闻  c", "e\N{COMBINING ACUTE ACCENT}     d"],
        )


class ProcessTests(SynchronousTestCase):
    """The command as a process of its own."""

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        # A shell that runs the tests in the background has Ctrl+C ignored, by its children too.
        script = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
            " from tvmon.cli import main; sys.exit(main())"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def silent(self) -> str:
        """The URL of a server that takes connections and says nothing."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    def test_it_runs_as_a_module_of_a_checkout(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tvmon.cli", "check", "/nowhere/tvmon.conf"],
            cwd=CHECKOUT,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertTrue(done.stderr.startswith("/nowhere/tvmon.conf: "), done.stderr)

    def test_a_silent_server_ends_at_the_deadline(self) -> None:
        code, out, err = self.finish(self.start("sample", self.silent(), "--deadline", "0.2"))
        self.assertEqual((code, err), (1, ""))
        self.assertIn("no answer within 0.2 s", out)

    def test_ctrl_c_stops_it_without_a_word(self) -> None:
        arguments: Sequence[str] = ("--seconds=60", "--interval=0.1", "--deadline=0.05")
        process = self.start("sample", self.silent(), *arguments)
        assert process.stdout is not None
        self.assertIn("failed", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        code, _, err = self.finish(process)
        self.assertEqual((code, err), (130, ""))

    def test_a_reader_who_has_enough_is_no_error_to_talk_about(self) -> None:
        arguments = ("--seconds=60", "--interval=0.1", "--deadline=0.05")
        process = self.start("sample", self.silent(), *arguments)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        self.assertEqual(process.stderr.read(), "")
        self.assertEqual(process.wait(30), 1)

    def test_a_terminal_of_ascii_is_enough(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tvmon.conf"
            path.write_text(
                "[[server]]\nkind = 'tvie'\nname = 'новости'\n"
                "[[server.extra_streams]]\nstream_id = 1\nunify_name = '新闻'\n"
                "sample_interface = 'http://h/1'\n"
            )
            process = self.start("list", str(path), PYTHONIOENCODING="ascii")
            code, out, err = self.finish(process)
        self.assertEqual((code, err), (0, ""))
        self.assertIn(r"\u65b0\u95fb", out)
