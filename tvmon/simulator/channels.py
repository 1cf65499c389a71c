"""What a TVie control server lists: servers, and the channels that lie on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """
    A media server as the listing names it; all of them are this one simulator.

    :param address: what the listing calls ``ip_address``, as ``host`` or ``host:port``;
        ``None``: the one that the listing itself was asked at
    :param host_name: where the CDN has its streams, in the same form; empty: it has none
    """

    name: str
    address: str | None = None
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel; its streams are the same programme in several formats."""

    id: int
    customer_name: str
    name: str
    display_name: str
    server: Server
