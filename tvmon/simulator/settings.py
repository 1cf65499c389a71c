"""What a simulator is started with: frozen values, and the TOML file that they may come from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tvmon.simulator.behaviours import HEALTHY, Behaviour, InputError, read
from tvmon.simulator.channels import Server
from tvmon.simulator.mix import DEFAULT_MIX, Share, mix_of, read_mix

MOST_STREAMS = 1_000_000
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class NamedStream:
    """
    A stream that is wanted exactly so.

    :param server: the name of one of the servers; ``None``: the first
    :param needed_kilobytes_per_second: ``None``: drawn from the seed, 106 or 71
    """

    customer_name: str = "tvie"
    channel_name: str = "channel"
    display_name: str = ""
    name: str = "live"
    server: str | None = None
    behaviour: Behaviour = HEALTHY
    needed_kilobytes_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything that a simulator is started with.

    :param listen: endpoint strings
    :param streams: how many streams are made up, beside those that are named
    :param token: the ``user_key`` that the listing wants
    :param servers: what the listing calls the servers; the channels are dealt out to them in turn
    :param close: whether each answer closes its connection, as the recorded server did
    :param remote_control: whether ``/control`` answers others than this machine
    """

    listen: tuple[str, ...] = ("tcp:8090:interface=127.0.0.1",)
    streams: int = 20
    mix: tuple[Share, ...] = read_mix(DEFAULT_MIX)
    seed: int = 1
    token: str = "simulator"  # noqa: S105 - as public as the streams are made up
    servers: tuple[Server, ...] = (Server("media1"),)
    named: tuple[NamedStream, ...] = ()
    close: bool = False
    remote_control: bool = False


def load(path: Path) -> dict[str, Any]:
    """
    The settings that a TOML file holds, under the names of :class:`Settings`.

    Raises :class:`InputError` with every problem of the file, a line each.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    return settings_of(table, str(path))


def settings_of(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Those of a parsed table; ``where`` begins each complaint."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in table.items():
        reader = _READERS.get(key)
        if reader is None:
            problems.append(f"{where}: {key} is unknown; allowed: {', '.join(_READERS)}")
            continue
        name, convert = reader
        try:
            found[name] = convert(value)
        except InputError as error:
            problems.append(f"{where}: {key}: {error}")
    names = {server.name for server in found.get("servers", (Server("media1"),))}
    for stream in found.get("named", ()):
        if stream.server is not None and stream.server not in names:
            allowed = ", ".join(sorted(names))
            problems.append(f"{where}: stream: no server {stream.server!r}; allowed: {allowed}")
    if problems:
        raise InputError("\n".join(problems))
    return found


def _stream_count(value: object) -> int:
    """How many streams: 0 to a million."""
    return _whole(value, 0, MOST_STREAMS)


def server_count(value: object) -> int:
    """How many servers: 1 to a thousand."""
    return _whole(value, 1, 1000)


def _whole(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{value!r} is not a whole number from {least} to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise InputError(f"{value!r} is not a text of 1 to {LONGEST_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{value!r} is not Unicode") from None
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{value!r} is neither true nor false")
    return value


def _listen(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise InputError(f"{value!r} is neither an endpoint string nor a list of them")
    return tuple(_text(each) for each in value)


def _mix(value: object) -> tuple[Share, ...]:
    if isinstance(value, str):
        return read_mix(value)
    if isinstance(value, dict):
        return mix_of(value)
    raise InputError(f"{value!r} is neither a text nor a table")


def _tables(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InputError("is not a list of tables")
    return value


def _servers(value: object) -> tuple[Server, ...]:
    servers = []
    for table in _tables(value):
        _known(table, [field.name for field in fields(Server)])
        if "name" not in table:
            raise InputError("name is missing")
        servers.append(Server(**{key: _text(text) for key, text in table.items()}))
    if len({server.name for server in servers}) < len(servers):
        raise InputError("two servers of one name")
    return tuple(servers)


def _named(value: object) -> tuple[NamedStream, ...]:
    return tuple(named_stream(table) for table in _tables(value))


def named_stream(table: Mapping[str, Any]) -> NamedStream:
    """A stream as TOML and JSON write it: its names, and its behaviour beside them."""
    texts = ("customer_name", "channel_name", "display_name", "name", "server")
    needed = "needed_kilobytes_per_second"
    given: dict[str, Any] = {key: _text(table[key]) for key in texts if key in table}
    if needed in table:
        number = table[needed]
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InputError(f"{needed} is not a number: {number!r}")
        if not 10 <= number <= 1_000_000:
            raise InputError(f"{needed} is {number:g}, allowed: 10 to 1000000")
        given[needed] = float(number)
    rest = {key: value for key, value in table.items() if key not in (*texts, needed)}
    if rest:
        try:
            given["behaviour"] = read({"behaviour": "healthy"} | rest)
        except InputError as error:
            raise InputError(f"{error}, or {', '.join((*texts, needed))}") from None
    return NamedStream(**given)


def _known(table: Mapping[str, Any], allowed: list[str]) -> None:
    for key in table:
        if key not in allowed:
            raise InputError(f"{key} is unknown", tuple(allowed))


_READERS: Mapping[str, tuple[str, Any]] = {
    "listen": ("listen", _listen),
    "streams": ("streams", _stream_count),
    "mix": ("mix", _mix),
    "seed": ("seed", lambda value: _whole(value, -(2**63), 2**63 - 1)),
    "token": ("token", _text),
    "server": ("servers", _servers),
    "stream": ("named", _named),
    "close": ("close", _flag),
    "remote_control": ("remote_control", _flag),
}
