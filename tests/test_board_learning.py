"""The board learns what streams need, and tells whoever keeps it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import Notes
from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.health import Scoring
from tvmon.streams import Level, Measurement, Presence, Sample, Session, Stream

STREAM = Stream.of(
    "edge", "live/cam1", None, "edge/live/cam1", "http://edge.example/stat#live/cam1"
)
NUMBER = STREAM.mms_stream_id
SECONDS = 3.0


class Keeper(Notes):
    """Keeps what was learned."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[tuple[float, ...]] = []

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        self.rates.append(rates)


class LearningTests(SynchronousTestCase):
    """One stream that does not declare what it needs."""

    def setUp(self) -> None:
        self.board, self.keeper = Board(Scoring()), Keeper()
        self.board.listen(self.keeper)
        self.board.put(STREAM)
        self.at, self.received = 0.0, 0

    def play(self, seconds: float, kbps: float, **more: object) -> Entry:
        """Let the stream come at this rate for so long; its entry then."""
        for _ in range(round(seconds / SECONDS)):
            self.at += SECONDS
            self.received += round(kbps * 125 * SECONDS)
            measured = Measurement(upstream_bytes_received=self.received, **more)  # type: ignore[arg-type]
            self.board.note(NUMBER, Sample(self.at, self.at, measured))
        entry = self.board.get(NUMBER)
        assert entry is not None
        return entry

    def test_what_it_has_while_it_is_good_is_what_it_needs(self) -> None:
        entry = self.play(300, 1000)
        self.assertEqual(entry.expected.by, "learned")
        self.assertApproximates(entry.expected.kbps or 0, 1000, 50)
        self.assertEqual(entry.health.whole.level, Level.GOOD)

    def test_less_than_that_is_a_problem_and_is_not_learned(self) -> None:
        self.play(600, 1000)
        entry = self.play(1200, 500)
        self.assertEqual(entry.health.whole.level, Level.PROBLEM)
        self.assertApproximates(entry.expected.kbps or 0, 1000, 50)

    def test_a_stream_that_declares_its_rate_is_not_learned(self) -> None:
        entry = self.play(300, 1000, stream_info_videodatarate=900)
        self.assertEqual((entry.expected.by, entry.expected.kbps), ("declared", 900))
        self.assertEqual(self.keeper.rates, [])

    def test_whoever_keeps_it_is_told_at_the_first_and_then_now_and_then(self) -> None:
        self.play(60, 1000)
        self.assertEqual(len(self.keeper.rates), 1)
        self.play(600, 1000)
        self.assertTrue(2 <= len(self.keeper.rates) <= 3)
        self.assertGreater(len(self.keeper.rates[-1]), len(self.keeper.rates[0]))

    def test_what_was_kept_is_known_after_a_restart(self) -> None:
        self.play(600, 1000)
        again = Board(Scoring())
        again.restore(STREAM, [], learned=self.keeper.rates[-1])
        for at, received in ((0.0, 0), (3.0, 187_500), (6.0, 375_000), (9.0, 562_500)):
            measured = Measurement(upstream_bytes_received=received)
            again.note(NUMBER, Sample(at, at, measured))
        entry = again.get(NUMBER)
        assert entry is not None
        self.assertApproximates(entry.expected.kbps or 0, 1000, 50)
        self.assertEqual(entry.health.whole.level, Level.PROBLEM)

    def test_nothing_is_learned_of_a_stream_that_is_not_there(self) -> None:
        for _ in range(100):
            self.at += SECONDS
            absent = Measurement(presence=Presence.ABSENT)
            self.board.note(NUMBER, Sample(self.at, self.at, absent))
        self.assertEqual(self.keeper.rates, [])


class ResetTests(SynchronousTestCase):
    """Counters that begin anew."""

    def test_an_entry_says_when_and_why_and_the_board_counts(self) -> None:
        board = Board(Scoring())
        board.put(STREAM)
        for at, publisher in ((10.0, "1"), (13.0, "1"), (16.0, "2")):
            measured = Measurement(upstream_bytes_received=int(at), session=Session("s", publisher))
            board.note(NUMBER, Sample(1_000_000 + at, at, measured))
        entry = board.get(NUMBER)
        assert entry is not None
        self.assertEqual(
            entry.as_dict()["counter_reset"],
            {"why": "republished", "time": "1970-01-12T13:46:56Z"},
        )
        self.assertEqual(board.resets, {("edge", "republished"): 1})
