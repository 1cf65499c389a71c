"""
What rrdtool is asked and how it answers: the interface of the children in :mod:`.engine`.

A command is one line of ``rrdtool -``, made of constants, numbers and file names of our own.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from tvmon.history.subjects import Subject
from tvmon.streams import Stream
from tvmon.tiers import Tier


class RrdError(Exception):
    """rrdtool refused a command; its words, which hold nothing of a user's."""


class NoRrdtool(Exception):  # noqa: N818 - it reads as the sentence that it is
    """
    rrdtool cannot be asked now, and why: it is not installed, it does not stay alive, or no
    history is kept at all.
    """


class Output(NamedTuple):
    """
    The answer to one command.

    :ivar lines: what it printed before its ``OK``
    :ivar image: the picture of ``graphv``
    """

    lines: tuple[str, ...] = ()
    image: bytes | None = None


class Asked(Protocol):
    """Where questions are asked."""

    def trouble(self) -> str | None:
        """Why rrdtool cannot be asked, and what to install; ``None`` where it can."""

    async def read(self, command: str) -> Output:
        """
        One that only reads, done beside others.

        :raises RrdError: it was refused
        :raises NoRrdtool: nobody is there to do it
        """


class Rrd(Asked, Protocol):
    """Where commands are given."""

    async def write(self, command: str) -> Output:
        """
        One that changes files; they are done one by one, in the order in which they were given.

        :raises RrdError: it was refused
        :raises NoRrdtool: nobody is there to do it; whether it was done is not known
        """


class Archive(Protocol):
    """Which histories there are."""

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The steps that are kept, from the finest to the coarsest."""

    def file_of(self, subject: Subject) -> str | None:
        """Its RRD, relative to where rrdtool works; ``None`` where nothing was written yet."""

    def find(self, vhost: str) -> Subject:
        """
        Who is meant by ``server``, ``server/application`` or ``server/stream``.

        :raises LookupError: nobody; one sentence that says which part is not known
        :raises NoRrdtool: no history is kept, and so nobody is known
        """

    def stream(self, mms_stream_id: int) -> Stream | None:
        """What is known of a stream whose history is kept, gone ones too."""

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        """What a sum is made of, by name: of everything its servers, of a server its streams."""
