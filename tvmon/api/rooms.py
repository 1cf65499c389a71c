"""What the rooms of the API share: a Klein that answers in JSON, and how they read and wait."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.task import TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter

from tvmon.api.refusal import NOT_FOUND, STOPPED, Refusal, not_allowed
from tvmon.api.reply import abort, refuse

T = TypeVar("T")

_log = Logger()


class _Anything(BaseConverter):
    """All that is left of a path, whatever it holds: line ends too, and nothing at all."""

    regex = "(?s:.*)"
    part_isolating = False
    weight = 300


def json_klein() -> Klein:
    """A Klein that redirects nobody, and answers every error as JSON."""
    app = Klein()
    app.url_map.merge_slashes = False
    app.url_map.converters["anything"] = _Anything

    @app.handle_errors(Refusal)
    def refused(self: object, request: Any, failure: Failure) -> bytes:  # noqa: ARG001
        refusal: Any = failure.value
        return refuse(request, refusal)

    @app.handle_errors(HTTPException)
    def unmatched(self: object, request: Any, failure: Failure) -> bytes:  # noqa: ARG001
        if isinstance(failure.value, MethodNotAllowed):
            return refuse(request, not_allowed(sorted(failure.value.valid_methods or ())))
        return refuse(request, NOT_FOUND)

    @app.handle_errors(TaskStopped)
    def ending(self: object, request: Any, failure: Failure) -> bytes:  # noqa: ARG001
        return refuse(request, STOPPED)

    @app.handle_errors(Exception)
    def failed(self: object, request: Any, failure: Failure) -> bytes | None:
        _log.failure("{room} failed to answer", failure, room=type(self).__name__)
        if request.startedWriting:
            # What is sent cannot be taken back; an answer that ends too early is not believed.
            abort(request)
            return None
        return refuse(request, Refusal("tvmon failed at this; its log says how", code=500))

    return app


def arguments(request: Request) -> bytes:
    """What stands behind the ``?``, as it came."""
    uri: bytes = request.uri
    return uri.partition(b"?")[2]


def shielded(work: Awaitable[T]) -> Deferred[T]:
    """
    Wait for something that goes on to its end, whoever stops waiting.

    Klein cancels what a handler waits for when its client goes away, and that must reach
    neither the database nor what others wait for too.
    """

    async def run() -> T:
        return await work

    waiter: Deferred[T] = Deferred()
    Deferred.fromCoroutine(run()).chainDeferred(waiter)
    return waiter
