"""What the tests of the configuration have in common."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from tvmon.config import Config, ConfigError, load

SERVER = """
[[server]]
kind = "tvie"
name = "east"
api = "http://east.example/api"
token = "s3cret"
"""


class ConfigTests(unittest.TestCase):
    """Files, read as the daemon reads them."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.path = self.folder / "tvmon.conf"

    def load(self, text: str, **environ: str) -> Config:
        self.path.write_text(text)
        return load(self.path, environ)

    def wrong(self, text: str, **environ: str) -> list[str]:
        with self.assertRaises(ConfigError) as caught:
            self.load(text, **environ)
        for problem in caught.exception.problems:
            self.assertEqual(problem.file, str(self.path))
        return [line.removeprefix(f"{self.path}: ") for line in str(caught.exception).splitlines()]
