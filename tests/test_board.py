"""The board: what it shows after each sample, and whom it tells."""

from __future__ import annotations

import simplejson
from twisted.trial.unittest import SynchronousTestCase

from tvmon.board import Board
from tvmon.entry import FIELDS, Entry
from tvmon.health import Scoring
from tvmon.streams import MEASURED, Level, Measurement, Sample, Stream, stream_number
from tvmon.window import Window

CAM = Stream.of("edge1", "294", 294, "Edge[10.0.0.1]/tvie/news/hd", "http://10.0.0.1/news/hd")


def good(at: float, received: int = 0, **fields: int) -> Sample:
    """A good sample of a stream that declares 800 kbit/s."""
    measured = Measurement(
        upstream_bytes_received=received,
        total_bytes_sent=0,
        live_delay_ms=0,
        stream_info_audiodatarate=48,
        stream_info_videodatarate=752,
        **fields,
    )
    return Sample(1_000_000 + at, at, measured)


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def stream_put(self, entry: Entry) -> None:
        self.heard.append(("put", entry.stream.unify_name))

    def stream_dropped(self, entry: Entry) -> None:
        self.heard.append(("dropped", entry.stream.unify_name))

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        self.heard.append(("noted", str(entry.health.whole.score)))

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        self.heard.append(("learned", str(rates)))


class Deaf(Ear):
    """A listener that fails at everything."""

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        raise RuntimeError("deaf")


class BoardTests(SynchronousTestCase):
    """One stream, from its first sight to its end."""

    def setUp(self) -> None:
        self.board = Board(Scoring())
        self.ear = Ear()
        self.board.listen(self.ear)

    def entry(self) -> Entry:
        entry = self.board.get(CAM.mms_stream_id)
        assert entry is not None
        return entry

    def test_before_the_first_sample_everything_is_unknown(self) -> None:
        self.board.put(CAM)
        shown = self.entry().as_dict()
        self.assertEqual(tuple(shown), FIELDS)
        self.assertEqual(shown["unify_name"], CAM.unify_name)
        for name in ("sample_time", "last_sample_time", "is_failed", "score", "score_level"):
            self.assertIsNone(shown[name], name)
        self.assertEqual(shown["average_upstream_kbps"]["last_3"], -1)

    def test_good_samples_become_rates_and_a_score(self) -> None:
        self.board.put(CAM)
        for n in range(12):
            self.board.note(CAM.mms_stream_id, good(3.0 * n, 300_000 * n, total_gops=n))
        shown = self.entry().as_dict()
        self.assertEqual(shown["average_upstream_kbps"]["last_10"], 800.0)
        self.assertEqual((shown["score"], shown["score_level"]), (100, Level.GOOD))
        self.assertEqual(shown["total_gops"], 11)
        self.assertEqual(shown["sample_time"], "1970-01-12T13:47:13Z")

    def test_after_a_failed_sample_nothing_measured_is_shown_as_if_it_were_new(self) -> None:
        self.board.put(CAM)
        self.board.note(CAM.mms_stream_id, good(0))
        self.board.note(CAM.mms_stream_id, good(3, 300_000))
        self.board.note(CAM.mms_stream_id, Sample(1_000_006, 6, None, "HTTP 502 Bad Gateway"))
        shown = self.entry().as_dict()
        self.assertEqual(shown["failed_reason"], "HTTP 502 Bad Gateway")
        self.assertEqual(shown["score"], 0)
        self.assertEqual(shown["average_upstream_kbps"]["last_3"], -1)
        self.assertIsNone(shown["average_upstream_kbps"]["total"])
        for name in MEASURED:
            if not name.startswith("average_"):
                self.assertIsNone(shown[name], name)
        self.assertEqual(shown["last_sample_time"], "1970-01-12T13:46:43Z")
        self.assertEqual(shown["sample_time"], "1970-01-12T13:46:46Z")

    def test_listeners_hear_everything_once_and_until_they_stop(self) -> None:
        stop = self.board.listen(other := Ear())
        self.board.put(CAM)
        self.board.put(CAM)
        self.board.note(CAM.mms_stream_id, good(0))
        stop()
        self.board.drop(CAM.mms_stream_id)
        self.board.drop(CAM.mms_stream_id)
        self.assertEqual(other.heard, [("put", CAM.unify_name), ("noted", "None")])
        self.assertEqual(self.ear.heard, [*other.heard, ("dropped", CAM.unify_name)])

    def test_a_listener_that_fails_is_logged_and_disturbs_nobody(self) -> None:
        self.board.listen(Deaf())
        self.board.listen(last := Ear())
        self.board.put(CAM)
        self.board.note(CAM.mms_stream_id, good(0))
        self.assertIn(("noted", "None"), last.heard)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_renamed_stream_goes_on_with_its_samples(self) -> None:
        self.board.put(CAM)
        self.board.note(CAM.mms_stream_id, good(0))
        self.board.note(CAM.mms_stream_id, good(3, 300_000))
        renamed = Stream.of("edge1", "294", 294, "Edge/other name", "http://10.0.0.2/news/hd")
        self.board.put(renamed)
        self.assertEqual(self.entry().stream, renamed)
        self.assertEqual(self.entry().health.whole.score, 100)
        self.board.note(CAM.mms_stream_id, good(6, 600_000))
        self.assertEqual(self.entry().upstream.last_10, 800.0)

    def test_a_sample_of_a_stream_that_is_gone_is_let_go(self) -> None:
        self.board.note(CAM.mms_stream_id, good(0))
        self.assertEqual(len(self.board), 0)
        self.assertEqual(self.ear.heard, [])

    def test_restore_fills_the_board_and_tells_nobody(self) -> None:
        self.board.restore(CAM, [good(3.0 * n, 300_000 * n) for n in range(12)])
        self.assertEqual(self.entry().health.whole.score, 100)
        self.assertEqual(self.ear.heard, [])

    def test_restore_never_overwrites_what_was_seen_since_the_start(self) -> None:
        self.board.put(CAM)
        self.board.note(CAM.mms_stream_id, good(100, 5))
        before = self.entry()
        self.board.restore(CAM, [good(3, 7)])
        self.assertIs(self.entry(), before)

    def test_restore_tells_when_it_was_good_last(self) -> None:
        failed = [Sample(1_000_000 + at, at, None, "no answer") for at in (50.0, 53.0)]
        self.board.restore(CAM, failed, 1_000_007.0)
        self.assertEqual(self.entry().good_time, 1_000_007.0)
        # A good one among the samples is newer.
        other = Stream.of("edge1", "295", 295, "Edge[10.0.0.1]/other", "http://10.0.0.1/other")
        self.board.restore(other, [good(9.0), failed[0]], 1_000_007.0)
        entry = self.board.get(other.mms_stream_id)
        assert entry is not None
        self.assertEqual(entry.good_time, 1_000_009.0)

    def test_restore_tells_it_of_one_that_fails_since_the_start(self) -> None:
        self.board.put(CAM)
        for at, good_time in ((100.0, None), (103.0, 1_000_007.0)):
            self.board.note(CAM.mms_stream_id, Sample(1_000_000 + at, at, None, "no answer"))
            self.assertEqual(self.entry().good_time, good_time)
            self.board.restore(CAM, [], 1_000_007.0)

    def test_recall_puts_the_window_before_the_newest(self) -> None:
        window = Window()
        for n in range(11):
            window.add(good(3.0 * n, 300_000 * n))
        self.board.restore(CAM, (), 1_000_030.0)
        self.board.recall(CAM, good(33.0, 3_300_000), window)
        entry = self.entry()
        self.assertEqual((entry.health.whole.score, entry.upstream.last_10), (100, 800.0))
        self.assertEqual((entry.good_time, self.ear.heard), (1_000_033.0, []))

    def test_recall_puts_nobody_back_who_is_gone(self) -> None:
        self.board.recall(CAM, good(33.0), Window())
        self.assertEqual(len(self.board), 0)

    def test_every_change_has_a_higher_revision(self) -> None:
        self.board.put(CAM)
        seen = [self.entry().revision]
        for n in range(3):
            self.board.note(CAM.mms_stream_id, good(n))
            seen.append(self.entry().revision)
        self.board.drop(CAM.mms_stream_id)
        seen.append(self.board.revision)
        self.assertEqual(seen, sorted(set(seen)))

    def test_other_thresholds_count_from_the_next_sample_on(self) -> None:
        self.board.restore(CAM, [good(3.0 * n, 210_000 * n) for n in range(12)])
        self.assertEqual(self.entry().health.whole.level, Level.PROBLEM)
        self.board.rescore(Scoring(good_score=60))
        self.assertEqual(self.entry().health.whole.level, Level.PROBLEM)
        self.board.note(CAM.mms_stream_id, good(36.0, 210_000 * 12))
        self.assertEqual(self.entry().health.whole.level, Level.GOOD)

    def test_a_clock_that_jumps_changes_no_rate(self) -> None:
        self.board.put(CAM)
        for n, jump in enumerate((0, 0, 86_400, 86_400, -86_400, -86_400)):
            sample = good(3.0 * n, 300_000 * n)
            self.board.note(
                CAM.mms_stream_id, Sample(sample.time + jump, sample.at, sample.measured)
            )
            if n:
                self.assertEqual(self.entry().upstream.last_3, 800.0)
                self.assertEqual(self.entry().health.whole.score, 100)


class EntryTests(SynchronousTestCase):
    """The JSON of an entry."""

    def test_the_encoding_is_made_once_and_says_the_same(self) -> None:
        name = 'a<script>"\u202e\ud800\0' + "é" * 500
        stream = Stream.of("s", "1", 1, name, "http://h/")
        entry = Entry(stream, 1, good(0))
        self.assertIs(entry.json, entry.json)
        read = simplejson.loads(entry.json.decode("utf-8"))
        self.assertEqual(read["unify_name"][-500:], "é" * 500)
        self.assertNotIn(b"NaN", entry.json)

    def test_the_number_of_a_stream_depends_on_its_server_and_its_key_alone(self) -> None:
        self.assertEqual(CAM.mms_stream_id, stream_number("edge1", "294"))
        self.assertNotEqual(stream_number("edge1", "294"), stream_number("edge12", "94"))
        self.assertLess(CAM.mms_stream_id, 2**53)
