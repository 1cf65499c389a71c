"""
``GET /api``: this API described as OpenAPI 3.1, for people and for their tools.

The shapes of the answers lie in :mod:`tvmon.api.schemas`; the tests check real answers against
them.
"""

from __future__ import annotations

from klein import Klein
from twisted.web.server import Request

from tvmon import __version__
from tvmon.api import graph_description
from tvmon.api.operations import get, headers, json_answer, number, parameter, refusals
from tvmon.api.query import LARGEST, MOST_HISTORY, ORDERS, parse_arguments
from tvmon.api.reply import encode, reply
from tvmon.api.rooms import arguments, json_klein
from tvmon.api.schemas import TEXT, Schema, schemas
from tvmon.api.select import SORT_FIELDS


class Description:
    """The description, encoded once."""

    app: Klein = json_klein()

    def __init__(self) -> None:
        self._body = encode(describe())

    @app.route("/api", methods=["GET"])
    def api(self, request: Request) -> bytes:
        """All of it."""
        parse_arguments(arguments(request))
        return reply(request, self._body, etag=f'W/"{__version__}-{len(self._body)}"'.encode())


def describe() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tvmon",
            "version": __version__,
            "description": "The state of live streams. Times are UTC. Unknown is null, never 0; "
            "a rate over the last seconds that cannot be known is -1.",
        },
        "servers": [{"url": ".", "description": "beside this document, whatever the prefix"}],
        "security": [{"token": []}, {"user": []}, {}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "user": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "a user's password, or the token as password of any user",
                },
            },
            "schemas": schemas() | graph_description.schemas(),
            "responses": _responses(),
            "headers": {
                "ETag": {"schema": TEXT, "description": "for If-None-Match"},
                "Cache-Control": {"schema": TEXT, "description": "how long it holds"},
                "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"},
            },
        },
    }


def _paths() -> Schema:
    page = {
        "offset": number(0, LARGEST, "streams to leave out"),
        "page_size": number(0, LARGEST, "streams to answer; 0 is all"),
        "keyword": {
            "type": "string",
            "description": "part of sample_interface or unify_name, in any case, percent-encoded; "
            "null or nothing is every stream",
        },
        "sort_by": {"enum": ["", *SORT_FIELDS], "description": "nothing is unify_name"},
        "sort_order": {
            "type": "string",
            # JSON schemas know no flag for "in any case".
            "pattern": f"^({'|'.join(map(_in_any_case, ORDERS))})?$",
            "description": "asc or desc in any case; nothing is asc",
        },
        "sort_by_status_first": {
            "enum": ["", "0", "1"],
            "description": "1: the worst score_level first, then sort_by; nothing is 0",
        },
    }
    samples = {
        "200": json_answer("The streams that match, and a page of them", "Samples", ["ETag"]),
        "304": {"description": "As If-None-Match has it", "headers": headers("ETag")},
        **refusals(400, 401, 414, 503),
    }
    return {
        "/samples": {"get": get("samples", "Every stream, by its name", samples)},
        "/samples/{offset}-{page_size}/{keyword}/{sort_by}/{sort_order}/{sort_by_status_first}": {
            "get": get(
                "samplesPage",
                "The streams that match, sorted; what is unknown comes last in both orders",
                samples,
                [parameter("path", name, schema) for name, schema in page.items()],
            )
        },
        "/samples/{mms_stream_id}/history": {
            "get": get(
                "history",
                "The kept samples of one stream, newest first; of one that is gone, too, "
                "for as long as the database keeps it",
                {"200": json_answer("The samples", "History"), **refusals(400, 401, 404, 503)},
                [
                    parameter("path", "mms_stream_id", number(0, 10**18 - 1, "of an entry")),
                    parameter(
                        "query", "limit", number(1, MOST_HISTORY, "how many") | {"default": 200}
                    ),
                ],
            )
        },
        "/servers": {
            "get": get(
                "servers",
                "The media servers, in the order of the configuration",
                {
                    "200": json_answer("Each of them", "Servers", ["ETag"]),
                    "304": {"description": "As If-None-Match has it", "headers": headers("ETag")},
                    **refusals(400, 401, 503),
                },
            )
        },
        **graph_description.paths(),
        "/events": {"get": _events()},
        "/metrics": {
            "get": get(
                "metrics",
                "Prometheus text",
                {
                    "200": {"description": "Metrics", "content": {"text/plain": {"schema": TEXT}}},
                    **refusals(400, 401, 503),
                },
            )
        },
        "/-/healthy": {
            "get": get(
                "healthy", "Whether tvmon is alive", {"200": json_answer("It is", "Healthy")}
            )
            | {"security": [{}]}
        },
        "/-/ready": {
            "get": get(
                "ready",
                "Whether tvmon can do all of its work",
                {
                    "200": json_answer("It can", "Ready"),
                    "503": json_answer("Some check says what not", "Ready"),
                    **refusals(400, 401),
                },
            )
        },
        "/api": {
            "get": get(
                "api",
                "This document",
                {
                    "200": {
                        "description": "OpenAPI 3.1",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    "304": {"description": "As If-None-Match has it"},
                    **refusals(400, 401),
                },
            )
        },
    }


def _events() -> Schema:
    last = "the id of the last event that was read; all that changed since follows"
    return get(
        "events",
        "Server-sent events. `hello` (Hello) says what follows; `sample` (Entry): this stream is "
        "now so; `gone` (Gone): it is watched no more. At most once a second for one stream, and "
        "a comment at least every 15 s",
        {
            "200": {
                "description": "Events, until the client goes away",
                "content": {"text/event-stream": {"schema": TEXT}},
            },
            **refusals(400, 401, 503),
        },
        [
            parameter("header", "Last-Event-ID", TEXT | {"description": last}),
            parameter(
                "query", "last_event_id", TEXT | {"description": f"{last}; the header counts more"}
            ),
        ],
    )


def _responses() -> Schema:
    texts = {
        400: "Some part of the request is wrong, and named",
        401: "A token, or a user and a password, is needed",
        404: "There is nothing at this address, or nothing of this name",
        414: "The address is too long",
        503: "Not now",
    }
    return {
        str(code): json_answer(text, "Error", ["Retry-After"] if code == 503 else [])
        for code, text in texts.items()
    }


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)
