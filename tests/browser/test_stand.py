"""What a real media server cannot be brought to at will, over synthetic streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.stand import Stand


@pytest.fixture
def own() -> Iterator[Stand]:
    """A stand that a test may change."""
    stand = Stand(14)
    try:
        yield stand
    finally:
        stand.stop()


def texts(page: Any, selector: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(selector, "all => all.map(e => e.textContent)")
    return found


def test_a_stream_without_a_sample_is_unknown_and_a_dash_everywhere(own: Stand, tab: Tab) -> None:
    page = tab.open(own.url)
    own.tell("add", 99, "new/stream")
    page.wait_for_selector("tr.stream[data-state=unknown]")
    line = page.locator("tr.stream[data-state=unknown]")
    cells = dict(
        line.evaluate("row => [...row.cells].map(c => [c.className.split(' ')[0], c.textContent])")
    )
    assert cells.pop("state") == "unknown"
    assert cells.pop("name") == "new/stream"
    assert cells.pop("reason") == "no sample yet"
    assert cells.pop("history") == ""
    assert set(cells.values()) == {"\u2013"}
    until(page, "document.querySelector('.count.unknown .number').textContent === '1'")
    line.locator("button").click()
    values = page.locator("tr.detail:not([hidden]) dd").all_inner_texts()
    assert values.count("\u2013") == len(values) - 6  # name, server, kind, address and two numbers


def test_a_stream_that_is_gone_is_marked_and_goes_at_the_next_sort(own: Stand, tab: Tab) -> None:
    page = tab.open(own.url)
    until(page, "document.querySelectorAll('tr.stream').length === 14")
    own.tell("drop", 3)
    page.wait_for_selector("tr.stream.gone")
    assert texts(page, "tr.stream.gone .reason") == ["gone from its server"]
    assert page.locator("tr.stream").count() == 14
    page.click("#sort-now")
    until(page, "document.querySelectorAll('tr.stream').length === 13")
    own.tell("add", 3, None)
    until(page, "document.querySelectorAll('tr.stream').length === 14")


def test_what_tvmon_says_of_itself(own: Stand, tab: Tab) -> None:
    own.tell("check", "database", "away since 14:02:11: connection refused")
    page = tab.open(own.url)
    until(page, "document.querySelector('#daemon').dataset.well === 'false'")
    words = "database: away since 14:02:11: connection refused"
    assert page.locator("#daemon").inner_text() == words


def test_failed_samples_are_gaps_with_their_reason(own: Stand, tab: Tab) -> None:
    for kind in ("dead", "mute", "healthy"):
        own.tell("kind", 1, kind)
        for _ in range(2):
            own.tell("sample", [1])
    page = tab.open(own.url)
    page.locator("tr.stream", has_text="Channel 1/").locator("button").click()
    page.wait_for_selector(".plot .in[d*=L]")
    failures = page.locator(".failures li").all_inner_texts()
    assert [line.split(": ", 1)[1] for line in failures] == [
        "no answer within 2.4 s (2 times)",
        "the answer has no fields (2 times)",
    ]
    assert page.locator(".plot .failed").first.get_attribute("d").count("M") == 4
    assert page.locator(".plot .in").get_attribute("d").count("M") == 2


def test_a_search_sees_changes_of_rows_out_of_view(own: Stand, tab: Tab) -> None:
    page = tab.open(own.url)
    page.set_viewport_size({"width": 1920, "height": 260})
    until(page, "document.querySelectorAll('tr.stream').length === 14")
    own.tell("kind", 13, "mute")
    own.tell("sample", [13])
    until(
        page,
        "[...document.querySelectorAll('.reason')]"
        ".some(e => e.textContent.includes('the answer has no fields'))",
    )


def test_everything_is_printed(own: Stand, tab: Tab) -> None:
    page = tab.open(own.url)
    until(page, "document.querySelectorAll('tr.stream').length === 14")
    page.emulate_media(media="print")
    assert page.locator("#stop").is_hidden()
    assert page.locator("#ordering").is_hidden()
    assert (
        page.eval_on_selector(".chunk", "e => getComputedStyle(e).contentVisibility") == "visible"
    )
    assert page.context.pages[0].pdf(prefer_css_page_size=True)[:5] == b"%PDF-"


def test_kept_scores_are_drawn_in_the_line_and_as_a_chart(own: Stand, tab: Tab) -> None:
    def with_scores(route: Any) -> None:
        response = route.fetch()
        answer = response.json()
        for number, sample in enumerate(answer["samples"]):
            sample["score"] = None if sample["is_failed"] else 100 - number
        route.fulfill(response=response, json=answer)

    own.tell("kind", 1, "dead")
    own.tell("sample", [1])
    tab.page.route("**/history?*", with_scores)
    page = tab.open(own.url)
    line = page.locator("tr.stream[data-state=good]").first
    until(page, "document.querySelector('[data-state=good] .history .line').getAttribute('d')[20]")
    assert line.locator(".history .line").get_attribute("d").count("L") == 11
    gaps = "[data-state=bad] .history .gaps[d*=V]"
    page.wait_for_selector(gaps, state="attached")
    line.locator("button").click()
    page.wait_for_selector(".plot .score[d*=L]")
    assert page.locator(".plot .score").get_attribute("d").count("L") == 11
    # An answer that is still on its way is not to end in another test.
    page.unroute_all(behavior="wait")


def test_streams_are_grouped_by_server(own: Stand, tab: Tab) -> None:
    page = tab.open(own.url + "?group=server")
    page.wait_for_selector("tr.group")
    assert texts(page, "tr.group bdi") == [f"media{number}" for number in range(1, 15)]
    own.tell("kind", 0, "dead")
    own.tell("sample", [0])
    page.click("#sort-now")
    assert page.locator("tr.group").first.inner_text() == "media1 srs 1 bad"
