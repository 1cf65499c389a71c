"""
The addresses that tvmon listens on, as Twisted's endpoint strings, looked at and not opened.

Who can reach an endpoint decides whether tvmon must ask for a token, so in doubt an endpoint
counts as reachable by everybody.
"""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.endpoints import serverFromString

ALLOWED = 'must be an endpoint such as "tcp:8080:interface=127.0.0.1"'
_WITH_PORT = ("tcp", "tcp6", "ssl")


def endpoint(text: str) -> str | None:
    """Check an endpoint string: ``None``, or what it must be."""
    parts, named = _parts(text)
    kind = parts[0] if parts else ""
    if not kind:
        return ALLOWED
    if kind == "systemd":
        # It speaks of sockets that only a process has which systemd started.
        return None if "domain" in named else f'{ALLOWED}; "systemd:" needs a domain'
    try:
        # Making an endpoint opens nothing, and touches no reactor; certificates are read.
        serverFromString(None, text)
    except OSError as error:
        return f"cannot be opened: {error.filename}: {error.strerror}"
    except Exception as error:  # whatever an endpoint's own parser stumbles over
        return f"{ALLOWED}; {_why(error)}"
    port = parts[1] if len(parts) > 1 else named.get("port", "")
    if kind in _WITH_PORT and not 0 <= int(port) <= 65535:
        return f"{ALLOWED}, its port 0 to 65535"
    return None


def is_local(text: str) -> bool:
    """Whether only this machine can reach a good endpoint."""
    parts, named = _parts(text)
    if parts[0] == "unix":
        return True
    if parts[0] not in _WITH_PORT:
        return False
    # Positional arguments: tcp:PORT:INTERFACE, tcp6:PORT:BACKLOG:INTERFACE; the rest by name.
    position = {"tcp": 2, "tcp6": 3}.get(parts[0], len(parts))
    interface = parts[position] if position < len(parts) else named.get("interface", "")
    if interface == "localhost":
        return True
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return False


def _why(error: Exception) -> str:
    """Twisted's words where they help; its own programming mistakes are not for operators."""
    if isinstance(error, ValueError) and "endpoint type" in str(error):
        return "no such kind of endpoint"
    if isinstance(error, TypeError):
        return "an argument is missing or unknown"
    if isinstance(error, ValueError | RuntimeError):
        return "an argument is wrong"
    return "its key or certificate cannot be used"


def _parts(text: str) -> tuple[list[str], dict[str, str]]:
    """The parts between colons, and those with a name; a backslash takes the next as it is."""
    parts: list[str] = []
    named: dict[str, str] = {}
    name: str | None = None
    current = ""
    characters = iter(text + ":")
    for character in characters:
        if character == "\\":
            current += next(characters, "")
        elif character == "=" and name is None:
            name, current = current, ""
        elif character == ":":
            if name is None:
                parts.append(current)
            else:
                named[name] = current
            name, current = None, ""
        else:
            current += character
    return parts, named
