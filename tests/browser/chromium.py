"""Where Chromium is, and how it is started: quiet, alone, and without a window."""

from __future__ import annotations

import os
import shutil

EXECUTABLE = os.environ.get("TVMON_CHROMIUM") or shutil.which("chromium") or "chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
