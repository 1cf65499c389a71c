"""
Icecast's statistics: all mounts in one answer, in XML or in one of several forms of JSON.

    XML    <icestats> with a <source mount="/a.ogg"> for each mount; in 2.5 it has a namespace, and
           may stand inside a <report>
    JSON   {"icestats": {"source": ...}}: no source at all, an object for one, a list for more
           [{"name": "icestats"}, {"source": {"/a.ogg": ...}}], as in 2.5

All become the same: for each mount its name and its fields, of which nothing is checked yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from tvmon.errors import BadAnswer
from tvmon.servers.answers import kind_of_text
from tvmon.servers.icecast_repair import repaired
from tvmon.servers.json_steps import json_steps
from tvmon.servers.steps import Steps, at_once, fed
from tvmon.servers.values import json_of, rows, table, text

WHAT = "Icecast's status"

_TELLING = frozenset({"server_id", "server_start", "server_start_iso8601", "source", "host"})
"""What the statistics hold at least one of, be the server ever so young."""


class Mount(NamedTuple):
    """
    A mount of an answer.

    :param name: with its slash, ``/a.ogg``; ``None`` where the answer does not say
    :param fields: as they came; ``None`` where they are not those of this mount
    """

    name: str | None
    fields: Mapping[str, Any] | None


class Stats(NamedTuple):
    """
    What an answer tells.

    :param server: the fields of the server itself
    """

    server: Mapping[str, Any]
    mounts: tuple[Mount, ...]


def parse_stats(body: bytes) -> Stats:
    """The statistics that an answer holds; BadAnswer where it holds none."""
    return at_once(stats_steps(body))


def stats_steps(body: bytes) -> Steps[Stats]:
    """The same in steps."""
    if kind_of_text(body) == "XML":
        return (yield from _of_xml(body))
    if kind_of_text(body) == "an HTML page":
        raise BadAnswer(f"an HTML page instead of {WHAT}", "body")
    return (yield from _of_json(body))


def _of_xml(body: bytes) -> Steps[Stats]:
    parser = XMLParser(forbid_dtd=True)
    try:
        yield from fed(parser, body)
        top = parser.close()
    # LookupError and ValueError: an encoding that is unknown, or cannot be read.
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        raise BadAnswer(f"{WHAT} is not XML: it breaks off or is wrong", "body") from None
    if _name(top) == "report":
        top = next((inner for inner in top.iter() if _name(inner) == "icestats"), top)
    if _name(top) != "icestats":
        raise BadAnswer(f"XML, but not {WHAT}", "body")
    sources = (child for child in top if _name(child) == "source")
    mounts = (Mount(text(one.get("mount")), _fields(one)) for one in sources)
    return (yield from _stats(_fields(top), mounts))


def _of_json(body: bytes) -> Steps[Stats]:
    value = yield from _json(body)
    if isinstance(value, list):
        server = table(value[1]) if len(value) > 1 and "name" in table(value[0]) else {}
    else:
        server = table(table(value).get("icestats"))
    source = server.get("source")
    if source is not None and not isinstance(source, dict | list):
        raise BadAnswer(f"not {WHAT}: its mounts are neither an object nor a list", "body")
    mounts: Iterable[Mount]
    if not isinstance(source, dict):
        mounts = (Mount(_url_mount(table(row)), table(row)) for row in rows(source))
    elif all(isinstance(fields, dict) for fields in source.values()):
        mounts = (_named(name, fields) for name, fields in source.items())
    else:
        mounts = [Mount(_url_mount(source), source)]
    return (yield from _stats(server, mounts))


def _named(name: str, fields: dict[str, Any]) -> Mount:
    """
    A mount of the form that has their names.

    Where Icecast 2.5 writes the first mount's fields under the name of every one, they say so
    themselves.
    """
    return Mount(text(name), fields if _url_mount(fields) in (name, None) else None)


def _json(body: bytes) -> Steps[Any]:
    """The value of JSON that may be mended."""
    try:
        return (yield from json_steps(body, WHAT, 3))
    except BadAnswer:
        try:
            mended = repaired(body.decode())
        except UnicodeDecodeError:
            mended = ""
        if not mended:
            raise
        return json_of(mended.encode(), WHAT)


def _stats(server: Mapping[str, Any], mounts: Iterable[Mount]) -> Steps[Stats]:
    if not _TELLING & server.keys():
        raise BadAnswer(f"not {WHAT}: there is nothing of a server in it", "body")
    found = []
    for mount in mounts:
        found.append(mount)
        yield
    return Stats(server, tuple(found))


def _url_mount(fields: Mapping[str, Any]) -> str | None:
    """The mount that a ``listenurl`` leads to, which is not percent-encoded."""
    url = text(fields.get("listenurl"))
    _, scheme, rest = (url or "").partition("://")
    _, slash, path = rest.partition("/")
    return f"/{path}" if scheme and slash else None


def _fields(element: Element) -> dict[str, Any]:
    """The texts below an element; what has elements of its own tells of something else."""
    return {_name(child): (child.text or "").strip() for child in element if not len(child)}


def _name(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
