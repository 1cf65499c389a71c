"""
A typed reader of a configuration file, which tells everything that is wrong with it in one go.

A :class:`Section` is one table of the file.  Every reading method returns a usable value even
where it noted a problem, so that reading goes on to the next key.  Whoever opened the file calls
:meth:`Section.finish` at the end: it adds the keys that nobody asked for, and raises them all.

In every text ``${NAME}`` is replaced from the environment, once, and ``$$`` is a dollar.  A
problem shows a value as it stands in the file, so nothing from the environment is ever shown.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tvmon.problems import ConfigError, Place, Problems, shown_value
from tvmon.toml import filled, secret_of, syntax_error
from tvmon.words import any_of, cleaned, has_control_characters

Check = Callable[[str], str | None]
"""Looks at a text: ``None`` where it is good, else what it must be."""


class Section:
    """
    One table of a configuration file.

    A default of ``None`` means that the key must be there, but for the ``maybe_`` methods.

    :ivar asked: every key that was asked for, with its default; what it does not hold is unknown
    :ivar children: the tables below this one that were asked for
    """

    def __init__(
        self,
        problems: Problems,
        environ: Mapping[str, str],
        table: Mapping[str, object],
        path: str = "",
        place: Place = (),
        folder: Path = Path(),
    ) -> None:
        self._problems = problems
        self._environ = environ
        self._table = table
        self._folder = folder
        self._path = path
        self._place = place
        self._any_key = False
        self.asked: dict[str, object] = {}
        self.children: list[Section] = []

    @classmethod
    def of(cls, text: str, name: str, environ: Mapping[str, str], folder: Path = Path()) -> Section:
        """
        The top of a file that holds this text; one that is no TOML raises ConfigError.

        :param folder: where the files that it names begin
        """
        try:
            table = tomllib.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise ConfigError.of_file(name, syntax_error(error, text)) from None
        return cls(Problems(name), environ, table, folder=folder)

    @classmethod
    def open(cls, path: Path, environ: Mapping[str, str]) -> Section:
        """The top of a file; one that cannot be read, or is no TOML, raises ConfigError."""
        name = cleaned(str(path), 300)
        try:
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no such file"
            raise ConfigError.of_file(name, f"cannot be read: {why}") from None
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            words = f"line {line} is not UTF-8 text; save the file in UTF-8"
            raise ConfigError.of_file(name, words) from None
        return cls.of(text, name, environ, path.absolute().parent)

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        check: Check | None = None,
        secret: bool = False,
    ) -> str:
        """A text that is not empty, on one line."""
        value = self.maybe_text(key, default, check=check, secret=secret)
        if value is None and key not in self._table:
            self.problem(key, _missing(check))
        return "" if value is None else value

    def maybe_text(
        self,
        key: str,
        default: str | None = None,
        *,
        check: Check | None = None,
        secret: bool = False,
    ) -> str | None:
        """A text that is not empty, on one line; the default where the key is absent."""
        self.asked[key] = default
        if key not in self._table:
            return default
        return self._text(key, self._table[key], check, secret=secret)

    def secret(self, key: str, *, check: Check | None = None) -> str | None:
        """
        A secret: the value of this key, or what the file holds that ``{key}_file`` names.

        ``None`` where there is neither, or it is wrong.  A relative path begins at the folder of
        the configuration file.
        """
        of_file = f"{key}_file"
        value = self.maybe_text(key, check=check, secret=True)
        named = self.maybe_text(of_file)
        if named is None:
            return value
        if key in self._table:
            self.problem(of_file, f"must not be there beside {key}")
            return value
        secret, wrong = secret_of(self._folder / named)
        if wrong is None and has_control_characters(secret):
            wrong = "names a file that holds control characters"
        if wrong is None and check is not None and check(secret):
            wrong = f"names a file whose content {check(secret)}"
        if wrong is not None:
            self.problem(of_file, wrong)
            return None
        return secret

    def has_secret(self, key: str) -> bool:
        """Whether the file gives a secret of that name, right or wrong."""
        return key in self._table or f"{key}_file" in self._table

    def number(
        self, key: str, default: float | None = None, *, unit: str, least: float, most: float
    ) -> float:
        """A number, whole or not, within its bounds."""
        value = self._number(key, default, (int, float), f"a number of {unit}", least, most)
        return float(value)

    def whole(
        self, key: str, default: int | None = None, *, unit: str, least: int, most: int
    ) -> int:
        """A whole number within its bounds."""
        return int(self._number(key, default, (int,), f"a whole number of {unit}", least, most))

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        self.asked[key] = default
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            self.problem(key, "must be true or false, without quotes")
            return default
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of some words."""

        def check(value: str) -> str | None:
            if value in choices:
                return None
            near = difflib.get_close_matches(value, choices, 1) if len(choices) > 1 else ()
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"must be {any_of(choices)}{hint}"

        return self.text(key, default, check=check)

    def texts(
        self, key: str, default: Sequence[str] | None = None, *, check: Check | None = None
    ) -> tuple[str, ...]:
        """A list of texts, at least one, none twice."""
        self.asked[key] = default
        if key not in self._table and default is not None:
            return tuple(default)
        values = self._table.get(key)
        if not isinstance(values, list) or not values:
            self.problem(key, "must be a list of texts, at least one")
            return tuple(default or ())
        found: list[str] = []
        for number, value in enumerate(values, 1):
            text = self._text(key, value, check, entry=number)
            if text is not None and text in found:
                self.problem(key, "is there twice; once is enough", entry=number)
            elif text is not None:
                found.append(text)
        return tuple(found)

    def table(self, key: str) -> Section:
        """The table of that name; an empty one where there is none."""
        self.asked[key] = {}
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            self.problem(key, f"must be a table, which begins with [{self._full(key)}]")
            value = {}
        return self._child(self._full(key), value, self._key_place(key))

    def tables(self, key: str) -> tuple[Section, ...]:
        """The tables of that name, which may be there any number of times."""
        self.asked[key] = ()
        values = self._table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            name = re.sub(r"\[\d+\]", "", self._full(key))
            self.problem(key, f"must be tables, each of which begins with [[{name}]]")
            return ()
        place = self._key_place(key)
        return tuple(
            self._child(f"{self._full(key)}[{number}]", value, (*place, number))
            for number, value in enumerate(values, 1)
        )

    def any_key(self) -> None:
        """Take every key of this table: what it may hold cannot be known."""
        self._any_key = True

    def problem(
        self, key: str, words: str, *, entry: int | None = None, secret: bool = False
    ) -> None:
        """
        Note what is wrong with a key, and what is allowed.

        :param entry: which entry of a list is meant, counted from 1
        """
        value = self._table.get(key)
        place = (*self._key_place(key), entry or 0)
        path = self._full(key)
        if entry is not None:
            path = f"{path}[{entry}]"
            value = value[entry - 1] if isinstance(value, list) else None
        shown = None if value is None or secret else shown_value(value)
        self._problems.note(path, shown, words, place)

    def finish(self) -> None:
        """Raise every problem of the file, in its order; called once, on the top."""
        self._note_unknown()
        self._problems.raise_all()

    def _note_unknown(self) -> None:
        for key in self._table:
            if key in self.asked or self._any_key:
                continue
            near = difflib.get_close_matches(key, self.asked, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            # The value stays unsaid: it may be the secret of a key whose name is mistyped.
            self.problem(key, f"unknown key; {hint}known are {', '.join(self.asked)}", secret=True)
        for child in self.children:
            child._note_unknown()  # noqa: SLF001 - the same class

    def _child(self, path: str, table: Mapping[str, object], place: Place) -> Section:
        child = Section(self._problems, self._environ, table, path, place, self._folder)
        self.children.append(child)
        return child

    def _full(self, key: str) -> str:
        name = key if re.fullmatch(r"[\w-]+", key, re.ASCII) else shown_value(key)
        return f"{self._path}.{name}" if self._path else name

    def _key_place(self, key: str) -> Place:
        """Where a key stands among the keys of its table; a missing one stands behind them."""
        for index, name in enumerate(self._table):
            if name == key:
                return (*self._place, index)
        return (*self._place, len(self._table))

    def _number(
        self,
        key: str,
        default: float | None,
        types: tuple[type, ...],
        what: str,
        least: float,
        most: float,
    ) -> float:
        self.asked[key] = default
        value = self._table.get(key, default)
        allowed = f"must be {what}, {_plain(least)} to {_plain(most)}"
        fallback = least if default is None else default
        if value is None:
            self.problem(key, f"is missing, {allowed}")
            return fallback
        if isinstance(value, bool) or not isinstance(value, types):
            hint = ", without quotes" if isinstance(value, str) else ""
            self.problem(key, allowed + hint)
            return fallback
        assert isinstance(value, int | float)
        if not least <= value <= most:  # also what is no number at all: nan
            self.problem(key, allowed)
            return fallback
        return value

    def _text(
        self,
        key: str,
        value: object,
        check: Check | None,
        *,
        entry: int | None = None,
        secret: bool = False,
    ) -> str | None:
        """A text of the file, filled in and checked; ``None`` where it is wrong."""
        text, wrong = filled(value, self._environ)
        if wrong is None and has_control_characters(text):
            wrong = "must be on one line, without control characters"
        if wrong is None and not text.strip():
            wrong = "must not be empty"
        if wrong is None and check is not None:
            wrong = check(text)
        if wrong is None:
            return text
        self.problem(key, wrong, entry=entry, secret=secret)
        return None


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _missing(check: Check | None) -> str:
    allowed = check("") if check is not None else None
    return f"is missing, {allowed}" if allowed else "is missing"
