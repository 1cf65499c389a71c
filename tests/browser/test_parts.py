"""The modules of the page that need no page: run in the browser they are written for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import Tab
from tests.browser.stand import CHECKOUT, Stand

WEB = CHECKOUT / "web"


@pytest.fixture
def page(stand: Stand, tab: Tab) -> Any:
    return tab.open(stand.url)


def run(page: Any, script: str, arg: Any = None) -> Any:
    """What a function body returns; ``load("chart.js")`` gives it a module of the page."""
    return page.evaluate(
        f"async (arg) => {{ const load = (name) => import(`${{location.href}}js/${{name}}`);"
        f" {script} }}",
        arg,
    )


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        (["id: a-1\nevent: sample\ndata: {}\n\n"], [["sample", "{}", "a-1"]]),
        (list("event: gone\ndata: 1\n\n"), [["gone", "1", ""]]),
        (["data: 1\r\n\r", "\ndata: 2\r\n\r\n"], [["message", "1", ""], ["message", "2", ""]]),
        (list("data: 1\r\ndata: 2\r\n\r\n"), [["message", "1\n2", ""]]),
        ([": comment\n\n", "retry: 9\n\n", "data\n\n"], [["message", "", ""]]),
        (["data: a\ndata: b\n\ndata: half"], [["message", "a\nb", ""]]),
        (["data:no space\n\n"], [["message", "no space", ""]]),
    ],
)
def test_events_are_read_whatever_the_pieces_are(
    page: Any, pieces: list[str], events: list[list[str]]
) -> None:
    script = """
      const { EventReader } = await load("sse.js");
      const found = [];
      const reader = new EventReader((...event) => found.push(event));
      for (const piece of arg) reader.push(piece);
      return found;
    """
    assert run(page, script, pieces) == events


def test_as_few_rows_as_possible_move(page: Any) -> None:
    script = """
      const { longestRun } = await load("place.js");
      return arg.map((numbers) => [...longestRun(numbers)].sort((a, b) => a - b));
    """
    cases = [[], [0, 1, 2], [3, 0, 1, 2], [-1, 0, -1, 1], [2, 1, 0]]
    found = run(page, script, cases)
    assert found[:4] == [[], [0, 1, 2], [1, 2, 3], [1, 3]]
    assert len(found[4]) == 1


def test_bodies_of_rows_hold_any_order(page: Any) -> None:
    script = """
      const { Chunks } = await load("chunks.js");
      const table = document.createElement("table");
      table.createTHead();
      const chunks = new Chunks(table);
      const items = Array.from({ length: 700 }, (_, i) => {
        const rows = [0, 1].map(() => document.createElement("tr"));
        rows[0].id = `item${i}`;
        return { elements: rows, i };
      });
      let seed = 1;
      const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
      const wrong = [];
      const moves = [];
      for (let turn = 0; turn < 60; turn += 1) {
        let wanted;
        if (turn % 3 === 0) wanted = [...items].sort(() => random() - 0.5);
        else {
          wanted = [...chunks.items];
          const [moved] = wanted.splice(Math.floor(random() * wanted.length), 1);
          wanted.splice(Math.floor(random() * wanted.length), 0, moved);
        }
        if (turn % 7 === 3) wanted = wanted.slice(random() * 600);
        const before = new Set(chunks.items).size;
        const count = chunks.arrange(wanted);
        if (turn % 3 && wanted.length === before) moves.push(count);
        const shown = [...table.querySelectorAll("tr[id]")].map((row) => row.id).join();
        if (shown !== wanted.map((item) => `item${item.i}`).join()) wrong.push(turn);
        const pairs = [...table.querySelectorAll("tr[id]")].every((row) => !row.nextSibling.id);
        if (!pairs) wrong.push(turn);
        if (Math.max(...chunks.bodies.map((body) => body.rows.length / 2)) > 100) wrong.push(turn);
      }
      return { wrong, moves, bodies: chunks.bodies.length };
    """
    found = run(page, script)
    assert found["wrong"] == []
    assert max(found["moves"]) <= 60  # one item, and at most the half of a body that is cut
    assert found["bodies"] < 50


def test_an_order_and_its_address(page: Any) -> None:
    script = """
      const { clicked, fromAddress, toAddress, DEFAULT } = await load("order.js");
      const there = (text) => fromAddress(new URLSearchParams(text));
      return [
        there(""), there("sort=-delay&group=server"), there("sort=nonsense&group=x"),
        toAddress(DEFAULT), toAddress(there("sort=-delay&group=server")),
        clicked(DEFAULT, "delay").direction, clicked(clicked(DEFAULT, "delay"), "delay").direction,
      ];
    """
    worst = {"key": "state", "direction": "asc", "grouped": False}
    delay = {"key": "delay", "direction": "desc", "grouped": True}
    words = {"sort": "-delay", "group": "server"}
    assert run(page, script) == [worst, delay, worst, {}, words, "desc", "asc"]


def test_unknown_sorts_last_in_both_directions(page: Any) -> None:
    script = """
      const { Sorter } = await load("order.js");
      const entry = (id, delay) => ({
        mms_stream_id: id, unify_name: `n${id}`, live_delay_ms: delay, score: 1, score_level: 0,
      });
      const entries = [entry(1, null), entry(2, 5), entry(10, 5), entry(3, 9), entry(4, 0)];
      const sorter = new Sorter("en");
      return ["asc", "desc"].map((direction) =>
        sorter.sort(entries, { key: "delay", direction }).map((one) => one.mms_stream_id));
    """
    assert run(page, script) == [[4, 2, 10, 3, 1], [3, 2, 10, 4, 1]]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ["1,234,567", "–", "–", "12.4", "no stream", "4.25 Gbit/s", "0 kbit/s", "3 min"]),
        ("zh", ["1,234,567", "–", "–", "12.4", "无流", "4.25 Gbit/s", "0 kbit/s", "3 分钟"]),
        ("ru", ["1 234 567", "–", "–", "12,4", "нет потока", "4,25 Гбит/с", "0 кбит/с", "3 мин"]),  # noqa: RUF001
        ("ko", ["1,234,567", "–", "–", "12.4", "스트림 없음", "4.25 Gbit/s", "0 kbit/s", "3 분"]),
    ],
)
def test_numbers_and_units_of_every_language(page: Any, code: str, words: list[str]) -> None:
    script = """
      const { Format } = await load("format.js");
      const { LANGUAGES } = await load("texts.js");
      const format = new Format(arg, LANGUAGES[arg]);
      return [
        format.integer(1234567), format.integer(null), format.rate(-1), format.delay(12400),
        format.delay(999999), format.flow(4250000), format.flow(0), format.span(199),
      ].map((text) => text.replaceAll("\\u00a0", " "));
    """
    assert run(page, script, code) == words


def test_a_delay_is_told_to_a_tenth_and_has_no_sign_at_zero(page: Any) -> None:
    script = """
      const { Format } = await load("format.js");
      const { default: texts } = await load("texts/en.js");
      const format = new Format("en", texts);
      return arg.map((ms) => format.delay(ms));
    """
    words = ["-1.2", "-0.1", "0.0", "0.0", "0.0", "0.1", "12.5", "\u2013"]
    assert run(page, script, [-1204, -90, -40, 0, 49, 50, 12450, None]) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ["0 s", "59 s", "5 min 12 s", "3 h 12 min", "2 d 0 h", "1,000 d 1 h", "\u2013"]),
        (
            "ru",
            ["0 с", "59 с", "5 мин 12 с", "3 ч 12 мин", "2 дн. 0 ч", "1 000 дн. 1 ч", "\u2013"],  # noqa: RUF001
        ),
    ],
)
def test_how_long_something_has_lasted(page: Any, code: str, words: list[str]) -> None:
    script = """
      const { Format } = await load("format.js");
      const { LANGUAGES } = await load("texts.js");
      const format = new Format(arg, LANGUAGES[arg]);
      return [0.9, 59, 312, 11520, 172800, 86403600, null]
        .map((seconds) => format.lasting(seconds).replaceAll("\\u00a0", " "));
    """
    assert run(page, script, code) == words


def test_codecs_have_their_names_and_else_their_numbers(page: Any) -> None:
    script = """
      const { Format } = await load("format.js");
      const { default: texts } = await load("texts/en.js");
      const format = new Format("en", texts);
      return arg.map(([video, videoid, audio, audioid]) => format.picture({
        video_codec: video, stream_info_videocodecid: videoid,
        audio_codec: audio, stream_info_audiocodecid: audioid,
        stream_info_width: null, stream_info_height: null, stream_info_framerate: null,
      }));
    """
    cases = [
        ["H265", 12, "Opus", None],
        [None, 6, None, 99],
        [None, None, "Vorbis", None],
        ["VP9", None, None, None],
        [None, None, None, None],
    ]
    words = ["H265/Opus", "FLV 6/FLV 99", "Vorbis", "VP9", "\u2013"]
    assert run(page, script, cases) == words


def test_why_counters_began_anew_is_told_with_the_time(page: Any) -> None:
    script = """
      const { Format } = await load("format.js");
      const { FIELDS, read } = await load("fields.js");
      const { default: texts } = await load("texts/en.js");
      const field = FIELDS.find(({ name }) => name === "counter_reset");
      const time = "2026-11-22T08:00:03Z";
      return ["restarted", "republished", "error", null].map((why) => read(
        field, { counter_reset: why && { why, time } }, new Format("en", texts),
      ));
    """
    found = run(page, script)
    assert found[3] == "\u2013"
    assert all("Nov 22, 2026" in text for text in found[:3])
    assert [text.partition(",")[0] for text in found[:3]] == [
        "the server restarted",
        "the stream was published anew",
        "a counter was wrong",
    ]


def test_no_language_lacks_a_text(page: Any) -> None:
    script = """
      const { LANGUAGES } = await load("texts.js");
      const paths = (value, path) => (typeof value === "object"
        ? Object.entries(value).flatMap(([key, inner]) => paths(inner, `${path}/${key}`))
        : [`${path} ${typeof value} ${typeof value === "function" ? value.length : value !== ""}`]);
      return Object.entries(LANGUAGES).map(([code, texts]) => [code, paths(texts, "")]);
    """
    found = dict(run(page, script))
    assert set(found) == {"en", "zh", "ru", "ko"}
    for code, paths in found.items():
        assert paths == found["en"], code


def test_every_field_of_an_entry_has_its_texts(page: Any) -> None:
    script = """
      const { FIELDS } = await load("fields.js");
      const { COLUMNS } = await load("columns.js");
      const { default: texts } = await load("texts/en.js");
      return [
        FIELDS.map((field) => field.name).filter((name) => !texts.fields[name]),
        Object.keys(texts.fields).filter((name) => !FIELDS.some((field) => field.name === name)),
        COLUMNS.filter(({ key }) => !texts.columns[key] || !texts.column_hints[key]),
      ];
    """
    assert run(page, script) == [[], [], []]


def imports(module: str) -> set[str]:
    """A module and all that it needs, by their places below ``web``."""
    found: set[str] = set()
    left = {module}
    while left:
        path = WEB / left.pop()
        found.add(str(path.relative_to(WEB)))
        for name in re.findall(r'^(?:import|export) [^;]*?from "([^"]+)"', path.read_text(), re.M):
            left.add(str((path.parent / name).resolve().relative_to(WEB)))
        left -= found
    return found


@pytest.mark.parametrize(
    ("page", "entry"), [("index.html", "js/main.js"), ("trend.html", "js/trend/main.js")]
)
def test_a_page_names_every_module_so_that_none_waits_for_another(page: str, entry: str) -> None:
    html = (WEB / page).read_text("utf-8")
    named = re.findall(r'(?:src|modulepreload" href)="(js/[^"]+)"', html)
    assert len(named) == len(set(named))
    assert set(named) == imports(entry)


def test_no_module_is_left_over() -> None:
    there = {str(path.relative_to(WEB)) for path in WEB.glob("js/**/*.js")}
    assert imports("js/main.js") | imports("js/trend/main.js") == there


def test_there_is_no_inline_code_and_no_other_host() -> None:
    for path in [*WEB.glob("*.html"), *WEB.glob("*.css"), *WEB.glob("js/**/*.js")]:
        text = path.read_text("utf-8")
        hosts = set(re.findall(r"https?://[^\s\"'`/]+", text)) - {"http://www.w3.org"}
        assert hosts == set(), path
        assert "innerHTML" not in text, path
        assert "insertAdjacentHTML" not in text, path
    for path in WEB.glob("*.html"):
        html = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html), path
        assert not re.search(r'(?:src|href)="/', html), path


def test_modules_are_small() -> None:
    for path in WEB.glob("js/**/*.js"):
        assert len(path.read_text("utf-8").splitlines()) <= 350, path
