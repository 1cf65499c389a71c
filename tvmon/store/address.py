"""
Where the database is: a libpq URL or key=value string, and what tvmon adds to it.

The password stays inside: it is in nothing that is shown, and is taken out of every message
of the driver before anybody reads it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

STATEMENT_SECONDS = 5.0
"""How long the server may work on one statement of the daily kind."""

LOCK_SECONDS = 2.0
"""How long a statement may wait for a lock that somebody else holds."""

SESSION_SETTINGS = {
    "statement_timeout": f"{STATEMENT_SECONDS * 1000:.0f}",
    "lock_timeout": f"{LOCK_SECONDS * 1000:.0f}",
    "idle_in_transaction_session_timeout": "15000",
    "timezone": "UTC",
    "client_min_messages": "warning",
    # The session of a tvmon that died with its machine, and the writer lock with it, is gone
    # after a minute, not after the two hours of the system's default.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

CONNECTION_SETTINGS = {
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

SECRETS = ("password", "sslpassword", "oauth_client_secret")


class Address:
    """
    A database's address.

    :param url: ``postgresql://user:password@host:port/database`` or ``key=value`` pairs
    :param application_name: how these sessions are called in ``pg_stat_activity``
    :raises ValueError: where libpq would not take the URL; its text repeats nothing of it
    """

    def __init__(self, url: str, application_name: str) -> None:
        try:
            parts = parse_dsn(url)
        except psycopg2.Error:
            raise ValueError("not a libpq URL or key=value string") from None
        self._secrets = [parts[key] for key in SECRETS if parts.get(key)]
        settings = " ".join(f"-c {name}={value}" for name, value in SESSION_SETTINGS.items())
        parts["options"] = f"{parts.get('options', '')} {settings}".strip()
        parts["application_name"] = self.application_name = application_name
        for name, value in CONNECTION_SETTINGS.items():
            parts.setdefault(name, value)
        # GSSAPI asks its key server in blocking calls, so only where somebody wants it.
        parts.setdefault("gssencmode", "disable")
        self._parts = parts

    def __str__(self) -> str:
        """What an operator may see: ``user@host:port/database``."""
        get = self._parts.get
        port = f":{get('port')}" if get("port") else ""
        return f"{get('user', '')}@{get('host', 'local')}{port}/{get('dbname', '')}"

    def __repr__(self) -> str:
        return f"<Address {self}>"

    def clean(self, message: str) -> str:
        """The first line of a driver's message, without secrets."""
        line = next((line.strip() for line in message.splitlines() if line.strip()), "no reason")
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line

    async def resolved(self, reactor: ReactorBase) -> str:
        """
        The connection string with every host name looked up.

        libpq looks names up in a blocking call, and a name server that is silent would hold
        up the whole daemon; the reactor does it in a thread.

        :raises OSError: a name that does not resolve
        """
        parts = dict(self._parts)
        if parts.get("host") and not parts.get("hostaddr"):
            names = parts["host"].split(",")
            ports = parts.get("port", "").split(",")
            hosts: list[tuple[str, str, str]] = []
            for index, name in enumerate(names):
                port = ports[index] if len(ports) == len(names) else ports[0]
                hosts += [(name, found, port) for found in await _look_up(reactor, name)]
            parts["host"] = ",".join(host for host, _, _ in hosts)
            parts["hostaddr"] = ",".join(found for _, found, _ in hosts)
            if "port" in parts:
                parts["port"] = ",".join(port for _, _, port in hosts)
        dsn: str = make_dsn(**parts)
        return dsn


@implementer(IResolutionReceiver)
class _Found:
    """Gathers the addresses of one name."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.done = Deferred[None]()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:  # noqa: N802, N803
        """Nothing to do yet."""

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        """One address of the name."""
        host = getattr(address, "host", None)
        if isinstance(host, str) and host not in self.addresses:
            self.addresses.append(host)

    def resolutionComplete(self) -> None:  # noqa: N802
        """All are there."""
        if not self.done.called:
            self.done.callback(None)


async def _look_up(reactor: ReactorBase, name: str) -> Sequence[str]:
    """The addresses of a host; empty text for a socket's directory, which has none."""
    if not name or name.startswith(("/", "@")):
        return [""]
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    else:
        return [name]
    found = _Found()
    reactor.nameResolver.resolveHostName(found, name)
    await found.done
    if not found.addresses:
        raise OSError(f"host name {name} does not resolve")
    return found.addresses
