"""
One HTTP request to a media server, with one deadline over all of it.

Whatever a server does, a fetch ends in time, with an answer or with a reason in an operator's
words, and what it held is gone: the socket, the timer, the memory.

    fetch.py         one request: deadline, bounds, redirects, one retry
    underway.py      how far it is, and why it is given up
    targets.py       URLs, worked out once
    outgoing.py      what is sent
    names.py         host names to addresses
    dialing.py       name, TCP, TLS
    connection.py    one connection
    connections.py   all of them, lent to one request at a time
    lease.py         one that is lent
    plain.py         an answer in its plainest form
    body.py          the body of any other one, within its bound
    answering.py     answers as they are passed on
    backlog.py       answers that wait for their turn, where many have come
    reasons.py       why there is no answer, in words
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS, IResponse

from tvmon.errors import NoAnswer
from tvmon.sampling.answering import plain_answer, whole_answer
from tvmon.sampling.backlog import Backlog
from tvmon.sampling.body import Body, too_large
from tvmon.sampling.connections import IDLE_PER_ORIGIN, IDLE_SECONDS, Connections
from tvmon.sampling.dialing import Dialer, Reactor
from tvmon.sampling.lease import HEAD_BYTES, Lease
from tvmon.sampling.names import Lookup, Names, in_threads
from tvmon.sampling.outgoing import NO_COOKIES, Content, headers_for
from tvmon.sampling.reasons import causes, cut_off, explain
from tvmon.sampling.targets import Target, Targets, UnusableURLError
from tvmon.sampling.underway import UnderWay
from tvmon.servers import Answer, Request

REDIRECTS = 3
"""How many redirects are followed."""

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_SAFE = frozenset(("GET", "HEAD"))


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What the fetcher holds and did, for those who watch tvmon itself.

    :param in_flight: fetches under way
    :param connections: open ones, and those being closed
    :param idle: open ones that serve nobody at the moment
    :param opened: connections ever opened
    :param reused: how often one served again
    :param retried: how often one turned out to be closed by the server, and a new one was taken
    :param lookups: host names being looked up; one that hangs counts until it is given up
    :param awaited: how often a request waited for a connection, since many had one
    :param plain: answers that were read without treq
    :param backlog: fetches that are over, and wait to be passed on
    """

    in_flight: int
    connections: int
    idle: int
    opened: int
    reused: int
    retried: int
    lookups: int
    awaited: int
    plain: int
    backlog: int


class Fetcher:
    """
    Asks media servers; one for the daemon.

    :param body_bytes: the largest body of an answer, unpacked, where a fetch does not say
    :param tls: which certificates are trusted; by default those that the system trusts
    :param lookup: how host names are looked up; by default as the system does it
    :param now: the wall clock, seconds since 1970; by default the reactor's, which is that one
        where nobody changed it
    :param leaves: whether a redirect is followed to another host, or another port of it
    :param reads_plain: whether plain answers are read by :mod:`tvmon.sampling.plain`, and not by
        treq and Twisted as all others are
    :param timers: for the deadlines; by default those of the reactor
    :param backlog: where answers wait when many have come; by default one of its own
    """

    def __init__(
        self,
        reactor: Reactor,
        *,
        body_bytes: int,
        tls: IPolicyForHTTPS | None = None,
        lookup: Lookup | None = None,
        head_bytes: int = HEAD_BYTES,
        idle_per_origin: int = IDLE_PER_ORIGIN,
        idle_seconds: float = IDLE_SECONDS,
        now: Callable[[], float] | None = None,
        leaves: bool = True,
        reads_plain: bool = True,
        timers: IReactorTime | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self._reactor = reactor
        self._backlog = Backlog(reactor) if backlog is None else backlog
        self._timers = timers or reactor
        self._reads_plain = reads_plain
        self._leaves = leaves
        self._now = now or reactor.seconds
        self._body_bytes, self._head_bytes = body_bytes, head_bytes
        self._names = Names(reactor, lookup or in_threads(reactor))
        self._connections = Connections(
            reactor,
            Dialer(reactor, self._names, tls or BrowserLikePolicyForHTTPS()),
            idle_per_origin=idle_per_origin,
            idle_seconds=idle_seconds,
        )
        self._targets = Targets()
        self._running: set[UnderWay] = set()
        self._retried = self._plain = 0
        self._closed = False

    @property
    def figures(self) -> Figures:
        """What it holds and did."""
        return Figures(
            len(self._running),
            len(self._connections),
            self._connections.idle,
            self._connections.opened,
            self._connections.reused,
            self._retried,
            self._names.running,
            self._connections.awaited,
            self._plain,
            len(self._backlog),
        )

    async def fetch(
        self, request: Request, seconds: float, body_bytes: int | None = None
    ) -> Answer:
        """
        Ask, and return the whole answer, whatever its status.

        Raises :class:`~tvmon.errors.NoAnswer`, and nothing else but CancelledError where it is
        cancelled, which ends it as the deadline does.

        :param seconds: for all of it: name, connection, TLS, head, body, redirects
        :param body_bytes: the largest body of this answer
        """
        if self._closed:
            raise NoAnswer("tvmon is stopping", "connection")
        most = self._body_bytes if body_bytes is None else body_bytes
        asking = UnderWay(self._reactor.seconds(), seconds, request, most)
        timer = self._timers.callLater(max(0.0, seconds), asking.expire)
        self._running.add(asking)
        trouble: Exception | None = None
        answer: Answer | None = None
        try:
            answer = await self._follow(asking)
        except Exception as error:
            trouble = self._trouble(asking, error)
            if trouble.__cause__ is not error:
                # It refers to itself, by Twisted's frames in its traceback and what they hold.
                error.__traceback__ = None
        finally:
            self._running.discard(asking)
            asking.over()
            if timer.active():
                timer.cancel()
        # Here and not above: who keeps the reason must not keep what led to it, by its traceback.
        try:
            if not self._closed and not isinstance(trouble, CancelledError):
                turn = self._backlog.turn()
                if turn is not None:
                    await turn
            if answer is None:
                assert trouble is not None
                raise trouble
            return answer
        finally:
            del trouble  # which would refer to itself, by this frame in its traceback

    async def close(self) -> None:
        """End every fetch and close every connection; nothing is left afterwards."""
        self._closed = True
        self._backlog.release()
        for asking in list(self._running):
            asking.refuse(NoAnswer("tvmon is stopping", "connection"))
        self._names.close()
        await self._connections.close()

    async def _follow(self, asking: UnderWay) -> Answer:
        """Ask, and ask again where a redirect leads; the request's headers stay at home."""
        request = asking.request
        first = target = self._target(request.url)
        seen: set[str] = set()
        while True:
            at_home = target.origin == first.origin
            headers = headers_for(
                target.origin,
                first.authorization if at_home else None,
                request.headers if at_home else (),
            )
            plain = target.get if target is first and self._is_plain(asking) else None
            answer, location = await self._ask(asking, target, headers, plain)
            if location is None:
                return replace(answer, url=target.url.to_text()) if seen else answer
            seen.add(target.url.to_text())
            try:
                target = target.follow(location)
            except UnusableURLError as error:
                raise NoAnswer(f"redirected, and {error}", "redirect") from None
            if target.origin != first.origin and not self._leaves:
                elsewhere = f"{target.origin.scheme}://{target.origin.netloc}"
                raise NoAnswer(f"redirected to {elsewhere}", "redirect")
            if target.url.to_text() in seen:
                raise NoAnswer("redirect loop", "redirect")
            if len(seen) > REDIRECTS:
                raise NoAnswer(f"redirected more than {REDIRECTS} times", "redirect")

    def _target(self, url: str) -> Target:
        try:
            return self._targets.of(url)
        except UnusableURLError as error:
            raise NoAnswer(str(error), "connection") from None

    def _is_plain(self, asking: UnderWay) -> bool:
        """Whether it can be asked by what is kept ready for its URL."""
        request = asking.request
        return (
            self._reads_plain
            and asking.method == "GET"
            and not request.headers
            and not request.body
        )

    async def _ask(
        self, asking: UnderWay, target: Target, headers: Headers, plain: bytes | None
    ) -> tuple[Answer, str | None]:
        """
        Ask once; and once more on a new connection, where the server closed an idle one as we
        asked.  What may change something at the server is asked on a new connection at once.

        :param plain: the whole request, where its answer may be plain
        """
        fresh = asking.request.fresh or asking.method not in _SAFE
        try:
            return await self._exchange(asking, target, headers, plain, fresh)
        except Exception as error:
            lease = asking.lease
            if asking.trouble is not None or lease is None or not lease.found_closed:
                raise
            # Its frames hold what it came out of, and that holds it.
            error.__traceback__ = None
        self._retried += 1
        return await self._exchange(asking, target, headers, plain, True)

    async def _exchange(
        self, asking: UnderWay, target: Target, headers: Headers, plain: bytes | None, fresh: bool
    ) -> tuple[Answer, str | None]:
        """One request on one connection; the answer, and where it redirects to."""
        lease = Lease(
            self._reactor,
            self._connections,
            target.origin,
            headers,
            fresh=fresh,
            head_bytes=self._head_bytes,
            refuse=asking.refuse,
        )
        asking.begin(target.origin, lease)
        whole = False
        try:
            if plain is not None:
                came = await asking.on(lease.ask(plain, asking.most))
                if came is not None:
                    whole = True
                    self._plain += 1
                    return plain_answer(asking, self._moment(), *came), None
            response = await asking.on(
                HTTPClient(lease, NO_COOKIES, Content).request(
                    asking.method,
                    target.url,
                    data=asking.request.body or None,
                    cookies=NO_COOKIES,
                    allow_redirects=False,
                    unbuffered=True,
                    reactor=cast(Any, self._reactor),  # treq wants more of it for a timeout
                )
            )
            content = Body(asking.most, lease.encoding, asking.refuse)
            asking.reading(content, response.length)
            if asking.length is not None and asking.length > asking.most:
                raise too_large(asking.most)
            await asking.on(response.collect(content.take))
            if asking.trouble is not None:
                raise asking.trouble  # what had come already was taken in one go
            lost_by = lease.lost_by
            if lost_by is not None and not lost_by.check(ConnectionDone):
                # A body that ends with its connection looks complete to Twisted in any case.
                raise cut_off(asking.progress())
            whole = True
            answer = whole_answer(asking, self._moment(), response, content.whole())
            return answer, _location(asking.method, response)
        finally:
            lease.end(whole)

    def _moment(self) -> tuple[float, float]:
        """Now, by the clock and by the wall."""
        # Read side by side: what one lags shows in every rate worked out from the other.
        return self._reactor.seconds(), self._now()

    def _trouble(self, asking: UnderWay, error: Exception) -> Exception:
        """What is to be raised: the reason why it was given up, or why it failed by itself."""
        given_up, lease = asking.trouble, asking.lease
        if given_up is None:
            if any(isinstance(cause, CancelledError) for cause in causes(error)):
                return CancelledError()
            return explain(error, asking.progress())
        if given_up.outcome == "timeout" and lease is not None and lease.unanswered:
            self._connections.distrust(lease.origin)
        # One of its own: the frames that gave it up hold the other, and its traceback holds them.
        return NoAnswer(given_up.reason, given_up.outcome)


def _location(method: str, response: IResponse) -> str | None:
    if method not in _SAFE or response.code not in _REDIRECTS:
        return None
    locations: list[bytes] | None = response.headers.getRawHeaders(b"location")
    return locations[0].decode("utf-8", "replace") if locations else None
