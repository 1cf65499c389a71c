"""The history of one stream."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from tests.api.support import NOW, Away, MemoryCase, failed, good
from tvmon.health import Scoring
from tvmon.streams import MEASURED, Sample, Timing


class HistoryTests(MemoryCase):
    """One stream's samples."""

    def kept(self, *samples: Sample) -> None:
        self.world.kept[1000] = [*reversed(samples)]

    def test_newest_first_with_every_field(self) -> None:
        self.kept(good(0, 0, total_gops=1), failed(3), good(6, 600_000, total_gops=2))
        answer = self.get("/samples/1000/history")
        self.assertEqual(answer.code, 200)
        self.assertEqual(tuple(answer.json), ("mms_stream_id", "samples"))
        self.assertEqual(answer.json["mms_stream_id"], 1000)
        rows = answer.json["samples"]
        self.assertEqual(
            [row["sample_time"] for row in rows],
            ["2026-09-21T14:13:26Z", "2026-09-21T14:13:23Z", "2026-09-21T14:13:20Z"],
        )
        self.assertEqual([row["is_failed"] for row in rows], [False, True, False])
        self.assertEqual([row["total_gops"] for row in rows], [2, None, 1])
        self.assertEqual(rows[1]["failed_reason"], "connection refused")
        for row in rows:
            self.assertEqual(
                tuple(row),
                (
                    "mms_stream_id",
                    "sample_time",
                    "is_failed",
                    "failed_reason",
                    "first_byte_ms",
                    "answer_ms",
                    "presence",
                    "score",
                    "score_level",
                    *MEASURED,
                    "upstream_kbps",
                    "downstream_kbps",
                ),
            )

    def test_how_long_the_answers_took(self) -> None:
        took = replace(failed(3), timing=Timing(12.349, 1250.0))
        self.kept(replace(good(0), timing=Timing(0.04, 0.06)), took, failed(6))
        rows = self.get("/samples/1000/history").json["samples"]
        self.assertEqual(
            [(row["first_byte_ms"], row["answer_ms"]) for row in rows],
            [(None, None), (12.3, 1250.0), (0.0, 0.1)],
        )

    def test_rates_between_good_samples(self) -> None:
        self.kept(
            good(0, 0),
            good(3, 300_000),
            failed(6),
            good(9, 900_000),
            good(12, 10),  # counters began anew
            good(15, 300_010),
            good(18, None),
            good(21, 1_000_000),
            good(221, 2_000_000),  # after an outage
        )
        rows = self.get("/samples/1000/history").json["samples"]
        self.assertEqual(
            [row["upstream_kbps"] for row in reversed(rows)],
            [None, 800.0, None, 800.0, None, 800.0, None, None, 40.0],
        )
        self.assertEqual(rows[-2]["downstream_kbps"], 0)
        self.assertIsNone(rows[-3]["downstream_kbps"])

    def test_scores_by_the_rules_of_today(self) -> None:
        self.kept(good(0, 0), good(3, 180_000), failed(6), good(9, 540_000))
        rows = self.get("/samples/1000/history").json["samples"]
        self.assertEqual([row["score"] for row in rows], [81, 0, 92, None])
        self.assertEqual([row["score_level"] for row in rows], [1, 0, 2, None])
        self.board.rescore(Scoring(bad_score=85, good_score=95))
        rows = self.get("/samples/1000/history").json["samples"]
        self.assertEqual([row["score_level"] for row in rows], [0, 0, 1, None])

    def test_rates_of_streams_that_are_sampled_seldom(self) -> None:
        for seconds in (19, 60, 3600):
            self.kept(*(good(n * seconds, 100_000 * n * seconds) for n in range(4)))
            rows = self.get("/samples/1000/history").json["samples"]
            self.assertEqual([row["upstream_kbps"] for row in rows], [800.0, 800.0, 800.0, None])

    def test_the_limit(self) -> None:
        self.kept(*(good(3 * n) for n in range(200)))
        self.assertEqual(len(self.get("/samples/1000/history").json["samples"]), 200)
        self.assertEqual(len(self.get("/samples/1000/history?limit=7").json["samples"]), 7)
        self.assertEqual(self.world.asked, [(1000, 200), (1000, 7)])
        for query, part in (("limit=0", "limit"), ("limit=201", "limit"), ("page=1", "page")):
            refused = self.get(f"/samples/1000/history?{query}")
            self.assertEqual((refused.code, refused.error["part"]), (400, part))
        self.assertEqual(refused.error["allowed"], ["limit"])

    def test_a_stream_without_samples(self) -> None:
        self.kept()
        self.assertEqual(
            self.get("/samples/1000/history").body, b'{"mms_stream_id":1000,"samples":[]}'
        )

    def test_a_stream_that_nobody_knows(self) -> None:
        refused = self.get("/samples/1001/history")
        self.assertEqual((refused.code, refused.error["part"]), (404, "mms_stream_id"))

    def test_a_number_that_is_none(self) -> None:
        for text in ("x", "-1", "1.0", "9" * 19, "%20", "1000%2F1"):
            refused = self.get(f"/samples/{text}/history")
            self.assertEqual(refused.code, 400, text)

    def test_the_database_is_away(self) -> None:
        self.world.kept[1000] = Away("5432 refused, password=hunter2")
        refused = self.get("/samples/1000/history")
        self.assertEqual((refused.code, refused.header("Retry-After")), (503, "5"))
        self.assertIn("database", refused.error["message"])
        self.assertNotIn(b"hunter2", refused.body)

    def test_a_client_that_leaves_cancels_nothing(self) -> None:
        waiting: Deferred[list[Sample]] = Deferred(lambda _: self.fail("cancelled"))

        async def history(number: int, limit: int) -> list[Sample]:
            return await waiting

        self.world.history = history  # type: ignore[method-assign] # one that takes its time
        self.start()
        asked = self.ask("/samples/1000/history")
        self.turn()
        asked.cancel()
        self.failureResultOf(asked)
        self.turn()
        waiting.errback(Away())
        self.turn()

    def test_times_are_those_of_the_samples(self) -> None:
        self.kept(Sample(NOW + 0.999, 0, None, "x"))
        row = self.get("/samples/1000/history").json["samples"][0]
        self.assertEqual(row["sample_time"], "2026-09-21T14:13:20Z")
