"""The fakes of media servers that cannot be had here, each as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tests.daemons import CHECKOUT, send
from tests.media.process import Server, answers, free_ports
from tests.servers.fakes_serving import CONTROL


class FakeServer(Server):
    """
    One fake.

    :param module: where it is, ``tests.servers.fakes_srs``
    """

    environment = {"PYTHONPATH": str(CHECKOUT)}  # noqa: RUF012

    def __init__(self, module: str) -> None:
        self.module = module
        super().__init__()

    def tell(self, do: str, name: str | None = None, **options: Any) -> None:
        """``start``, ``stall``, ``resume``, ``stop`` a stream, ``restart`` the server."""
        command = {"do": do, **options} | ({} if name is None else {"name": name})
        status, body = send("POST", self.url + CONTROL, command)
        assert status == 200, body

    def is_ready(self) -> bool:
        return answers(self.url + CONTROL)

    def prepare(self) -> Sequence[str]:
        (self.http_port,) = free_ports(1)
        return [sys.executable, "-m", self.module, "--port", str(self.http_port)]
