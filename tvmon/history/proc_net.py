"""
TCP sockets as Linux tells them, in files of ``/proc/net``: pure.

What the text does not tell is not there; no text makes anything here fail.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SOCKET = re.compile(
    rb"^ *\d+: [0-9A-F]{8,32}:([0-9A-F]{4}) [0-9A-F]{8,32}:[0-9A-F]{4} ([0-9A-F]{2}) ", re.MULTILINE
)
_ESTABLISHED, _TIME_WAIT, _CLOSED, _LISTENING = b"01", b"06", b"07", b"0A"
_NO_CONNECTION = {_TIME_WAIT, _CLOSED, _LISTENING}

PortsAndStates = Counter[tuple[bytes, bytes]]
"""How many sockets there are of each local port and state, both as they are written."""


class Sockets(NamedTuple):
    """
    Sockets of connections; those in TIME_WAIT, which no process holds any more, are left out.

    :ivar server: whose local port is one that this machine listens on
    :ivar client: all others
    """

    server: int
    server_established: int
    client: int
    client_established: int


def figures_of(protocol: str, text: str) -> dict[str, int]:
    """``{"inuse": 5, "tw": 3, ...}`` of the line ``TCP: inuse 5 tw 3`` in a ``sockstat``."""
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == protocol:
            words = rest.split()
            pairs = zip(words[::2], words[1::2], strict=False)
            return {key: int(value) for key, value in pairs if _NUMBER.fullmatch(value)}
    return {}


def ports_and_states(lines: bytes) -> PortsAndStates:
    """What whole lines of ``tcp`` or ``tcp6`` tell; lines of another form count nothing."""
    return Counter(_SOCKET.findall(lines))


def sockets(found: Mapping[tuple[bytes, bytes], int]) -> Sockets:
    """Those of servers and those of clients."""
    listening = {port for port, state in found if state == _LISTENING}
    counts = [0, 0, 0, 0]
    for (port, state), count in found.items():
        if state not in _NO_CONNECTION:
            first = 0 if port in listening else 2
            counts[first] += count
            if state == _ESTABLISHED:
                counts[first + 1] += count
    return Sockets(*counts)
