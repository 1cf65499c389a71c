"""
What is wrong with a configuration file, all of it, in the order of the file.

No problem shows a secret: a value is shown as it stands in the file, before anything is taken
from the environment; a URL without its user, password and query; and not at all where the key
holds a secret, or might, since it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tvmon.words import cleaned

SHOWN_CHARACTERS = 60
"""How much of a wrong value a problem shows."""

Place = tuple[int, ...]
"""Where a key stands: its index in its table, behind that of the table in the one above, ..."""

_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?/+|")
_QUERY = re.compile(r"[?#]")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong with a configuration file.

    :param key: the way to it, ``polling.body_bytes`` or ``server[2].api``, counted from 1; empty
        where the whole file is meant
    :param value: as it stands in the file, shortened; ``None`` where there is none, or a secret
    :param words: what is wrong, and what is allowed
    """

    file: str
    key: str
    value: str | None
    words: str

    def __str__(self) -> str:
        if not self.key:
            return f"{self.file}: {self.words}"
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.file}: {self.key}{shown}: {self.words}"


class ConfigError(Exception):
    """A configuration that cannot be used; ``str()`` is all its problems, a line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of_file(cls, file: str, words: str) -> ConfigError:
        """A file that cannot be read at all."""
        return cls([Problem(file, "", None, words)])


@dataclass(slots=True)
class Problems:
    """The problems of one file, as they are found."""

    file: str
    _found: dict[str, tuple[Place, Problem]] = field(default_factory=dict)

    def note(self, key: str, value: str | None, words: str, place: Place) -> None:
        """Take one in.  Of several of one key the first is kept: the others follow from it."""
        self._found.setdefault(key, (place, Problem(self.file, key, value, words)))

    def raise_all(self) -> None:
        """Raise ConfigError where there is any."""
        if self._found:
            ordered = sorted(self._found.values(), key=lambda pair: pair[0])
            raise ConfigError(problem for _, problem in ordered)


def shown_value(value: object) -> str:
    """A value of a TOML file on one line, short; of tables and lists only that they are."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of very many digits"
    if isinstance(value, str):
        return f'"{cleaned(_without_secrets(value), SHOWN_CHARACTERS)}"'
    return str(value)


def _without_secrets(text: str) -> str:
    """
    The text without user, password and query, as if it were a URL.

    It is shown since it is wrong, so it need not look like one: a slash or the whole scheme may
    be missing, and a password may hold what ends it in a good URL.  Too much is hidden then.
    """
    first = _QUERY.search(text)
    head, tail = (text[: first.end()], text[first.end() :]) if first else (text, "")
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    at = head.rfind("@")
    if at >= start:
        head = f"{head[:start]}...{head[at:]}"
    elif "@" in tail and ":" in head[start:]:
        # Is the password cut in two, or does the query hold an address?  Nobody can tell.
        head = f"{head[:start]}...{head[-1]}"
    return f"{head}..." if tail else head
