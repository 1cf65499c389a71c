"""
The ``[[server]]`` sections: which media servers are watched, and on what terms.

What is common to all kinds is read here; the rest of a section is read by its kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tvmon.servers import Kind, MediaServer
from tvmon.servers.kinds import broken, kinds
from tvmon.settings import Section
from tvmon.streams import Stream

NAME_CHARACTERS = 100
PATTERN_CHARACTERS = 500
MOST_KBPS = 10_000_000
MOST_KEEP_MINUTES = 60 * 24 * 365
MOST_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What holds for the streams whose name matches a pattern.

    :param match: ``*``, ``?`` and ``[abc]`` as in file names, in the same case; ``*`` takes
        slashes, too.  Compared with the stream's key and its ``unify_name``
    :param expected_kbps: what they need, kbit/s
    :param may_sleep: they may be there without being published
    """

    match: str
    expected_kbps: int | None = None
    may_sleep: bool = False

    def holds_for(self, stream: Stream) -> bool:
        """Whether the stream's name matches."""
        return any(fnmatchcase(name, self.match) for name in (stream.key, stream.unify_name))


@dataclass(frozen=True, slots=True)
class Watched:
    """
    One media server of the configuration, and on what terms it is watched.

    :param kind: the name of its kind
    :param rules: the first one that holds for a stream counts
    :param keep_missing_seconds: how long a stream that is listed no more goes on being sampled
    :param requests_at_once: how many requests it is sent at a time; 0 is no bound
    """

    server: MediaServer
    kind: str = ""
    rules: tuple[Rule, ...] = ()
    keep_missing_seconds: float = 0.0
    requests_at_once: int = 0

    @property
    def name(self) -> str:
        """The name of its section."""
        return self.server.name

    def known(self, stream: Stream) -> Stream:
        """The stream with what the configuration says of it."""
        rule = next((rule for rule in self.rules if rule.holds_for(stream)), _NO_RULE)
        return replace(
            stream,
            kind=self.kind,
            expected_kbps=rule.expected_kbps,
            may_sleep=rule.may_sleep,
        )


_NO_RULE = Rule("*")


def watched(sections: Iterable[Section]) -> tuple[Watched, ...]:
    """The media servers that the sections describe, in their order."""
    servers: list[Watched] = []
    first: dict[str, int] = {}
    for number, section in enumerate(sections, 1):
        name = section.text("name", check=_server_name)
        if name and first.setdefault(name, number) != number:
            words = f"is the name of server[{first[name]}] too; each needs a name of its own"
            section.problem("name", words)
        wanted = section.maybe_text("kind") or ""
        kind = kinds().get(wanted)
        if kind is None:
            why = broken(wanted)
            if why is not None:
                section.problem("kind", why)
            section.choice("kind", [*kinds()])
            section.any_key()
        else:
            servers.append(_watched(section, kind))
    return tuple(servers)


def _watched(section: Section, kind: Kind) -> Watched:
    keep_minutes = section.number(
        "keep_missing_minutes",
        kind.keep_missing_minutes,
        unit="minutes",
        least=0,
        most=MOST_KEEP_MINUTES,
    )
    at_once = section.whole(
        "requests_at_once", kind.requests_at_once, unit="requests", least=0, most=MOST_AT_ONCE
    )
    rules = tuple(_rule(table) for table in section.tables("streams"))
    return Watched(kind.configured(section), kind.name, rules, keep_minutes * 60, at_once)


def _rule(table: Section) -> Rule:
    match = table.text("match", check=_pattern)
    expected = table.whole("expected_kbps", 0, unit="kbit/s", least=0, most=MOST_KBPS)
    return Rule(match, expected or None, table.flag("may_sleep", default=False))


def _pattern(text: str) -> str | None:
    if 0 < len(text) <= PATTERN_CHARACTERS:
        return None
    return f'must be a pattern such as "live/news*", up to {PATTERN_CHARACTERS} characters'


def _server_name(text: str) -> str | None:
    if 0 < len(text) <= NAME_CHARACTERS and text == text.strip():
        return None
    return f"must be 1 to {NAME_CHARACTERS} characters, without a blank at either end"
