"""
Long answers, read in steps, so that nobody else waits until the last of ten thousand streams.

A module that reads a long answer writes it as a generator, which yields between two streams and
returns what comes of it.  ``await in_steps(...)`` in a conversation runs it; tvmon, which
knows the clock, lets others have a turn at one of the steps whenever it has taken long enough.
Elsewhere, as in a test, no step waits for anything, and :func:`at_once` needs no ``await``.
"""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Protocol, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that yields between two small parts of it; what it returns is its result."""

PIECE = 65_536
"""How much of a document a parser is fed in one step, bytes or characters: some milliseconds."""


class Fed(Protocol):
    """A parser that takes a document in pieces."""

    def feed(self, data: str | bytes, /) -> object:
        """Take the next piece."""


@types.coroutine
def in_steps(steps: Steps[T]) -> Steps[T]:
    """Await the result of the work; others may have their turn between two steps."""
    return (yield from steps)


def at_once(steps: Steps[T]) -> T:
    """The result of the work, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def fed(parser: Fed, document: str | bytes) -> Steps[None]:
    """Feed a parser a whole document."""
    for start in range(0, len(document), PIECE):
        parser.feed(document[start : start + PIECE])
        yield
