"""``GET /history``: which graphs there are, and how long histories are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klein import Klein
from twisted.web.server import Request

from tvmon.api.query import parse_arguments
from tvmon.api.reply import reply_json
from tvmon.api.rooms import arguments, json_klein
from tvmon.history.plots import GLOBALS, METRICS, OLD_NAMES, Plot
from tvmon.history.reader import Reader


class GraphList:
    """What may be asked for in the graphs' addresses."""

    app: Klein = json_klein()

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @app.route("/history", methods=["GET"])
    def history(self, request: Request) -> bytes:
        """All of it, and why there is nothing to be seen now, if so."""
        parse_arguments(arguments(request))
        tiers = [
            {"name": tier.name, "seconds": tier.seconds, "days": tier.days}
            for tier in self._reader.archive.tiers
        ]
        told = {
            "trouble": self._reader.trouble(),
            "tiers": tiers,
            "metrics": described(METRICS.values()),
            "global": described(plot for plot in GLOBALS.values() if plot.name not in OLD_NAMES),
        }
        return reply_json(request, told)


def described(plots: Iterable[Plot]) -> list[dict[str, Any]]:
    """Each with its lines."""
    return [
        {
            "name": plot.name,
            "title": plot.title,
            "unit": plot.unit,
            "lines": [{"name": line.name, "title": line.title} for line in plot.lines],
        }
        for plot in plots
    ]
