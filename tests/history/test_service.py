"""The room as a whole, with a real rrdtool: what it holds, what it removes, what it refuses."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.history.feeding import SMALL, stream
from tests.history.tools import needs_rrdtool, temporary_folder
from tvmon.board import Board
from tvmon.entry import Scored
from tvmon.health import Scoring
from tvmon.history.machine import Machine
from tvmon.history.service import HistoryService
from tvmon.history.sources import STREAM_SOURCES
from tvmon.history.subjects import ALL, MACHINE, Subject, of_stream

DAY = 86_400.0
ROW = (1.0,) * len(STREAM_SOURCES)


async def nothing(since: Mapping[int, float], _: float) -> dict[int, list[Scored]]:
    return {}


@needs_rrdtool
class ServiceTests(TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder(self) / "history"
        self.board = Board(Scoring())

    def service(self, folder: Path | None = None) -> HistoryService:
        clock: Any = reactor
        service = HistoryService(
            reactor=clock,
            now=time.time,
            board=self.board,
            directory=folder or self.folder,
            tiers=SMALL,
            registry=CollectorRegistry(),
            kept=nothing,
            machine=Machine(
                seconds=clock.seconds,
                longest_turn=lambda: 0.0,
                unwritten=lambda: 0,
                denied=lambda: 0,
            ),
            keep_gone_seconds=7 * DAY,
            sampling_seconds=3.0,
        )
        service.startService()
        self.addCleanup(lambda: Deferred.fromCoroutine(service.stopService()))
        return service

    async def put(self, service: HistoryService, number: int, server: str, days: float) -> None:
        """A stream's history and that of its server, last written so many days ago."""
        service._names.put(stream(number, server))
        end = int(time.time() - days * DAY) // 300 * 300
        for subject in (of_stream(number), Subject("server", server), ALL, MACHINE):
            row = (1.0,) * len(subject.sources)
            await service._shelf.write(subject, end, row)
            file = self.folder / str(service.file_of(subject))
            os.utime(file, (end, end))

    async def test_two_do_not_write_into_one_folder(self) -> None:
        first, second = self.service(), self.service()
        self.assertIsNone(first.trouble())
        self.assertIn("another tvmon keeps its history there", second.trouble() or "")
        self.assertEqual(len(self.flushLoggedErrors()), 0)

    async def test_a_folder_that_cannot_be_is_told_and_nothing_else_breaks(self) -> None:
        (self.folder.parent / "file").write_text("")
        service = self.service(self.folder.parent / "file" / "history")
        self.assertIn("history cannot be kept in", service.trouble() or "")
        service.restored([])
        service.forget([1])

    async def test_what_was_gone_for_long_is_swept_and_nothing_else(self) -> None:
        service = self.service()
        for number, server, days in (
            (1, "here", 30),
            (2, "here", 9),
            (3, "gone", 9),
            (4, "new", 3),
        ):
            await self.put(service, number, server, days)
        self.board.put(stream(1, "here"))
        await service._sweep()
        self.assertIsNotNone(service.file_of(of_stream(2)))  # not before it is known who is there
        service.restored([stream(1, "here")])
        await service._sweep()
        kept = [number for number in range(1, 5) if service.file_of(of_stream(number))]
        self.assertEqual(kept, [1, 4])
        self.assertIsNotNone(service.file_of(Subject("server", "here")))
        self.assertIsNone(service.file_of(Subject("server", "gone")))
        self.assertIsNotNone(service.file_of(ALL))
        self.assertIsNotNone(service.file_of(MACHINE))
        self.assertRaises(LookupError, service.find, "gone/live/cam3")
        self.assertEqual(service.find("new/live/cam4"), of_stream(4))

    async def test_names_are_there_after_a_restart(self) -> None:
        service = self.service()
        self.board.put(stream(1))
        await service.stopService()
        self.board.drop(1)
        again = self.service()
        self.assertEqual(again.find("ingest/live/cam1"), of_stream(1))
        self.assertEqual(again.parts_of(ALL), [("ingest", Subject("server", "ingest"))])
        found = again.stream(1)
        assert found is not None
        self.assertEqual(found.kind, "nginx-rtmp")
