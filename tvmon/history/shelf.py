"""
Where the RRDs stand: made when first needed, converted, filled, set aside when broken.

What is written is one row of five minutes, in the order of time.  Where rows are missing before
it, the file is told so: a gap is a gap, and not the average of what is around it.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from tvmon.history.bucket import Values
from tvmon.history.files import Files
from tvmon.history.rrd import Rrd, RrdError
from tvmon.history.sources import unknowns
from tvmon.history.subjects import Subject
from tvmon.tiers import STEP_SECONDS

_TOO_LATE = "illegal attempt to update"
_NO_FILE = "No such file"
_BROKEN = (
    "is not an RRD file",
    "is too small",
    "reached EOF",
    "mmaping file",
    "found extra data",
    "data source readings",
    "different version",
    "different architecture",
)
"""What rrdtool says of a file that will never be better."""


class Shelf:
    """
    Writes rows.

    :ivar folder: where the files lie
    """

    log = Logger()

    def __init__(self, rrd: Rrd, files: Files, folder: Path) -> None:
        self.folder = folder
        # By the file: which row was refused, and why.
        self._refusals: dict[str, tuple[int, str]] = {}
        self._rrd, self._files = rrd, files
        self._last: dict[str, int] = {}

    @property
    def refusal(self) -> str | None:
        """Why rows of somebody are not taken, although rrdtool is there; ``None`` while all are."""
        return next((why for _, why in self._refusals.values()), None)

    async def last(self, subject: Subject) -> int:
        """
        The end of the newest row; 0 where there is none.

        :raises NoRrdtool: nobody is there to tell
        """
        name = subject.file_name
        last = self._last.get(name)
        if last is None:
            last = 0
            file = self._files.file_of(subject)
            if file is not None:
                try:
                    output = await self._rrd.write(f"last {file}")
                    last = max(0, int(output.lines[-1]))
                except (RrdError, IndexError, ValueError):
                    last = 0  # it will be told when it is written to
            self._last[name] = last
        return last

    async def write(self, subject: Subject, end: int, values: Values) -> bool:
        """
        Write the row that ends then; whether it was taken.

        :raises NoRrdtool: nobody is there to do it
        """
        try:
            for is_last_try in (False, True):
                try:
                    return await self._written(subject, end, values)
                except RrdError as error:
                    if is_last_try or not self._is_mended(subject, str(error)):
                        raise
        except (RrdError, OSError) as error:
            words = str(error)
            if _TOO_LATE in words:
                return False
            if not self._refusals:
                self.log.error("history cannot be written: {why}", why=words)
            self._refusals[subject.file_name] = end, words
        return False

    def remove(self, file_name: str) -> None:
        """The history of one (:attr:`Subject.file_name`) is to be forgotten."""
        self._last.pop(file_name, None)
        self._is_well(file_name, 0)
        try:
            self._files.remove(file_name)
        except OSError as error:
            self.log.warn("a history could not be removed: {why}", why=str(error))

    async def _written(self, subject: Subject, end: int, values: Values) -> bool:
        last = await self.last(subject)
        if last >= end:
            return False
        file = self._files.file_of(subject)
        if file is None or file != self._files.wanted(subject):
            await self._rrd.write(self._files.create(subject, last or end - STEP_SECONDS))
            file = self._files.finish(subject)
        gap = ""
        if 0 < last < end - STEP_SECONDS:
            gap = f"{end - STEP_SECONDS}:{unknowns(subject.sources)} "
        row = ":".join("U" if value is None else f"{value:.10g}" for value in values)
        await self._rrd.write(f"update {file} {gap}{end}:{row}")
        self._last[subject.file_name] = end
        self._is_well(subject.file_name, end)
        return True

    def _is_well(self, file_name: str, end: int) -> None:
        """What was refused of this file, or of rows before this one, is of no matter any more."""
        over = [name for name, (at, _) in self._refusals.items() if at < end or name == file_name]
        for name in over:
            del self._refusals[name]
        if over and not self._refusals:
            self.log.info("history is written again")

    def _is_mended(self, subject: Subject, words: str) -> bool:
        """Whether it is worth to try again, with another file."""
        if _NO_FILE not in words and not any(sign in words for sign in _BROKEN):
            return False
        self.log.error("a history begins anew, since its file is broken: {why}", why=words)
        self._last.pop(subject.file_name, None)
        self._files.set_aside(subject)
        return True
