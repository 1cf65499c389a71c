"""What ``rrdtool -`` prints, cut into its answers.  Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from tvmon.history.rrd import Output

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer, with its picture; the largest picture that is drawn has less than 1 MiB."""

_MARK = re.compile(
    rb"^(?:OK u:[^\n]*|ERROR: (?P<error>[^\n]*)|image = BLOB_SIZE:(?P<size>[0-9]{1,15}))\n",
    re.MULTILINE,
)


class TooLongError(Exception):
    """An answer has more than :data:`MOST_BYTES`, or will have."""


class Answer(NamedTuple):
    """
    One answer.

    :ivar error: what rrdtool complains of; ``None`` where it did what it was told
    """

    output: Output
    error: str | None = None


class Answers:
    """
    A parser that is fed with bytes as they come, however they are cut.

    An answer is any lines, then one that begins with ``OK u:`` or ``ERROR: ``.  A picture is a
    line ``image = BLOB_SIZE:n`` with n bytes behind it, after which no line ends.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()
        self._clear()

    def feed(self, data: bytes) -> list[Answer]:
        """
        The answers that end within these bytes.

        :raises TooLongError: one gets too long; nothing can be fed any more
        """
        self._buffer += data
        found = []
        while (answer := self._next()) is not None:
            found.append(answer)
        return found

    def _clear(self) -> None:
        """Begin with the next answer."""
        self._text = b""
        self._image: bytes | None = None
        self._size: int | None = None
        self._line = self._looked = 0

    def _next(self) -> Answer | None:
        while True:
            if self._size is not None and not self._take_image(self._size):
                return None
            mark = self._find()
            if mark is None:
                self._check(len(self._buffer))
                return None
            start, end, error, size = mark
            self._text += self._buffer[:start]
            del self._buffer[:end]
            self._line = self._looked = 0
            if size is None:
                lines = tuple(self._text.decode("utf-8", "replace").split("\n")[:-1])
                answer = Answer(Output(lines, self._image), error)
                self._clear()
                return answer
            self._check(size)
            self._size = size

    def _take_image(self, size: int) -> bool:
        if len(self._buffer) < size:
            return False
        self._image = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._size = None
        return True

    def _find(self) -> tuple[int, int, str | None, int | None] | None:
        """The next mark's begin and end, error and size; no byte is looked at over and over."""
        if self._buffer.find(b"\n", self._looked) < 0:
            self._looked = len(self._buffer)
            return None
        mark = _MARK.search(self._buffer, self._line)
        if mark is None:
            self._line = self._buffer.rfind(b"\n") + 1
            self._looked = len(self._buffer)
            return None
        error, size = mark["error"], mark["size"]
        return (
            mark.start(),
            mark.end(),
            None if error is None else bytes(error).decode("utf-8", "replace"),
            None if size is None else int(size),
        )

    def _check(self, more: int) -> None:
        if len(self._text) + len(self._image or b"") + more > self._most:
            raise TooLongError(f"an answer of more than {self._most} bytes")
