"""
Which fields of a media server's answers are not what its module knows.

A server's upgrade adds fields, renames some and drops others, and a module that reads on as if
nothing had happened shows dashes.  So each module says which fields it knows and which of them
it needs, and this counts what differs: the upgrade is seen the same day.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from tvmon.words import cleaned

MOST_NAMES = 100
"""Of either kind; a server whose field names are data would fill the memory, and every graph."""

NAME_CHARACTERS = 80


class News(NamedTuple):
    """Names that were not told before."""

    unknown: tuple[str, ...]
    missing: tuple[str, ...]


class Drift:
    """
    The fields that are unknown or missing, ``stream.bw_data``, and in how many answers each.

    :ivar unknown: sent, and not known to the module
    :ivar missing: needed, and not sent or not usable
    """

    def __init__(self) -> None:
        self.unknown: dict[str, int] = {}
        self.missing: dict[str, int] = {}
        self._told: set[tuple[str, str]] = set()

    def look(
        self, where: str, there: Set[str], known: Set[str], needed: Set[str] = frozenset()
    ) -> None:
        """
        Compare the fields of an object with those that are known.

        :param where: what has the fields, ``stream`` or ``server.client``
        """
        if not there <= known:
            for name in there - known:
                _count(self.unknown, f"{where}.{name}")
        if not needed <= there:
            for name in needed - there:
                _count(self.missing, f"{where}.{name}")

    def lacks(self, name: str) -> None:
        """A field that is needed cannot be used, or is not there."""
        _count(self.missing, name)

    def news(self) -> News:
        """What is new since this was asked last."""
        return News(
            tuple(self._new("unknown", self.unknown)), tuple(self._new("missing", self.missing))
        )

    def _new(self, what: str, names: Iterable[str]) -> Iterable[str]:
        for name in list(names):
            if (what, name) not in self._told:
                self._told.add((what, name))
                yield name


def _count(counts: dict[str, int], name: str) -> None:
    name = cleaned(name, NAME_CHARACTERS)
    if name in counts:
        counts[name] += 1
    elif len(counts) < MOST_NAMES:
        counts[name] = 1
