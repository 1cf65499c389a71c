"""Whatever may come instead of a statistics page, or in it."""

from __future__ import annotations

import json
from typing import Any
from unittest import TestCase
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st

from tests.servers.nginx_pages import FLV_STREAM, flv_document, page, stream, survey_of
from tvmon.errors import BadAnswer
from tvmon.servers.nginx_rtmp_stat import parse_stat


class RefusedTests(TestCase):
    """What is no statistics page."""

    def refused(self, body: bytes) -> str:
        with self.assertRaises(BadAnswer) as caught:
            parse_stat(body)
        self.assertEqual(caught.exception.outcome, "body")
        return caught.exception.reason

    def test_in_an_operators_words(self) -> None:
        for body, reason in (
            (b"", "not the RTMP statistics page: the answer is empty"),
            (b"<html>404</html>", "an HTML page instead of the RTMP statistics page"),
            (
                b"Active connections: 1",
                "the answer is neither XML nor JSON",
            ),
            (b"<icestats/>", "the RTMP statistics page is none: its root is <icestats>"),
            (b"<rtmp>\n<server>", "the RTMP statistics page breaks off or is no XML: line 2"),
            (
                b'{"code":0}',
                'its JSON has neither "http-flv" nor "rtmp"',
            ),
            (b'{"http-flv":', "the RTMP statistics page is not JSON: it breaks off or is wrong"),
        ):
            self.assertIn(reason, self.refused(body))

    def test_a_document_type(self) -> None:
        bomb = b'<!DOCTYPE rtmp [<!ENTITY a "aaaaaaaaaa">]><rtmp><pid>&a;</pid></rtmp>'
        self.assertIn("declares a document type", self.refused(bomb))
        self.assertIn("declares a document type", self.refused(b'<?xml version="1.0"?>\n' + bomb))
        self.refused(bomb.decode().encode("utf-16"))

    def test_an_encoding_that_is_not_so(self) -> None:
        told = b'<?xml version="1.0" encoding="utf-7"?><rtmp><pid>1</pid></rtmp>'
        self.assertEqual(parse_stat(told).pid, "1")

    def test_a_deep_one(self) -> None:
        self.refused(b"<rtmp>" + b"<a>" * 100_000)
        deep = b"<rtmp>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</rtmp>"
        self.assertEqual(parse_stat(deep).entries, ())
        self.refused(b'{"rtmp":' * 100_000)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([
    "name", "time", "bytes_in", "bytes_out", "nclients", "publishing", "clients", "meta",
    "timestamp", "id", "flashver", "video", "audio", "codec", "width", "frame_rate", "channels",
    "live", "streams", "applications", "servers", "pid", "uptime", "port", "http-flv", "rtmp",
])  # fmt: skip


class AnythingTests(TestCase):
    """Whatever comes, it is a survey or a BadAnswer."""

    def check(self, body: bytes) -> None:
        try:
            survey, _ = survey_of(body)
        except BadAnswer as wrong:
            self.assertTrue(wrong.reason)
            return
        for key, seen in survey.seen.items():
            self.assertEqual(key, seen.stream.key)
            key.encode()

    @given(st.binary(max_size=200))
    def test_any_bytes(self, body: bytes) -> None:
        for start in (b"", b"<rtmp>", b'{"rtmp":'):
            self.check(start + body)

    @given(st.data())
    def test_a_good_answer_with_a_piece_replaced(self, data: st.DataObject) -> None:
        for body in (
            page(stream(players=1), stream("cam2", publishing=False)),
            json.dumps(flv_document(FLV_STREAM)).encode(),
        ):
            start = data.draw(st.integers(0, len(body)))
            end = data.draw(st.integers(start, min(len(body), start + 40)))
            self.check(body[:start] + data.draw(st.binary(max_size=20)) + body[end:])

    @given(st.data())
    def test_wrong_types_everywhere(self, data: st.DataObject) -> None:
        junk = st.one_of(JUNK, st.dictionaries(FIELDS, JUNK, max_size=6))

        def spoiled(value: Any) -> Any:
            if data.draw(st.integers(0, 11)) == 0:
                return data.draw(junk)
            if isinstance(value, dict):
                return {name: spoiled(inner) for name, inner in value.items()}
            if isinstance(value, list):
                return [spoiled(inner) for inner in value]
            return value

        document = spoiled(flv_document(FLV_STREAM, FLV_STREAM))
        self.check(json.dumps(document).encode())

    @given(st.lists(st.tuples(FIELDS, st.text(max_size=10)), max_size=12))
    def test_any_elements(self, fields: list[tuple[str, str]]) -> None:
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields)
        wrapped = f"<stream><client>{inner}</client>{inner}<meta>{inner}</meta></stream>"
        self.check(page(wrapped))
