"""How the page looks and reads in every window, scheme and language, and for those who hear it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.eyes import photograph, serious
from tests.browser.stand import Stand

WINDOWS = {
    "wide-light": {"viewport": {"width": 1920, "height": 1080}},
    "wide-dark": {"viewport": {"width": 1920, "height": 1080}, "color_scheme": "dark"},
    "laptop": {"viewport": {"width": 1366, "height": 768}},
    "tablet-dark": {"viewport": {"width": 820, "height": 1180}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    "narrowest": {"viewport": {"width": 320, "height": 640}},
    "4k": {"viewport": {"width": 3840, "height": 2160}},
    "wall": {"viewport": {"width": 1920, "height": 1080}, "color_scheme": "dark"},
    "zh": {"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN"},
    "ru": {"viewport": {"width": 1440, "height": 900}, "locale": "ru-RU"},
    "ko": {"viewport": {"width": 1440, "height": 900}, "locale": "ko-KR"},
}
# axe takes as long for each row, and rows of good streams look alike
FEW = """() => {
  const good = document.querySelectorAll("tr.stream[data-state=good]");
  for (const row of [...good].slice(5)) row.remove();
}"""


@pytest.fixture(params=WINDOWS)
def shown(request: pytest.FixtureRequest, chromium: Any, stand: Stand) -> Iterator[tuple[str, Any]]:
    """The page in a window, with the first problem unfolded."""
    stand.tell("sample", list(range(60)))  # the age of all is small
    drift = {"unknown": {"stream.bw_data": 412}, "missing": {"stream.time": 2}}
    stand.tell("report", "media3", drift)
    stand.tell("report", "media6", {"trouble": "listing failed: connection refused"})
    tab = Tab(chromium, **{"reduced_motion": "reduce", **WINDOWS[request.param]})
    page = tab.open(stand.url + ("?wall" if request.param == "wall" else ""))
    until(page, "document.querySelectorAll('tr.stream').length === 60")
    page.wait_for_selector("#servers:not([hidden])")
    if request.param != "wall":
        page.locator("tr.stream[data-state=problem] button").first.click()
        page.wait_for_selector(".plot .in[d*=L]")
    try:
        yield request.param, page
    finally:
        tab.close()


def test_the_page_in_every_window(shown: tuple[str, Any]) -> None:
    name, page = shown
    photograph(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than it is"
    if page.viewport_size["width"] >= 1000:
        edge = "cells => cells.map(c => Math.round(c.getBoundingClientRect().right))"
        head = page.eval_on_selector_all("thead .in_3", edge)
        figures = page.eval_on_selector_all("tr.stream .in_3", edge)
        assert set(figures) == set(head), "figures do not stand below one another"
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than it is"
    page.evaluate(FEW)
    assert serious(page) == []


def test_those_who_hear_the_page_are_told_of_a_table(tab: Tab, stand: Stand) -> None:
    page = tab.open(stand.url)
    until(page, "document.querySelectorAll('tr.stream').length === 60")
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("table") == 1
    assert roles.count("row") == 61  # what is folded is no row
    assert roles.count("columnheader") == 17
    assert roles.count("rowheader") == 60


def test_the_language_can_be_chosen_and_is_kept(tab: Tab, stand: Stand) -> None:
    page = tab.open(stand.url)
    assert page.evaluate("document.documentElement.lang") == "en"
    page.select_option("#language", "ru")
    page.wait_for_url("**/?lang=ru")
    page.wait_for_selector("tr.stream")
    assert page.evaluate("document.documentElement.lang") == "ru"
    assert "плохо" in page.title()
    tab.open(stand.url)
    assert page.evaluate("document.documentElement.lang") == "ru"
    tab.open(stand.url + "?lang=ko")
    assert page.evaluate("document.documentElement.lang") == "ko"


def test_the_wall_has_nothing_to_press_and_larger_type(tab: Tab, stand: Stand) -> None:
    page = tab.open(stand.url)
    size = "parseFloat(getComputedStyle(document.querySelector('tr.stream')).fontSize)"
    before = page.evaluate(size)
    tab.open(stand.url + "?wall")
    assert page.evaluate(size) > 1.2 * before
    assert page.locator("#stop").is_hidden()
    assert page.locator("#ordering").is_hidden()
