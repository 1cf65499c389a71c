"""The rows that a report is worked out from: asked of rrdtool, and read from its answer.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tvmon.history.drawing import Span
from tvmon.history.numbers import ask_rows, read
from tvmon.history.plots import Line
from tvmon.history.report import Row
from tvmon.tiers import Tier

_VIEWERS = Line("viewers", "", "viewers")
_MEANS = (
    Line("in", "", "in_kbps"),
    Line("out", "", "out_kbps"),
    _VIEWERS,
    Line("good", "", "good_share"),
    Line("score", "", "score"),
)


def ask(file: str, tier: Tier, span: Span) -> str:
    """The command that tells every row of which a part lies in a span."""
    begins = span.start // tier.seconds * tier.seconds
    ends = -(-span.end // tier.seconds) * tier.seconds
    wanted = [(line, tier.mean) for line in _MEANS]
    if "MAX" in tier.functions:
        wanted.append((_VIEWERS, "MAX"))
    return ask_rows(wanted, file, tier.seconds, begins, ends)


def rows(lines: Sequence[str]) -> tuple[int, list[Row]]:
    """The seconds of a row, and the rows; raises ValueError as :func:`.numbers.read`."""
    step, told = read(lines)
    return step, [
        Row(
            ends=time,
            in_kbps=values[0],
            out_kbps=values[1],
            viewers=values[2],
            good_share=values[3],
            score=values[4],
            most_viewers=values[5] if len(values) > 5 else None,
        )
        for time, values in told
    ]
