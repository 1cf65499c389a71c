"""``make run``, as far as it is ours: two at once, and nothing left of either."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parent.parent
BAD = ("Traceback", "Unhandled", "never awaited", "DeprecationWarning")


def wait(condition: Callable[[], object], seconds: float, why: str) -> None:
    """Return as soon as the condition holds; fail when it does not within ``seconds``."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {why}")
        time.sleep(0.05)


class Demo:
    """A demo in a process group of its own, as ``make run`` is in a shell."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            self.runner = subprocess.Popen(
                [sys.executable, CHECKOUT / "scripts/demo.py", folder],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> str | None:
        """Known as soon as it has streams to show."""
        found = re.search(r"(?m)^tvmon: (http://127\.0\.0\.1:\d+/) shows", self.log.read_text())
        return found.group(1) if found else None

    def shows(self) -> bool:
        if self.runner.poll() is not None:
            raise AssertionError(f"ended by itself:\n{self.log.read_text()}")
        return self.address is not None

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.runner.pid).children(recursive=True)

    def tell(self, number: signal.Signals) -> None:
        os.killpg(self.runner.pid, number)


class DemoTests(unittest.TestCase):
    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="tvmon-demo-"))
        self.top.chmod(0o755)  # as root the database runs as another user, who must get there
        self.addCleanup(shutil.rmtree, self.top)

    def start(self, name: str) -> Demo:
        demo = Demo(self.top / "var", self.top / name)
        self.addCleanup(self.end, demo)
        return demo

    def end(self, demo: Demo) -> None:
        if demo.runner.poll() is None:
            family = demo.family()
            demo.runner.kill()
            demo.runner.wait()
            psutil.wait_procs(family, 10)

    def assert_gone(self, family: list[psutil.Process]) -> None:
        _, left = psutil.wait_procs(family, 10)
        self.assertEqual(left, [])

    def test_two_side_by_side_show_streams_and_leave_nothing(self) -> None:
        demos = [self.start("first"), self.start("second")]
        for demo in demos:
            wait(demo.shows, 60, f"the {demo.log.name} demo shows streams")
        addresses = {demo.address or "" for demo in demos}
        self.assertEqual(len(addresses), 2)
        for address in addresses:
            with urllib.request.urlopen(address, timeout=5) as answer:
                self.assertIn(b"<!doctype html>", answer.read(200).lower())
        polite, killed = demos
        family = polite.family()
        self.assertGreaterEqual(len(family), 3)
        polite.tell(signal.SIGTERM)
        self.assertEqual(polite.runner.wait(10), 0)
        self.assert_gone(family)
        family = killed.family()
        killed.tell(signal.SIGKILL)
        killed.runner.wait(10)
        self.assert_gone(family)
        for demo in demos:
            self.assertEqual([word for word in BAD if word in demo.log.read_text()], [])

    def test_ctrl_c_before_it_shows_anything(self) -> None:
        demo = self.start("log")
        wait(demo.family, 10, "it has started something")
        family = demo.family()
        demo.tell(signal.SIGINT)
        self.assertEqual(demo.runner.wait(15), 0)
        self.assert_gone(family)
