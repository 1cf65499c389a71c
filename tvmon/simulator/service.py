"""The simulator as a service: a media server that listens from its start to its stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.simulator.answers import Answers
from tvmon.simulator.control import Control
from tvmon.simulator.find import Find
from tvmon.simulator.held import Held
from tvmon.simulator.media import Media
from tvmon.simulator.settings import Settings
from tvmon.simulator.site import Connections, Gate, QuietSite, Tree


class Simulator(Service):
    """
    A TVie media server, made up.

    :param reactor: listens, and paces the slow answers
    :param now: wall clock, seconds since 1970; for the dates of the answers
    :param seconds: the clock that the counters follow; the reactor's where it is not given

    :ivar media: what is simulated; may be changed at any time
    :ivar connections: the factory of its ports
    :ivar addresses: ``http://host:port`` of every open TCP port
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        now: Callable[[], float],
        settings: Settings,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._ports: list[IListeningPort] = []
        self._held = Held(reactor)
        self.media = Media(settings, seconds or reactor.seconds)
        control: Any = Control(self.media).app.resource()
        root = Tree(
            tag_live_monitor=Answers(self.media, self._held, now),
            api=Tree(service=Tree(media=Tree(channels=Tree(find=Find(self.media, self._held))))),
            control=Gate(control, is_open=settings.remote_control),
        )
        self.connections = Connections(QuietSite(root, reactor))

    @property
    def addresses(self) -> list[str]:
        """Where it listens."""
        return [_address(port) for port in self._ports]

    def privilegedStartService(self) -> None:
        """Listen, while ports below 1024 may still be had."""
        if not self._ports:
            self._listen()

    def startService(self) -> None:
        """Listen, and say where; SystemExit with one line where that cannot be."""
        self.privilegedStartService()
        super().startService()
        for address in self.addresses:
            self.log.info(
                "{streams} streams at {address}/",
                streams=len(self.media.streams),
                address=address,
            )

    def _listen(self) -> None:
        for endpoint in self._settings.listen:
            results: list[Any] = []
            try:
                waiting = serverFromString(self._reactor, endpoint).listen(self.connections)
            except ValueError as error:
                raise SystemExit(f"tvie-simulator: cannot listen on {endpoint}: {error}") from None
            waiting.addBoth(results.append)
            if not results or isinstance(results[0], Failure):
                why = results[0].getErrorMessage() if results else "it does not open at once"
                raise SystemExit(f"tvie-simulator: cannot listen on {endpoint}: {why}")
            self._ports.append(results[0])

    async def stopService(self) -> None:
        """Take no more connections and end those that are open."""
        await maybeDeferred(super().stopService)
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
        self._held.stop()
        self.connections.end_all()


def _address(port: IListeningPort) -> str:
    host: Any = port.getHost()
    if not hasattr(host, "port"):
        return str(getattr(host, "name", host))
    name = f"[{host.host}]" if ":" in host.host else host.host
    return f"http://{name}:{host.port}"
