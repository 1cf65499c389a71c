"""
Looking at a page: what axe-core finds, and a picture of it.

With $TVMON_SCREENSHOTS set to a folder, what was looked at is kept there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")


def photograph(page: Any, name: str) -> None:
    """Keep a picture of the page, where that is wanted."""
    if folder := os.environ.get("TVMON_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")


def serious(page: Any) -> list[tuple[str, ...]]:
    """What keeps somebody from using the page."""
    # the policy of the page forbids foreign scripts, so axe comes in from outside
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE})
    found = page.evaluate(
        "() => axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)"
    )
    return [
        (one["id"], one["help"], node["html"][:200], node["failureSummary"])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:2]
    ]
