"""
MediaMTX, by its API v3: it lists every path, with all that it says of them.

The list comes in pages, of paths in the order of their names.  So a path that ends while the
pages are read moves others to pages that were read already, and they are missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from tvmon.errors import BadAnswer, Trouble
from tvmon.servers import Answer, Drift, Fetch, Found, Kind, Probe, Request, Seen, Survey
from tvmon.servers.answers import good_body
from tvmon.servers.mediamtx_path import is_live, look, measurement, received
from tvmon.servers.site import OfSite, Site, Unusable
from tvmon.servers.steps import Steps, in_steps
from tvmon.servers.values import count, json_of, table, text
from tvmon.settings import Section
from tvmon.streams import Stream
from tvmon.words import cleaned

PAGE = 1000
"""How many paths are asked for at a time; the server sets no limit, and fewer pages shift less."""

MOST_PAGES = 100
"""A server that has more has a list without an end."""

MOST_REMEMBERED = 20_000
"""How many names are remembered with the streams that were made of them, which takes a while."""

ERROR_CHARACTERS = 100
"""How much of the server's own words for an error is shown."""

_Named = tuple[Stream, Mapping[str, Any]]
"""An item of the list, with its stream."""

_ANSWER = frozenset({"itemCount", "pageCount", "items"})
_SHIFTED = "view incomplete: the list of paths changed while it was read"


@dataclass(frozen=True, slots=True)
class MediaMTX(OfSite):
    """
    One MediaMTX of the configuration.

    :param token: a JWT, or what else goes behind ``Bearer``
    """

    token: str | None = field(default=None, repr=False)

    def begin(self) -> MediaMTXOverview:
        """Start a conversation."""
        return MediaMTXOverview(self)


@dataclass(slots=True)
class _Reading:
    """
    The pages of one list.

    :ivar items: by their names; a path that moved from one page to the next is there once
    :ivar steady: nothing showed that the list changed between two pages
    :ivar now: by the server's clock, seconds since 1970
    """

    now: float = 0.0
    pages: int = 0
    steady: bool = True
    wrong: int = 0
    items: dict[str | None, Mapping[str, Any]] = field(default_factory=dict)
    _counted: int | None = None

    def take(self, items: list[Any], counted: int | None, now: float) -> bool:
        """Add a page of a list of so many; whether it held anything new."""
        before = len(self.items)
        named = [item for item in items if isinstance(item, dict)]
        self.wrong += len(items) - len(named)
        for item in named:
            name = text(item.get("name"))
            self.steady = self.steady and name not in self.items
            self.items[name] = item
        self.steady = self.steady and (not self.pages or counted == self._counted)
        self.now, self.pages, self._counted = now, self.pages + 1, counted
        return len(self.items) > before


class MediaMTXOverview:
    """
    A conversation with a MediaMTX.

    :ivar _known: the paths that somebody published to at the last survey, and their bytes
    """

    def __init__(self, server: MediaMTX) -> None:
        self.drift = Drift()
        self._site = server.site
        self._stream = lru_cache(MOST_REMEMBERED)(server.site.stream)
        self._token = server.token
        self._known: dict[str, int | None] = {}
        self._started: str | None = None
        self._asks_for_start = True
        self._tells_start = True

    async def survey(self, fetch: Fetch) -> Survey:
        """All paths now."""
        reading = await self._read(fetch)
        found, skipped = await in_steps(self._named(reading))
        unseen: dict[str, str] = {}
        if reading.pages > 1 and not self._known.keys() <= found.keys():
            again = await self._read(fetch)
            found |= (await in_steps(self._named(again)))[0]
            if not again.steady:
                unseen = dict.fromkeys(self._known.keys() - found.keys(), _SHIFTED)
        live = {key: received(item) for key, (_, item) in found.items() if is_live(item)}
        ended = self._known.keys() - live.keys() - unseen.keys()
        if ended or any(_is_less(live[key], self._known.get(key)) for key in live):
            self._asks_for_start = True
        if self._tells_start and self._asks_for_start:
            await self._ask_for_start(fetch)
        self._known = live
        return Survey(await in_steps(self._seen(found, reading.now)), skipped, unseen)

    async def _read(self, fetch: Fetch) -> _Reading:
        """Every page."""
        reading = _Reading()
        for page in range(MOST_PAGES):
            path = f"/v3/paths/list?itemsPerPage={PAGE}&page={page}"
            answer, body = await self._ask(fetch, path, "the list of paths")
            self.drift.look("answer", body.keys(), _ANSWER, _ANSWER)
            counted, pages = count(body.get("itemCount")), count(body.get("pageCount"))
            items = body.get("items")
            if items is None and counted == 0:
                items = []
            if not isinstance(items, list):
                raise BadAnswer("the list of paths holds no items", "body")
            is_new = reading.take(items, counted, _server_time(answer))
            is_last = len(items) < PAGE if pages is None else page + 1 >= pages
            if is_last or not is_new:
                return reading
        raise BadAnswer(f"the list of paths has more than {MOST_PAGES} pages", "body")

    async def _ask_for_start(self, fetch: Fetch) -> None:
        """
        Ask when the server started: at first, and when a path ended or counts anew.

        It must not cost the survey: before 1.15.2 there is nothing to ask, and a proxy may keep
        it from us.
        """
        try:
            _, body = await self._ask(fetch, "/v3/info", "the server's state")
        except BadAnswer:
            self._tells_start = False
        except Trouble:
            return
        else:
            self._started = text(body.get("started"))
        self._asks_for_start = False

    async def _ask(self, fetch: Fetch, path: str, what: str) -> tuple[Answer, dict[str, Any]]:
        """The answer to a GET, and the object in it."""
        url, headers = self._site.url + path, self._site.authorization
        if self._token is not None:
            headers = (("Authorization", f"Bearer {self._token}"),)
        answer = await fetch(Request(url, headers=headers, wanted=("date",)))
        body = json_of(self._good(answer), what)
        if not isinstance(body, dict):
            raise BadAnswer(f"{what} is not of a MediaMTX", "body")
        if body.get("status") == "error":
            raise BadAnswer(f"{what}: {self._error(answer) or 'an error'}", "body")
        return answer, body

    def _good(self, answer: Answer) -> bytes:
        """The body of an answer of status 200."""
        is_refused = answer.status in (401, 403)
        why = None if is_refused or answer.status == 200 else self._error(answer)
        if why is not None:
            raise BadAnswer(f"HTTP {answer.status}: {why}", "http")
        if self._token is None:
            return self._site.good(answer)
        if is_refused:
            raise BadAnswer(f"HTTP {answer.status}: the token is refused", "auth")
        return good_body(answer, (self._token,))

    def _error(self, answer: Answer) -> str | None:
        """The server's own words for what is wrong, unless they hold a secret of ours."""
        try:
            words = text(table(json_of(answer.body, "")).get("error"))
        except BadAnswer:
            return None
        secrets = [each for each in (self._token, self._site.password) if each]
        if words is None or any(secret in words for secret in secrets):
            return None
        return cleaned(words, ERROR_CHARACTERS)

    def _named(self, reading: _Reading) -> Steps[tuple[dict[str, _Named], tuple[str, ...]]]:
        """Each item by its stream's key, and why others are left out."""
        skipped = [f"{reading.wrong} paths of the list are no objects"] if reading.wrong else []
        found: dict[str, _Named] = {}
        for number, (name, item) in enumerate(reading.items.items(), 1):
            yield
            look(item, self.drift)
            try:
                stream = self._stream(name or "")
            except Unusable as why:
                skipped.append(f"path {number} of the list is left out: {why}")
                continue
            if stream.key in found:
                skipped.append(f"path {number} of the list is left out: its name is taken")
                continue
            found[stream.key] = (stream, item)
        return found, tuple(skipped)

    def _seen(self, found: Mapping[str, _Named], now: float) -> Steps[dict[str, Seen]]:
        """What is said of each."""
        seen: dict[str, Seen] = {}
        for key, (stream, item) in found.items():
            seen[key] = Seen(stream, measurement(item, self._started, now))
            yield
        return seen


def _is_less(now: int | None, before: int | None) -> bool:
    return now is not None and before is not None and now < before


def _server_time(answer: Answer) -> float:
    """Now, by the clock that the server's times are of; ours where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return answer.time


def configured(section: Section) -> MediaMTX:
    """The media server that a ``[[server]]`` of kind ``mediamtx`` describes."""
    site = Site.configured(section)
    token = section.secret("token", check=_one_word)
    if section.has_secret("token") and section.has_secret("password"):
        section.problem("token", "must not be there beside a password", secret=True)
    return MediaMTX(site, token)


def _one_word(token: str) -> str | None:
    return None if token.isascii() and " " not in token else "must be ASCII without blanks"


def at(sample_interface: str) -> tuple[MediaMTX, Stream]:
    """The server and the stream of a sample interface, without password and token."""
    site, stream = Site.at(sample_interface)
    return MediaMTX(site), stream


def recognise(answer: Answer, url: str) -> Found | None:
    """Whether ``/v3/paths/list`` was answered by a MediaMTX."""
    try:
        body = table(json_of(answer.body, "the list of paths"))
    except BadAnswer:
        return None
    if answer.status == 200 and body.keys() >= _ANSWER:
        return Found("MediaMTX", {"url": url})
    is_asked = 'realm="mediamtx"' in answer.headers.get("www-authenticate", "")
    is_error = body.get("status") == "error" and isinstance(body.get("error"), str)
    if answer.status == 401 and (is_error or is_asked):
        options = {"url": url, "user": "${MEDIAMTX_USER}", "password": "${MEDIAMTX_PASSWORD}"}
        return Found("MediaMTX, which asks for a user and a password", options)
    return None


KIND = Kind(
    "mediamtx",
    configured,
    at,
    probes=(Probe((9997,), "/v3/paths/list", recognise, ("www-authenticate",)),),
)
"""MediaMTX, by its API v3."""
