"""The command ``tvmon`` as a process: on which stream, with which exit code, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.support import CHECKOUT


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
