"""What the texts of a configuration file become, and what is wrong with one that is no TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")

SECRET_BYTES = 64 * 1024
"""How large a file may be that holds a secret."""


def filled(text: object, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """The text with its variables replaced, and what is wrong with it."""
    if not isinstance(text, str):
        return "", "must be a text, in quotes"
    missing: list[str] = []
    bare = False

    def replace(match: re.Match[str]) -> str:
        nonlocal bare
        if match["dollar"]:
            return "$"
        name = match["name"]
        if name is None:
            bare = True
            return ""
        if name not in environ:
            missing.append(name)
        return environ.get(name, "")

    filled = _VARIABLE.sub(replace, text)
    if bare:
        return "", "has a lone $: write ${NAME} for the environment's NAME, and $$ for a dollar"
    if missing:
        return "", f"the environment has no {' and no '.join(dict.fromkeys(missing))}"
    return filled, None


def secret_of(path: Path) -> tuple[str, str | None]:
    """The secret that a file holds on its only line, and what is wrong with the file."""
    try:
        with path.open("rb") as file:
            data = file.read(SECRET_BYTES + 1)
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        return "", f"cannot be read: {why}"
    if not text.strip():
        return "", "names a file that is empty"
    if len(data) > SECRET_BYTES or "\n" in text:
        return "", "names a file of several lines; it must hold the secret and nothing else"
    return text, None


def syntax_error(error: Exception, text: str) -> str:
    """What is wrong with a file that is no TOML, and in which line."""
    if isinstance(error, RecursionError):
        return "not TOML: lists or tables lie too deep in one another"
    words = str(error)
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", words)
    if at is None:
        # Python's own bound on the digits of a number; it tells no line.
        return "not TOML: a number has too many digits"
    line = int(at[1]) if at[1] else text.rstrip().count("\n") + 1
    column = f", column {at[2]}" if at[2] else ", the last one"
    return f"line {line}{column}: not TOML: {words[: at.start()]}"
