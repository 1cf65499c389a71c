"""
The log of the daemon: one line for each event, its level readable, the chatter left out.

twistd picks the observer before our services run; the command's options hand it ours.  It
writes to where twistd was told to (``--nodaemon``, ``--logfile``), and leaves ``--syslog`` and
an observer chosen with ``--logger`` to twistd.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    textFileLogObserver,
)
from twisted.python.logfile import LogFile

ROTATE_BYTES = 10_000_000
"""A log file of this size is put aside and a new one begun; ten are kept."""

_to = "-"
_predicate = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)


def set_level(level: str) -> None:
    """From now on leave out what is below this level, and Twisted's own notes below warnings."""
    _predicate.clearLogLevels()
    for namespace in ("twisted", "log_legacy", "treq", "txpostgres"):
        _predicate.setLogLevelForNamespace(namespace, LogLevel.warn)
    _predicate.setLogLevelForNamespace("", LogLevel.levelWithName(level))


def choose(options: Any) -> None:
    """
    Have twistd, whose options these are, log by :func:`observer`.

    twistd takes an observer only by its name, so where it writes to is kept here.
    """
    global _to
    if options.get("logger") or options.get("syslog"):
        return
    _to = options.get("logfile") or ("-" if options.get("nodaemon") else "twistd.log")
    options["logger"] = "tvmon.logs.observer"


def observer() -> ILogObserver:
    """What twistd logs with."""
    file: Any = sys.stdout
    if _to != "-":
        file = LogFile.fromFullPath(_to, rotateLength=ROTATE_BYTES, maxRotatedFiles=10)
    return FilteringLogObserver(textFileLogObserver(file), [_predicate])
