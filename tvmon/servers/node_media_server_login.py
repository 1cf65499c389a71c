"""
How tvmon gets into the API of Node-Media-Server 4.

A login gives a token, which is good for a day where the server's configuration says nothing
else; it is kept for as long as the server takes it.

Five logins that fail, with any time between them and no good one, lock the user out for 15
minutes, and everyone else of that name at the same address: behind a proxy that is everyone.  So
a login is tried once for a question, and after a failure later and later.  Until then the same
failure is told, and what is asked is only whether the server is there: its answer to that also
brings the time, which a conversation has from nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from http import HTTPStatus
from typing import Any

import simplejson

from tvmon.errors import BadAnswer, Trouble
from tvmon.servers import Answer, Fetch, Request
from tvmon.servers.answers import good_body
from tvmon.servers.site import Site
from tvmon.servers.values import json_of, table, text

HEALTH = "/api/v1/health"
"""Tells the version, and wants no token."""

LOGIN = "/api/v1/login"

REFUSED_SECONDS = 300.0
"""How long no login is tried after one that was refused; twice as long after the next."""

MOST_REFUSED_SECONDS = 3600.0

FAILED_SECONDS = 60.0
"""How long none is tried after one that failed otherwise; the server may have counted it."""

FIRST_WITH_CHALLENGE = (4, 2, 8)
FIRST_WITH_PASSWORD = (4, 3, 0)

NO_PASSWORD = "the server asks for a user and a password"  # noqa: S105 - it is a sentence
TOKEN_REFUSED = "HTTP 401: the token is refused though the login was good"  # noqa: S105
LOCKED = "the server lets nobody log in for a while, since too many logins failed"

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,4000}", re.ASCII)


class Login:
    """What a conversation has of its login; it holds one token at most."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._token: str | None = None
        self._failure: Trouble | None = None
        self._again_at = 0.0
        self._refused = 0

    async def get(self, fetch: Fetch, path: str, wanted: tuple[str, ...] = ()) -> Answer:
        """The answer of status 200 to a GET, logging in where need be; Trouble."""
        is_new = self._token is None
        token = self._token or await self._log_in(fetch)
        answer = await self._get(fetch, path, wanted, token)
        if answer.status == HTTPStatus.UNAUTHORIZED and not is_new:
            token = await self._log_in(fetch)
            answer = await self._get(fetch, path, wanted, token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
            raise self._failed(BadAnswer(TOKEN_REFUSED, "auth"), answer.at)
        self._failure, self._refused = None, 0
        if answer.status == HTTPStatus.FORBIDDEN:
            self._site.good(answer)
        good_body(answer, (token,))
        return answer

    async def _get(self, fetch: Fetch, path: str, wanted: tuple[str, ...], token: str) -> Answer:
        headers = (("Authorization", f"Bearer {token}"),)
        return await fetch(Request(self._site.url + path, headers=headers, wanted=wanted))

    async def _log_in(self, fetch: Fetch) -> str:
        """A new token; it is tried once, and not at all too soon after one that failed."""
        self._token = None
        password = self._site.password
        if password is None:
            raise BadAnswer(NO_PASSWORD, "auth")
        health = await fetch(Request(self._site.url + HEALTH))
        version = version_of(health)
        if version is None:
            raise no_api(health)
        if self._failure is not None and health.at < self._again_at:
            raise type(self._failure)(self._failure.reason, self._failure.outcome)
        try:
            self._token = await self._new_token(fetch, version, password)
        except Trouble as trouble:
            raise self._failed(trouble, health.at) from None
        return self._token

    def _failed(self, trouble: Trouble, at: float) -> Trouble:
        """Note when the next login may be tried."""
        if trouble.outcome == "auth":
            wait = min(REFUSED_SECONDS * 2**self._refused, MOST_REFUSED_SECONDS)
            self._refused = min(self._refused + 1, 10)
        else:
            wait = FAILED_SECONDS
        self._failure = type(trouble)(trouble.reason, trouble.outcome)
        self._again_at = at + wait
        return trouble

    async def _new_token(self, fetch: Fetch, version: str, password: str) -> str:
        numbers = _numbers(version)
        user = {"username": self._site.user}
        if numbers >= FIRST_WITH_PASSWORD:
            data = await self._post(fetch, {**user, "password": password})
        elif numbers >= FIRST_WITH_CHALLENGE:
            challenge = text((await self._post(fetch, user)).get("challenge"))
            if challenge is None:
                raise BadAnswer("the answer to the login holds no challenge", "body")
            proof = hmac.new(password.encode(), challenge.encode(), "sha256").hexdigest()
            data = await self._post(fetch, {**user, "challenge": challenge, "response": proof})
        else:
            digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
            data = await self._post(fetch, {**user, "password": digest})
        token = text(data.get("token"))
        if token is None or not _TOKEN.fullmatch(token):
            raise BadAnswer("the answer to the login holds no token", "body")
        return token

    async def _post(self, fetch: Fetch, said: dict[str, Any]) -> dict[str, Any]:
        """What is told of a login, or of its first step."""
        headers = (("Content-Type", "application/json"),)
        body = simplejson.dumps(said).encode()
        answer = await fetch(Request(self._site.url + LOGIN, "POST", headers, body))
        if answer.status in (HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS):
            raise BadAnswer(f"HTTP {answer.status}: {LOCKED}", "auth")
        told = table(json_of(self._site.good(answer), "the answer to the login"))
        return table(told.get("data"))


def version_of(health: Answer) -> str | None:
    """The version that a Node-Media-Server 4 tells of itself; ``None`` where it is none."""
    if health.status != HTTPStatus.OK:
        return None
    try:
        told = table(json_of(health.body, ""))
    except BadAnswer:
        return None
    version = text(table(told.get("data")).get("version"))
    is_one = told.get("success") is True and version is not None and _VERSION.match(version)
    return version if is_one else None


def no_api(health: Answer) -> BadAnswer:
    """Why the answer to :data:`HEALTH` is none."""
    if health.status >= HTTPStatus.TOO_MANY_REQUESTS:
        good_body(health)
    words = "there is no API of Node-Media-Server 4, which has one where auth.jwt is configured"
    return BadAnswer(f"HTTP {health.status} for {HEALTH}: {words}", "http")


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    return tuple(map(int, found.groups())) if found else FIRST_WITH_PASSWORD
