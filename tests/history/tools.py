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

BEGIN = 1_700_000_100
CREATE = f"create {{}} --start {BEGIN} --step 300 -O DS:a:GAUGE:600:U:U RRA:LAST:0.5:1:3000"
"""A small RRD of the name that is put in."""

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


def update(name: str, number: int) -> str:
    """The command that writes this number for the five minutes of this number, from 1 on."""
    return f"update {name} {BEGIN + 300 * number}:{number}"


async def written(engine: Engine, name: str) -> list[int]:
    """The numbers that :func:`update` has written."""
    end = BEGIN + 300 * 2900
    output = await engine.read(f"fetch {name} LAST --start {BEGIN} --end {end}")
    values = [line.partition(": ")[2] for line in output.lines[2:]]
    return [round(float(value)) for value in values if "nan" not in value]


def picture(name: str) -> str:
    """A command that draws."""
    times = f"--start {BEGIN} --end {BEGIN + 86400}"
    return f"graphv - {times} DEF:a={name}:a:LAST LINE1:a#00ff00:x"


def is_rrdtool(pid: int) -> bool:
    """Whether this process has become rrdtool by now."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "rrdtool\n"
    except FileNotFoundError:
        return False
