"""
What rrdtool is asked and how it answers: the interface of the children in :mod:`.engine`.

A command is one line of ``rrdtool -``, made of constants, numbers and file names of our own.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RrdError(Exception):
    """rrdtool refused a command; its words, which hold nothing of a user's."""


class NoRrdtool(Exception):  # noqa: N818 - it reads as the sentence that it is
    """rrdtool cannot be asked now, and why: it is not installed, or does not stay alive."""


class Output(NamedTuple):
    """
    The answer to one command.

    :ivar lines: what it printed before its ``OK``
    :ivar image: the picture of ``graphv``
    """

    lines: tuple[str, ...] = ()
    image: bytes | None = None


class Rrd(Protocol):
    """Where commands are given."""

    def trouble(self) -> str | None:
        """Why rrdtool cannot be asked, and what to install; ``None`` where it can."""

    async def write(self, command: str) -> Output:
        """
        One that changes files; they are done one by one, in the order in which they were given.

        :raises RrdError: it was refused
        :raises NoRrdtool: nobody is there to do it; whether it was done is not known
        """

    async def read(self, command: str) -> Output:
        """One that only reads, done beside others; raises as :meth:`write`."""
