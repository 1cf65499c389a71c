"""
The numbers behind a picture: asked of rrdtool, read from its answer, told as JSON or CSV.  Pure.

The time of a row is the end of what it covers, in seconds since 1970.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tvmon.entry import utc
from tvmon.history.definitions import definitions, variable
from tvmon.history.drawing import Span
from tvmon.history.plots import Line, Plot
from tvmon.tiers import Tier

MOST_ROWS = 3000
"""In one answer: to tell so many takes some 20 ms."""


class Column(NamedTuple):
    """
    One line by one consolidation function.

    :ivar name: of the line
    :ivar cf: ``LAST``, ``AVERAGE``, ``MIN`` or ``MAX``
    """

    name: str
    title: str
    cf: str
    unit: str


Row = tuple[int, list[float | None]]
"""A time, and the value of each column; ``None`` is not known."""


class Numbers(NamedTuple):
    """
    What is told of a plot.

    :ivar target: its name, as it was asked for
    :ivar vhost: of whom; ``None`` is of everything, or of the machine
    :ivar step: seconds that each row covers
    :ivar rows: from the oldest to the newest, without a hole between them; none where nothing was
        written yet
    """

    target: str
    vhost: str | None
    step: int
    start: int
    end: int
    unit: str
    columns: tuple[Column, ...]
    rows: list[Row]


def columns_of(plot: Plot, tier: Tier) -> tuple[Column, ...]:
    """What is told of a plot in a tier."""
    return tuple(
        Column(line.name, line.title, function, plot.unit_of(line))
        for line in plot.lines
        for function in line.functions(tier)
    )


def whole_rows(tier: Tier, span: Span) -> Span:
    """From the time that the first row begins to the time that the last one ends."""
    start = -(-span.start // tier.seconds) * tier.seconds
    return Span(start, max(start, span.end // tier.seconds * tier.seconds))


def ask(plot: Plot, file: str, tier: Tier, span: Span) -> str | None:
    """The command that tells the rows which lie wholly in a span; ``None`` where none does."""
    start, end = whole_rows(tier, span)
    if start == end:
        return None
    wanted = [(line, function) for line in plot.lines for function in line.functions(tier)]
    return ask_rows(wanted, file, tier.seconds, start, end)


def ask_rows(wanted: Sequence[tuple[Line, str]], file: str, step: int, start: int, end: int) -> str:
    """The command that tells lines by functions; start and end are boundaries of the step."""
    words = ["xport", "--json", "--start", str(start), "--end", str(end)]
    words += ["--step", str(step), "--maxrows", str((end - start) // step + 10)]
    words += definitions(wanted, file, step)
    words += [f"XPORT:{variable(line, function)}" for line, function in wanted]
    return " ".join(words)


def read(lines: Sequence[str]) -> tuple[int, list[Row]]:
    """
    The step and the rows of an answer.

    The step is another than was asked for where the file has no such rows: after the tiers were
    changed, and before anything was written by them.

    :raises ValueError: it is no such answer
    """
    answer = json.loads("\n".join(lines))
    try:
        start, step, rows = answer["meta"]["start"], answer["meta"]["step"], answer["data"]
    except (KeyError, TypeError):
        raise ValueError("this is not what rrdtool xport answers") from None
    return step, [(start + index * step, row) for index, row in enumerate(rows)]


def to_json(numbers: Numbers) -> bytes:
    """As ``format=json`` answers."""
    told: dict[str, Any] = {
        "target": numbers.target,
        "vhost": numbers.vhost,
        "step": numbers.step,
        "start": numbers.start,
        "end": numbers.end,
        "unit": numbers.unit,
        "series": [
            {
                **column._asdict(),
                "points": [(time, values[index]) for time, values in numbers.rows],
            }
            for index, column in enumerate(numbers.columns)
        ],
    }
    # Python's own is twice as fast with numbers, and rrdtool says null for what is none.
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def to_csv(numbers: Numbers) -> bytes:
    """As ``format=csv`` answers: the time in two forms, then each column; unknown is empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    heads = (f"{each.name} {each.cf} [{each.unit}]" for each in numbers.columns)
    table.writerow(["time", "epoch", *heads])
    table.writerows([utc(time), time, *values] for time, values in numbers.rows)
    return text.getvalue().encode()
