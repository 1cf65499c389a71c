"""
``tvmon probe``: which media servers one host runs.

Every kind says what tells it from all others: a path, the ports where it usually is, and what
to look for in the answer.  All of them are asked for at the same time, each within a deadline of
its own.  Nothing is asked of any other host, whatever redirects say, and nothing is sent that a
server could take for an attempt to log in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import simplejson
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from tvmon.cli.arguments import Host
from tvmon.cli.terminal import Terminal, aligned
from tvmon.config.watched import NAME_CHARACTERS
from tvmon.errors import Trouble
from tvmon.polling import MEBIBYTE
from tvmon.sampling.fetch import Fetcher
from tvmon.servers import Answer, Found, Kind, Probe, Request
from tvmon.words import cleaned

SECURE_PORTS = frozenset((443, 8443))
"""Where HTTPS is spoken; HTTP everywhere else."""

AT_ONCE = 16
"""How many requests are under way at a time."""

BODY_BYTES = 8 * MEBIBYTE
"""The largest answer that is read; nobody knows who answers."""

WHAT_CHARACTERS = 200

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRETS = ("password", "token")


@dataclass(frozen=True, slots=True)
class Question:
    """
    One request, and all who want to see its answer.

    :param base: the URL of the host with its port, without a path
    """

    base: str
    port: int
    path: str
    askers: tuple[tuple[Kind, Probe], ...]

    @property
    def request(self) -> Request:
        """What is asked."""
        wanted = {name: None for _, probe in self.askers for name in probe.wanted}
        return Request(f"{self.base}{self.path}", wanted=tuple(wanted))


@dataclass(frozen=True, slots=True)
class Discovery:
    """A media server that was found."""

    kind: str
    port: int
    base: str
    found: Found


@dataclass(frozen=True, slots=True)
class Miss:
    """What was asked in vain, and what came of it."""

    kind: str
    port: int
    words: str


def questions(kinds: Iterable[Kind], name: str, ports: Sequence[int]) -> list[Question]:
    """
    What is asked of a host; each URL once.

    :param name: of the host, as in a URL
    :param ports: where; each probe's own where there are none
    """
    askers: dict[tuple[int, str], list[tuple[Kind, Probe]]] = {}
    for kind in kinds:
        for probe in kind.probes:
            for port in dict.fromkeys(ports or probe.ports):
                askers.setdefault((port, probe.path), []).append((kind, probe))
    return [
        Question(_base(name, port), port, path, tuple(who)) for (port, path), who in askers.items()
    ]


async def probe(
    reactor: Any,
    host: Host,
    kinds: Sequence[Kind],
    ports: Sequence[int],
    *,
    deadline: float,
    verbose: bool,
    terminal: Terminal,
) -> int:
    """
    Say a section of a configuration for each media server that the host runs.

    What was not found is told aside where nothing was, or where it is asked for.  0 where there
    is any, else 1.

    :param deadline: for each request, in seconds
    """
    fetcher = Fetcher(reactor, body_bytes=BODY_BYTES, leaves=False)
    free = DeferredSemaphore(AT_ONCE)

    async def ask(question: Question) -> Answer | Trouble:
        await free.acquire()
        try:
            return await fetcher.fetch(question.request, deadline)
        except Trouble as trouble:
            return trouble
        finally:
            free.release()

    asked = questions(kinds, host.name, ports)
    try:
        answers = await gatherResults([Deferred.fromCoroutine(ask(each)) for each in asked])
    finally:
        await fetcher.close()
    found, missed = _sifted(asked, answers)
    for lines in sections(host, found):
        terminal.say(*lines)
    if verbose or not found:
        terminal.complain(*_table(missed))
    if not found:
        terminal.complain(f"{host.name}: no media server found; it may be on another --port")
    return 0 if found else 1


def sections(host: Host, found: Sequence[Discovery]) -> Iterator[list[str]]:
    """The lines of a ``[[server]]`` for each media server, under names that differ."""
    kinds = [discovery.kind for discovery in found]
    for discovery in found:
        name = host.name.strip("[]")
        suffix = ""
        if len(found) > 1:
            suffix = f"-{discovery.kind}"
        if kinds.count(discovery.kind) > 1:
            suffix += f"-{discovery.port}"
        yield _section(name[: NAME_CHARACTERS - len(suffix)] + suffix, discovery)


def _section(name: str, discovery: Discovery) -> list[str]:
    options = discovery.found.options
    what = cleaned(discovery.found.what, WHAT_CHARACTERS)
    lines = ["", f"# {discovery.base.partition('://')[2]}: {what}"]
    variables = [name for value in options.values() for name in _VARIABLE.findall(value)]
    if variables:
        lines.append(f"# Set {' and '.join(dict.fromkeys(variables))} in tvmon's environment.")
    lines += [
        f"# Or put it into a file, with {key}_file in the place of {key}."
        for key in _SECRETS
        if _VARIABLE.search(options.get(key, ""))
    ]
    lines += ["[[server]]", _line("kind", discovery.kind), _line("name", name)]
    return lines + [_line(key, value) for key, value in options.items()]


def _sifted(
    asked: Sequence[Question], answers: Sequence[Answer | Trouble]
) -> tuple[list[Discovery], list[Miss]]:
    """What was found, each server once, and the rest."""
    found: dict[tuple[str, str], Discovery] = {}
    missed: list[Miss] = []
    for question, answer in zip(asked, answers, strict=True):
        for kind, probe in question.askers:
            result = _recognised(probe, answer, question.base)
            if isinstance(result, str):
                missed.append(Miss(kind.name, question.port, result))
                continue
            discovery = Discovery(kind.name, question.port, question.base, result)
            found.setdefault((kind.name, question.base), discovery)
    return list(found.values()), missed


def _recognised(probe: Probe, answer: Answer | Trouble, base: str) -> Found | str:
    """What it is, or why it is not."""
    if isinstance(answer, Trouble):
        return str(answer)
    try:
        found = probe.recognise(answer, base)
    except Exception as error:
        # A kind of another package may be wrong; the others are looked for all the same.
        return f"its probe failed: {type(error).__name__}"
    return found or f"not recognised: HTTP {answer.status} for {probe.path}"


def _table(missed: Iterable[Miss]) -> list[str]:
    """What was tried in vain, a line for all that had the same result at one port."""
    lines: dict[tuple[int, str], dict[str, None]] = {}
    for miss in missed:
        lines.setdefault((miss.port, miss.words), {})[miss.kind] = None
    rows: list[Sequence[str]] = [("port", "looked for", "found")]
    for (port, words), kinds in sorted(lines.items()):
        rows.append((str(port), ", ".join(kinds), words))
    return aligned(rows) if len(rows) > 1 else []


def _base(name: str, port: int) -> str:
    scheme, usual = ("https", 443) if port in SECURE_PORTS else ("http", 80)
    return f"{scheme}://{name}" if port == usual else f"{scheme}://{name}:{port}"


def _line(key: str, value: str) -> str:
    """A key and its value in TOML, whose texts are those of JSON, but that DEL is escaped."""
    written = key if _BARE_KEY.fullmatch(key) else _text(key)
    return f"{written} = {_text(value)}"


def _text(value: str) -> str:
    return simplejson.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
