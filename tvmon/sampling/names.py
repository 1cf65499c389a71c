"""
Host names to addresses, so that no name server can hold up more than its own names.

Names are looked up by the operating system, which knows of more than DNS and blocks while it
does, up to half a minute where a name server is dead.  So each lookup has a thread; there are
few, of our own, and they die with the process: Twisted's pool is joined when the reactor stops.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure

from tvmon.sampling.targets import is_address

FRESH_SECONDS = 60.0
"""How long an answer is used without asking again."""

STALE_SECONDS = 3_600.0
"""How much longer it is used where asking again brings no answer, while we go on asking."""

FAILURE_SECONDS = 5.0
"""How long a name that does not resolve is not asked for again."""

LOOKUPS_AT_ONCE = 16
"""How many names are looked up at the same time; each holds a thread until it is answered."""

NAMES_KEPT = 4_096
"""How many names are remembered; the one that was not used for longest is forgotten."""

ADDRESSES_KEPT = 8
"""How many addresses of a name are used."""

Addresses = tuple[str, ...]
Lookup = Callable[[str], Deferred[Addresses]]
"""Looks up a name, which is not to be cancelled; fails with :class:`UnresolvedError`."""


class UnresolvedError(Exception):
    """
    A name without addresses.

    :param temporary: nobody could tell; otherwise it is known that there are none
    """

    def __init__(self, host: str, temporary: bool) -> None:
        super().__init__(f"host name {host} does not resolve")
        self.temporary = temporary


class _Name:
    """What is known of a name, and who waits to know."""

    __slots__ = ("addresses", "due_at", "failed", "looking", "temporary", "usable_until", "waiting")

    def __init__(self) -> None:
        self.addresses: Addresses = ()
        self.usable_until = 0.0
        self.failed = self.temporary = False
        self.due_at = 0.0
        self.looking = False
        self.waiting: list[Deferred[Addresses]] = []


class Names:
    """
    Answers from memory where it can; nobody looks up a name that somebody is looking up already.

    An old answer is given while a new one is fetched, so a poll waits for a name server only
    the first time.
    """

    def __init__(self, clock: IReactorTime, lookup: Lookup) -> None:
        self._clock, self._lookup = clock, lookup
        self._names: dict[str, _Name] = {}
        self._queue: deque[str] = deque()
        self._running = 0

    def __len__(self) -> int:
        return len(self._names)

    @property
    def running(self) -> int:
        """Lookups under way; those that hang included."""
        return self._running

    @property
    def waiting(self) -> int:
        """Lookups that wait for one under way to end."""
        return len(self._queue)

    def addresses(self, host: str) -> Deferred[Addresses]:
        """
        The addresses of a host, the best first; an address is its own.

        Fails with :class:`UnresolvedError`.  May be cancelled: a lookup that nobody waits for any
        more is not begun; one that was begun goes on, and what it brings is remembered.
        """
        if is_address(host):
            return succeed((host,))
        name, now = self._name(host), self._clock.seconds()
        due = now >= name.due_at
        if name.addresses and now < name.usable_until:
            if due:
                self._look(host, name)
            return succeed(name.addresses)
        if name.failed and not due:
            return fail(UnresolvedError(host, name.temporary))
        waiter: Deferred[Addresses] = Deferred(lambda gone: self._gone(host, name, gone))
        name.waiting.append(waiter)
        self._look(host, name)
        return waiter

    def close(self) -> None:
        """Forget everything; what is under way ends by itself, and nobody is told."""
        self._queue.clear()
        for name in self._names.values():
            for waiter in name.waiting[:]:
                waiter.cancel()
        self._names.clear()

    def _name(self, host: str) -> _Name:
        """What is known of it, moved to the end, where the ones lie that were used last."""
        name = self._names.pop(host, None) or _Name()
        self._names[host] = name
        if len(self._names) > NAMES_KEPT:
            for old, its in self._names.items():
                if not its.looking:
                    del self._names[old]
                    break
        return name

    def _look(self, host: str, name: _Name) -> None:
        if name.looking:
            return
        name.looking = True
        if self._running < LOOKUPS_AT_ONCE:
            self._begin(host, name)
        else:
            self._queue.append(host)

    def _begin(self, host: str, name: _Name) -> None:
        self._running += 1
        self._lookup(host).addCallbacks(
            self._found, self._failed, callbackArgs=(name,), errbackArgs=(host, name)
        ).addBoth(lambda _: self._ended())

    def _ended(self) -> None:
        self._running -= 1
        while self._queue and self._running < LOOKUPS_AT_ONCE:
            host = self._queue.popleft()
            self._begin(host, self._names[host])

    def _found(self, addresses: Addresses, name: _Name) -> None:
        now = self._clock.seconds()
        name.looking = name.failed = False
        name.addresses = addresses[:ADDRESSES_KEPT]
        name.due_at = now + FRESH_SECONDS
        name.usable_until = name.due_at + STALE_SECONDS
        waiting, name.waiting = name.waiting, []
        for waiter in waiting:
            waiter.callback(name.addresses)

    def _failed(self, failure: Failure, host: str, name: _Name) -> None:
        error = failure.value
        name.looking, name.failed = False, True
        name.temporary = not isinstance(error, UnresolvedError) or error.temporary
        name.due_at = self._clock.seconds() + FAILURE_SECONDS
        if not name.temporary:
            name.addresses = ()
        waiting, name.waiting = name.waiting, []
        for waiter in waiting:
            waiter.errback(UnresolvedError(host, name.temporary))

    def _gone(self, host: str, name: _Name, waiter: Deferred[Addresses]) -> None:
        name.waiting.remove(waiter)
        if not name.waiting and not name.addresses and host in self._queue:
            self._queue.remove(host)
            del self._names[host]


def in_threads(
    reactor: IReactorFromThreads, getaddrinfo: Callable[..., Sequence[Any]] = socket.getaddrinfo
) -> Lookup:
    """The operating system's lookup, each in a thread that keeps nobody from ending."""

    def lookup(host: str) -> Deferred[Addresses]:
        found: Deferred[Addresses] = Deferred()

        def work() -> None:
            try:
                rows = getaddrinfo(host, 0, type=socket.SOCK_STREAM)
                addresses = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
                result: Addresses | Exception = addresses or UnresolvedError(host, temporary=False)
            except Exception as error:
                result = UnresolvedError(host, _is_temporary(error))
            answer = found.errback if isinstance(result, Exception) else found.callback
            reactor.callFromThread(answer, result)

        try:
            Thread(target=work, name=f"lookup of {host}", daemon=True).start()
        except RuntimeError:  # no more threads
            found.errback(UnresolvedError(host, temporary=True))
        return found

    return lookup


_KNOWN_TO_HAVE_NONE = {
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    if hasattr(socket, name)
}


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, socket.gaierror):
        return error.errno not in _KNOWN_TO_HAVE_NONE
    return not isinstance(error, UnicodeError)  # a name that no server can know
