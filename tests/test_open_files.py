"""A connection for each poll that is under way: more files than a process is usually let open."""

from __future__ import annotations

import subprocess
import sys
import unittest

PROGRAM = """
import resource
from tvmon.tap import allow_many_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_many_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


class OpenFiles(unittest.TestCase):
    def limits(self, soft: int, hard: int) -> str:
        program = PROGRAM.format(soft=soft, hard=hard)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def test_as_many_as_the_system_lets_us(self) -> None:
        self.assertEqual(self.limits(256, 900), "900 900")
        self.assertEqual(self.limits(900, 900), "900 900")
