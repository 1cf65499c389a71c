"""
What the page costs in a real Chromium: ``python bench/page.py [--streams 10000]``.

Serves the page with so many synthetic streams, of which a third changes each second, and
measures, all from outside of the page:

- from navigation: until the first rows are there, until one was unfolded by a click, until the
  daemon had answered with all streams, until every row is in the document
- memory: of the renderer process (private, resident), and of the script heap in it
- load_cpu: what the renderer spent for that, which other work on the machine does not change
- cpu: of the renderer, and of all of Chromium's processes, in percent of one core
- find: how long the browser searches all rows for a text that is in the last one's folded detail
- sort: how long a sort of all rows by another column keeps the page busy

The streams are synthetic, the board and the API that serve them are tvmon's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.browser.channels import Channel
from tests.browser.chromium import ARGUMENTS, EXECUTABLE
from tests.browser.stand import Stand


def measure(streams: int, seconds: float) -> dict[str, Any]:
    stand = Stand(streams)
    try:
        stand.tell("run")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
            try:
                page = browser.new_page(viewport={"width": 1920, "height": 1080})
                system = browser.new_browser_cdp_session()
                return _measured(page, system, stand, streams, seconds)
            finally:
                browser.close()
    finally:
        stand.stop()


def _measured(
    page: Page, system: CDPSession, stand: Stand, streams: int, seconds: float
) -> dict[str, Any]:
    inside = page.context.new_cdp_session(page)
    page.goto(stand.url)
    page.wait_for_function("() => document.querySelectorAll('tr.stream').length > 20")
    first = page.evaluate("performance.now()")
    page.locator("tr.stream .name button").first.click()
    page.wait_for_selector("tr.detail:not([hidden])")
    ready = page.evaluate("performance.now()")
    page.wait_for_function(
        "count => document.querySelectorAll('tr.stream').length >= count", arg=streams
    )
    complete = page.evaluate("performance.now()")
    load = _processes(system)["renderer"][1]
    page.locator("tr.stream .name button").first.click()
    answered = page.evaluate(
        "() => performance.getEntriesByName(new URL('samples', location.href))[0].responseEnd"
    )
    page.wait_for_timeout(12000)  # let the first turn of rows out of view go by
    busy, told, started = _processes(system), stand.tell("count"), time.monotonic()
    before = {m["name"]: m["value"] for m in _metrics(inside)}
    page.wait_for_timeout(seconds * 1000)
    after = {m["name"]: m["value"] for m in _metrics(inside)}
    spent, took = _processes(system), time.monotonic() - started
    rate = (stand.tell("count") - told) / took
    cpu = {
        kind: round(100 * (spent[kind][1] - busy.get(kind, (0, 0.0))[1]) / took, 1)
        for kind in spent
    }
    renderer = spent["renderer"][0]
    inside.send("HeapProfiler.enable")
    inside.send("HeapProfiler.collectGarbage")
    heap = inside.send("Runtime.getHeapUsage")["usedSize"]
    last = Channel(streams - 1).stream.sample_interface
    return {
        "streams": streams,
        "first_rows_ms": round(first),
        "ready_ms": round(ready),
        "answered_ms": round(answered),
        "complete_ms": round(complete),
        "load_cpu_ms": round(1000 * load),
        "entries_per_second": round(rate),
        "cpu_percent": {**cpu, "all": round(sum(cpu.values()), 1)},
        "cpu_parts": {
            name: round(100 * (after[name] - before[name]) / took, 1)
            for name in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
        },
        "renderer_mb": _memory(renderer),
        "heap_mb": round(heap / 2**20, 1),
        "nodes": round(after["Nodes"]),
        "find_ms": _timed(page, f"window.find({json.dumps(last)})"),
        "sort_ms": _timed(page, "document.querySelector('thead .viewers button').click()"),
        "memory_after_find_mb": _memory(renderer),
    }


def _metrics(session: CDPSession) -> list[dict[str, Any]]:
    session.send("Performance.enable")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return metrics


def _processes(system: CDPSession) -> dict[str, tuple[int, float]]:
    """
    The pid and the seconds of processor time of each kind of Chromium's processes.

    Of the renderers it is the busiest: Chromium keeps a spare one.
    """
    found: dict[str, tuple[int, float]] = {}
    for process in system.send("SystemInfo.getProcessInfo")["processInfo"]:
        kind, seconds = process["type"], process["cpuTime"]
        if seconds >= found.get(kind, (0, 0.0))[1]:
            found[kind] = (process["id"], seconds)
    return found


def _memory(pid: int) -> dict[str, int]:
    """Megabyte of a process: resident, and of that what is its own."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        fields[name] = int(value)
    own = fields["Private_Clean:"] + fields["Private_Dirty:"]
    return {"resident": fields["Rss:"] // 1024, "private": own // 1024}


def _timed(page: Page, script: str) -> int:
    """How long a script and the frame after it take, ms."""
    took: float = page.evaluate(
        f"""async () => {{
          const start = performance.now();
          {script};
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          return performance.now() - start;
        }}"""
    )
    return round(took)


def main(write: Callable[[str], object] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    for name, value in measure(options.streams, options.seconds).items():
        write(f"{name:22} {value}")


if __name__ == "__main__":
    main()
