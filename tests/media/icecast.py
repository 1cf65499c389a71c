"""Icecast."""

from __future__ import annotations

import shutil
import unittest
from collections.abc import Sequence
from pathlib import Path

from tests.media.process import Server, answers, free_ports

PROGRAM = shutil.which("icecast2")
SHARE = Path("/usr/share/icecast2")
SOURCE_PASSWORD = "source-word"
ADMIN_USER, ADMIN_PASSWORD = "admin", "admin-word"

needs_icecast = unittest.skipUnless(PROGRAM, "no icecast2")


class Icecast(Server):
    """
    One Icecast.

    :param source_timeout: after how many silent seconds it drops a source; its default is 10
    """

    user = "nobody"  # it refuses to be root

    def __init__(self, *, source_timeout: int = 10) -> None:
        self.source_timeout = source_timeout
        super().__init__()

    def source(self, mount: str) -> str:
        """Where a source of this mount is published."""
        return f"icecast://source:{SOURCE_PASSWORD}@127.0.0.1:{self.http_port}/{mount}"

    def mount(self, mount: str) -> str:
        """Where it is listened to."""
        return f"{self.url}/{mount}"

    def requests(self) -> list[str]:
        """The lines of its log of requests, which come when they have ended."""
        return (self.folder / "access.log").read_text("utf-8", "replace").splitlines()

    def is_ready(self) -> bool:
        return answers(f"{self.url}/status-json.xsl")

    def prepare(self) -> Sequence[str]:
        (self.http_port,) = free_ports(1)
        config = self.folder / "icecast.xml"
        config.write_text(f"""
<icecast>
  <limits>
    <clients>100</clients>
    <sources>50</sources>
    <source-timeout>{self.source_timeout}</source-timeout>
  </limits>
  <authentication>
    <source-password>{SOURCE_PASSWORD}</source-password>
    <admin-user>{ADMIN_USER}</admin-user>
    <admin-password>{ADMIN_PASSWORD}</admin-password>
  </authentication>
  <hostname>localhost</hostname>
  <listen-socket>
    <port>{self.http_port}</port>
    <bind-address>127.0.0.1</bind-address>
  </listen-socket>
  <paths>
    <logdir>{self.folder}</logdir>
    <webroot>{SHARE}/web</webroot>
    <adminroot>{SHARE}/admin</adminroot>
  </paths>
  <logging>
    <accesslog>access.log</accesslog>
    <errorlog>error.log</errorlog>
    <loglevel>3</loglevel>
  </logging>
  <security><chroot>0</chroot></security>
</icecast>
""")
        assert PROGRAM
        return [PROGRAM, "-c", str(config)]
