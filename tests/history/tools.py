"""A real rrdtool on a temporary folder, for tests."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.trial.unittest import TestCase

from tvmon.history.engine import Engine

needs_rrdtool = unittest.skipUnless(shutil.which("rrdtool"), "rrdtool is not installed")


def temporary_folder(test: unittest.TestCase | TestCase) -> Path:
    """A folder that goes when the test is done."""
    folder = tempfile.mkdtemp(prefix="tvmon-history-")
    test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def started_engine(test: TestCase, folder: Path | None = None, **options: Any) -> Engine:
    """
    An engine that runs, on a folder of its own, and is stopped when the test is done.

    :param folder: another one, to be removed by whoever made it
    :param options: as the constructor takes them, such as ``program``
    """
    from twisted.internet import reactor

    where = temporary_folder(test) / "rrd" if folder is None else folder
    given: dict[str, Any] = {"registry": CollectorRegistry(), "reactor": reactor, **options}
    engine = Engine(folder=where, **given)
    engine.startService()
    test.addCleanup(engine.stopService)
    return engine
