"""
Answers in their plainest form, which is how nearly all of them come; pure.

    HTTP/1.1 200 OK
    Content-Length: 540
    ...

    the body, of that length

Twisted reads whatever HTTP allows, a line and a piece at a time, and takes four times as long as
all the rest of a poll.  So what is here reads the plainest answers alone, and says of any other
one, or of one that it only doubts, that it is not plain; Twisted reads that from its first byte.
What is plain is read as Twisted would read it: a test compares the two on whatever can come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tvmon.words import cleaned

PHRASE_CHARACTERS = 80
"""How much of a status line's phrase is kept."""

PLAIN_BYTES = 64 * 1024
"""The longest body of a plain answer: a longer one is better not kept in one piece."""

HEADS_KEPT = 512
"""Heads that are kept read: most servers send the same one to all who ask within a second."""

END = b"\r\n\r\n"

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e]*)\r\n")
_NO_BODY = frozenset((204, 304))
_NOT_PLAIN = frozenset(("transfer-encoding", "content-encoding", "trailers", "upgrade"))
_MOST_DIGITS = 9


class Head(NamedTuple):
    """
    The head of a plain answer.

    :param phrase: the status line's own words, cleaned and cut off
    :param length: how many bytes of body follow
    :param closes: whether the server closes the connection afterwards
    :param headers: by their names in lower case, the first of each name
    """

    status: int
    phrase: str
    length: int
    closes: bool
    headers: Mapping[str, str]


@lru_cache(maxsize=HEADS_KEPT)
def plain_head(head: bytes) -> Head | None:
    """A head, from its first byte to its empty line; ``None`` where it is not plain."""
    line = _STATUS_LINE.match(head)
    if line is None:
        return None
    status = int(line[1])
    if status in _NO_BODY or 300 <= status < 400:
        return None
    found: dict[str, str] = {}
    at, end = line.end(), len(head) - 2
    while at < end:
        header = _HEADER.match(head, at)
        if header is None:
            return None
        name = header[1].decode("ascii").lower()
        if name in _NOT_PLAIN or (name in found and name in ("content-length", "connection")):
            return None
        found.setdefault(name, header[2].decode("ascii").strip())
        at = header.end()
    length, connection = found.get("content-length", ""), found.get("connection", "")
    if not length.isdigit() or len(length) > _MOST_DIGITS or at != end:
        return None
    # Twisted knows it by this spelling only, and keeps any other connection open.
    closes = connection == "close"
    if connection and not closes and connection.lower() != "keep-alive":
        return None
    phrase = cleaned((line[2] or b"").decode("ascii"), PHRASE_CHARACTERS)
    return Head(status, phrase, int(length), closes, MappingProxyType(found))


class Reading:
    """
    A plain answer as it comes in; its head comes in one piece, or it is not plain.

    :param head_bytes: how long its head may be
    :param body_bytes: how long its body may be
    :ivar held: all that came
    :ivar head: once it is there
    :ivar is_plain: as far as can be told; what is not is not read on
    """

    __slots__ = ("_from", "_head_bytes", "_longest", "head", "held", "is_plain")

    def __init__(self, head_bytes: int, body_bytes: int) -> None:
        self._head_bytes = head_bytes
        self._longest = min(body_bytes, PLAIN_BYTES)
        self._from = 0
        self.held: bytes | bytearray = b""
        self.head: Head | None = None
        self.is_plain = True

    def take(self, data: bytes) -> bytes | None:
        """Some more; the body, once it is whole."""
        head = self.head
        if head is None:
            self.held = data
            head = self._read_head(data)
            if head is None:
                self.is_plain = False
                return None
        elif isinstance(self.held, bytearray):
            self.held += data
        else:
            # A bytearray, since a body may come in single bytes.
            self.held = bytearray(self.held + data)
        missing = self._from + head.length - len(self.held)
        if missing:
            self.is_plain = missing > 0
            return None
        return bytes(self.held[self._from :])

    @property
    def body_bytes(self) -> int:
        """How much of the body has come, once the head is there."""
        return len(self.held) - self._from

    def _read_head(self, data: bytes) -> Head | None:
        end = data.find(END)
        self._from = end + len(END)
        if end < 0 or self._from > self._head_bytes:
            return None
        head = plain_head(data[: self._from])
        if head is not None and head.length <= self._longest:
            self.head = head
        return self.head
