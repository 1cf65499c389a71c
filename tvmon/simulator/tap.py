"""``twistd tvie-simulator``: its options and its service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from twisted.python import usage

from tvmon.simulator.behaviours import InputError
from tvmon.simulator.channels import Server
from tvmon.simulator.mix import DEFAULT_MIX
from tvmon.simulator.service import Simulator
from tvmon.simulator.settings import Settings, load, server_count, settings_of


class Options(usage.Options):
    """The options of ``twistd tvie-simulator``; each wins over the same one in the file."""

    synopsis = "[options]"
    longdesc = "A TVie media server, made up: streams good and bad, and a control to change them."
    optParameters = [  # noqa: RUF012 - Twisted's way of declaring options
        ["config", "c", None, "A TOML file with any of these options, servers and streams"],
        ["streams", "n", None, "How many streams are made up [default: 20]"],
        ["mix", "m", None, f"What they do, in what shares [default: {DEFAULT_MIX}]"],
        ["seed", None, None, "The same seed gives the same streams [default: 1]"],
        ["token", None, None, "The user_key that the listing wants [default: simulator]"],
        ["servers", None, None, "How many servers the channels are dealt out to [default: 1]"],
        ["cdn", None, None, "The host_name of the servers: where a CDN has their streams"],
    ]
    optFlags = [  # noqa: RUF012 - Twisted's way of declaring options
        ["close", None, "Close the connection after each answer, as the recorded server did"],
        ["remote-control", None, "Let /control answer others than this machine"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []

    def opt_listen(self, endpoint: str) -> None:
        """An endpoint to listen on, as often as wanted [default: tcp:8090:interface=127.0.0.1]."""
        self["listen"].append(endpoint)

    opt_l = opt_listen

    def postOptions(self) -> None:
        """Read everything that can be wrong before anything starts."""
        try:
            self["settings"] = self._settings()
        except InputError as error:
            raise SystemExit(f"tvie-simulator: {error}") from None

    def _settings(self) -> Settings:
        found = load(Path(self["config"])) if self["config"] else {}
        given: dict[str, Any] = {
            name: self[name] for name in ("mix", "token") if self[name] is not None
        }
        given |= {
            name: _number(self[name]) for name in ("streams", "seed") if self[name] is not None
        }
        if self["listen"]:
            given["listen"] = self["listen"]
        if self["servers"] is not None:
            count = server_count(_number(self["servers"]))
            given["server"] = [{"name": f"media{number}"} for number in range(1, count + 1)]
        found |= settings_of(given, "options")
        if self["cdn"]:
            found["servers"] = tuple(
                Server(server.name, server.address, self["cdn"])
                for server in found.get("servers", Settings().servers)
            )
        for flag, name in (("close", "close"), ("remote-control", "remote_control")):
            if self[flag]:
                found[name] = True
        return Settings(**found)


def makeService(options: Options, reactor: Any = None) -> Simulator:
    """The simulator, not yet started."""
    if reactor is None:
        from twisted.internet import reactor
    try:
        return Simulator(reactor, time.time, options["settings"], time.monotonic)
    except InputError as error:  # two streams of one name, a server that is not there
        raise SystemExit(f"tvie-simulator: {error}") from None


def _number(text: str) -> int | str:
    """The number that a text is; a text that is none is left for whoever checks it."""
    try:
        return int(text)
    except ValueError:
        return text
