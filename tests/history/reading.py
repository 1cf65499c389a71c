"""Histories to read from: files of known numbers, and an rrdtool that only notes what is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from tvmon.history.rrd import NoRrdtool, Output, Rrd
from tvmon.history.sources import Source
from tvmon.history.subjects import ALL, Subject
from tvmon.streams import Stream
from tvmon.tiers import DEFAULT_TIERS, STEP_SECONDS, Tier

HARMLESS = re.compile(r'[A-Za-z0-9 \-_:,./#%=*+()\\"]+', re.ASCII)
"""All that our commands are made of."""

XPORT = """{ "about": "RRDtool graph JSON output",
  "meta": { "start": 1700000400, "end": 1700001000, "step": 300, "legend": [ "" ] },
  "data": [ [ 1.0000000000e+00, null ], [ null, 2.5000000000e+00 ] ]
}"""


def exported(command: str) -> str:
    """As :data:`XPORT`, of as many columns and in the step that a command asks for."""
    words = command.split()
    count, step = command.count("XPORT:"), int(words[words.index("--step") + 1])
    rows = [[1.0, None] * count, [None, 2.5] * count]
    data = [row[:count] for row in rows]
    return json.dumps({"meta": {"start": 1_700_000_400, "step": step}, "data": data}, indent=1)


class NotingRrd:
    """
    Answers every command with the same picture and numbers.

    :ivar held: commands wait for these, where it is a list
    """

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.missing: str | None = None
        self.held: list[Deferred[None]] | None = None
        self.image: bytes | None = b"\x89PNG\r\n\x1a\n picture"

    def trouble(self) -> str | None:
        return self.missing

    async def write(self, command: str) -> Output:
        raise AssertionError(command)

    async def read(self, command: str) -> Output:
        assert HARMLESS.fullmatch(command), command
        if self.missing is not None:
            raise NoRrdtool(self.missing)
        self.commands.append(command)
        if self.held is not None:
            wait: Deferred[None] = Deferred()
            self.held.append(wait)
            await wait
        if command.startswith("graphv"):
            return Output(("image = BLOB_SIZE",), self.image)
        return Output(tuple(exported(command).splitlines()))


class KnownArchive:
    """Histories that are told to it."""

    def __init__(
        self,
        files: Mapping[Subject, str] | None = None,
        names: Mapping[str, Subject] | None = None,
        tiers: Sequence[Tier] = DEFAULT_TIERS,
    ) -> None:
        self.tiers = tuple(tiers)
        self.files: dict[Subject, str] = dict(files or {})
        self.names: dict[str, Subject] = dict(names or {})
        self.streams: dict[int, Stream] = {}
        self.parts: dict[Subject, list[tuple[str, Subject]]] = {}

    def file_of(self, subject: Subject) -> str | None:
        return self.files.get(subject)

    def find(self, vhost: str) -> Subject:
        if not vhost:
            return ALL
        if vhost not in self.names:
            raise LookupError("there is no such media server")
        return self.names[vhost]

    def stream(self, mms_stream_id: int) -> Stream | None:
        return self.streams.get(mms_stream_id)

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        return self.parts.get(subject, [])


async def write_history(
    rrd: Rrd,
    file: str,
    sources: Sequence[Source],
    first: int,
    rows: Sequence[Mapping[str, float]],
    tiers: Sequence[Tier] = DEFAULT_TIERS,
) -> None:
    """
    A file of these rows, five minutes each.

    :param first: when the first row begins
    :param rows: by the name of the source; what is not there is not known
    """
    archives = [archive for tier in tiers for archive in tier.archives]
    words = ["create", file, "--start", str(first), "--step", str(STEP_SECONDS)]
    await rrd.write(" ".join([*words, *(source.definition for source in sources), *archives]))
    updates = [
        ":".join(
            [str(first + (index + 1) * STEP_SECONDS)]
            + [str(row.get(source.name, "U")) for source in sources]
        )
        for index, row in enumerate(rows)
    ]
    for start in range(0, len(updates), 200):
        await rrd.write(" ".join(["update", file, *updates[start : start + 200]]))
