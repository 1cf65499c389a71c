"""
The RRDs in their folder, by whom they are of.

    FOLDER/3f/stream-123.5b2c71.rrd

The last part of a name is the layout, a hash over sources and archives.  Where the configuration
or a new version asks for another one, a file is converted when it is next written to, and keeps
all that fits into the new one.  Nothing here waits for rrdtool; the recorder does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES, Source
from tvmon.history.subjects import MACHINE, Subject
from tvmon.tiers import STEP_SECONDS, Tier

SUFFIX = ".rrd"
UNFINISHED = ".new"
BROKEN = ".broken"
_HEAD_BYTES = 4096
"""Beside the rows: the head of a file, and what rrdtool keeps of each source; about."""


def layout_of(sources: Sequence[Source], tiers: Sequence[Tier]) -> str:
    """Six hexadecimal digits that differ where the sources or the archives do."""
    text = " ".join(
        [source.definition for source in sources] + [a for t in tiers for a in t.archives]
    )
    return hashlib.blake2b(text.encode(), digest_size=3).hexdigest()


def bytes_of(sources: Sequence[Source], tiers: Sequence[Tier]) -> int:
    """How large one RRD is, but for some kilobytes."""
    rows = sum(tier.rows * len(tier.functions) for tier in tiers)
    archives = sum(len(tier.functions) for tier in tiers)
    return _HEAD_BYTES + len(sources) * (8 * rows + 80 * archives + 230)


class Files:
    """
    Which RRDs there are; looked up once, and kept true from then on.

    :param folder: where rrdtool works; the names of files are relative to it
    """

    def __init__(self, folder: Path, tiers: Sequence[Tier]) -> None:
        self._folder, self._tiers = folder, tuple(tiers)
        self._layouts: dict[tuple[Source, ...], str] = {
            sources: layout_of(sources, tiers) for sources in (STREAM_SOURCES, MACHINE_SOURCES)
        }
        self._found: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._found)

    def look(self) -> None:
        """
        Find what is there, and remove what a kill has left unfinished.  It may block for long.

        :raises OSError: the folder cannot be read
        """
        found: dict[str, str] = {}
        for path in self._paths():
            if UNFINISHED in path.name:
                path.unlink(missing_ok=True)
            elif path.suffix == SUFFIX:
                name, _, layout = path.stem.partition(".")
                sources = MACHINE_SOURCES if name == MACHINE.file_name else STREAM_SOURCES
                before = found.get(name)
                if before is not None and layout != self._layouts[sources]:
                    path.unlink(missing_ok=True)  # the old one beside its conversion
                    continue
                if before is not None:
                    (self._folder / before).unlink(missing_ok=True)
                found[name] = f"{path.parent.name}/{path.name}"
        self._found = found

    def file_of(self, subject: Subject) -> str | None:
        """Its RRD, relative to the folder; ``None`` where there is none yet."""
        return self._found.get(subject.file_name)

    def wanted(self, subject: Subject) -> str:
        """What its RRD is to be called by today's sources and archives."""
        name = subject.file_name
        shard = hashlib.blake2b(name.encode(), digest_size=1).hexdigest()
        return f"{shard}/{name}.{self._layouts[subject.sources]}{SUFFIX}"

    def create(self, subject: Subject, start: int) -> str:
        """
        The command that makes its RRD, out of the one that is there, if there is one.

        It makes an unfinished file: :meth:`finish` puts it into its place.

        :raises OSError: its folder cannot be made
        """
        wanted, old = self.wanted(subject), self.file_of(subject)
        (self._folder / wanted).parent.mkdir(exist_ok=True)
        words = ["create", wanted + UNFINISHED, "--start", str(start), "--step", str(STEP_SECONDS)]
        if old is not None:
            words += ["--source", old]
        words += [source.definition for source in subject.sources]
        words += [archive for tier in self._tiers for archive in tier.archives]
        return " ".join(words)

    def finish(self, subject: Subject) -> str:
        """Put the file that was made into its place; its name.  Raises OSError."""
        wanted, old = self.wanted(subject), self.file_of(subject)
        os.replace(self._folder / (wanted + UNFINISHED), self._folder / wanted)
        self._found[subject.file_name] = wanted
        if old not in (None, wanted):
            (self._folder / str(old)).unlink(missing_ok=True)
        return wanted

    def set_aside(self, subject: Subject) -> None:
        """Its file is none that rrdtool can read: keep it for a person, and begin anew."""
        old = self._found.pop(subject.file_name, None)
        if old is not None and (self._folder / old).exists():
            os.replace(self._folder / old, self._folder / (old + BROKEN))

    def remove(self, file_name: str) -> bool:
        """
        A history (:attr:`Subject.file_name`) is to be forgotten; whether there was one.

        :raises OSError: it cannot be removed
        """
        old = self._found.pop(file_name, None)
        if old is None:
            return False
        for path in (old, old + BROKEN):
            (self._folder / path).unlink(missing_ok=True)
        return True

    def names(self) -> Sequence[str]:
        """The file names (:attr:`Subject.file_name`) of all."""
        return tuple(self._found)

    def is_older(self, file_name: str, time: float) -> bool:
        """Whether the RRD of that file name was last written before."""
        path = self._found.get(file_name)
        try:
            return path is not None and os.stat(self._folder / path).st_mtime < time
        except OSError:
            return False

    def _paths(self) -> Iterator[Path]:
        for folder in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(folder.iterdir())
