"""What goes wrong around histories: clocks, files, the database, rrdtool; a real rrdtool."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.history.feeding import SMALL, START, Feeding, Pipe, stream
from tests.history.tools import needs_rrdtool, temporary_folder
from tvmon.entry import Scored
from tvmon.history.files import Files
from tvmon.history.recorder import GRACE_SECONDS
from tvmon.history.rrd import NoRrdtool, Output, RrdError
from tvmon.history.subjects import ALL, of_stream
from tvmon.tiers import Tier

FIRST = int(START) + 300
DAY = 86_400
ONE = of_stream(1)


class Refusing(Pipe):
    """An rrdtool that cannot do what begins so, and says why."""

    refusal: Exception | None = None
    refused = "update"

    def ask(self, command: str) -> Output:
        if self.refusal is not None and command.startswith(self.refused):
            raise self.refusal
        return super().ask(command)


@needs_rrdtool
class FaultTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder(self) / "history"
        self.pipe = Refusing(self, self.folder)
        self.feeding = Feeding(self.pipe, self.folder)
        self.begin(1)

    def begin(self, *numbers: int) -> None:
        self.feeding.recorder.startService()
        for number in numbers:
            self.feeding.board.put(stream(number))

    def minutes(self, count: float, *numbers: int) -> None:
        def flow() -> None:
            for number in numbers or (1,):
                self.feeding.sample(number, clients_connected=number)

        self.feeding.step(60 * count, 3, flow)

    def viewers(self, end: int, subject: Any = ONE) -> dict[int, float | None]:
        """All five minutes from the start up to this end."""
        file = self.feeding.files.file_of(subject)
        assert file is not None
        found: dict[int, float | None] = self.pipe.rows(
            file, "viewers", "LAST", 300, int(START), end
        )
        return found

    def test_a_clock_that_jumps_a_day_ahead_and_back_costs_what_was_open(self) -> None:
        self.minutes(3)
        self.feeding.wall += DAY
        self.minutes(1)
        self.feeding.wall -= DAY
        self.minutes(6)
        self.feeding.clock.advance(60)
        found = self.viewers(FIRST + 300)
        self.assertEqual(found, {FIRST: 1, FIRST + 300: 1})
        file = self.feeding.files.file_of(of_stream(1))
        self.assertEqual(self.pipe.ask(f"last {file}").lines, (str(FIRST + 300),))

    def test_a_clock_that_is_set_back_for_good_writes_nothing_twice(self) -> None:
        self.minutes(11)
        self.feeding.wall -= 3600
        self.minutes(20)
        self.assertGreater(self.feeding.metric("tvmon_history_samples_late_total"), 100)
        self.feeding.clock.advance(3600 - 20 * 60)
        self.minutes(6)
        found = self.viewers(FIRST + 300 * 3)
        self.assertEqual(found[FIRST], 1)
        self.assertEqual(found[FIRST + 300], 1)

    def test_a_file_that_is_none_is_set_aside_and_begun_anew(self) -> None:
        self.minutes(6)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        (self.folder / file).write_bytes(b"RRD? no")
        self.minutes(5)
        self.assertEqual(self.viewers(FIRST + 300)[FIRST + 300], 1)
        self.assertEqual((self.folder / (file + ".broken")).read_bytes(), b"RRD? no")

    def test_a_file_that_somebody_removed_is_made_again(self) -> None:
        self.minutes(6)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        (self.folder / file).unlink()
        self.minutes(5)
        self.assertEqual(self.viewers(FIRST + 300)[FIRST + 300], 1)

    def test_a_full_disk_is_told_and_what_comes_later_is_written(self) -> None:
        self.pipe.refused = "create"
        self.pipe.refusal = RrdError("creating 'x': No space left on device")
        self.minutes(6)
        self.assertEqual(len(self.feeding.files), 0)
        self.assertIn("No space left", self.feeding.shelf.refusal or "")
        self.assertGreater(self.feeding.metric("tvmon_history_buckets_lost_total"), 0)
        self.pipe.refusal = None
        self.minutes(5)
        self.assertIsNone(self.feeding.shelf.refusal)
        self.assertEqual(self.viewers(FIRST + 300), {FIRST: None, FIRST + 300: 1})

    def test_without_rrdtool_nothing_is_kept_and_nothing_breaks(self) -> None:
        self.pipe.refusal = NoRrdtool("rrdtool is not installed")
        self.pipe.refused = ""
        self.minutes(12)
        self.assertEqual(len(self.feeding.files), 0)
        self.pipe.refusal = None
        self.minutes(5)
        self.assertEqual(self.viewers(FIRST + 600)[FIRST + 600], 1)

    def test_other_tiers_convert_a_file_and_keep_what_it_holds(self) -> None:
        self.minutes(11)
        old = self.feeding.files.file_of(of_stream(1))
        assert old is not None
        self.done(self.feeding.recorder.stopService())
        before = self.feeding
        self.feeding = Feeding(self.pipe, self.folder, (*SMALL, Tier("1d", DAY, 30)))
        self.feeding.wall += before.clock.seconds()
        self.assertEqual(self.feeding.files.file_of(of_stream(1)), old)
        self.begin(1)
        self.minutes(5)
        new = self.feeding.files.file_of(of_stream(1))
        self.assertNotEqual(new, old)
        self.assertFalse((self.folder / old).exists())
        self.assertEqual(self.viewers(FIRST + 600), {FIRST: 1, FIRST + 300: 1, FIRST + 600: 1})

    def test_what_a_kill_left_unfinished_is_removed(self) -> None:
        self.minutes(6)
        file = self.folder / str(self.feeding.files.file_of(of_stream(1)))
        for name in (".new", ".newAbC123"):
            (file.parent / (file.name + name)).write_bytes(b"half")
        files = Files(self.folder, SMALL)
        files.look()
        self.assertEqual(len(files), len(self.feeding.files))
        self.assertEqual([path.name for path in file.parent.iterdir()], [file.name])

    def test_the_old_file_that_a_kill_left_beside_its_conversion_is_removed(self) -> None:
        self.minutes(6)
        old = self.folder / str(self.feeding.files.file_of(of_stream(1)))
        more = (*SMALL, Tier("1d", DAY, 30))
        for layout in ("000000", "ffffff"):
            other = old.with_name(f"{old.name.partition('.')[0]}.{layout}.rrd")
            other.write_bytes(old.read_bytes())
            files = Files(self.folder, SMALL)
            files.look()
            self.assertEqual(files.file_of(of_stream(1)), self.feeding.files.file_of(of_stream(1)))
            self.assertFalse(other.exists())
        other.write_bytes(old.read_bytes())
        files = Files(self.folder, more)
        files.look()
        self.assertIsNotNone(files.file_of(of_stream(1)))

    def test_a_stream_that_is_forgotten_while_others_are_written_has_no_file(self) -> None:
        for number in range(2, 300):
            self.feeding.board.put(stream(number))
        write = self.pipe.write

        async def forgetting(command: str) -> Output:
            self.feeding.recorder.forget([299])
            return await write(command)

        self.pipe.write = forgetting  # type: ignore[method-assign]
        self.minutes(6, *range(1, 300))
        self.assertIsNone(self.feeding.files.file_of(of_stream(299)))
        self.assertIsNotNone(self.feeding.files.file_of(of_stream(298)))

    def test_a_database_that_cannot_tell_leaves_what_is_there(self) -> None:
        async def away(since: Mapping[int, float], _: float) -> dict[int, list[Scored]]:
            raise LookupError(since)

        self.done(self.feeding.recorder.stopService())
        self.feeding = Feeding(self.pipe, self.folder, kept=away)
        self.begin(1)
        self.minutes(1)
        self.feeding.recorder.restored([stream(1)])
        self.minutes(5)
        self.assertEqual(self.viewers(FIRST), {FIRST: 1})

    def test_samples_that_come_while_the_database_is_asked_are_not_lost(self) -> None:
        asked: list[Deferred[dict[int, list[Scored]]]] = []

        async def slow(since: Mapping[int, float], _: float) -> dict[int, list[Scored]]:
            asked.append(Deferred())
            return await asked[-1]

        self.done(self.feeding.recorder.stopService())
        self.feeding = Feeding(self.pipe, self.folder, kept=slow)
        self.begin(1)
        self.minutes(1)
        kept = {1: list(self.feeding.kept[1])}
        self.feeding.recorder.restored([stream(1)])
        self.minutes(1)
        asked[0].callback(kept)
        self.minutes(3)
        self.feeding.clock.advance(GRACE_SECONDS)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        polls = self.pipe.rows(file, "polls", "LAST", 300, int(START), FIRST)
        self.assertEqual(polls, {FIRST: 100})

    def test_a_stop_while_the_database_is_asked_is_no_failure(self) -> None:
        async def never(_since: Mapping[int, float], _: float) -> dict[int, list[Scored]]:
            return await Deferred()

        self.done(self.feeding.recorder.stopService())
        self.feeding = Feeding(self.pipe, self.folder, kept=never)
        self.begin(1)
        self.feeding.recorder.restored([stream(1)])
        with capturedLogs() as said:
            self.done(self.feeding.recorder.stopService())
        self.assertEqual([event["log_format"] for event in said], [])

    def test_five_minutes_wait_for_a_database_that_is_slow_to_tell(self) -> None:
        self.done(self.feeding.recorder.stopService())
        before = self.feeding
        before.step(280, 4, lambda: before.sample(1, clients_connected=1))
        self.feeding = Feeding(self.pipe, self.folder)
        self.feeding.wall = before.now()
        self.feeding.kept = before.kept
        self.begin(1)
        self.minutes(1)  # the boundary passes, and nothing is written yet
        self.assertIsNone(self.feeding.files.file_of(of_stream(1)))
        self.feeding.recorder.restored([stream(1)])
        self.feeding.clock.advance(1)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        polls = self.pipe.rows(file, "polls", "LAST", 300, int(START), FIRST)
        self.assertEqual(polls, {FIRST: 70 + 7})

    def test_another_database_takes_away_nothing_that_was_heard(self) -> None:
        self.feeding.recorder.restored([stream(1)])
        self.minutes(4)
        self.feeding.kept = {}
        self.feeding.recorder.restored([stream(1)])
        self.minutes(2)
        file = self.feeding.files.file_of(of_stream(1))
        assert file is not None
        polls = self.pipe.rows(file, "polls", "LAST", 300, int(START), FIRST)
        self.assertEqual(polls, {FIRST: 100})

    def test_a_stream_that_went_while_the_disk_was_full_is_no_trouble_for_ever(self) -> None:
        self.feeding.board.put(stream(2))
        self.pipe.refused, self.pipe.refusal = "create", RrdError("No space left on device")
        self.minutes(5, 1, 2)
        self.feeding.board.drop(2)
        self.feeding.clock.advance(GRACE_SECONDS)
        self.assertIn("No space left", self.feeding.shelf.refusal or "")
        self.pipe.refusal = None
        self.minutes(6)
        self.assertIsNone(self.feeding.shelf.refusal)

    def test_a_thousand_streams_appear_and_vanish_and_leave_nothing(self) -> None:
        for number in range(2, 1002):
            self.feeding.board.put(stream(number))
            self.feeding.sample(number, clients_connected=1)
        for number in range(2, 1002):
            self.feeding.board.drop(number)
        self.minutes(6)
        # What they brought counts, and is kept as long as the database keeps their samples.
        self.assertEqual(self.viewers(FIRST, ALL), {FIRST: 1001})
        self.assertIsNotNone(self.feeding.files.file_of(of_stream(500)))
        self.feeding.recorder.forget(range(2, 1002))
        self.assertEqual(len(list(self.folder.glob("??/stream-*"))), 1)
        self.assertEqual(list(self.feeding.names.numbers()), [1])
        self.minutes(5)
        self.assertEqual(self.viewers(FIRST + 300, ALL)[FIRST + 300], 1)

    def done(self, work: Any) -> None:
        result: list[object] = []
        Deferred.fromCoroutine(work).addBoth(result.append)
        self.assertEqual(result, [None])
