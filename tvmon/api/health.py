"""``GET /-/healthy``: tvmon is alive.  ``GET /-/ready``: it can do all of its work, or what not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from klein import Klein
from twisted.web.server import Request

from tvmon.api.query import parse_arguments
from tvmon.api.reply import reply_json
from tvmon.api.rooms import arguments, json_klein


class Health:
    """
    What a supervisor, a load balancer or a person asks first.

    :param checks: by name: ``None`` where all is well, else a sentence that says what is not
    """

    app: Klein = json_klein()

    def __init__(self, checks: Callable[[], Mapping[str, str | None]]) -> None:
        self._checks = checks

    @app.route("/-/healthy", methods=["GET"])
    def healthy(self, request: Request) -> bytes:
        """That this is answered is the answer: the reactor turns."""
        return reply_json(request, {"healthy": True})

    @app.route("/-/ready", methods=["GET"])
    def ready(self, request: Request) -> bytes:
        """Each check by its name; 503 where one is not well."""
        parse_arguments(arguments(request))
        checks = dict(self._checks())
        ready = all(trouble is None for trouble in checks.values())
        value = {"ready": ready, "checks": checks}
        return reply_json(request, value, code=200 if ready else 503)
