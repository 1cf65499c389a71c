"""The pictures of a stream's history in its unfolded detail, and one of them enlarged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.eyes import photograph, serious
from tests.browser.histories import AHEAD
from tests.browser.stand import Stand

DAY = 86_400
SPANS = [DAY, 7 * DAY, 30 * DAY, 365 * DAY]
SHOWN = "[...document.querySelectorAll('.pictures img')].map((image) => image.currentSrc)"
LOADED = (
    "[...document.querySelectorAll('.pictures img')].filter((image) =>"
    " image.complete && image.naturalWidth > 0).length === 4"
)


@pytest.fixture(scope="module")
def few() -> Iterator[Stand]:
    """A few streams."""
    stand = Stand(3)
    try:
        yield stand
    finally:
        stand.stop()


def unfolded(tab: Tab, few: Stand) -> Any:
    """The page with its first stream unfolded."""
    page = tab.open(few.url)
    until(page, "document.documentElement.dataset.line === 'live'")
    page.locator("tr.stream button").first.click()
    return page


def asked(page: Any) -> list[dict[str, str]]:
    """What the pictures that are shown were asked for with."""
    found = [parse_qs(urlsplit(address).query) for address in page.evaluate(SHOWN)]
    return [{name: values[0] for name, values in words.items()} for words in found]


def test_four_spans_of_a_metric_are_shown_while_a_stream_is_unfolded(few: Stand, tab: Tab) -> None:
    paths: list[str] = []
    tab.page.on("request", lambda request: paths.append(urlsplit(request.url).path))
    page = unfolded(tab, few)
    until(page, LOADED)
    words = asked(page)
    assert [int(one["end"]) - int(one["start"]) for one in words] == SPANS
    assert {(one["metric"], one["theme"]) for one in words} == {("traffic", "light")}
    assert len({one["end"] for one in words}) == 1
    assert int(words[0]["end"]) % 300 == 0
    name = page.locator("tr.stream .name").first.inner_text()
    alts = page.eval_on_selector_all(".pictures img", "all => all.map(e => e.alt)")
    assert alts == [f"Traffic, {span}: {name}" for span in ("day", "week", "month", "year")]
    page.select_option(".history-of select", "delay")
    until(page, LOADED)
    assert {one["metric"] for one in asked(page)} == {"delay"}
    page.emulate_media(color_scheme="dark")
    until(page, f"{SHOWN}.every((address) => address.includes('theme=dark'))")
    # there are none of what is not unfolded
    assert len({path for path in paths if "/graph/" in path}) == 1


def test_a_picture_is_enlarged_and_the_focus_comes_back(few: Stand, tab: Tab) -> None:
    page = unfolded(tab, few)
    until(page, LOADED)
    button = page.locator(".pictures button").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    image = "document.querySelector('dialog img')"
    until(page, f"{image} && {image}.naturalWidth > 1000")
    assert page.locator("dialog h2").inner_text().startswith("Traffic, week: ")
    assert page.locator("dialog [aria-pressed=true]").inner_text() == "Week"
    photograph(page, "zoom")
    assert serious(page) == []
    page.keyboard.press("ArrowRight")
    until(page, f"{image}.naturalWidth > 1000 && {image}.alt.includes('month')")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog')")
    assert button.evaluate("button => button === document.activeElement")
    assert page.locator("tr.stream.open").count() == 1


def test_they_are_renewed_at_the_boundary_and_only_while_somebody_listens(
    few: Stand, tab: Tab
) -> None:
    tab.page.add_init_script(AHEAD)
    page = unfolded(tab, few)
    until(page, LOADED)
    before = int(asked(page)[0]["end"])
    page.evaluate("() => { window.ahead = 300_000; }")
    until(page, f"{SHOWN}.every((address) => address.includes('end={before + 300}'))")
    page.click("#stop")
    page.evaluate("() => { window.ahead = 600_000; }")
    until(page, "document.querySelector('#link').textContent.startsWith('stopped')")
    assert int(asked(page)[0]["end"]) == before + 300


def test_where_there_are_none_a_sentence_says_why(few: Stand, tab: Tab) -> None:
    few.tell("trouble", "rrdtool is not installed: apt-get install rrdtool")
    try:
        page = unfolded(tab, few)
        words = "There are no graphs: rrdtool is not installed: apt-get install rrdtool"
        until(page, "document.querySelector('.history-of .status').textContent === arg", arg=words)
        assert page.locator(".pictures img").first.is_hidden()
    finally:
        few.tell("trouble", None)
    few.tell("broken", ["delay"])
    try:
        page = unfolded(tab, few)
        until(page, LOADED)
        page.select_option(".history-of select", "delay")
        until(page, "document.querySelectorAll('.pictures .trouble:not([hidden])').length === 4")
        told = page.locator(".pictures .trouble").first.inner_text()
        assert told == "This graph cannot be had (this one is broken)."
        page.select_option(".history-of select", "viewers")
        until(page, f"{LOADED} && !document.querySelector('.pictures .trouble:not([hidden])')")
    finally:
        few.tell("broken", [])


def test_the_trend_of_the_stream_is_a_link_away_and_the_way_back(few: Stand, tab: Tab) -> None:
    page = tab.open(few.url + "?lang=en")
    page.locator("tr.stream button").first.click()
    until(page, LOADED)
    page.locator(".history-of a").click()
    page.wait_for_selector(".graph .line[d^=M]", state="attached")
    assert "graph=traffic.stream." in page.url
    page.click("#streams")
    page.wait_for_selector("tr.stream")
    page.click("#trend")
    page.wait_for_selector("[role=treeitem]")
    assert urlsplit(page.url).query == "lang=en&graph=traffic.all"
