"""
A media server for tests that misbehaves as it is told: real sockets on 127.0.0.1.

What happens at a path is a behaviour: a function that is handed the peer and what it asked.

    upstream = Upstream(reactor)
    upstream.at("/stalls", stall(b"x" * 120, promised=1000))
    upstream.url("/stalls")
    ...
    await upstream.stop()
"""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import struct
import termios
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IOpenSSLContextFactory, IPullProducer
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.waiting import until

OK_BODY = b"total_gops: 2\nclients_connected: 0\n"


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer(Protocol):
    """The server's side of one connection."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.served = 0
        self._seen = b""
        self._timers: list[Any] = []

    def connectionMade(self) -> None:
        self.upstream.accepted += 1
        self.upstream.open.add(self)
        self.upstream.greet(self)

    def dataReceived(self, data: bytes) -> None:
        self._seen += data
        while b"\r\n\r\n" in self._seen and self.upstream.talks:
            head, rest = self._seen.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._seen = rest[length:]
            method, target, _ = first.split(" ")
            asked = Asked(method, target, headers, rest[:length])
            self.upstream.requests.append(asked)
            self.served += 1
            self.upstream.behaviour_of(target)(self, asked)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.upstream.open.discard(self)
        for timer in self._timers:
            if timer.active():
                timer.cancel()

    def write(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    def answer(
        self, body: bytes = OK_BODY, status: str = "200 OK", headers: Iterable[str] = ()
    ) -> None:
        """Send a whole, good answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something in a while, unless the connection is gone by then."""
        self._timers.append(self.upstream.reactor.callLater(seconds, do))

    def when_arrived(self, do: Callable[[], object]) -> None:
        """Do something once all that was sent has arrived at the other side's system."""
        # Not at once, since TLS gathers what is small until the next turn of the reactor.
        self.later(0.02, lambda: self.when_arrived(do) if self.unsent else do())

    @property
    def unsent(self) -> int:
        """How many bytes are under way: not taken by our own system, or not by the other one."""
        wire = getattr(self.transport, "transport", self.transport)
        (unacknowledged,) = struct.unpack("i", fcntl.ioctl(wire.socket, termios.TIOCOUTQ, b"0000"))
        return len(wire.dataBuffer) - wire.offset + wire._tempDataLen + int(unacknowledged)

    def pour(self, source: Callable[[], bytes]) -> None:
        """Send what the source brings, for ever, as fast as it is taken."""
        self.transport.registerProducer(_Tap(self, source), False)

    def close(self) -> None:
        """Close in order."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close with a reset."""
        self.transport.abortConnection()

    def freeze(self) -> None:
        """Read no more, so that nothing that is sent here is noticed, not even a close."""
        self.transport.pauseProducing()

    def thaw(self) -> None:
        """Read on."""
        self.transport.resumeProducing()


@implementer(IPullProducer)
class _Tap:
    def __init__(self, peer: Peer, source: Callable[[], bytes]) -> None:
        self._peer, self._source = peer, source

    def resumeProducing(self) -> None:  # noqa: N802
        data = self._source()
        self._peer.upstream.poured += len(data)
        self._peer.write(data)

    def stopProducing(self) -> None:  # noqa: N802
        pass


Behaviour = Callable[[Peer, Asked], object]


class Upstream(ServerFactory):
    """
    The server.

    :param talks: whether it reads requests at all; one that does not accepts and is silent
    :param greet: what it does to each new connection
    :ivar open: the connections that are there now
    :ivar accepted: how many there were ever
    :ivar requests: what was asked, in order
    :ivar poured: how many bytes endless bodies and heads have got rid of
    """

    noisy = False

    def __init__(
        self,
        reactor: Any,
        identity: Identity | None = None,
        *,
        talks: bool = True,
        greet: Callable[[Peer], object] = lambda peer: None,
    ) -> None:
        self.reactor = reactor
        self.talks, self.greet = talks, greet
        self.open: set[Peer] = set()
        self.accepted = self.poured = 0
        self.requests: list[Asked] = []
        self._behaviours: dict[str, Behaviour] = {}
        self._scheme = "http" if identity is None else "https"
        if identity is None:
            self._port = reactor.listenTCP(0, self, interface="127.0.0.1", backlog=512)
        else:
            self._port = reactor.listenSSL(0, self, identity, interface="127.0.0.1", backlog=512)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._port.getHost().port)

    def url(self, path: str = "/", *, host: str = "127.0.0.1", scheme: str | None = None) -> str:
        """The URL of a path."""
        return f"{scheme or self._scheme}://{host}:{self.port}{path}"

    def at(self, path: str, behaviour: Behaviour) -> str:
        """From now on, this is what happens at this path; the URL of it."""
        self._behaviours[path] = behaviour
        return self.url(path)

    def behaviour_of(self, target: str) -> Behaviour:
        """What happens at a path, whatever its query; a good answer where nothing was said."""
        return self._behaviours.get(target.partition("?")[0], lambda peer, _: peer.answer())

    def buildProtocol(self, addr: Any) -> Peer:  # noqa: N802
        return Peer(self)

    def thaw(self) -> None:
        """Let every frozen peer read on."""
        for peer in self.open:
            peer.thaw()

    async def stop(self) -> None:
        """Stop listening and drop everybody."""
        await maybeDeferred(self._port.stopListening)
        self.thaw()
        for peer in list(self.open):
            peer.abort()
        await until(lambda: not self.open, why="the upstream's connections end")


@implementer(IOpenSSLContextFactory)
@dataclass
class Identity:
    """
    A key and a certificate that it signed itself, made in the test.

    :ivar certificate: PEM, for those who are to trust it
    """

    names: tuple[str, ...] = ("localhost",)
    addresses: tuple[str, ...] = ("127.0.0.1",)
    expired: bool = False
    certificate: bytes = field(init=False)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tvmon test")])
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=10)
        end = start + datetime.timedelta(days=5 if self.expired else 50)
        others: list[x509.GeneralName] = [x509.DNSName(name) for name in self.names]
        others += [x509.IPAddress(ipaddress.ip_address(each)) for each in self.addresses]
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._key, self._made = key, made
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def getContext(self) -> SSL.Context:  # noqa: N802 - what Twisted's servers ask for
        """Settings for a server; Twisted's own way with keys is deprecated by pyOpenSSL."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_privatekey(self._key)
        context.use_certificate(self._made)
        return context


# Behaviours.


def silent(peer: Peer, asked: Asked) -> None:
    """Nothing, ever."""


def says(data: bytes, *, then: str = "") -> Behaviour:
    """These very bytes; then ``close``, ``abort``, ``freeze`` or nothing."""

    def behave(peer: Peer, asked: Asked) -> None:
        peer.write(data)
        if then:
            peer.when_arrived(getattr(peer, then))

    return behave


def stall(sent: bytes, promised: int, *, then: str = "") -> Behaviour:
    """The head of a body of so many bytes, and these of it."""
    return says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (promised, sent), then=then)


def drip(data: bytes, seconds: float = 1.0) -> Behaviour:
    """One byte after the other."""

    def behave(peer: Peer, asked: Asked) -> None:
        left = iter(data)

        def one() -> None:
            byte = next(left, None)
            if byte is not None:
                peer.write(bytes((byte,)))
                peer.later(seconds, one)

        one()

    return behave


def flood(start: bytes, more: bytes) -> Behaviour:
    """This, and then that, for ever."""

    def behave(peer: Peer, asked: Asked) -> None:
        peer.write(start)
        peer.pour(lambda: more)

    return behave


def redirect(to: str, status: str = "302 Found") -> Behaviour:
    """Somewhere else."""
    return lambda peer, asked: peer.answer(b"elsewhere", status, [f"Location: {to}"])
