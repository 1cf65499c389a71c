"""How rrdtool's commands name the values of a file and the lines made of them.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tvmon.history.plots import Line
from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES

SOURCES = frozenset(source.name for source in (*STREAM_SOURCES, *MACHINE_SOURCES))


def variable(line: Line, function: str) -> str:
    """The name of a line's values by one consolidation function."""
    return f"line_{line.name}_{function}"


def definitions(
    wanted: Iterable[tuple[Line, str]], file: str, step: int, archive: str | None = None
) -> tuple[str, ...]:
    """
    What makes each line by each function known by its :func:`variable`.

    :param file: of our own making, relative to where rrdtool works
    :param step: seconds of a row; rows that are finer are consolidated by the function
    :param archive: the function that the rows are kept by, where it is not the wanted one
    """
    values: dict[str, None] = {}
    lines: dict[str, None] = {}
    for line, function in wanted:
        tail = f"{archive or function}:step={step}:reduce={function}"
        words = []
        for word in line.rpn.split(","):
            if word in SOURCES:
                values[f"DEF:{word}_{function}={file}:{word}:{tail}"] = None
                words.append(f"{word}_{function}")
            else:
                words.append(word)
        lines[f"CDEF:{variable(line, function)}={','.join(words)}"] = None
    return (*values, *lines)
