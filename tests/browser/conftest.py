"""
What the tests of the page share: one Chromium, and tvmon to look at.

``house`` is the real thing, a daemon and a simulator.  ``stand`` has synthetic streams, for what
simulated media servers cannot be brought to at will.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import ARGUMENTS, EXECUTABLE
from tests.browser.proxy import Proxy
from tests.browser.stand import Stand
from tests.daemons import Child, config, get, send, short_folder, simulator, wait_for

playwright_api = pytest.importorskip("playwright.sync_api", reason="no Playwright")

FAST = """
[polling]
listing_seconds = 1
sampling_seconds = 0.5
"""
MIX = "healthy=8,starved:20=1,down=1,502=1,silent=1"
ROWS = "tr.stream"


class House:
    """
    A daemon that watches a simulator, and a proxy that keeps its address over restarts.

    :ivar url: of the page, behind the proxy
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []
        self.simulator, self._control = simulator(folder / "simulator", "-n", "12", "-m", MIX)
        self._children.append(self.simulator)
        self._config = config(folder, self._control, more=FAST)
        self.proxy = Proxy(None)
        self.url = self.proxy.url
        self.start()

    def start(self) -> None:
        """Start the daemon, and wait until it has a sample of every stream."""
        folder = self._folder / f"tvmon{len(self._children)}"  # each start has a log of its own
        self.daemon = Child(folder, "tvmon", "-c", str(self._config))
        self._children.append(self.daemon)
        address = self.daemon.address()
        wait_for(lambda: self._sampled(address), 30, "a sample of every stream")
        self.proxy.behind = address

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        self.proxy.behind = None
        self.daemon.process.kill()
        self.daemon.process.wait()

    def stop(self) -> None:
        """End everything."""
        for child in reversed(self._children):
            child.stop()
        self.proxy.stop()

    def entries(self) -> list[dict[str, Any]]:
        """What the API says of every stream."""
        found: list[dict[str, Any]] = json.loads(get(f"{self.proxy.behind}/samples")[2])["samples"]
        return found

    def behave(self, stream_id: int, **behaviour: object) -> None:
        """Have a simulated stream do something else."""
        status, body = send("PUT", f"{self._control}/control/streams/{stream_id}", behaviour)
        assert status == 200, body

    def add(self, **names: str) -> None:
        """A new simulated stream."""
        status, body = send("POST", f"{self._control}/control/streams", names)
        assert status == 201, body

    @staticmethod
    def _sampled(address: str) -> bool:
        samples = json.loads(get(f"{address}/samples")[2])["samples"]
        return len(samples) >= 12 and all(entry["sample_time"] for entry in samples)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A daemon and a simulator."""
    folder = short_folder()
    house = House(folder)
    try:
        yield house
    finally:
        house.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """A stand with sixty streams."""
    stand = Stand(60, samples=60)
    try:
        yield stand
    finally:
        stand.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    if shutil.which(EXECUTABLE) is None:
        pytest.skip(f"no Chromium: {EXECUTABLE}")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def until(page: Any, expression: str, *, arg: Any = None, timeout: float = 10_000) -> None:
    """
    Wait until an expression is true in the page.

    It comes as a function, since the page's policy forbids to evaluate a text.
    """
    page.wait_for_function(f"arg => {expression}", arg=arg, timeout=timeout)


class Tab:
    """A page, and everything that must not happen on it."""

    def __init__(self, browser: Any, **options: Any) -> None:
        options = {"viewport": {"width": 1920, "height": 1000}, "locale": "en-US", **options}
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def open(self, url: str) -> Any:
        """Go there, and wait for rows."""
        self.page.goto(url)
        self.page.wait_for_selector(ROWS)
        return self.page

    def close(self) -> None:
        """Close it; fails if something happened that must not."""
        self.context.close()
        assert not self.complaints

    def _heard(self, message: Any) -> None:
        # what the browser says of a request that failed is what some tests are about
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith("data:"):
            self.hosts.add(request.url.split("/")[2])


@pytest.fixture
def tab(chromium: Any) -> Iterator[Tab]:
    """A tab on a wide screen, in English."""
    tab = Tab(chromium)
    try:
        yield tab
    finally:
        tab.close()
