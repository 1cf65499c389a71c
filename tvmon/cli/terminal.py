"""Where a command writes to, and how tables look there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

_WIDE = ("W", "F")


@dataclass(frozen=True, slots=True)
class Terminal:
    """
    What a command says, and to whom.

    :param out: for the result, which another program may read
    :param err: for what went wrong
    """

    out: TextIO
    err: TextIO

    def say(self, *lines: str) -> None:
        """Lines of the result; they are to be seen at once."""
        self.out.writelines(f"{line}\n" for line in lines)
        self.out.flush()

    def complain(self, *lines: str) -> None:
        """Lines about what went wrong."""
        self.err.writelines(f"{line}\n" for line in lines)
        self.err.flush()


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """The rows as lines, each column as wide as its widest cell."""
    cells = list(rows)
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def width(text: str) -> int:
    """How many columns of a terminal a text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in _WIDE for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
