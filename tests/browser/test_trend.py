"""The page of trends: the tree, the graphs on one time axis, zoom, compare, and the address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.histories import AHEAD, value
from tests.browser.proxy import PREFIX, Proxy
from tests.browser.stand import Stand

DAY = 86_400
WEEK = 7 * DAY
TWO = "graph=traffic.vhost.media1&graph=viewers.all"
# The whole of a day that is over, UTC, and not long over: histories keep five minutes for 90 days.
LATELY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
START = int(LATELY.timestamp())
END = START + DAY
SAID = f"{LATELY:%b} {LATELY.day}, {LATELY.year}"
FIXED = f"&start={START}&end={END}"
DRAWN = "document.querySelectorAll('.graph .line.main[d^=M]').length === arg"
MANY = 700


@pytest.fixture(scope="module")
def few() -> Iterator[Stand]:
    """Three streams of three media servers, and one of an application."""
    stand = Stand(3)
    stand.tell("add", 41, "media2/live/cam1")
    try:
        yield stand
    finally:
        stand.stop()


@pytest.fixture
def asked(tab: Tab) -> list[str]:
    """The addresses of the numbers that the page asks for, in their order."""
    found: list[str] = []
    tab.page.on("request", lambda r: "format=json" in r.url and found.append(r.url))
    return found


def opened(tab: Tab, url: str, words: str = "", drawn: int = 0) -> Any:
    """The page, as soon as its tree stands and so many graphs are drawn."""
    page = tab.page
    page.goto(f"{url}trend{words and '?'}{words}")
    page.wait_for_selector("[role=treeitem] [role=treeitem]")
    until(page, f"document.querySelector('#metric').options.length && {DRAWN}", arg=drawn)
    return page


def words(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def titles(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(".graph", "all => all.map(e => e.ariaLabel)")
    return found


def labels(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(".label", "all => all.map(e => e.textContent)")
    return found


def at(page: Any, share: float, graph: int = 0) -> tuple[float, float]:
    """A place in a graph, so much of its width from the left."""
    box = page.locator(".surface").nth(graph).bounding_box()
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def test_the_tree_and_what_it_draws(few: Stand, tab: Tab) -> None:
    page = opened(tab, few.url)
    assert page.locator("#notice").inner_text().startswith("Nothing is drawn yet")
    folded = ["Everything", "media1", "media2", "media3", "tvmon's machine"]
    assert labels(page) == folded
    page.focus("#filter")
    page.keyboard.press("ArrowDown")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    focused = "document.activeElement.ariaLabel"
    assert page.evaluate(focused) == "cam1, unknown"
    page.keyboard.press("Enter")
    page.locator(".label", has_text="media1").click()
    page.locator(".node", has_text="live").locator(".add").click()
    page.select_option("#metric", "delay")
    page.locator(".label", has_text="Everything").click()
    page.locator(".node", has_text="tvmon's machine").click()
    page.locator(".label", has_text="Memory").click()
    until(page, DRAWN, arg=5)
    assert titles(page) == [
        "Traffic: media2/live/cam1",
        "Traffic: media1",
        "Traffic: media2/live",
        "Delay: Everything",
        "Memory: tvmon's machine",
    ]
    assert page.locator("#news").inner_text() == "drawn: Memory: tvmon's machine"
    graphs = words(page.url)["graph"]
    assert graphs[0].startswith("traffic.stream.")
    assert graphs[1:] == [
        "traffic.vhost.media1",
        "traffic.vhost.media2/live",
        "delay.all",
        "memory.machine",
    ]
    # what is there already is not drawn twice
    page.locator(".label", has_text="Memory").click()
    assert page.locator(".graph").count() == 5
    page.fill("#filter", "CAM")
    assert labels(page) == ["Everything", "media2", "live", "cam1"]
    assert page.locator("#found").inner_text() == "streams: 1"
    page.fill("#filter", "")
    page.focus("[role=treeitem][tabindex='0']")
    page.keyboard.press("End")
    assert page.evaluate(focused) == "Memory"
    for expected in ("tvmon's machine", "tvmon's machine", "tvmon's machine"):
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(focused) == expected
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "Everything"


def test_of_thousands_of_streams_few_are_made(few: Stand, tab: Tab) -> None:
    def many(route: Any) -> None:
        response = route.fetch()
        entry = response.json()["samples"][0]
        samples = [
            {**entry, "mms_stream_id": n, "server": "media1", "unify_name": f"media1/live/{n}"}
            for n in range(MANY)
        ]
        route.fulfill(response=response, json={"samples": samples})

    tab.page.route("**/samples", many)
    page = opened(tab, few.url)
    assert labels(page) == ["Everything", "media1", "tvmon's machine"]
    page.locator(".node", has_text="media1").locator(".fold").click()
    page.locator(".node", has_text="live").locator(".fold").click()
    assert page.locator(".graph").count() == 0
    assert [label for label in labels(page) if label.isdigit()] == [str(n) for n in range(300)]
    page.locator(".label", has_text="400 more").click()
    assert page.evaluate("document.activeElement.ariaLabel").startswith("300")
    page.fill("#filter", "live/69")
    assert labels(page)[3:-1] == ["69", *(str(n) for n in range(690, 699))]


def test_graphs_are_moved_and_removed_and_the_address_tells(few: Stand, tab: Tab) -> None:
    page = opened(tab, few.url, TWO + "&graph=nonsense&graph=score.all&lang=en", 3)
    order = ["Traffic: media1", "Viewers: Everything", "Score: Everything"]
    assert titles(page) == order
    page.locator("[aria-label='Move up: Score: Everything']").click()
    assert titles(page) == [order[0], order[2], order[1]]
    assert page.evaluate("document.activeElement.ariaLabel") == "Move up: Score: Everything"
    page.locator("[aria-label='Remove: Traffic: media1']").click()
    assert titles(page) == [order[2], order[1]]
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove: Score: Everything"
    page.locator(".graph select").first.select_option("novelty")
    until(page, DRAWN, arg=2)
    assert titles(page)[0] == "novelty: Everything"
    assert page.locator(".graph").first.locator("[scope=row]").inner_text() == "Things"
    shared = page.url
    assert words(shared) == {"lang": ["en"], "graph": ["novelty.all", "viewers.all"]}
    for expected in ([order[2], order[1]], [order[0], order[2], order[1]], order):
        page.go_back()
        assert titles(page) == expected
    page.goto(shared)
    until(page, DRAWN, arg=2)
    assert titles(page) == ["novelty: Everything", order[1]]


def test_all_share_one_axis_and_one_cursor(few: Stand, tab: Tab) -> None:
    page = opened(tab, few.url, TWO + "&graph=score.all" + FIXED, 3)
    assert page.locator("#time").inner_text().startswith(f"{SAID}, 00:00")
    assert page.locator("#time").inner_text().endswith("UTC")
    marks = page.locator(".marks span").all_inner_texts()
    assert {"06:00", "12:00", "18:00"} <= set(marks)
    assert page.locator(".step").all_inner_texts() == ["step 5\u00a0min"] * 3
    scale = page.locator(".graph").first.locator(".scale span").all_inner_texts()
    assert scale[0] == "0\u00a0bit/s"
    assert scale[-1].endswith("Mbit/s")
    assert page.locator(".graph").nth(2).locator(".scale span").last.inner_text() == "100"
    # one gap, of the hour of which nothing is known
    paths = page.eval_on_selector_all(".line", "all => all.map(e => e.getAttribute('d'))")
    assert [path.count("M") for path in paths] == [2] * 4
    page.mouse.move(*at(page, 0.5))
    cursors = "all => all.map(e => e.getAttribute('d'))"
    first, *rest = page.eval_on_selector_all(".cursor", cursors)
    assert rest == [first, first]
    assert abs(float(first[1:].split()[0]) - 500) < 5
    reading = page.locator("#reading").inner_text()
    assert reading.startswith(f"{SAID}, 1")
    assert reading.endswith("UTC")
    hour, minute = map(int, reading.split(", ")[2].split()[0].split(":"))
    out = value(0, "bit/s", START + hour * 3600 + minute * 60 + 150)
    assert out is not None
    cell = page.locator(".graph").first.locator("td").first
    assert cell.inner_text() == f"{out / 1e6:.3g}\u00a0Mbit/s"
    surface = page.locator(".surface").nth(1)
    surface.focus()
    page.keyboard.press("Home")
    assert surface.get_attribute("aria-valuetext").startswith("00:00: viewers ")
    page.keyboard.press("Shift+ArrowRight")
    assert surface.get_attribute("aria-valuetext").startswith("00:50: viewers ")
    page.mouse.move(*at(page, 7.5 / 24))
    assert cell.inner_text() == "\u2013"  # unknown is a dash, not 0


def test_dragging_zooms_all_and_there_is_a_way_back(few: Stand, tab: Tab, asked: list[str]) -> None:
    page = opened(tab, few.url, TWO + FIXED, 2)
    assert page.locator("#back").is_disabled()
    asked.clear()
    page.mouse.move(*at(page, 0.5))
    page.mouse.down()
    page.mouse.move(*at(page, 0.6))
    page.mouse.move(*at(page, 0.75))
    assert page.locator(".selection:not([hidden])").count() == 2
    page.mouse.up()
    until(page, "document.querySelector('#time').textContent.includes('12:0')")
    assert len(asked) == 2
    start, end = (int(words(asked[0])[name][0]) for name in ("start", "end"))
    assert abs(start - (START + DAY // 2)) <= 600
    assert abs(end - (START + DAY * 3 // 4)) <= 600
    assert start % 300 == end % 300 == 0
    assert {tuple(words(url)["start"]) for url in asked} == {(str(start),)}
    assert words(page.url)["end"] == [str(end)]
    page.locator(".surface").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("-")
    until(page, "document.querySelector('#start').value < arg", arg=str(start))
    page.click("#back")
    assert words(page.url)["start"] == [str(start)]
    page.click("#back")
    assert words(page.url)["start"] == [str(START)]
    assert page.locator("#back").is_disabled()
    page.click("#presets button >> nth=1")
    until(page, "document.querySelector('#presets [aria-pressed=true]').textContent === 'Week'")
    assert (words(page.url)["start"], words(page.url).get("end")) == (["-1week"], None)
    until(page, "document.querySelector('.step').textContent.includes('30')")
    # of half an hour there is a smallest and a largest value, too
    until(page, "document.querySelectorAll('.band[d^=M]').length === 3")
    assert page.locator(".peak[d^=M]").count() == 2


def test_a_time_in_words_and_words_that_are_no_time(few: Stand, tab: Tab) -> None:
    page = opened(tab, few.url, TWO, 2)
    page.fill("#start", "the day before")
    page.press("#start", "Enter")
    until(page, "document.querySelectorAll('.graph .trouble:not(:empty)').length === 2")
    assert page.locator(".graph .trouble").first.inner_text() == (
        "No numbers: the day before is no time"
    )
    # What is not of this time is hidden at once, and gone with the next frame.
    assert page.locator(".plot-of:visible").count() == 0
    until(page, "document.querySelectorAll('.line').length === 0")
    page.fill("#start", "-1month")
    page.click("#show")
    until(page, DRAWN, arg=2)
    assert page.locator(".graph .trouble:not(:empty)").count() == 0


def test_this_week_over_the_last(few: Stand, tab: Tab, asked: list[str]) -> None:
    page = opened(tab, few.url, TWO + FIXED, 2)
    page.select_option("#compare", "week")
    until(page, "document.querySelectorAll('.earlier.main[d^=M]').length === 2")
    earlier = [words(url) for url in asked if words(url)["start"] == [str(START - WEEK)]]
    assert [(one["end"], one["step"]) for one in earlier] == [([str(END - WEEK)], ["5m"])] * 2
    style = "path => getComputedStyle(path).strokeDasharray"
    assert page.locator(".earlier").first.evaluate(style) != "none"
    page.locator(".surface").first.focus()
    page.keyboard.press("Home")
    out = value(0, "bit/s", START - WEEK + 150)
    assert out is not None
    assert page.locator("thead th:not([hidden])").nth(5).inner_text() == "a week earlier"
    cell = page.locator(".graph").first.locator("tbody tr").first.locator("td").last
    assert cell.inner_text() == f"{out / 1e6:.3g}\u00a0Mbit/s"
    assert words(page.url)["compare"] == ["week"]
    page.select_option("#compare", "")
    until(page, "document.querySelectorAll('.earlier').length === 0")


def test_the_error_of_one_graph_disturbs_no_other(few: Stand, tab: Tab) -> None:
    few.tell("broken", ["delay"])
    try:
        page = opened(tab, few.url, TWO + "&graph=delay.all", 2)
        trouble = page.locator(".graph .trouble:not(:empty)")
        trouble.first.wait_for()
        assert trouble.all_inner_texts() == ["No numbers: this one is broken"]
    finally:
        few.tell("broken", [])


def test_without_rrdtool_a_sentence_says_so(few: Stand, tab: Tab) -> None:
    few.tell("trouble", "rrdtool is not installed: apt-get install rrdtool")
    try:
        page = tab.page
        page.goto(f"{few.url}trend?{TWO}")
        page.wait_for_selector("#notice:not([hidden])")
        assert page.locator("#notice").inner_text().endswith("apt-get install rrdtool")
        assert page.locator(".graph").count() == 0
        page.wait_for_selector("[role=treeitem]")
    finally:
        few.tell("trouble", None)


def test_what_ends_now_is_renewed_at_the_boundary(few: Stand, tab: Tab, asked: list[str]) -> None:
    tab.page.add_init_script(AHEAD)
    page = opened(tab, few.url, TWO, 2)
    asked.clear()
    with page.expect_response("**/graph_vhost?*viewers*"):
        page.evaluate("() => { window.ahead = 300_000; }")
    assert len(asked) == 2
    page.fill("#start", str(START))
    page.fill("#end", str(END))
    page.click("#show")
    until(page, DRAWN, arg=2)
    asked.clear()
    with page.expect_response("**/samples"):  # the tree is renewed, and a fixed time is not
        page.evaluate("() => { window.ahead = 600_000; }")
    assert asked == []


def test_it_works_below_a_path(few: Stand, tab: Tab) -> None:
    proxy = Proxy(few.url)
    try:
        page = opened(tab, proxy.url, TWO, 2)
        prefix = PREFIX.replace(" ", "%20")
        assert [path for path in proxy.asked if not path.startswith(prefix)] == []
        page.click("#streams")
        page.wait_for_selector("tr.stream")
        assert urlsplit(page.url).path == prefix
    finally:
        proxy.stop()
