"""What an address asks for."""

from __future__ import annotations

from urllib.parse import quote, quote_from_bytes

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.api.query import (
    Query,
    decoded,
    parse_arguments,
    parse_limit,
    parse_samples,
    parse_stream_id,
)
from tvmon.api.refusal import Refusal
from tvmon.api.select import SORT_FIELDS
from tvmon.entry import FIELDS, RATE_FIELDS

queries = st.builds(
    Query,
    offset=st.integers(0, 999_999_999),
    page_size=st.integers(0, 999_999_999),
    keyword=st.none()
    | st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text != "null"),
    sort_by=st.sampled_from([*SORT_FIELDS]),
    descending=st.booleans(),
    status_first=st.booleans(),
)


class SamplesTests(SynchronousTestCase):
    """``/samples/{offset}-{page_size}/{keyword}/{sort_by}/{sort_order}/{sort_by_status_first}``."""

    def refusal(self, path: str) -> Refusal:
        with self.assertRaises(Refusal) as caught:
            parse_samples(path.encode())
        self.assertEqual(caught.exception.code, 400)
        refusal: Refusal = caught.exception
        return refusal

    def test_nothing_said_is_everything_by_name(self) -> None:
        everything = Query(0, 0, None, "unify_name", False, False)
        for path in (b"/samples", b"/samples/0-0////", b"/samples/0-0/null/unify_name/asc/0"):
            self.assertEqual(parse_samples(path), everything, path)

    def test_every_part_is_read(self) -> None:
        self.assertEqual(
            parse_samples(b"/samples/20-10/News%20HD/average_upstream_kbps.last_10/DESC/1"),
            Query(20, 10, "News HD", "average_upstream_kbps.last_10", True, True),
        )

    def test_a_keyword_may_hold_anything_that_is_encoded(self) -> None:
        for keyword in ("http://10.0.0.1/live", "100%", "a?b#c", "ü/..\\\n\0", "0-0", "history"):
            path = f"/samples/0-0/{quote(keyword, safe='')}///"
            self.assertEqual(parse_samples(path.encode()).keyword, keyword)

    def test_too_few_and_too_many_parts_are_refused(self) -> None:
        for path in (
            "/samples/",
            "/samples/0-0",
            "/samples/0-0/x/score/asc",
            "/samples/0-0/x/score/asc/0/",
            "/samples/0-0/a/b/score/asc/0",
        ):
            refusal = self.refusal(path)
            self.assertEqual(refusal.part, "path")
            self.assertIn("{offset}-{page_size}", refusal.message)

    def test_the_wrong_part_is_named_with_what_is_allowed(self) -> None:
        for path, part in (
            ("/samples/-////", "offset"),
            ("/samples/x-1////", "offset"),
            ("/samples/-1-1////", "offset"),
            ("/samples/1////", "page_size"),
            ("/samples/1-////", "page_size"),
            ("/samples/1-x////", "page_size"),
            ("/samples/1-1-1////", "page_size"),
            ("/samples/1.5-1////", "offset"),
            ("/samples/%20 1-1////", "offset"),
            ("/samples/٣-1////".encode().decode("latin-1"), "offset"),
            ("/samples/1234567890-1////", "offset"),
            ("/samples/1-" + "9" * 4000 + "////", "page_size"),
            ("/samples/0-0/%ff///", "keyword"),
            ("/samples/0-0/%zz///", "keyword"),
            ("/samples/0-0/%///", "keyword"),
            ("/samples/0-0/%ed%a0%80///", "keyword"),
        ):
            self.assertEqual(self.refusal(path).part, part, path)
        refusal = self.refusal("/samples/0-0//colour//")
        self.assertEqual((refusal.part, refusal.allowed), ("sort_by", tuple(SORT_FIELDS)))
        refusal = self.refusal("/samples/0-0//score/down/")
        self.assertEqual((refusal.part, refusal.allowed), ("sort_order", ("asc", "desc")))
        for value in ("2", "true", "01", "%30%31"):
            refusal = self.refusal(f"/samples/0-0//score/asc/{value}")
            self.assertEqual((refusal.part, refusal.allowed), ("sort_by_status_first", ("0", "1")))

    def test_what_may_be_sorted_by(self) -> None:
        nested = {"average_upstream_kbps", "average_downstream_kbps"}
        details = {"score_detail", "score_level_detail"}
        resets = {"counter_reset"}
        plain = set(FIELDS) - nested - details - resets - {"score_reasons", "sources"}
        expected = (
            plain
            | {f"{name}.{rate}" for name in nested for rate in RATE_FIELDS}
            | {f"{name}.{part}" for name in details for part in ("live_delay", "upstream")}
            | {f"{name}.{part}" for name in resets for part in ("why", "time")}
        )
        self.assertEqual(set(SORT_FIELDS), expected)

    @given(queries)
    def test_a_question_and_its_address_say_the_same(self, query: Query) -> None:
        self.assertEqual(parse_samples(b"/" + query.path.encode()), query)

    @given(
        st.lists(
            st.text(max_size=12)
            | st.sampled_from(["", "0-0", "5-10", "null", "score", "asc", "DESC", "1", "%41", "%"])
            | st.binary(max_size=6).map(quote_from_bytes),
            max_size=7,
        )
    )
    @example(["0-0", "", "score", "a\N{LATIN SMALL LETTER LONG S}c", ""])
    def test_any_address_is_a_question_or_a_refusal_that_names_a_part(
        self, parts: list[str]
    ) -> None:
        path = "/samples" + "".join("/" + part for part in parts)
        try:
            query = parse_samples(path.encode("utf-8", "surrogatepass"))
        except Refusal as refusal:
            self.assertEqual(refusal.code, 400)
            self.assertTrue(refusal.part)
        else:
            self.assertIn(query.sort_by, SORT_FIELDS)
            self.assertEqual(parse_samples(b"/" + query.path.encode()), query)


class ArgumentTests(SynchronousTestCase):
    """What stands behind the ``?``."""

    def test_known_ones_are_read(self) -> None:
        self.assertEqual(parse_arguments(b"limit=5", ["limit"]), {"limit": "5"})
        self.assertEqual(parse_arguments(b"limit=%35&", ["limit"]), {"limit": "5"})
        self.assertEqual(parse_arguments(b"", ["limit"]), {})

    def test_others_are_refused_by_name(self) -> None:
        for raw, part in (
            (b"Limit=5", "Limit"),
            (b"limit=5&x=%C3%A4", "x"),
            (b"%C3%A4", "ä"),
            (b"limit=1&limit=2", "limit"),
            (b"limit=%ff", "query"),
            (b"limit=%f", "query"),
            (b"limit=\xc3\xa4", "query"),
            (b"&".join(b"a%d" % n for n in range(17)), "query"),
        ):
            with self.assertRaises(Refusal) as caught:
                parse_arguments(raw, ["limit"])
            self.assertEqual(caught.exception.part, part, raw)
        with self.assertRaises(Refusal) as caught:
            parse_arguments(b"x=1", ["limit"])
        self.assertEqual(caught.exception.allowed, ("limit",))

    @given(st.binary(max_size=80))
    def test_anything_is_read_or_refused(self, raw: bytes) -> None:
        try:
            parse_arguments(raw, ["limit"])
        except Refusal as refusal:
            self.assertIsNotNone(refusal.part)

    def test_a_limit(self) -> None:
        self.assertEqual(parse_limit({}), 200)
        for text in ("1", "007", "200"):
            self.assertEqual(parse_limit({"limit": text}), int(text))
        for text in ("", "0", "201", "-1", "1.5", "x", " 5", "٣", "9" * 5000):
            with self.assertRaises(Refusal) as caught:
                parse_limit({"limit": text})
            self.assertEqual(caught.exception.part, "limit")

    def test_a_streams_number(self) -> None:
        self.assertEqual(parse_stream_id("281474976710655"), 2**48 - 1)
        for text in ("", "-1", "x", "1.0", "٣", "9" * 19):
            with self.assertRaises(Refusal) as caught:
                parse_stream_id(text)
            self.assertEqual(caught.exception.part, "mms_stream_id")

    @given(st.binary(max_size=40))
    def test_percent_encoding_is_undone_exactly_or_refused(self, raw: bytes) -> None:
        try:
            text = decoded(raw, "x")
        except Refusal:
            return
        self.assertEqual(decoded(quote(text, safe="").encode(), "x"), text)
