"""
The statistics page of nginx's RTMP modules, taken apart: which worker answered, and its streams.

Four shapes are told apart by the answer itself: the XML of nginx-rtmp-module and its forks (root
``rtmp``), the XML of nginx-http-flv-module (root ``http-flv``), its JSON, and the first version
of that JSON (root ``rtmp``, servers and applications as nested arrays).  All of them end in the
same tables of fields, whose values are texts in XML and numbers in JSON.

An answer for a thousand streams has 45,000 elements and is read every 1.5 s between everything
else that tvmon does, so it is built by the parser in C, walked once, searched nowhere, and read in
steps.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.sax.saxutils import unescape

from tvmon.errors import BadAnswer
from tvmon.servers import Drift
from tvmon.servers.answers import kind_of_text
from tvmon.servers.json_steps import json_steps
from tvmon.servers.steps import Steps, at_once, fed
from tvmon.servers.values import count, rows, table, text
from tvmon.words import cleaned

WHAT = "the RTMP statistics page"

ROOTS = ("http-flv", "rtmp")

Fields = dict[str, Any]
"""The fields of a stream; those of its clients are a list under ``clients``."""

_ROOT = frozenset({
    "nginx_version", "nginx_rtmp_version", "nginx_http_flv_version", "compiler", "built", "pid",
    "uptime", "naccepted", "bw_in", "bytes_in", "bw_out", "bytes_out", "server", "servers",
})  # fmt: skip
_SERVER = frozenset({"port", "server_index", "application", "applications", "pool"})
_APPLICATION = frozenset({"name", "live", "play", "recorder", "recorders"})
_LIVE = frozenset({"stream", "streams", "nclients"})

_LEVELS = 7
"""So many objects and arrays deep lie the streams of its JSON."""

_HEAD_BYTES = 2000
_PID = re.compile(rb'<pid>(\d{1,10})</pid>|"pid":\s*(\d{1,10})\b')


class Entry(NamedTuple):
    """A stream of the page; ``place`` is its application, ``live`` or ``1935/live``."""

    place: str
    name: str
    fields: Fields


class Stat(NamedTuple):
    """
    What one worker says.

    :param pid: its process; empty where it does not tell
    :param uptime: seconds since the configuration was loaded, the same for all workers
    :param software: for the operator: ``nginx-rtmp-module 1.1.4``
    """

    pid: str
    uptime: int | None
    software: str
    entries: tuple[Entry, ...]


class _Application(NamedTuple):
    server: int
    port: int | None
    name: str
    streams: list[Fields]


def parse_stat(body: bytes, drift: Drift | None = None) -> Stat:
    """
    The statistics that an answer holds; BadAnswer where it holds none.

    :param drift: is told of fields that are unknown or missing
    """
    return at_once(stat_steps(body, Drift() if drift is None else drift))


def stat_steps(body: bytes, drift: Drift) -> Steps[Stat]:
    """The same in steps."""
    kind = kind_of_text(body)
    if kind == "XML":
        root, head, found = yield from _from_xml(body, drift)
    elif kind == "JSON":
        root, head, found = yield from _from_json(body, drift)
    else:
        raise BadAnswer(_neither(kind), "body")
    pid = count(head.get("pid"))
    if pid is None:
        drift.lacks(f"{root}.pid")
    entries = yield from _entries(found)
    return Stat(
        "" if pid is None else str(pid),
        count(head.get("uptime")),
        _software(root, head),
        tuple(entries),
    )


def pid_of(body: bytes) -> str:
    """Which worker an answer is of, without reading the rest of it; empty where not told."""
    found = _PID.search(body, 0, _HEAD_BYTES)
    return "" if found is None else str(int(found[1] or found[2]))


def _entries(applications: list[_Application]) -> Steps[list[Entry]]:
    """
    Every stream, in a place of its own.

    Where several server blocks have an application of one name, the port says which is meant, or
    else the position in nginx's configuration: that stays, whichever of them has streams now.
    """
    servers = {(application.name, application.server) for application in applications}
    blocks = Counter(name for name, _ in servers)
    ports = Counter((a.name, a.port) for a in applications)
    entries = []
    for application in applications:
        place = application.name
        if blocks[place] > 1:
            own = application.port and ports[application.name, application.port] == 1
            place = f"{application.port if own else f'server{application.server}'}/{place}"
        for fields in application.streams:
            entries.append(Entry(place, text(fields.get("name")) or "", fields))
            yield
    return entries


# XML


def _from_xml(body: bytes, drift: Drift) -> Steps[tuple[str, Fields, list[_Application]]]:
    root = yield from _tree(body)
    if root.tag not in ROOTS:
        shown = cleaned(root.tag, 40)
        raise BadAnswer(f"{WHAT} is none: its root is <{shown}>", "body")
    head = {child.tag: child.text for child in root if child.tag != "server"}
    drift.look(root.tag, head.keys(), _ROOT)
    found = []
    for number, server in enumerate(root.iterfind("server"), 1):
        drift.look("server", {child.tag for child in server}, _SERVER)
        port = count(server.findtext("port"))
        for application in server.iterfind("application"):
            drift.look("application", {child.tag for child in application}, _APPLICATION)
            streams = []
            for live in application.iterfind("live"):
                drift.look("live", {child.tag for child in live}, _LIVE)
                for element in live:
                    if element.tag == "stream":
                        streams.append(_stream(element))
                        element.clear()  # here, and not ten thousand of them at the end
                        yield
            name = application.findtext("name") or ""
            found.append(_Application(number, port, name, streams))
    return root.tag, head, found


def _tree(body: bytes) -> Steps[Element]:
    """
    The root of an XML document, which must not declare a document type.

    What makes XML dangerous, entities that grow and files that are read, can be declared there
    only.  So with no ``<!DOCTYPE`` in the text, whatever encoding it claims, the parser in C is
    as safe as defusedxml's, which is written in Python and takes twice as long.
    """
    document = body.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if "<!DOCTYPE" in document:
        raise BadAnswer(f"{WHAT} declares a document type, which nginx never does", "body")
    parser = XMLParser()  # noqa: S314 - see above
    try:
        yield from fed(parser, document)
        root: Element = parser.close()
    except ParseError as error:
        line = error.position[0]
        raise BadAnswer(f"{WHAT} breaks off or is no XML: line {line}", "body") from None
    return root


def _stream(element: Element) -> Fields:
    """The fields of a stream; an empty element, as flags are, is ``True``."""
    fields: Fields = {}
    clients = []
    for child in element:
        tag = child.tag
        if tag == "client":
            clients.append({c.tag: True if c.text is None else c.text for c in child})
        elif tag == "meta":
            fields[tag] = {part.tag: {c.tag: c.text for c in part} for part in child}
        else:
            value = child.text
            fields[tag] = True if value is None else value
    if clients:
        fields["clients"] = clients
    return fields


# JSON


def _from_json(body: bytes, drift: Drift) -> Steps[tuple[str, Fields, list[_Application]]]:
    document = table((yield from _json(body)))
    root = next((name for name in ROOTS if isinstance(document.get(name), dict)), None)
    if root is None:
        raise BadAnswer(f'{WHAT} is none: its JSON has neither "http-flv" nor "rtmp"', "body")
    head: Fields = document[root]
    drift.look(root, head.keys(), _ROOT)
    found = []
    for number, server in enumerate(rows(head.get("servers")), 1):
        if isinstance(server, dict):
            drift.look("server", server.keys(), _SERVER)
        applications = table(server).get("applications") if isinstance(server, dict) else server
        port = count(table(server).get("port"))
        for application in map(table, rows(applications)):
            drift.look("application", application.keys(), _APPLICATION)
            live = table(application.get("live"))
            drift.look("live", live.keys(), _LIVE)
            streams = []
            for stream in rows(live.get("streams")):
                streams.append(_plain(stream))
                yield
            name = _unescaped(application.get("name"))
            found.append(_Application(number, port, name, streams))
    return root, head, found


def _json(body: bytes) -> Steps[Any]:
    """
    The value of a JSON answer, which nginx writes by hand.

    With ``interleave on`` it leaves out a value, and it never escapes a backslash.
    """
    try:
        return (yield from json_steps(body, WHAT, _LEVELS))
    except BadAnswer:
        mended = body.replace(b"\\", b"\\\\").replace(b'"avsync":,', b'"avsync":null,')
        try:
            return (yield from json_steps(mended, WHAT, _LEVELS))
        except BadAnswer as wrong:
            raise BadAnswer(f"{wrong.reason}; its XML is sounder", wrong.outcome) from None


def _plain(stream: object) -> Fields:
    fields = dict(table(stream))
    fields["name"] = _unescaped(fields.get("name"))
    return fields


def _unescaped(name: object) -> str:
    """A name in JSON, where nginx escapes as if it were HTML."""
    return unescape(text(name) or "", {"&quot;": '"'})


# What it is


def _software(root: str, head: Fields) -> str:
    flv = text(head.get("nginx_http_flv_version"))
    module = "nginx-http-flv-module" if flv or root == "http-flv" else "nginx-rtmp-module"
    version = flv or text(head.get("nginx_rtmp_version")) or ""
    nginx = text(head.get("nginx_version"))
    return cleaned(f"{module} {version}".strip() + (f" in nginx {nginx}" if nginx else ""), 100)


def _neither(kind: str | None) -> str:
    if kind == "empty":
        return f"not {WHAT}: the answer is empty"
    if kind is not None:
        return f"{kind} instead of {WHAT}"
    return f"not {WHAT}: the answer is neither XML nor JSON"
