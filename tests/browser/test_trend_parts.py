"""The modules of trends that need no page: run in the browser they are written for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Tab
from tests.browser.stand import Stand

DAY = 86_400
NOON = 1_795_608_000  # 2026-11-25 12:00 UTC
MARCH_31 = 1_774_958_400  # 2026-03-31 12:00 UTC


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    """A page in a zone that changes its clocks."""
    stand = Stand(1, samples=1)
    tab = Tab(chromium, timezone_id="Europe/Berlin")
    try:
        tab.page.goto(stand.url + "trend")
        yield tab.page
    finally:
        tab.close()
        stand.stop()


def run(page: Any, script: str, arg: Any = None) -> Any:
    """What a function body returns; ``load("subject.js")`` gives it a module of the page."""
    return page.evaluate(
        "async (arg) => { const load = (name) => import(new URL(`js/${name}`, location.href));"
        f" {script} }}",
        arg,
    )


def test_a_view_and_its_address(page: Any) -> None:
    script = """
      const { fromWords, toWords } = await load("trend/view.js");
      return arg.map((text) => {
        const words = new URLSearchParams(text);
        return decodeURIComponent(toWords(fromWords(words), words));
      });
    """
    same = [
        "",
        "?lang=ru&graph=traffic.stream.123&graph=viewers.vhost.a.b/live c&graph=cpu.machine",
        "?graph=delay.all&start=-1week&compare=month",
        "?start=-1day&end=1795608000",
    ]
    found = run(page, script, same)
    assert [text.replace("+", " ") for text in found] == same
    twice = "?graph=a.all&graph=b.all&graph=a.all"
    assert run(page, script, [twice]) == ["?graph=a.all&graph=b.all"]
    nonsense = (
        "?graph=x&graph=a.stream.-1&graph=a.vhost&graph=a.all.b&graph=a.b.c&compare=eon&start="
    )
    assert run(page, script, [nonsense]) == [""]


def test_where_graphs_are(page: Any) -> None:
    script = """
      const { graphOf } = await load("subject.js");
      return [
        graphOf({ kind: "stream", name: "7" }, "traffic", { start: "", end: 300 }),
        graphOf({ kind: "vhost", name: "a&b/live" }, "viewers"),
        graphOf({ kind: "all", name: "" }, "viewers", { format: "json" }),
        graphOf({ kind: "machine", name: "" }, "cpu", { start: "end-1day" }),
      ];
    """
    assert run(page, script) == [
        "graph/stream/7.png?metric=traffic&end=300",
        "graph_vhost?target=viewers&vhost=a%26b%2Flive",
        "graph_vhost?target=viewers&format=json",
        "graph_global?target=cpu&start=end-1day",
    ]


def test_how_much_earlier_is_compared(page: Any) -> None:
    script = """
      const { shiftOf } = await load("trend/view.js");
      return arg.map(([compare, end]) => shiftOf(compare, end) / 86400);
    """
    cases = [
        ["day", NOON], ["week", NOON], ["month", NOON], ["year", NOON], ["month", MARCH_31],
    ]  # fmt: skip
    assert run(page, script, cases) == [1, 7, 31, 365, 31]


def test_marks_of_time_are_round_in_the_zone_of_the_reader(page: Any) -> None:
    script = """
      const { timeMarks } = await load("trend/axis.js");
      return arg.map(([from, to, most]) => timeMarks(from, to, most)
        .map(({ at, kind }) => `${kind} ${new Date(at * 1000).toLocaleString("sv")}`));
    """
    changed = 1_792_879_200  # 2026-10-25 00:00 in Berlin, where this day has 25 hours
    found = run(
        page,
        script,
        [
            [NOON, NOON + 3600, 4],
            [NOON, NOON + DAY, 4],
            [changed, changed + 25 * 3600, 5],
            [NOON - 40 * DAY, NOON, 6],
            [NOON - 400 * DAY, NOON, 5],
        ],
    )
    day = "2026-11-25"
    assert found[0] == [f"time {day} 13:{minute:02}:00" for minute in (0, 15, 30, 45)] + [
        f"time {day} 14:00:00"
    ]
    assert found[1] == [
        f"time {day} 18:00:00",
        "day 2026-11-26 00:00:00",
        "time 2026-11-26 06:00:00",
        "time 2026-11-26 12:00:00",
    ]
    assert found[2] == [
        "day 2026-10-25 00:00:00",
        *(f"time 2026-10-25 {hour:02}:00:00" for hour in (6, 12, 18)),
        "day 2026-10-26 00:00:00",
    ]
    assert found[3] == [
        f"day 2026-{day} 00:00:00" for day in ("10-22", "11-01", "11-08", "11-15", "11-22")
    ]
    assert found[4] == [
        "year 2026-01-01 00:00:00",
        *(f"month 2026-{month}-01 00:00:00" for month in ("04", "07", "10")),
    ]


def test_marks_of_values_are_round_and_hold_all(page: Any) -> None:
    script = """
      const { valueMarks } = await load("trend/axis.js");
      return arg.map(([low, high]) => valueMarks(low, high));
    """
    assert run(page, script, [[0, 100], [0, 7.3e6], [-30, 900], [0, 0.012], [0, 1]]) == [
        [0, 25, 50, 75, 100],
        [0, 2e6, 4e6, 6e6, 8e6],
        [-250, 0, 250, 500, 750, 1000],
        [0, 0.005, 0.01, 0.015],
        [0, 0.25, 0.5, 0.75, 1],
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ["4.25 Mbit/s", "0 bit/s", "3 GB", "1,245 ms", "12,345", "235 k", "–", "-2.5 %"]),
        ("ru", ["4,25 Мбит/с", "0 бит/с", "3 ГБ", "1 245 мс", "12 345", "235 к", "–", "-2,5 %"]),  # noqa: RUF001
    ],
)
def test_values_have_the_unit_that_suits_their_size(page: Any, code: str, words: list[str]) -> None:
    script = """
      const { Quantity } = await load("trend/quantity.js");
      const { LANGUAGES } = await load("texts.js");
      const quantity = new Quantity(arg[0], LANGUAGES[arg[0]]);
      return arg[1].map(([value, unit]) => quantity.show(value, unit).replaceAll("\\u00a0", " "));
    """
    cases = [
        [4.251e6, "bit/s"],
        [0, "bit/s"],
        [3e9, "byte"],
        [1245, "ms"],
        [12_345, "viewers"],
        [234_567, "viewers"],
        [None, "bit/s"],
        [-2.5, "%"],
    ]
    assert run(page, script, [code, cases]) == words


def test_rows_are_drawn_as_wide_as_what_they_cover_and_gaps_stay(page: Any) -> None:
    script = """
      const { bandOf, stepsOf, summary, valueAt } = await load("trend/rows.js");
      const same = (number) => number;
      const rows = [[10, 1], [20, 3], [30, null], [40, 2], [60, 5]];
      return {
        steps: stepsOf(rows, 10, same, same),
        band: bandOf([[10, 0], [20, 1], [30, 1]], [[10, 2], [20, 3], [30, null]], 10, same, same),
        values: [0, 1, 10, 11, 25, 40, 45, 55, 61].map((time) => valueAt(rows, time, 10)),
        known: summary({ mean: rows, low: null, high: null }),
        peak: summary({ mean: rows, low: [[10, 0.5]], high: [[10, 9]] }),
        nothing: summary({ mean: [[10, null]], low: null, high: null }),
      };
    """
    assert run(page, script) == {
        "steps": "M0 1H10V3H20M30 2H40M50 5H60",
        "band": "M0 2H10L10 3H20L20 1H10L10 0H0Z",
        "values": [None, 1, 1, 3, None, 2, None, 5, None],
        "known": {"last": 5, "least": 1, "mean": 2.75, "most": 5},
        "peak": {"last": 5, "least": 0.5, "mean": 2.75, "most": 9},
        "nothing": {"last": None, "least": None, "mean": None, "most": None},
    }


def test_the_application_of_a_stream(page: Any) -> None:
    script = """
      const { applicationOf } = await load("trend/nodes.js");
      return arg.map((name) => applicationOf({ server: "a", unify_name: name }));
    """
    names = ["a/live/cam1", "a/x/y/cam1", "a/cam1", "a[10.0.0.1]/tv/Channel 1", "b/live/cam1"]
    assert run(page, script, names) == ["live", "x/y", "", "", ""]


def test_every_metric_of_the_daemon_has_its_texts(page: Any) -> None:
    plots = pytest.importorskip("tvmon.history.plots", reason="no plots")
    texts = run(page, "return (await load('texts/en.js')).default;")
    named = [*plots.METRICS.values(), *plots.GLOBALS.values()]
    assert [plot.name for plot in named if plot.name not in texts["metrics"]] == []
