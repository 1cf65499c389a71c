"""Node-Media-Servers of both versions, as far as tvmon asks them, and how to talk to them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Coroutine
from typing import Any, TypeVar

import simplejson

from tvmon.servers import Answer, Request

T = TypeVar("T")

URL = "http://nms:8000"
STARTED = 1795333991.316
PUBLISHER = {
    "id": "mwrji5jnlzr22jsu", "ip": "127.0.0.1:57464", "protocol": "rtmp",
    "createTime": 1795333991316, "videoCodec": 7, "videoWidth": 160, "videoHeight": 90,
    "videoFramerate": 10, "audioCodec": 10, "audioChannels": 1, "audioSamplerate": 44100,
    "inBytes": 99739,
}  # fmt: skip
STREAM = {
    "key": "/live/cam1", "app": "live", "name": "cam1", "status": "publishing",
    "publisher": PUBLISHER, "subscribers": 1, "outBytes": 73152, "inBps": 12315, "outBps": 16257,
    "recording": False,
}  # fmt: skip
PUBLISHER_2 = {
    "app": "live", "stream": "cam1", "clientId": "YYJ2J4Q1",
    "connectCreated": "2026-11-22T07:53:11.316Z", "bytes": 684190, "ip": "127.0.0.1",
    "audio": {"codec": "AAC", "profile": "LC", "samplerate": 44100, "channels": 1},
    "video": {
        "codec": "H264", "width": 160, "height": 90, "profile": "Baseline", "level": 1, "fps": 10,
    },
}  # fmt: skip
SUBSCRIBER_2 = {
    "app": "live", "stream": "cam1", "clientId": "GZBSAVWE",
    "connectCreated": "2026-11-22T07:53:15.311Z", "bytes": 51234, "ip": "192.0.2.7",
    "protocol": "http",
}  # fmt: skip


def result(conversation: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing, but may offer pauses."""
    try:
        while conversation.send(None) is None:
            pass
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits")


def json(value: object) -> bytes:
    return simplejson.dumps(value, allow_nan=True).encode()


def list_4(*streams: object) -> bytes:
    """The list of version 4."""
    return json({"success": True, "data": {"streams": streams, "total": len(streams)}})


class Fake:
    """
    What both versions have in common.

    :ivar asked: each request
    :ivar at: monotonic seconds of the next answer
    :ivar lies: by path: the status, or the whole answer, that comes instead of the true one
    """

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.at = 1000.0
        self.lies: dict[str, int | Answer] = {}

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        path = request.url.removeprefix(URL)
        lie = self.lies.get(path)
        answer = lie if isinstance(lie, Answer) else None
        if answer is None:
            status, body, headers = (lie, b"oops", {}) if lie else self.reply(path, request)
            kept = {name: headers[name] for name in request.wanted if name in headers}
            answer = Answer(status, "", body, kept)
        return Answer(
            answer.status, answer.phrase, answer.body, answer.headers, self.at, STARTED + 60
        )

    def reply(self, path: str, request: Request) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of a true answer."""
        raise NotImplementedError

    def took(self) -> list[str]:
        """What was asked since this was called last: ``GET /api/v1/health``."""
        asked = [f"{one.method} {one.url.removeprefix(URL)}" for one in self.asked]
        self.asked.clear()
        return asked


class Fake4(Fake):
    """
    Version 4 of Node-Media-Server, with its lock after five logins that failed.

    :ivar tokens: those that are good
    :ivar refuses_tokens: whatever its logins give
    """

    def __init__(self, *streams: object, version: str = "4.4.3", password: str = "right") -> None:
        super().__init__()
        self.streams = streams
        self.version = version
        self.password = password
        self.tokens: set[str] = set()
        self.given = 0
        self.failures = 0
        self.refuses_tokens = False

    def reply(self, path: str, request: Request) -> tuple[int, bytes, dict[str, str]]:
        if path == "/api/v1/health":
            health = {"status": "ok", "timestamp": "x", "version": self.version}
            return 200, json({"success": True, "data": health}), {}
        if path == "/api/v1/login":
            assert request.method == "POST"
            assert request.body is not None
            assert request.headers == (("Content-Type", "application/json"),)
            status, data = self.log_in(simplejson.loads(request.body))
            return status, json({"success": status == 200, "data": data}), {}
        if path != "/api/v1/streams":
            return 404, b"<!DOCTYPE html>Cannot GET", {}
        token = dict(request.headers).get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or self.refuses_tokens:
            return 401, json({"success": False, "code": "UNAUTHORIZED"}), {}
        return 200, list_4(*self.streams), {"date": "Sun, 22 Nov 2026 07:54:51 GMT"}

    def log_in(self, said: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Status and data of the answer to a login."""
        if self.failures >= 5:
            return 429, {}
        numbers = tuple(map(int, self.version.split(".")))
        if (4, 2, 8) <= numbers < (4, 3):
            assert "password" not in said
            if "challenge" not in said:
                return 200, {"challenge": "c0ffee"}
            good = hmac.new(self.password.encode(), b"c0ffee", "sha256").hexdigest()
            given = said["response"]
        else:
            good, given = self.password, said["password"]
            if numbers < (4, 2, 8):
                good = hashlib.md5(good.encode(), usedforsecurity=False).hexdigest()
        if (said["username"], given) != ("admin", good):
            self.failures += 1
            return 401, {}
        self.failures = 0
        self.given += 1
        token = f"e30.{self.given}.x-_"
        self.tokens.add(token)
        return 200, {"token": token}


class Fake2(Fake):
    """Version 2 of Node-Media-Server."""

    says = "Content-Type,Content-Length, Authorization, Accept,X-Requested-With"

    def __init__(self, streams: object, password: str | None = "right") -> None:
        super().__init__()
        self.streams = streams
        self.password = password

    def reply(self, path: str, request: Request) -> tuple[int, bytes, dict[str, str]]:
        headers = {
            "date": "Sun, 22 Nov 2026 07:54:11 GMT",
            "access-control-allow-headers": self.says,
        }
        pair = base64.b64encode(f"admin:{self.password}".encode()).decode()
        if self.password and ("Authorization", f"Basic {pair}") not in request.headers:
            headers["www-authenticate"] = 'Basic realm="Authorization Required"'
            return 401, b"Unauthorized", headers
        if path != "/api/streams":
            return 404, b"<!DOCTYPE html>Cannot GET", headers
        return 200, json(self.streams), headers
