"""How the page of trends looks and reads in every window, scheme and language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.eyes import photograph, serious
from tests.browser.stand import Stand

GRAPHS = "graph=traffic.vhost.media3&graph=viewers.all&graph=cpu.machine"
WORDS = f"trend?{GRAPHS}&start=-1month&compare=week"
WINDOWS = {
    "wide-dark": {"viewport": {"width": 1920, "height": 1080}, "color_scheme": "dark"},
    "tablet-zh": {"viewport": {"width": 820, "height": 1180}, "locale": "zh-CN"},
    "phone-ru": {"viewport": {"width": 320, "height": 640}, "locale": "ru-RU"},
}
WITHIN = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def few() -> Iterator[Stand]:
    """A few streams."""
    stand = Stand(4)
    try:
        yield stand
    finally:
        stand.stop()


@pytest.mark.parametrize("name", WINDOWS)
def test_the_page_in_every_window(name: str, chromium: Any, few: Stand) -> None:
    tab = Tab(chromium, **{"timezone_id": "Asia/Seoul", **WINDOWS[name]})
    try:
        page = tab.page
        page.goto(few.url + WORDS)
        until(page, "document.querySelectorAll('.earlier.main[d^=M]').length === 3")
        page.locator(".surface").first.focus()
        page.keyboard.press("ArrowLeft")
        photograph(page, f"trend-{name}")
        assert page.evaluate(WITHIN), "too wide"
        page.evaluate("document.querySelector('#picker').open = true")
        page.fill("#filter", "media3")
        assert page.evaluate(WITHIN), "too wide"
        assert serious(page) == []
        # no graph is cut off, and all of them stand below the same axis
        edges = page.eval_on_selector_all(
            ".surface, .marks", "all => all.map(e => Math.round(e.getBoundingClientRect().left))"
        )
        assert len(set(edges)) == 1
    finally:
        tab.close()
