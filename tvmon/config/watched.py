"""
The ``[[server]]`` sections: which media servers are watched, and on what terms.

What is common to all kinds is read here; the rest of a section is read by its kind.
"""

from __future__ import annotations

from collections.abc import Iterable

from tvmon.servers import Kind
from tvmon.servers.kinds import broken, kinds
from tvmon.servers.watched import Rule, Watched
from tvmon.settings import Section

NAME_CHARACTERS = 100
PATTERN_CHARACTERS = 500
MOST_KBPS = 10_000_000
MOST_KEEP_MINUTES = 60 * 24 * 365
MOST_AT_ONCE = 100_000


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
