"""
``GET /metrics``: tvmon's own numbers and those of every stream, as Prometheus reads them.

The few own ones come from prometheus_client.  Those of the streams are written here, in slices:
for ten thousand streams the library takes a second at a stretch, in which no poll would go out.
A value that is not known has no line, so that a rule sees it as absent and not as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from klein import Klein
from prometheus_client import CollectorRegistry, generate_latest
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request

from tvmon.api.bodies import Bodies
from tvmon.api.query import parse_arguments
from tvmon.api.rooms import arguments, json_klein
from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.streams import Measurement
from tvmon.window import Reset

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
STEP = 200
"""How many lines are written at a step: less than a millisecond of work."""

_NOTHING = Measurement()
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Gauge(NamedTuple):
    """One number of every stream; ``value`` takes the entry and the clock's seconds."""

    name: str
    help: str
    value: Callable[[Entry, float], float | None]


def _measured(entry: Entry) -> Measurement:
    return (entry.newest.measured if entry.newest else None) or _NOTHING


def _level(entry: Entry, _: float) -> float | None:
    level = entry.health.whole.level
    return None if level is None else level.value


def _delay(entry: Entry, _: float) -> float | None:
    delay = _measured(entry).live_delay_ms
    return None if delay is None else delay / 1000


def _age(entry: Entry, seconds: float) -> float | None:
    return None if entry.newest is None else max(0.0, round(seconds - entry.newest.at, 3))


GAUGES = (
    Gauge("tvmon_stream_score", "Score, 0 to 100", lambda e, _: e.health.whole.score),
    Gauge(
        "tvmon_stream_score_level",
        "0 bad, 1 some problem, 2 good",
        _level,
    ),
    Gauge(
        "tvmon_stream_upstream_kbps",
        "From upstream over the last 10 s, kbit/s",
        lambda e, _: e.upstream.last_10,
    ),
    Gauge(
        "tvmon_stream_downstream_kbps",
        "To viewers over the last 10 s, kbit/s",
        lambda e, _: e.downstream.last_10,
    ),
    Gauge(
        "tvmon_stream_live_delay_seconds",
        "How far the stream runs behind, as its media server says",
        _delay,
    ),
    Gauge("tvmon_stream_viewers", "Viewers now", lambda e, _: _measured(e).clients_connected),
    Gauge(
        "tvmon_stream_sample_age_seconds",
        "Since the newest sample was taken, good or failed",
        _age,
    ),
    Gauge(
        "tvmon_stream_failed",
        "1 where the newest sample failed, 0 where it is good",
        lambda e, _: None if e.newest is None else int(e.newest.is_failed),
    ),
)


class Metrics:
    """
    The metrics of this process.

    :param registries: of prometheus_client, written one after the other
    """

    app: Klein = json_klein()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        board: Board,
        bodies: Bodies,
        registries: Sequence[CollectorRegistry],
    ) -> None:
        self._clock, self._board, self._bodies = clock, board, bodies
        self._registries = registries

    @app.route("/metrics", methods=["GET"])
    async def metrics(self, request: Request) -> None:
        """All of them."""
        parse_arguments(arguments(request))
        await self._bodies.answer(request, "metrics", self._chunks, content_type=CONTENT_TYPE)

    def _chunks(self) -> Iterator[bytes | None]:
        own = (generate_latest(registry) for registry in self._registries)
        board = self._board
        streams = stream_metrics(list(board.entries()), self._clock.seconds())
        return chain(own, (reset_metrics(board.resets),), streams)


def reset_metrics(resets: Mapping[tuple[str, Reset], int]) -> bytes:
    """The text of how often byte counters began anew, by the server's name and why."""
    name = "tvmon_counter_resets_total"
    lines = [
        f"# HELP {name} How often a stream's byte counters began anew, and why.",
        f"# TYPE {name} counter",
    ]
    for (server, why), count in sorted(resets.items()):
        lines.append(f'{name}{{server="{server.translate(_ESCAPES)}",why="{why}"}} {count}')
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def stream_metrics(entries: Sequence[Entry], seconds: float) -> Iterator[bytes | None]:
    """The text of every stream's gauges, in chunks; each is one step of work."""
    labels: list[str] = []
    for start in range(0, len(entries), STEP):
        labels += map(_labels, entries[start : start + STEP])
        yield None
    for gauge in GAUGES:
        yield f"# HELP {gauge.name} {gauge.help}\n# TYPE {gauge.name} gauge\n".encode()
        for start in range(0, len(entries), STEP):
            end = start + STEP
            values = [gauge.value(entry, seconds) for entry in entries[start:end]]
            lines = [
                f"{gauge.name}{label} {value!r}\n"
                for label, value in zip(labels[start:end], values, strict=True)
                if value is not None
            ]
            yield "".join(lines).encode("utf-8", "replace")


def _labels(entry: Entry) -> str:
    stream = entry.stream
    name, server = stream.unify_name.translate(_ESCAPES), stream.server.translate(_ESCAPES)
    return f'{{mms_stream_id="{stream.mms_stream_id}",name="{name}",server="{server}"}}'
