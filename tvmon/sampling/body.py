"""The body of an answer, as it comes in, within a bound."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tvmon.errors import NoAnswer
from tvmon.words import cleaned

_GZIP_OR_DEFLATE = zlib.MAX_WBITS | 32


class Body:
    """
    Takes what comes, and says stop where it becomes too much.

    Compressed bodies are not asked for; one that comes is unpacked no further than its bound.

    :param most: how many bytes it may have, unpacked
    :param encoding: the Content-Encoding, lower case; NoAnswer where it cannot be unpacked
    :param refuse: is told why no more is wanted
    :ivar content: what came so far, unpacked
    """

    __slots__ = ("_most", "_refuse", "_unpacker", "content")

    def __init__(self, most: int, encoding: str, refuse: Callable[[NoAnswer], None]) -> None:
        self._most, self._refuse = most, refuse
        self._unpacker = None
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._unpacker = zlib.decompressobj(_GZIP_OR_DEFLATE)
        elif encoding not in ("", "identity"):
            raise NoAnswer(f"answer is packed in an unknown way: {cleaned(encoding, 40)}", "body")
        # A bytearray, since a list of pieces costs forty times its content if each is a byte.
        self.content = bytearray()

    def take(self, data: bytes) -> None:
        """Some more."""
        room = self._most - len(self.content)
        if room < 0:
            return  # what was under way when it was refused
        if self._unpacker is not None:
            try:
                data = self._unpacker.decompress(data, room + 1)
            except zlib.error:
                self._most = -1
                self._refuse(NoAnswer("answer is packed, and broken", "body"))
                return
        self.content += data[: room + 1]
        if len(self.content) > self._most:
            self._refuse(too_large(self._most))

    def whole(self) -> bytes:
        """All of it; NoAnswer where the packing says that something is missing."""
        if self._unpacker is not None and self.content and not self._unpacker.eof:
            raise NoAnswer("answer is packed, and not complete", "body")
        return bytes(self.content)


def too_large(most: int) -> NoAnswer:
    """What is said of a body above its bound."""
    return NoAnswer(f"answer larger than {most} bytes", "size")
