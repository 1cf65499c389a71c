"""``GET /samples``."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tests.api.support import BOOT, HOSTILE, MemoryCase, filled_board, good, stream
from tvmon.api.query import Query
from tvmon.api.select import SORT_FIELDS
from tvmon.entry import FIELDS


class SamplesTests(MemoryCase):
    """The list."""

    def names(self, path: str) -> list[str]:
        return [entry["unify_name"][-1] for entry in self.get(path).json["samples"]]

    def test_everything_by_name(self) -> None:
        answer = self.get("/samples")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.header("Content-Type"), "application/json")
        self.assertEqual(answer.length, len(answer.body))
        self.assertEqual(tuple(answer.json), ("total_samples", "samples"))
        self.assertEqual(answer.json["total_samples"], 8)
        for entry in answer.json["samples"]:
            self.assertEqual(tuple(entry), FIELDS)
        self.assertEqual(self.names("/samples"), [*"01234567"])
        self.assertEqual(answer.body, self.get("/samples/0-0/null/unify_name/asc/0").body)
        self.assertEqual(answer.body, self.get("/samples/0-0////").body)

    def test_an_entry_is_what_the_board_says(self) -> None:
        entry = self.board.get(1000)
        assert entry is not None
        shown = self.get("/samples/0-1////").json["samples"][0]
        self.assertEqual(shown, entry.as_dict())
        self.assertEqual(shown["average_upstream_kbps"]["last_3"], 800.0)
        self.assertEqual(shown["sample_time"], "2026-09-21T14:13:23Z")

    def test_pages(self) -> None:
        self.assertEqual(self.names("/samples/2-3////"), [*"234"])
        self.assertEqual(self.names("/samples/6-3////"), [*"67"])
        self.assertEqual(self.names("/samples/3-0////"), [*"34567"])
        answer = self.get("/samples/8-3////").json
        self.assertEqual((answer["total_samples"], answer["samples"]), (8, []))

    def test_how_long_the_newest_answer_took(self) -> None:
        page = self.get("/samples/0-4//mms_stream_id//").json["samples"]
        took = [(entry["first_byte_ms"], entry["answer_ms"]) for entry in page]
        self.assertEqual(took, [(1.3, 20.0), (1.3, 20.0), (None, None), (None, None)])

    def test_the_worst_first_and_the_unknown_last(self) -> None:
        # 0 and 4 are good, 1 and 5 starved, 2 and 6 failed, 3 and 7 without any sample.
        self.assertEqual(self.names("/samples/0-0//unify_name/desc/1"), [*"65214073"])
        self.assertEqual(self.names("/samples/0-0//score/asc/0")[-2:], [*"37"])
        self.assertEqual(self.names("/samples/0-0//score/DESC/0")[-2:], [*"37"])

    def test_a_keyword(self) -> None:
        self.assertEqual(self.names("/samples/0-0/CHANNEL%205///"), ["5"])
        self.assertEqual(self.names("/samples/0-0/http%3A%2F%2F10.0.0.5%2Flive///"), ["5"])
        self.assertEqual(self.get("/samples/0-0/%0Anone%2F%00///").json["total_samples"], 0)

    def test_what_is_wrong_is_named(self) -> None:
        refused = self.get("/samples/0-0//colour//")
        self.assertEqual(refused.code, 400)
        self.assertEqual(refused.error["part"], "sort_by")
        self.assertEqual(refused.error["allowed"], [*SORT_FIELDS])
        for path, part in (
            ("/samples/", "path"),
            ("/samples/x-1////", "offset"),
            ("/samples/0-0/%ff///", "keyword"),
            ("/samples/0-0/%zz///", "keyword"),
            ("/samples/0-0/%ff//%fe/", "keyword"),
            ("/samples/0-0///%ff/", "sort_order"),
            ("/samples/%ff/history", "path"),
            ("/samples?size=5", "size"),
            ("/samples/0-0////?x", "x"),
        ):
            refused = self.get(path)
            self.assertEqual((refused.code, refused.error["part"]), (400, part), path)

    def test_head_says_what_get_says(self) -> None:
        got, head = self.get("/samples"), self.get("/samples", "HEAD")
        self.assertEqual((head.code, head.body), (200, b""))
        for name in ("Content-Type", "ETag", "Vary"):
            self.assertEqual(head.header(name), got.header(name), name)

    def test_unchanged(self) -> None:
        first = self.get("/samples")
        etag = first.header("ETag")
        assert etag is not None
        self.assertIn(BOOT, etag)
        for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
            same = self.get("/samples", If_None_Match=known)
            self.assertEqual((same.code, same.body), (304, b""), known)
            self.assertEqual(same.header("ETag"), etag)
            self.assertEqual(same.header("Vary"), first.header("Vary"))
        self.assertEqual(self.get("/samples", If_None_Match='"x"').code, 200)
        self.assertEqual(self.get("/samples/0-1////", If_None_Match=etag).code, 200)
        self.board.note(1000, good(6, 600_000))
        changed = self.get("/samples", If_None_Match=etag)
        self.assertEqual(changed.code, 200)
        self.assertNotEqual(changed.header("ETag"), etag)

    def test_unchanged_costs_nothing(self) -> None:
        etag = self.get("/samples").header("ETag") or ""
        self.board.entries = self.fail  # type: ignore[method-assign] # nobody is to ask
        self.assertEqual(self.get("/samples", If_None_Match=etag).code, 304)

    def test_a_tag_of_another_start_is_not_ours(self) -> None:
        etag = self.get("/samples").header("ETag") or ""
        self.world.boot = "cafe"
        self.start()
        self.assertEqual(self.get("/samples", If_None_Match=etag).code, 200)

    def test_gzip_where_it_is_asked_for(self) -> None:
        plain = self.get("/samples")
        self.assertIsNone(plain.header("Content-Encoding"))
        for wish in ("gzip", "br, GZIP;q=0.5", "*"):
            packed = self.get("/samples", Accept_Encoding=wish)
            self.assertEqual(packed.header("Content-Encoding"), "gzip", wish)
            self.assertEqual(packed.header("Vary"), "Accept-Encoding")
            self.assertEqual(packed.length, len(packed.body))
            self.assertLess(len(packed.body), len(plain.body) / 3)
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertEqual(packed.header("ETag"), plain.header("ETag"))
        for wish in ("gzip;q=0", "identity", "gzip;q=x", "*;q=0", "x-gzip"):
            answer = self.get("/samples", Accept_Encoding=wish)
            self.assertIsNone(answer.header("Content-Encoding"), wish)

    def test_the_answer_is_built_once_while_nothing_changes(self) -> None:
        first = self.get("/samples")
        self.board.entries = lambda: ()  # type: ignore[method-assign] # an answer from this is empty
        self.assertEqual(self.get("/samples").body, first.body)

    def test_names_of_any_kind_are_told_as_they_are(self) -> None:
        self.world.board = filled_board(stream(number, name) for number, name in enumerate(HOSTILE))
        self.start()
        answer = self.get("/samples/0-0//mms_stream_id//")
        shown = [entry["unify_name"] for entry in answer.json["samples"]]
        expected = [name.encode("utf-8", "replace").decode() for name in HOSTILE]
        self.assertEqual(shown, expected)

    def test_an_empty_board(self) -> None:
        self.world.board = filled_board(())
        self.start()
        self.assertEqual(self.get("/samples").body, b'{"total_samples":0,"samples":[]}')

    def test_a_request_waits_until_the_board_is_filled(self) -> None:
        self.world.filled = Deferred()
        self.start()
        asked, gone = self.ask("/samples"), self.ask("/samples")
        for _ in range(20):
            self.turn()
        self.assertNoResult(asked)
        gone.cancel()
        self.failureResultOf(gone)
        self.turn()
        self.board.drop(1007)
        self.world.filled.callback(None)
        self.assertEqual(self.end(asked).json["total_samples"], 7)

    def test_a_failure_is_told_without_its_text_and_logged_once(self) -> None:
        def fail() -> None:
            raise RuntimeError("secret")

        self.board.entries = fail  # type: ignore[method-assign] # breaks on purpose
        answer = self.get("/samples")
        self.assertEqual(answer.code, 500)
        self.assertIsNone(answer.header("ETag"))
        self.assertNotIn(b"secret", answer.body)
        self.assertIn("log", answer.error["message"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_failure_while_the_answer_is_made_is_told_too(self) -> None:
        self.board.entries = lambda: [None]  # type: ignore[list-item,method-assign] # no entry
        self.assertEqual(self.get("/samples").code, 500)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_a_stop_ends_what_is_being_made(self) -> None:
        asked = self.ask("/samples")
        self.agent.flush()
        Deferred.fromCoroutine(self.api.stop())
        answer = self.end(asked)
        self.assertEqual(answer.code, 503)
        self.assertEqual(answer.header("Retry-After"), "5")
        self.assertIsNone(answer.header("ETag"), "an error is no version of the good answer")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class AnyQueryTests(MemoryCase):
    """Whatever is asked, the answer is JSON of the right shape."""

    @given(
        st.builds(
            Query,
            st.integers(0, 9),
            st.integers(0, 9),
            st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
            st.sampled_from([*SORT_FIELDS]),
            st.booleans(),
            st.booleans(),
        )
    )
    def test_good_ones_are_answered(self, query: Query) -> None:
        answer = self.get("/" + query.path)
        self.assertEqual(answer.code, 200)
        self.assertLessEqual(len(answer.json["samples"]), query.page_size or 8)

    @given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30))
    def test_anything_else_is_refused_in_json_and_not_logged(self, rest: str) -> None:
        for start in ("/samples/", "/", "/-/", "/samples/0-0/", "/samples/1000/"):
            answer = self.get(start + rest.replace("#", ""))
            if answer.code != 200:
                self.assertIn(answer.code, (400, 404), start + rest)
                self.assertTrue(answer.error["message"])
