"""
``twistd tvmon``: its options, its service, and the only place that names the reactor.

Two things about the process are settled here.  Twisted's reactor takes its time from the wall
clock, so a clock that is set back by a day would stop every timer for a day; ours takes it from
the monotonic one.  And SIGTERM ends twistd by that very signal; an orderly stop is success, so
ours ends with 0, while a start or a database that is refused ends with 1.
"""

from __future__ import annotations

import atexit
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import disable_created_metrics
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python import usage

from tvmon import logs, places
from tvmon.config import ConfigError, load
from tvmon.daemon import Daemon

log = Logger()

MOST_FILES = 65_536
"""How many files may be open at a time, where the system lets us choose."""


class Options(usage.Options):
    """The options of ``twistd tvmon``."""

    synopsis = "[options]"
    longdesc = "Watches live streams on media servers; everything else is in its configuration."
    optParameters = [  # noqa: RUF012 - Twisted's way of declaring options
        ["config", "c", "etc/tvmon.conf", "The configuration file"],
        ["web", "w", None, "The folder of the page, where it is not the one that came along"],
    ]

    def postOptions(self) -> None:
        """Read everything that can be wrong before anything starts."""
        # A reload that is asked for before we can do it must not kill us: it is done then.
        self["early-reloads"] = early = []
        signal.signal(signal.SIGHUP, lambda *_: early.append(True))
        path = Path(self["config"]).absolute()
        self["read"] = lambda: load(path, os.environ)
        try:
            self["read-config"] = self["read"]()
            chosen = self["web"]
            self["web-folder"] = places.web(Path(chosen).absolute() if chosen else None)
        except (ConfigError, FileNotFoundError) as error:
            raise SystemExit(f"tvmon: {error}") from None
        if self.parent is not None:
            logs.choose(self.parent)


def makeService(options: Options, reactor: Any = None) -> Daemon:
    """The daemon, wired and not yet started."""
    if reactor is None:
        from twisted.internet import reactor
    reactor.seconds = time.monotonic
    allow_many_files()
    disable_created_metrics()  # a line for each line, of no use to anybody here
    config = options["read-config"]
    logs.set_level(config.log_level)
    daemon = Daemon(
        reactor=reactor,
        now=time.time,
        config=config,
        read=options["read"],
        end=lambda why: _end(reactor, why),
        web=options["web-folder"],
    )
    reactor.callWhenRunning(_handle_signals, reactor, daemon, options["early-reloads"])
    return daemon


def allow_many_files() -> None:
    """
    Have as many connections as there may be polls, and readers of the page, at a time.

    Most systems let a process have 1,024 files open, for the sake of old programs, and let it
    choose up to some hundred thousand.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _handle_signals(reactor: Any, daemon: Daemon, early_reloads: list[bool]) -> None:
    """Once the reactor has put its own handlers in place, ours go over them."""

    def on(number: int, do: Callable[[], object]) -> None:
        signal.signal(number, lambda *_: reactor.callFromThread(do))

    def stop() -> None:
        if reactor.running:
            reactor.stop()

    on(signal.SIGTERM, stop)
    on(signal.SIGINT, stop)
    on(signal.SIGHUP, lambda: Deferred.fromCoroutine(daemon.reload()))
    if early_reloads:
        Deferred.fromCoroutine(daemon.reload())


def _end(reactor: Any, why: str) -> None:
    """Stop everything in order and leave with 1, which Twisted's reactor has no word for."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    log.critical("{why}", why=why)
    # What is registered last runs first: by then only the interpreter's own end is left out.
    atexit.register(leave)
    if reactor.running:
        reactor.stop()
