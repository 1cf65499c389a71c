"""The media servers beside one another, and what the page tells of streams of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Tab, until
from tests.browser.stand import Stand

DRIFT = {"unknown": {"stream.bw_data": 412, "<b>x</b>": 3}, "missing": {"stream.time": 2}}
DOWN = "listing failed: connection refused"


@pytest.fixture(scope="module")
def few() -> Iterator[Stand]:
    """Six streams of six media servers, of which one has other fields and one is in trouble."""
    stand = Stand(6)
    try:
        stand.tell("report", "media3", DRIFT)
        stand.tell("report", "media6", {"trouble": DOWN})
        yield stand
    finally:
        stand.stop()


def opened(tab: Tab, stand: Stand, words: str = "") -> Any:
    page = tab.open(stand.url + words)
    page.wait_for_selector("#servers:not([hidden])")
    return page


def line(page: Any, number: int) -> Any:
    """The line of a channel."""
    return page.locator("tr.stream", has_text=f"Channel {number}/")


def fields(page: Any, number: int) -> dict[str, list[str]]:
    """What the unfolded detail of a channel says of each field: its value, and how it came."""
    line(page, number).locator("button").click()
    page.wait_for_selector("tr.detail:not([hidden]) dl")
    return dict(
        page.eval_on_selector_all(
            "tr.detail:not([hidden]) dl > div",
            "all => all.map(e => [e.querySelector('code').textContent,"
            " [...e.querySelector('dd').children].map(c => c.textContent)])",
        )
    )


def test_a_few_are_shown_at_once_with_their_kinds_and_streams(few: Stand, tab: Tab) -> None:
    page = opened(tab, few)
    lines = page.locator("#servers .its").all_inner_texts()
    assert [" ".join(text.split()) for text in lines] == [
        "media1 srs 1 good",
        "media2 tvie 1 good",
        "media3 nginx-rtmp 1 good",
        "media4 hls 1 good",
        "media5 tvie 1 good",
        "media6 icecast 1 good",
    ]
    assert page.locator("#servers .trouble:visible").all_inner_texts() == [DOWN]
    assert page.locator("#servers-trouble").inner_text() == "in trouble: media6"
    assert page.locator("#servers-drift").inner_text() == "answers have changed: media3"
    few.tell("kind", 1, "dead")
    few.tell("sample", [1])
    until(page, "document.querySelectorAll('#servers .count.bad:not([hidden])').length === 1")
    assert page.locator("#servers .server", has_text="media2").locator(".bad").is_visible()
    few.tell("kind", 1, "healthy")
    few.tell("sample", [1])


def test_what_is_new_in_the_answers_unfolds_and_is_found(few: Stand, tab: Tab) -> None:
    page = opened(tab, few)
    news = page.locator("#servers .drift:visible summary")
    assert news.all_inner_texts() == ["unknown fields: 2, missing fields: 1"]
    names = page.locator("#servers .server", has_text="media3").locator(".names")
    assert not names.is_visible()
    page.evaluate("document.querySelector('#servers').open = false")
    # What the browser does at a hit of its search bar, it does at a fragment as well.
    names.evaluate("text => { text.id = 'hit'; location.hash = '#hit'; }")
    page.wait_for_selector("#hit", state="visible")
    told = "unknown fields: stream.bw_data (412), <b>x</b> (3); missing fields: stream.time (2)"
    assert names.inner_text() == told
    news.focus()
    page.keyboard.press("Enter")
    assert not names.is_visible()


def test_many_are_one_line_and_do_not_push_the_streams_away(stand: Stand, tab: Tab) -> None:
    page = opened(tab, stand)
    assert page.locator("#servers-title").inner_text() == "Media servers: 40"
    assert page.evaluate("document.querySelector('#servers').offsetHeight") < 60
    page.focus("#servers > summary")
    page.keyboard.press("Enter")
    assert page.locator("#servers .server:visible").count() == 40
    page.set_viewport_size({"width": 390, "height": 844})
    height = "document.querySelector('#servers-list').getBoundingClientRect().height"
    assert page.evaluate(height) <= 0.4 * 844 + 1
    page.keyboard.press("Tab")  # it scrolls by the keyboard too
    assert page.evaluate("document.activeElement.id") == "servers-list"


def test_a_phone_begins_with_the_streams(few: Stand, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 390, "height": 844})
    page = opened(tab, few)
    assert not page.locator("#servers .server").first.is_visible()
    assert page.locator("#servers-trouble").is_visible()


def test_all_of_them_are_printed(stand: Stand, tab: Tab) -> None:
    page = opened(tab, stand)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#servers .server:visible").count() == 40
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#servers .server:visible").count() == 0


def test_they_come_and_go_and_change_places(few: Stand, tab: Tab) -> None:
    script = """async () => {
      const { Servers } = await import(`${location.href}js/servers.js`);
      const { Format } = await import(`${location.href}js/format.js`);
      const { default: texts } = await import(`${location.href}js/texts/en.js`);
      const at = { servers: document.createElement("details") };
      for (const id of ["servers-title", "servers-trouble", "servers-drift", "servers-list"]) {
        at[id] = at.servers.appendChild(document.createElement("div"));
      }
      const panel = new Servers(at, new Format("en", texts));
      const counts = { bad: 0, problem: 0, good: 2000, unknown: 0 };
      const sums = { servers: new Map([["a", counts]]) };
      const one = (name, trouble = null) => ({
        name, kind: "k", trouble, fields_unknown: {}, fields_missing: {},
      });
      const said = [];
      for (const servers of [
        null,
        [one("a"), one("b", "down")],
        [one("b"), one("a"), one("c")],
        ["a", "b", "c", "d", "e", "f"].map((name) => one(name, "down")),
        [],
      ]) {
        panel.show(servers, sums);
        said.push([
          [...at["servers-list"].children].map((e) => e.querySelector("bdi").textContent).join(""),
          at["servers-trouble"].hidden ? "" : at["servers-trouble"].textContent,
          at.servers.hidden,
        ]);
      }
      return said;
    }"""
    page = opened(tab, few)
    assert page.evaluate(script) == [
        ["", "", False],
        ["ab", "in trouble: b", False],
        ["bac", "", False],
        ["abcdef", "in trouble: a, b, c, d (+2)", False],
        ["", "", True],
    ]


def test_a_stream_that_nobody_publishes_and_one_that_is_not_seen(few: Stand, tab: Tab) -> None:
    for number, kind in ((2, "asleep"), (4, "absent"), (5, "unseen")):
        few.tell("kind", number, kind)
        few.tell("sample", [number])
    page = opened(tab, few)
    shown = {
        number: [
            line(page, number).get_attribute("data-state"),
            line(page, number).locator(".picture").inner_text(),
            line(page, number).locator(".reason").inner_text().partition(":")[0],
        ]
        for number in (2, 4, 5)
    }
    assert shown == {
        2: ["unknown", "nobody publishes it", "asleep"],
        4: ["bad", "nobody publishes it", "no stream"],
        5: ["unknown", "view incomplete", "not known"],
    }
    assert fields(page, 2)["presence"][0] == "nobody publishes it"
    tab.open(few.url + "?lang=ru")
    assert line(page, 5).locator(".picture").inner_text() == "видна лишь часть"
    for number in (2, 4, 5):
        few.tell("kind", number, "healthy")
        few.tell("sample", [number])


def test_how_each_field_is_known(few: Stand, tab: Tab) -> None:
    page = opened(tab, few)
    said = fields(page, 1)
    assert said["kind"] == ["tvie", ""]
    assert said["stream_info_width"] == ["1,024 px", "declared"]
    assert said["live_delay_ms"][1] == "estimated"
    assert said["clients_connected"][1] == ""
    assert said["video_codec"][0] == "H264"
    assert said["expected_by"][0] == "as the stream declares"
    assert said["uptime_seconds"] == ["\u2013", ""]
    page.keyboard.press("Escape")
    said = fields(page, 2)
    assert said["average_upstream_kbps.total"][1] == "estimated"
    assert said["average_upstream_kbps.last_3"][1] == ""
    link = page.locator("tr.detail:not([hidden]) .links a").last
    assert link.get_attribute("href") == "http://10.1.0.2/stat#live/cam2"


def test_what_is_learned_is_drawn_as_expected(few: Stand, tab: Tab) -> None:
    page = opened(tab, few)
    said = fields(page, 0)
    assert said["expected_by"][0] == "learned from its own past"
    assert said["stream_info_videodatarate"][0] == "\u2013"
    page.wait_for_selector(".plot .expected[d*=L]", state="attached")  # flat: of no height
    drawn = page.locator(".plot .expected").get_attribute("d")
    heights = {place.split()[1] for place in drawn.replace("M", "L").split("L") if place}
    assert len(heights) == 1
    assert page.locator(".legend.expected").inner_text() == "expected"
