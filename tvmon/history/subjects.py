"""Of whom a history is kept: streams, what they belong to, and the machine.  Pure."""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES, Source
from tvmon.streams import Stream

SubjectKind = Literal["stream", "server", "application", "protocol", "all", "machine"]
Protocol = Literal["rtmp", "http", "hls", "mpegdash"]
PROTOCOLS: tuple[Protocol, ...] = ("rtmp", "http", "hls", "mpegdash")
PROTOCOL_OF: dict[str, Protocol] = {"nginx-rtmp": "rtmp", "icecast": "http", "hls": "hls"}
"""By the kind of media server; the others count what goes out by any protocol together."""


class Subject(NamedTuple):
    """
    One whose history is kept, in one RRD.

    :ivar name: of a stream its ``mms_stream_id``, of a server its name, of an application the
        server's and its own with a slash between, of a protocol its name, else empty
    """

    kind: SubjectKind
    name: str = ""

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is kept of it."""
        return MACHINE_SOURCES if self.kind == "machine" else STREAM_SOURCES

    @property
    def file_name(self) -> str:
        """Lower-case letters, digits and ``-`` only, whatever the name is: ``stream-123``."""
        if self.kind == "stream":
            return f"stream-{int(self.name)}"
        if not self.name:
            return self.kind
        return f"{self.kind}-{hashlib.blake2b(self.name.encode(), digest_size=8).hexdigest()}"


ALL = Subject("all")
MACHINE = Subject("machine")


def of_stream(mms_stream_id: int) -> Subject:
    """That of one stream."""
    return Subject("stream", str(mms_stream_id))


def application_of(stream: Stream) -> str | None:
    """What stands before the last slash of a stream's key, ``live`` of ``live/cam1``, if any."""
    return stream.key.strip("/").rpartition("/")[0] or None


def groups_of(stream: Stream) -> tuple[Subject, ...]:
    """All that a stream is a part of: its sums hold this stream's numbers."""
    groups = [ALL, Subject("server", stream.server)]
    application = application_of(stream)
    if application is not None:
        groups.append(Subject("application", f"{stream.server}/{application}"))
    protocol = protocol_of(stream)
    if protocol is not None:
        groups.append(Subject("protocol", protocol))
    return tuple(groups)


def protocol_of(stream: Stream) -> Protocol | None:
    """By which protocol its viewers get it; ``None`` where by more than one, or nobody knows."""
    return PROTOCOL_OF.get(stream.kind)
