"""Fields of answers, codecs, and what drifts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.errors import BadAnswer
from tvmon.servers import Answer
from tvmon.servers.codecs import CODEC_CHARACTERS, codec, codec_fields, is_video
from tvmon.servers.drift import MOST_NAMES, Drift
from tvmon.servers.values import (
    MOST,
    average_kbps,
    count,
    http_time,
    instant,
    json_of,
    number,
    rows,
    server_time,
    table,
    text,
    whole,
)

anything: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


class ValueTests(SynchronousTestCase):
    """What can be believed."""

    def test_counts(self) -> None:
        for value, wanted in (
            (7, 7), ("7", 7), (" 7 ", 7), (7.0, 7), (0, 0), (MOST, MOST),
            (-1, None), (7.5, None), (True, None), ("7x", None), ("\u0667", None), (None, None),
            (MOST + 1, None), ("9" * 30, None), (float("nan"), None), (float("inf"), None),
        ):  # fmt: skip
            self.assertEqual(count(value), wanted, repr(value))

    def test_numbers(self) -> None:
        for value, wanted in (
            (7, 7.0), ("29.97", 29.97), (0.5, 0.5), (-0.5, None), ("1_000", None), (True, None),
            ("nan", None), ("inf", None), ("", None), ({}, None),
        ):  # fmt: skip
            self.assertEqual(number(value), wanted, repr(value))
        self.assertEqual(whole("29.97"), 30)

    def test_times(self) -> None:
        self.assertEqual(instant("1970-01-01T00:01:00Z"), 60.0)
        self.assertEqual(instant("1970-01-01T01:01:00.5+0100"), 60.5)
        self.assertEqual(instant("1970-01-01T00:01:00"), 60.0)
        self.assertIsNone(instant("yesterday at noon"))
        self.assertEqual(http_time("Thu, 01 Jan 1970 00:01:00 GMT"), 60.0)
        self.assertIsNone(http_time("a while ago"))
        dated = Answer(200, "OK", b"", {"date": "Thu, 01 Jan 1970 00:01:00 GMT"}, time=99.0)
        self.assertEqual(server_time(dated), 60.0)
        self.assertEqual(server_time(Answer(200, "OK", b"", time=99.0)), 99.0)

    def test_a_mean_of_less_than_a_second_is_none(self) -> None:
        self.assertEqual(average_kbps(1000, 8), 1.0)
        self.assertIsNone(average_kbps(1000, 0.5))
        self.assertIsNone(average_kbps(None, 8))

    @given(anything)
    def test_whatever_stands_in_a_field(self, value: Any) -> None:
        counted, measured = count(value), number(value)
        self.assertTrue(counted is None or (type(counted) is int and 0 <= counted <= MOST))
        self.assertTrue(measured is None or 0 <= measured <= float(MOST))
        self.assertIsInstance(table(value), dict)
        self.assertIsInstance(rows(value), list)
        for read in (text, instant, http_time, whole, codec):
            read(value)  # type: ignore[operator]

    @given(st.binary(max_size=200))
    def test_any_bytes_are_json_or_a_sentence(self, body: bytes) -> None:
        try:
            json_of(body, "the list of streams")
        except BadAnswer as trouble:
            self.assertTrue(trouble.reason.startswith("the list of streams is not JSON"))

    def test_json_that_is_none(self) -> None:
        for body, words in (
            (b"", ": it is empty"),
            (b"<html>", " but an HTML page"),
            (b'{"a": ', ": it breaks off or is wrong"),
            (b"[" * 100_000, ": it breaks off or is wrong"),
        ):
            with self.assertRaises(BadAnswer) as caught:
                json_of(body, "it")
            self.assertEqual(caught.exception.reason, f"it is not JSON{words}")


class CodecTests(SynchronousTestCase):
    """One name for each codec, however it is spelled."""

    def test_spellings(self) -> None:
        for name, spellings in {
            "H264": ("H264", "h264", "avc1.64001f", "AVC", "H.264", "avc3"),
            "H265": ("hvc1.1.6.L93.B0", "hev1", "HEVC", "H265"),
            "AV1": ("av01.0.04M.08", "AV1"),
            "AAC": ("mp4a.40.2", "MPEG-4 Audio", "AAC", "aac"),
            "MP3": ("MP3", "mp4a.40.34", "MPEG-1 Audio"),
            "Opus": ("opus", "Opus"),
            "AC-3": ("ac-3", "AC-3"),
        }.items():
            for spelled in spellings:
                self.assertEqual(codec(spelled), name, spelled)

    def test_one_that_is_not_known_is_kept_and_short(self) -> None:
        self.assertEqual(codec("Codec2000"), "Codec2000")
        self.assertEqual(codec("x" * 99), "x" * CODEC_CHARACTERS)
        self.assertIsNone(codec("\x00"))
        self.assertIsNone(codec(7))

    def test_the_numbers_of_flv(self) -> None:
        self.assertEqual(
            codec_fields("avc1", "mp4a.40.2"),
            {
                "video_codec": "H264",
                "stream_info_videocodecid": 7,
                "audio_codec": "AAC",
                "stream_info_audiocodecid": 10,
            },
        )
        self.assertEqual(codec_fields("VP9")["stream_info_videocodecid"], None)
        self.assertTrue(is_video("VP9"))
        self.assertFalse(is_video("AAC"))


class DriftTests(SynchronousTestCase):
    """Fields that a server's upgrade brought, or took away."""

    def test_counted_and_told_once(self) -> None:
        drift = Drift()
        for _ in range(3):
            drift.look("stream", {"name", "bw_data"}, {"name", "time"}, {"name", "time"})
        drift.lacks("stream.codec")
        self.assertEqual(drift.unknown, {"stream.bw_data": 3})
        self.assertEqual(drift.missing, {"stream.time": 3, "stream.codec": 1})
        self.assertEqual(drift.news(), (("stream.bw_data",), ("stream.time", "stream.codec")))
        self.assertEqual(drift.news(), ((), ()))
        drift.look("stream", {"name", "time", "more"}, {"name", "time"})
        self.assertEqual(drift.news(), (("stream.more",), ()))

    def test_a_server_whose_fields_are_data_fills_no_memory(self) -> None:
        drift = Drift()
        for n in range(1000):
            drift.look("streams", {f"cam{n}\n{'x' * 200}"}, set())
        self.assertEqual(len(drift.unknown), MOST_NAMES)
        self.assertTrue(all(len(name) <= 80 and "\n" not in name for name in drift.unknown))
