"""
Text that is shown to operators: on one line, short, and readable whatever it was made of.

What a media server or a configuration file says goes into logs, reasons and labels only through
here, so that no line end, NUL or escape sequence gets there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_NOT_TO_READ = ("Cc", "Cs", "Zl", "Zp")


def has_control_characters(text: str) -> bool:
    """Whether a text holds what is no character to read: line ends, NUL, lone surrogates."""
    return any(unicodedata.category(c) in _NOT_TO_READ for c in text)


def cleaned(text: str, most: int) -> str:
    """The text on one line, at most so many characters long; what is not to be read becomes �."""
    short = text if len(text) <= most else text[: most - 3] + "..."
    if short.isascii() and short.isprintable():
        return short
    return "".join("\N{REPLACEMENT CHARACTER}" if has_control_characters(c) else c for c in short)


def any_of(choices: Sequence[str]) -> str:
    """``a, b or c``."""
    return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"
