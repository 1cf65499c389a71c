"""Where Chromium is, and how it is started: quiet, alone, and without a window."""

from __future__ import annotations

import os
import shutil

# The one that can only be without a window takes half the processor time of the other.
EXECUTABLE = (
    os.environ.get("TVMON_CHROMIUM")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
    or "chromium-headless-shell"
)
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
