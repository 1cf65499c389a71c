"""The page over a real daemon and a real simulator: what an operator sees and does."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from tests.browser.conftest import ROWS, House, Tab, until
from tests.daemons import wait_for

DASH = "\u2013"
URGENCY = {"bad": 0, "problem": 1, "unknown": 2, "good": 3}


def states(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(ROWS, "rows => rows.map(r => r.dataset.state)")
    return found


def names(page: Any) -> list[str]:
    script = "rows => rows.map(r => r.querySelector('.name').textContent)"
    found: list[str] = page.eval_on_selector_all(ROWS, script)
    return found


def row(page: Any, stream: dict[str, Any]) -> Any:
    return page.locator(f"#stream-{stream['mms_stream_id']}")


def healthy(house: House) -> dict[str, Any]:
    return next(entry for entry in house.entries() if entry["score_level"] == 2)


def test_every_stream_is_there_the_worst_first(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    until(page, "document.querySelectorAll('tr.stream').length === 12")
    assert sorted(names(page)) == sorted(entry["unify_name"] for entry in house.entries())
    wait_for(lambda: opened_worst_first(page), 30, "the worst first, all told the same")
    assert page.locator("#link").inner_text() == "live"
    until(page, "document.querySelector('#daemon').textContent === 'tvmon is well'")


def opened_worst_first(page: Any) -> bool:
    """
    Whether everything that is seen of a page that was just opened says the same.

    A stream that gets worse while it is looked at keeps its place, so it is opened anew then.
    """
    page.reload()
    until(page, "document.querySelectorAll('tr.stream').length === 12")
    found, counts, title, icon = page.evaluate(
        """() => [
          [...document.querySelectorAll("tr.stream")].map((row) => row.dataset.state),
          [...document.querySelectorAll("#counts .number")].map((cell) => +cell.textContent),
          document.title,
          document.querySelector("#icon").getAttribute("href"),
        ]"""
    )
    return (
        worst_first(found)
        and {"bad", "good"} <= set(found)
        and sum(counts) == 12
        and counts[0] == found.count("bad")
        and title == f"{counts[0]} bad · tvmon"
        and "%23c62828" in icon
    )


def worst_first(found: list[str]) -> bool:
    return found == sorted(found, key=URGENCY.__getitem__)


def test_a_line_says_what_the_api_says(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    until(page, "document.querySelectorAll('tr.stream').length === 12")
    for number in [entry["mms_stream_id"] for entry in house.entries()]:
        # The page and the API are looked at one after the other, and a poll may come between.
        wait_for(lambda n=number: not differences(page, house, n), 10, f"the line of {number}")


def differences(page: Any, house: House, number: int) -> list[tuple[str, str]]:
    """What a line says, and what it should say by the API, wherever the two are not the same."""
    entry = next(entry for entry in house.entries() if entry["mms_stream_id"] == number)
    line = row(page, entry)
    wanted = {".name": entry["unify_name"]}
    if entry["is_failed"]:
        wanted |= {".in_3": DASH, ".viewers": DASH, ".reason": entry["failed_reason"]}
    elif entry["stream_info_width"]:
        size = f"{entry['stream_info_width']}x{entry['stream_info_height']}"
        wanted[".picture"] = f"{size} at {entry['stream_info_framerate']:g} H264/AAC"
    if entry["live_delay_ms"] == 999_999:
        wanted[".delay"] = "no stream"
    said = {part: line.locator(part).inner_text() for part in wanted}
    return [
        (said[part], text)
        for part, text in wanted.items()
        if (text not in said[part] if part == ".reason" else said[part] != text)
    ]


def test_nothing_is_asked_of_anybody_else_and_nothing_above_the_prefix(
    house: House, tab: Tab
) -> None:
    house.proxy.asked.clear()
    page = tab.open(house.url)
    page.locator(ROWS).first.locator("button").click()
    page.wait_for_selector(".chart .in[d^=M], .past [role=status]")
    assert tab.hosts == {urlsplit(house.url).netloc}
    prefix = urlsplit(house.url).path
    assert [path for path in house.proxy.asked if not path.startswith(prefix)] == []


def test_a_click_on_a_column_sorts_and_the_address_shares_it(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    page.click("thead .name button")
    until(page, "location.search === '?sort=name'")
    ascending = names(page)
    assert page.locator("thead .name").get_attribute("aria-sort") == "ascending"
    page.click("thead .name button")
    assert names(page) == ascending[::-1]
    assert urlsplit(page.url).query == "sort=-name"
    page.check("#group")
    assert urlsplit(page.url).query == "sort=-name&group=server"
    assert page.locator("tr.group bdi").all_inner_texts() == ["simulator"]

    other = tab.context.new_page()
    other.goto(page.url)
    until(other, "document.querySelectorAll('tr.stream').length === 12")
    assert names(other) == ascending[::-1]
    assert other.locator("tr.group").count() == 1
    assert other.is_checked("#group")
    other.close()
    page.uncheck("#group")
    page.click("thead .state button")
    assert urlsplit(page.url).query == ""


def test_a_row_unfolds_into_reasons_charts_and_every_field(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    entry = healthy(house)
    row(page, entry).locator("button").click()
    assert page.url.endswith(f"#stream-{entry['mms_stream_id']}")
    detail = page.locator(f"#stream-{entry['mms_stream_id']} + tr.detail")
    shown = detail.locator("code").all_inner_texts()
    for field, value in entry.items():
        if field.startswith("score") or field == "sources":
            continue
        if field.startswith("average_"):
            assert {f"{field}.{part}" for part in value} <= set(shown)
        else:
            assert field in shown
    assert detail.locator("[role=meter]").count() == 3
    page.wait_for_selector(".plot .in[d*=L]")
    assert detail.locator("svg[role=img]").count() == 5
    assert "kbit/s" in detail.locator("svg").first.get_attribute("aria-label")
    links = detail.locator(".links a").evaluate_all("links => links.map(link => link.href)")
    assert entry["sample_interface"] in links
    answers = page.evaluate(
        "links => Promise.all(links.map(link => fetch(link).then(r => r.json())))",
        [link for link in links if link.startswith(house.url)],
    )
    assert answers[0]["samples"][0]["mms_stream_id"] == entry["mms_stream_id"]
    assert answers[1]["samples"][0]["mms_stream_id"] == entry["mms_stream_id"]

    before = detail.locator(".plot .in").get_attribute("d")
    until(page, "document.querySelector('.plot .in').getAttribute('d') !== arg", arg=before)
    row(page, entry).locator("button").click()
    assert detail.get_attribute("hidden") == "until-found"
    assert "#" not in page.url


def test_the_cursor_goes_over_all_charts_with_the_keyboard(house: House, tab: Tab) -> None:
    page = tab.open(f"{house.url}#stream-{healthy(house)['mms_stream_id']}")
    page.wait_for_selector(".plot .in[d*=L]")
    page.focus(".charts")
    page.keyboard.press("ArrowLeft")
    readings = page.locator(".reading").all_inner_texts()
    assert all(reading[2] == ":" for reading in readings)
    assert "kbit/s" in readings[0]


def test_the_address_leads_to_a_stream(house: House, tab: Tab) -> None:
    entry = max(house.entries(), key=lambda entry: entry["score"])
    page = tab.open(f"{house.url}?sort=-score#stream-{entry['mms_stream_id']}")
    page.wait_for_selector(f"#stream-{entry['mms_stream_id']} + tr.detail:not([hidden])")
    page.goto(f"{house.url}#stream-1")
    page.wait_for_selector("#notice:not([hidden])")
    assert "1 is not here" in page.locator("#notice").inner_text()


def test_a_search_finds_what_is_folded_and_unfolds_it(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    entry = house.entries()[-1]
    page.keyboard.press("Control+f")
    detail = page.locator(f"#stream-{entry['mms_stream_id']} + tr.detail")
    needle = f"mms_stream_id {entry['mms_stream_id']}"
    assert needle in detail.locator(".facts").text_content()
    assert page.evaluate("needle => window.find(needle)", needle)
    assert not page.evaluate("window.find('a text that no stream has')")
    # What the browser does at a hit of its search bar, it does at a fragment as well: it tells
    # the hidden element of the match, reveals it, and scrolls there.
    detail.locator(".facts").evaluate("text => { text.id = 'hit'; location.hash = '#hit'; }")
    page.wait_for_selector(f"#stream-{entry['mms_stream_id']} + tr.detail.found .rich")
    assert detail.get_attribute("hidden") is None
    assert detail.locator(".facts").is_visible()
    assert row(page, entry).locator("button").get_attribute("aria-expanded") == "true"


def test_a_change_is_seen_within_two_seconds_in_its_place(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    page.click("#sort-pause")
    entry = healthy(house)
    order = names(page)
    took = []
    for _ in range(3):  # a busy machine may be late, but not each time
        house.behave(entry["stream_id"], behaviour="502")
        start = time.monotonic()
        page.wait_for_selector(f"#stream-{entry['mms_stream_id']}[data-state=bad]")
        took.append(time.monotonic() - start)
        assert "HTTP 502" in row(page, entry).locator(".reason").inner_text()
        if took[-1] < 2:
            break
        house.behave(entry["stream_id"], behaviour="healthy")
        page.wait_for_selector(f"#stream-{entry['mms_stream_id']}:not([data-state=bad])")
    assert min(took) < 2, took
    assert names(page) == order  # rows do not jump
    wait_for(lambda: page.click("#sort-now") or worst_first(states(page)), 10, "sorted anew")
    house.behave(entry["stream_id"], behaviour="healthy")
    page.wait_for_selector(f"#stream-{entry['mms_stream_id']}:not([data-state=bad])")


def test_rows_wait_for_the_pointer_and_for_the_pause(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    assert page.locator("#rhythm").inner_text().startswith("next sort in")
    page.locator(ROWS).nth(2).hover()
    until(page, "document.querySelector('#rhythm').textContent.includes('waits')")
    page.hover("#counts")
    until(page, "document.querySelector('#rhythm').textContent.includes('next sort')")
    page.click("#sort-pause")
    assert page.locator("#rhythm").inner_text() == "sorting is paused"
    assert page.locator("#sort-pause").get_attribute("aria-pressed") == "true"


def test_the_keyboard_reaches_everything(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    until(page, "document.querySelectorAll('tr.stream').length === 12")
    focus = "document.activeElement.closest('tr.stream')?.id"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(focus):
            break
    first, second = page.locator(ROWS).nth(0), page.locator(ROWS).nth(1)
    assert page.evaluate(focus) == first.get_attribute("id")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focus) == second.get_attribute("id")
    page.keyboard.press("Enter")
    assert second.locator("button").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert second.locator("button").get_attribute("aria-expanded") == "false"
    page.keyboard.press("End")
    assert page.evaluate(focus) == page.locator(ROWS).last.get_attribute("id")
    page.keyboard.press("Tab")
    assert page.evaluate(focus) is None  # one stop for the whole list
    page.locator("#counts .bad button").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('tr').dataset.state") == "bad"


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; \"quotes\" 'n' `ticks`",
    "\u202egnp.exe\u2066\u200f\u0661",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f6a8" * 10,
    "long " * 39,
)


def test_hostile_names_are_shown_as_text(house: House, tab: Tab) -> None:
    for number, name in enumerate(HOSTILE):
        house.add(channel_name=f"hostile{number}", display_name=name, name="live")
    page = tab.open(house.url)
    until(page, "document.querySelectorAll('tr.stream').length >= arg", arg=12 + len(HOSTILE))
    shown = names(page)
    for name in HOSTILE:
        assert any(name.strip() in text for text in shown), name
    injected = "main script, main img:not([src^='graph/stream/'])"
    assert page.locator(injected).count() == 0
    for entry in house.entries():
        if "hostile" in entry["sample_interface"]:
            row(page, entry).locator("button").click()
    assert page.locator(injected).count() == 0
    # whatever the name: no line is higher than another, and nothing makes the page wider
    heights = page.eval_on_selector_all(ROWS, "rows => rows.map(r => r.offsetHeight)")
    assert len(set(heights)) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
