"""Host names: who waits for a name server, and how often one is asked."""

from __future__ import annotations

import socket
import threading
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tvmon.sampling import names
from tvmon.sampling.names import Addresses, Names, UnresolvedError, in_threads


class NamesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[tuple[str, Deferred[Addresses]]] = []
        self.names = Names(self.clock, self.lookup)

    def lookup(self, host: str) -> Deferred[Addresses]:
        answer: Deferred[Addresses] = Deferred()
        self.asked.append((host, answer))
        return answer

    def answer(self, *addresses: str) -> None:
        """Answer the newest lookup."""
        self.asked[-1][1].callback(addresses)

    def refuse(self, temporary: bool = False) -> None:
        """Answer the newest lookup that there are none."""
        host, answer = self.asked[-1]
        answer.errback(UnresolvedError(host, temporary))

    def test_address_is_its_own(self) -> None:
        for address in ("10.0.0.1", "::1", "2001:db8::1"):
            self.assertEqual(self.successResultOf(self.names.addresses(address)), (address,))
        self.assertEqual(self.asked, [])
        self.assertEqual(len(self.names), 0)

    def test_asked_once_for_all(self) -> None:
        waiting = [self.names.addresses("a.example") for _ in range(100)]
        self.assertEqual(len(self.asked), 1)
        self.answer("10.0.0.1", "10.0.0.2")
        for each in waiting:
            self.assertEqual(self.successResultOf(each), ("10.0.0.1", "10.0.0.2"))

    def test_kept_and_renewed_meanwhile(self) -> None:
        self.names.addresses("a.example")
        self.answer("10.0.0.1")
        self.clock.advance(names.FRESH_SECONDS - 1)
        self.assertEqual(self.successResultOf(self.names.addresses("a.example")), ("10.0.0.1",))
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(1)
        for _ in range(3):  # the old one is given while the new one is on its way
            found = self.successResultOf(self.names.addresses("a.example"))
            self.assertEqual(found, ("10.0.0.1",))
        self.assertEqual(len(self.asked), 2)
        self.answer("10.0.0.9")
        self.assertEqual(self.successResultOf(self.names.addresses("a.example")), ("10.0.0.9",))
        self.assertEqual(len(self.asked), 2)

    def test_dead_name_server_after_a_good_answer(self) -> None:
        """For an hour the old answer is good enough; the name server is asked now and then."""
        self.names.addresses("a.example")
        self.answer("10.0.0.1")
        self.clock.advance(names.FRESH_SECONDS)
        for _ in range(10):
            self.successResultOf(self.names.addresses("a.example"))
            self.refuse(temporary=True)
            self.successResultOf(self.names.addresses("a.example"))
            self.clock.advance(names.FAILURE_SECONDS)
        self.assertEqual(len(self.asked), 11)
        self.clock.advance(names.STALE_SECONDS)
        waiting = self.names.addresses("a.example")
        self.assertNoResult(waiting)
        self.refuse(temporary=True)
        self.assertTrue(self.failureResultOf(waiting, UnresolvedError).value.temporary)

    def test_gone_for_good(self) -> None:
        """A name server that says that there is no such name is believed."""
        self.names.addresses("a.example")
        self.answer("10.0.0.1")
        self.clock.advance(names.FRESH_SECONDS)
        self.successResultOf(self.names.addresses("a.example"))
        self.refuse()
        failure = self.failureResultOf(self.names.addresses("a.example"), UnresolvedError)
        self.assertFalse(failure.value.temporary)

    def test_failure_is_kept_for_a_while(self) -> None:
        waiting = [self.names.addresses("a.example") for _ in range(3)]
        self.refuse()
        for each in waiting:
            self.failureResultOf(each, UnresolvedError)
        self.clock.advance(names.FAILURE_SECONDS - 0.1)
        failure = self.failureResultOf(self.names.addresses("a.example"), UnresolvedError)
        self.assertEqual(str(failure.value), "host name a.example does not resolve")
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(0.1)
        waiting = [self.names.addresses("a.example")]
        self.answer("10.0.0.1")
        self.assertEqual(self.successResultOf(waiting[0]), ("10.0.0.1",))

    def test_unforeseen_failure(self) -> None:
        waiting = self.names.addresses("a.example")
        self.asked[-1][1].errback(RuntimeError("of the lookup"))
        self.assertTrue(self.failureResultOf(waiting, UnresolvedError).value.temporary)

    def test_few_at_once(self) -> None:
        """The others wait their turn; an address never does."""
        hosts = [f"h{n}.example" for n in range(names.LOOKUPS_AT_ONCE + 3)]
        waiting = {host: self.names.addresses(host) for host in hosts}
        self.assertEqual(self.names.running, names.LOOKUPS_AT_ONCE)
        self.assertEqual(self.names.waiting, 3)
        self.successResultOf(self.names.addresses("10.0.0.1"))
        host, answer = self.asked[0]
        answer.callback(("10.0.0.1",))
        self.successResultOf(waiting[host])
        self.assertEqual(self.names.running, names.LOOKUPS_AT_ONCE)
        self.assertEqual(self.names.waiting, 2)
        for _, answer in self.asked[1:]:
            answer.callback(("10.0.0.2",))
        for _, answer in self.asked[names.LOOKUPS_AT_ONCE + 1 :]:
            answer.callback(("10.0.0.2",))
        self.assertEqual((self.names.running, self.names.waiting), (0, 0))
        self.assertEqual([host for host, _ in self.asked], hosts)

    def test_cancelled_while_under_way(self) -> None:
        """The others that wait go on waiting, and what comes is remembered."""
        one, two = (self.names.addresses("a.example") for _ in range(2))
        one.cancel()
        self.failureResultOf(one, CancelledError)
        two.cancel()
        self.failureResultOf(two, CancelledError)
        three = self.names.addresses("a.example")
        self.assertEqual(len(self.asked), 1)
        self.answer("10.0.0.1")
        self.assertEqual(self.successResultOf(three), ("10.0.0.1",))

    def test_cancelled_before_its_turn(self) -> None:
        """It is not begun at all, and nothing is remembered of it."""
        for n in range(names.LOOKUPS_AT_ONCE):
            self.names.addresses(f"h{n}.example")
        late = [self.names.addresses("late.example") for _ in range(2)]
        late[0].cancel()
        self.assertEqual(self.names.waiting, 1)
        late[1].cancel()
        for each in late:
            self.failureResultOf(each, CancelledError)
        self.assertEqual(self.names.waiting, 0)
        self.assertEqual(len(self.names), names.LOOKUPS_AT_ONCE)
        self.answer("10.0.0.1")
        self.assertEqual(len(self.asked), names.LOOKUPS_AT_ONCE)

    def test_memory_is_bounded(self) -> None:
        """The name that was not used for longest goes first."""
        for n in range(names.NAMES_KEPT + 10):
            self.names.addresses(f"h{n}.example")
            self.answer("10.0.0.1")
            self.successResultOf(self.names.addresses("h0.example"))
        self.assertEqual(len(self.names), names.NAMES_KEPT)
        self.assertEqual(len(self.asked), names.NAMES_KEPT + 10)

    def test_many_addresses(self) -> None:
        self.names.addresses("a.example")
        self.answer(*(f"10.0.0.{n}" for n in range(100)))
        found = self.successResultOf(self.names.addresses("a.example"))
        self.assertEqual(len(found), names.ADDRESSES_KEPT)

    def test_close(self) -> None:
        waiting = [self.names.addresses(f"h{n}.example") for n in range(30)]
        self.names.close()
        for each in waiting:
            self.failureResultOf(each, CancelledError)
        for _, answer in self.asked:
            answer.callback(("10.0.0.1",))
        self.assertEqual(len(self.names), 0)
        self.assertEqual(self.names.running, 0)
        self.assertEqual(len(self.asked), names.LOOKUPS_AT_ONCE)


def row(address: str) -> tuple[Any, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))


class InThreads(TestCase):
    """The system's lookup."""

    async def lookup(self, getaddrinfo: Any) -> Any:
        from twisted.internet import reactor

        return await in_threads(reactor, getaddrinfo)("a.example")  # type: ignore[arg-type]

    async def test_found(self) -> None:
        seen: list[Any] = []

        def getaddrinfo(*args: Any, **more: Any) -> list[Any]:
            seen.append((args, more, threading.current_thread()))
            return [row("10.0.0.2"), row("10.0.0.1"), row("10.0.0.2")]

        self.assertEqual(await self.lookup(getaddrinfo), ("10.0.0.2", "10.0.0.1"))
        ((args, more, thread),) = seen
        self.assertEqual((args, more), (("a.example", 0), {"type": socket.SOCK_STREAM}))
        self.assertIsNot(thread, threading.main_thread())
        self.assertTrue(thread.daemon)

    async def test_failures(self) -> None:
        for error, temporary in (
            (socket.gaierror(socket.EAI_NONAME, "no"), False),
            (socket.gaierror(socket.EAI_NODATA, "no"), False),
            (socket.gaierror(socket.EAI_AGAIN, "later"), True),
            (socket.gaierror(socket.EAI_FAIL, "fail"), True),
            (OSError("system"), True),
            (UnicodeError("label too long"), False),
        ):

            def getaddrinfo(*args: Any, e: Exception = error, **more: Any) -> list[Any]:
                raise e

            with self.assertRaises(UnresolvedError) as caught:
                await self.lookup(getaddrinfo)
            self.assertEqual(caught.exception.temporary, temporary, error)

    async def test_nothing_found(self) -> None:
        with self.assertRaises(UnresolvedError):
            await self.lookup(lambda *args, **more: [])

    async def test_really(self) -> None:
        from twisted.internet import reactor

        look: Any = in_threads(reactor)  # type: ignore[arg-type]
        self.assertIn("127.0.0.1", await look("localhost"))
        with self.assertRaises(UnresolvedError):
            await look("x" * 99 + ".invalid")
