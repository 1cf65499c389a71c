"""What the log shows at which level, and whom it leaves to twistd."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python.logfile import LogFile
from twisted.trial.unittest import SynchronousTestCase

from tvmon import logs
from tvmon.config import LOG_LEVELS


class LevelTests(SynchronousTestCase):
    """The level of the configuration, on the observer that twistd gets."""

    def shown(self, level: str, **options: object) -> str:
        stdout = io.StringIO()
        self.patch(sys, "stdout", stdout)
        self.addCleanup(logs.set_level, "info")
        given = {"nodaemon": True, **options}
        logs.choose(given)
        self.assertEqual(given["logger"], "tvmon.logs.observer")
        publisher = LogPublisher(logs.observer())
        logs.set_level(level)
        for each in (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.error):
            for namespace in ("tvmon.board", "twisted.web"):
                log = Logger(namespace, observer=publisher)
                log.emit(each, "{what} {namespace}", what=each.name, namespace=namespace)
        return stdout.getvalue()

    def test_info_shows_no_debug_and_of_twisted_only_warnings(self) -> None:
        text = self.shown("info")
        self.assertNotIn("debug", text)
        self.assertIn("info tvmon.board", text)
        self.assertNotIn("info twisted.web", text)
        self.assertIn("warn twisted.web", text)

    def test_error_shows_no_warning(self) -> None:
        text = self.shown("error")
        self.assertNotIn("warn tvmon.board", text)
        self.assertIn("error tvmon.board", text)

    def test_every_level_is_one(self) -> None:
        for level in LOG_LEVELS:
            logs.set_level(level)
        logs.set_level("info")

    def test_a_file(self) -> None:
        path = Path(tempfile.mkdtemp()) / "tvmon.log"
        logs.choose({"logfile": str(path), "nodaemon": True})
        opened: list[LogFile] = []
        full_path = LogFile.fromFullPath
        self.patch(
            LogFile,
            "fromFullPath",
            lambda *given, **how: opened.append(full_path(*given, **how)) or opened[0],
        )
        Logger("tvmon", observer=LogPublisher(logs.observer())).info("Первый {name}", name="канал")
        opened[0].close()
        self.assertIn("Первый канал", path.read_text("utf-8"))

    def test_what_twistd_was_told_stays_with_twistd(self) -> None:
        for given in ({"syslog": True}, {"logger": "theirs"}):
            before = dict(given)
            logs.choose(given)
            self.assertEqual(given, before)
