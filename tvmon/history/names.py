"""
Who is meant by ``ingest``, ``ingest/live`` or ``ingest/live/cam1``.

Names come from the board, and are kept in a file beside the RRDs, so that a stream that is gone
is still found by its name for as long as its history is there, and a person can tell whose
history a file is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import simplejson

from tvmon.history.subjects import ALL, Subject, application_of, groups_of, of_stream
from tvmon.streams import Stream

FILE = "names.json"
_KEPT = ("server", "key", "unify_name", "kind")


class Names:
    """
    The names of all whose history is kept.

    :ivar changes: counts them, so that whoever keeps the file sees when it is out of date
    """

    def __init__(self) -> None:
        self.changes = 0
        self._streams: dict[int, Stream] = {}
        self._meant: dict[str, Subject] | None = None

    def __len__(self) -> int:
        return len(self._streams)

    def numbers(self) -> Iterable[int]:
        """The ``mms_stream_id`` of every stream."""
        return self._streams.keys()

    def stream(self, mms_stream_id: int) -> Stream | None:
        """What is known of one stream."""
        return self._streams.get(mms_stream_id)

    def put(self, stream: Stream) -> None:
        """A stream is there, or has another name."""
        old = self._streams.get(stream.mms_stream_id)
        if old is not None and not stream.kind:
            # After a start it comes from the database, which does not keep the kind.
            stream = replace(stream, kind=old.kind)
        if old is None or _kept(old) != _kept(stream):
            self._streams[stream.mms_stream_id] = stream
            self._changed()

    def remove(self, mms_stream_id: int) -> None:
        """A stream's history is no more."""
        if self._streams.pop(mms_stream_id, None) is not None:
            self._changed()

    def find(self, vhost: str) -> Subject:
        """
        A server, an application or a stream; everything, where the text is empty.

        A stream is found by its key behind the server's name, or by its name, with or without
        the server's before it.

        :raises LookupError: nobody is called so; one sentence that says which part is not known
        """
        if not vhost:
            return ALL
        if self._meant is None:
            self._meant = dict(self._index())
        found = self._meant.get(vhost)
        if found is not None:
            return found
        servers = [s.name for s in self._servers() if vhost.startswith(s.name + "/")]
        if servers:
            raise LookupError(f"{max(servers, key=len)} has no such stream or application")
        raise LookupError("there is no such media server")

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        """What a sum is made of, by name: of everything its servers, of a server its streams."""
        if subject.kind == "all":
            return sorted((server.name, server) for server in self._servers())
        return sorted(
            (stream.unify_name, of_stream(number))
            for number, stream in self._streams.items()
            if subject in groups_of(stream)
        )

    def load(self, folder: Path) -> None:
        """
        Take in what was kept; what is known by now is newer.

        :raises ValueError: the file is none of ours
        :raises OSError: it cannot be read
        """
        try:
            kept = simplejson.loads((folder / FILE).read_bytes())
        except FileNotFoundError:
            return
        try:
            found = {int(number): _stream(int(number), names) for number, names in kept.items()}
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"{FILE} does not hold names") from error
        self._streams = found | self._streams
        self._meant = None

    def save(self, folder: Path) -> None:
        """Keep them.  Raises OSError."""
        kept = {str(n): dict(zip(_KEPT, _kept(s), strict=True)) for n, s in self._streams.items()}
        unfinished = folder / (FILE + ".new")
        unfinished.write_text(simplejson.dumps(kept, indent=0, sort_keys=True), "utf-8", "replace")
        os.replace(unfinished, folder / FILE)

    def _changed(self) -> None:
        self.changes += 1
        self._meant = None

    def _servers(self) -> set[Subject]:
        return {Subject("server", stream.server) for stream in self._streams.values()}

    def _index(self) -> Iterator[tuple[str, Subject]]:
        """Every text by which somebody is meant; of two with one text the later one has it."""
        streams = self._streams.items()
        for number, stream in streams:
            yield stream.unify_name, of_stream(number)
        for number, stream in streams:
            yield f"{stream.server}/{stream.unify_name}", of_stream(number)
        for stream in self._streams.values():
            if application_of(stream) is not None:
                application = f"{stream.server}/{application_of(stream)}"
                yield application, Subject("application", application)
        for number, stream in streams:
            yield f"{stream.server}/{stream.key}", of_stream(number)
        for server in self._servers():
            yield server.name, server


def _kept(stream: Stream) -> tuple[str, ...]:
    return stream.server, stream.key, stream.unify_name, stream.kind


def _stream(number: int, names: dict[str, str]) -> Stream:
    server, key, unify_name, kind = (str(names[name]) for name in _KEPT)
    return Stream(server, key, None, unify_name, "", number, kind)
