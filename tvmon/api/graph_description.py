"""The graphs, their numbers and the reports, as the description of the API tells them."""

from __future__ import annotations

from collections.abc import Iterable

from tvmon.api.graph_query import EVERY_PROTOCOL, FORMS, HEIGHTS, NUMBERS, WIDTHS
from tvmon.api.operations import get, headers, json_answer, number, parameter, refusals
from tvmon.api.schemas import TEXT, Schema, object_of, ref
from tvmon.history.drawing import THEMES
from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.history.ranges import WINDOWS
from tvmon.history.subjects import PROTOCOLS

_NUMBER: Schema = {"type": ["number", "null"]}
_EPOCH: Schema = {"type": "integer", "description": "seconds since 1970, UTC"}
_VHOST = TEXT | {
    "description": "a media server, server/application or server/stream; nothing is everything"
}


def paths() -> Schema:
    """Every address of the histories."""
    target = {"target": {"enum": [*TARGETS]}}
    machine = {"target": {"enum": [*GLOBALS]}}
    window = {"window": {"enum": [*WINDOWS], "description": "how long, and from which rows"}}
    whose = {
        "vhost": _VHOST,
        "protocol": {
            "enum": [EVERY_PROTOCOL, *PROTOCOLS],
            "description": "what goes out by one protocol; of a target that is told by protocols",
        },
    }
    step = {
        "step": TEXT
        | {
            "description": "the name of a tier of /history; nothing is the finest that reaches back"
            " to start and has at most 1500 rows"
        }
    }
    metric = {"metric": {"enum": [*METRICS], "default": "traffic"}}
    number_of = {"mms_stream_id": number(0, 10**18 - 1, "of an entry")}
    return {
        "/graph/stream/{mms_stream_id}.png": _graph(
            "graphOfStream", "A graph of one stream", number_of, metric | step
        ),
        "/graph_vhost": _graph(
            "graphOfVhost",
            "A graph of a media server, an application or a stream, or of everything",
            {},
            target | whose | step,
            required=("target",),
        ),
        "/graph_global": _graph(
            "graphOfMachine",
            "A graph of the machine that tvmon runs on",
            {},
            machine | step,
            required=("target",),
        ),
        "/graph/vhost/{target}_{window}.png": _graph(
            "windowOfVhost", "As /graph_vhost, by an older address", target | window, whose
        ),
        "/graph/{target}_{window}.png": _graph(
            "windowOfMachine", "As /graph_global, by an older address", machine | window, {}
        ),
        "/history": {
            "get": get(
                "historyList",
                "Which graphs there are, and how long histories are kept",
                {"200": json_answer("All of them", "HistoryList"), **refusals(400, 401)},
            )
        },
        "/report": {"get": _report()},
    }


def _graph(
    operation: str, summary: str, path: Schema, query: Schema, required: Iterable[str] = ()
) -> Schema:
    looks = {
        **_times(),
        "theme": {"enum": [*THEMES], "default": "light"},
        "width": number(*WIDTHS, "pixels of the whole picture; 580, or of a dash 205"),
        "height": number(*HEIGHTS, "pixels of the whole picture; 203, or of a dash 175"),
        "format": {"enum": [*FORMS], "default": "png"},
    }
    parameters = [parameter("path", name, schema) for name, schema in path.items()]
    for name, schema in (query | looks).items():
        parameters.append(parameter("query", name, schema) | {"required": name in required})
    contents = {
        "image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}},
        "application/json": {"schema": ref("Graph")},
        "text/csv": {"schema": TEXT},
    }
    return {"get": get(operation, summary, _answers(contents), parameters)}


def _report() -> Schema:
    parameters = {
        "vhost": _VHOST,
        **_times(),
        "format": {"enum": [*NUMBERS], "default": "json"},
        "each": {"enum": ["0", "1"], "default": "0", "description": "1: each of its parts too"},
    }
    contents = {"application/json": {"schema": ref("Report")}, "text/csv": {"schema": TEXT}}
    return get(
        "report",
        "What a stream, a media server or all of them have done in a period",
        _answers(contents),
        [parameter("query", name, schema) for name, schema in parameters.items()],
    )


def _answers(contents: Schema) -> Schema:
    told = headers("ETag", "Cache-Control")
    return {
        "200": {"description": "As asked for", "content": contents, "headers": told},
        "304": {"description": "As If-None-Match has it", "headers": told},
        **refusals(400, 401, 404, 414, 503),
    }


def _times() -> Schema:
    """Read as the AT style of rrdtool."""
    return {
        "start": TEXT | {"description": "-1week, 'noon yesterday', seconds since 1970 ..., UTC"},
        "end": TEXT | {"description": "the same; nothing is now, or a window's length after start"},
    }


def schemas() -> Schema:
    """The shapes of the answers."""
    title = {"name": TEXT, "title": TEXT}
    plots = {
        "type": "array",
        "items": object_of(
            {**title, "unit": TEXT, "lines": {"type": "array", "items": object_of(title)}}
        ),
    }
    return {
        "Graph": object_of(
            {
                "target": TEXT,
                "vhost": {"type": ["string", "null"]},
                "step": {"type": "integer", "description": "seconds that a row covers"},
                "start": _EPOCH,
                "end": _EPOCH,
                "unit": TEXT,
                "series": {"type": "array", "items": ref("Series")},
            }
        ),
        "Series": object_of(
            {
                **title,
                "cf": {"enum": ["LAST", "AVERAGE", "MIN", "MAX"]},
                "unit": TEXT,
                "points": {
                    "type": "array",
                    "items": {"type": "array", "prefixItems": [_EPOCH, _NUMBER], "items": False},
                    "description": "the end of what a row covers, and its value",
                },
            }
        ),
        "HistoryList": object_of(
            {
                "trouble": {
                    "type": ["string", "null"],
                    "description": "why there are no graphs now, and what to install",
                },
                "tiers": {
                    "type": "array",
                    "items": object_of(
                        {"name": TEXT, "seconds": {"type": "integer"}, "days": {"type": "integer"}}
                    ),
                },
                "metrics": plots,
                "global": plots,
            }
        ),
        "Report": _reported({"parts": {"type": "array", "items": ref("PartReport")}}),
        "PartReport": _reported({}),
    }


def _reported(more: Schema) -> Schema:
    worst = object_of(
        {
            "start": _EPOCH,
            "seconds": {"type": "integer"},
            "availability": {"type": "number"},
            "score": _NUMBER,
        }
    )
    return object_of(
        {
            "name": TEXT,
            "start": _EPOCH,
            "end": _EPOCH,
            "step": TEXT | {"description": "the tier that it is worked out from"},
            "availability": _NUMBER | {"description": "% of good samples"},
            "known_share": _NUMBER | {"description": "% of the time of which that is known"},
            "viewer_hours": _NUMBER,
            "gigabytes_in": _NUMBER | {"description": "10^9 bytes"},
            "gigabytes_out": _NUMBER | {"description": "10^9 bytes"},
            "peak_viewers": _NUMBER,
            "peak_time": _EPOCH | {"type": ["integer", "null"]},
            "worst_hour": {"oneOf": [worst, {"type": "null"}]},
            **more,
        },
        optional=tuple(more),
    )
