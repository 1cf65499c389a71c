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
        self._meant: dict[str, Subject | int] | None = None

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
            return of_stream(found) if isinstance(found, int) else found
        servers = [s.name for s in self._servers() if vhost.startswith(s.name + "/")]
        if servers:
            raise LookupError(f"{max(servers, key=len)} has no such stream or application")
        raise LookupError("there is no such media server")

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        """What a sum is made of, by name: of everything its servers, of a server its streams."""
        if subject.kind == "all":
            return sorted((server.name, server) for server in self._servers())

        def is_part(stream: Stream) -> bool:
            if subject.kind == "server":
                return stream.server == subject.name
            return subject in groups_of(stream)

        return sorted(
            (stream.unify_name, of_stream(number))
            for number, stream in self._streams.items()
            if is_part(stream)
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
        for _ in self.saving(folder):
            pass

    def saving(self, folder: Path) -> Iterator[None]:
        """
        Keep them, as they are when it begins; yields between small parts of the work.

        The file is written at the end, whole: who stops before has changed nothing.  Raises
        OSError.
        """
        lines = []
        for number, stream in sorted((str(n), stream) for n, stream in self._streams.items()):
            names = dict(zip(_KEPT, _kept(stream), strict=True))
            lines.append(f'"{number}": {simplejson.dumps(names)}')
            yield
        unfinished = folder / (FILE + ".new")
        unfinished.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        os.replace(unfinished, folder / FILE)

    def _changed(self) -> None:
        self.changes += 1
        self._meant = None

    def _servers(self) -> set[Subject]:
        names = {stream.server for stream in self._streams.values()}
        return {Subject("server", name) for name in names}

    def _index(self) -> Iterator[tuple[str, Subject | int]]:
        """
        Every text by which somebody is meant; of two with one text the later one has it.

        A stream is meant by its number: to make a subject of each would take twice as long.
        """
        streams = self._streams.items()
        for number, stream in streams:
            yield stream.unify_name, number
        for number, stream in streams:
            yield f"{stream.server}/{stream.unify_name}", number
        for server, application in {(s.server, application_of(s)) for _, s in streams}:
            if application is not None:
                name = f"{server}/{application}"
                yield name, Subject("application", name)
        for number, stream in streams:
            yield f"{stream.server}/{stream.key}", number
        for meant in self._servers():
            yield meant.name, meant


def _kept(stream: Stream) -> tuple[str, ...]:
    return stream.server, stream.key, stream.unify_name, stream.kind


def _stream(number: int, names: dict[str, str]) -> Stream:
    server, key, unify_name, kind = (str(names[name]) for name in _KEPT)
    return Stream(server, key, None, unify_name, "", number, kind)
