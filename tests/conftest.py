"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests import frozen

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
IN_CI = bool(os.environ.get("CI"))

# A busy machine makes any example slow, and a test must not fail for that; in CI the examples are
# the same each time, so that a failure there is one of the change that is tried.
settings.register_profile(
    "tvmon", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tvmon")

frozen.hold()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is missing, so a test that is skipped there is one that nobody runs."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module."""
    return _not_skipped((yield))


def _not_skipped(report: Report) -> Report:
    """What depends on being root is not missing: who runs the tests is one or the other."""
    where = report.longrepr
    why = where[2] if isinstance(where, tuple) else str(where)
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and "root" not in why:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {why}"
    return report
