"""Answers of a TVie media server that are wrong, and any others."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from tests.servers.tvie_answers import HEALTHY, TOLD, outcome, told, why
from tvmon.servers.tvie import parse_sample
from tvmon.streams import Measurement


class FaultTests(unittest.TestCase):
    """What is no sample, in an operator's words."""

    def test_numbers_that_are_none(self) -> None:
        for line, reason in (
            ("total_gops: abc", 'line 1: "total_gops" is not a number: "abc"'),
            ("total_gops:", 'line 1: "total_gops" is not a number: ""'),
            ("\ntotal_gops: 1 2", 'line 2: "total_gops" is not a number: "1 2"'),
            ("total_gops: 1_000", 'line 1: "total_gops" is not a number: "1_000"'),
            ("total_gops: 0x1f", 'line 1: "total_gops" is not a number: "0x1f"'),
            ("total_gops: ١٢", 'line 1: "total_gops" is not a number: "١٢"'),
            ("total_gops: --1", 'line 1: "total_gops" is not a number: "--1"'),
            ("total_gops: nan", 'line 1: "total_gops" is not a number: "nan"'),
            ("total_gops: 12.5", 'line 1: "total_gops" is not a whole number: "12.5"'),
            ("total_gops: 12.0", 'line 1: "total_gops" is not a whole number: "12.0"'),
            ("total_gops: 1e3", 'line 1: "total_gops" is not a whole number: "1e3"'),
            ("total_gops: 1e999", 'line 1: "total_gops" is too large: "1e999"'),
            ("total_gops: -3", 'line 1: "total_gops" cannot be negative: "-3"'),
            (
                "total_gops: 9223372036854775808",
                'line 1: "total_gops" is too large: "9223372036854775808"',
            ),
            (
                "live_delay_ms: -9223372036854775808",
                'line 1: "live_delay_ms" is too large: "-9223372036854775808"',
            ),
            (
                "stream_info_width: 2147483648",
                'line 1: "stream_info_width" is too large: "2147483648"',
            ),
            (f"total_gops: {'9' * 40}", f'line 1: "total_gops" is too large: "{"9" * 40}"'),
            (f"total_gops: {'9' * 5000}", f'line 1: "total_gops" is too large: "{"9" * 37}..."'),
            (
                "average_upstream_kbps: nan",
                'line 1: "average_upstream_kbps" is not a number: "nan"',
            ),
            (
                "average_upstream_kbps: inf",
                'line 1: "average_upstream_kbps" is not a number: "inf"',
            ),
            (
                "average_upstream_kbps: -Infinity",
                'line 1: "average_upstream_kbps" is not a number: "-Infinity"',
            ),
            (
                "average_upstream_kbps: 1e999",
                'line 1: "average_upstream_kbps" is too large: "1e999"',
            ),
            (
                "average_upstream_kbps: 1_0.5",
                'line 1: "average_upstream_kbps" is not a number: "1_0.5"',
            ),
            (
                "average_upstream_kbps: -0.5",
                'line 1: "average_upstream_kbps" cannot be negative: "-0.5"',
            ),
        ):
            with self.subTest(line[:60]):
                self.assertEqual(why(line.encode()), reason)

    def test_the_line_is_the_one_it_is_in(self) -> None:
        answer = HEALTHY.replace(b"fail_count: 0", b"fail_count: none")
        self.assertEqual(
            why(answer), 'line 4: "upstream_connection_fail_count" is not a number: "none"'
        )

    def test_what_is_shown_is_clean_and_short(self) -> None:
        reason = why(b"total_gops: \x1b[31m\x00\x07" + b"x" * 10_000)
        self.assertTrue(reason.isprintable())
        self.assertLess(len(reason), 120)

    def test_a_field_that_is_there_twice(self) -> None:
        self.assertEqual(
            why(HEALTHY + b"total_gops: 244\n"), 'line 22: "total_gops" is there twice'
        )

    def test_a_line_that_breaks_off(self) -> None:
        for cut, reason in (
            (-11, 'line 21 is not "name: value": "stream_info_h"'),
            (-6, 'line 21: "stream_info_height" is not a number: ""'),
        ):
            self.assertEqual(why(HEALTHY[:cut]), reason)

    def test_what_is_not_text(self) -> None:
        self.assertEqual(why(HEALTHY + b"note: \xff\n"), "line 22 is not UTF-8 text")
        self.assertEqual(why(b"\x80\x81"), "line 1 is not UTF-8 text")
        self.assertEqual(why(b"total_gops: 1\nnote: \xed\xa0\x80"), "line 2 is not UTF-8 text")

    def test_what_is_something_else(self) -> None:
        for answer, reason in (
            (b"", "not a sample: the answer is empty"),
            (b" \r\n\n", "not a sample: the answer is empty"),
            (b"<!DOCTYPE html><p>", "an HTML page instead of a sample"),
            (b"\r\n<HTML><head>", "an HTML page instead of a sample"),
            (b"<?xml version='1.0'?><a/>", "XML instead of a sample"),
            (b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html>", "an HTML page instead of a sample"),
            (b'{"total_gops": 3}', "JSON instead of a sample"),
            (b"hello", 'not a sample: the answer begins with "hello"'),
            (b"a: 1\nb: 2", 'not a sample: the answer begins with "a: 1"'),
            (b"\x00" * 5000, f'not a sample: the answer begins with "{"�" * 37}..."'),
        ):
            with self.subTest(answer[:30]):
                self.assertEqual(why(answer), reason)


def check_any(answer: bytes) -> None:
    """Any bytes are a measurement that holds what it must, or are refused in one clean line."""
    measured, trouble = outcome(answer)
    if trouble is not None:
        assert trouble.outcome == "body"
        assert len(trouble.reason) < 200
        assert len(trouble.reason.splitlines()) == 1
        assert "\x00" not in trouble.reason
        return
    assert measured is not None
    values = told(measured)
    assert any(value is not None for value in values.values())
    for name, value in values.items():
        if value is None:
            continue
        if name.startswith("average_"):
            assert type(value) is float
            assert 0 <= value < 2**64
        else:
            assert type(value) is int
            assert abs(value) < 2**63
            assert value >= 0 or name == "live_delay_ms"


class AnyTests(unittest.TestCase):
    """Whatever comes."""

    @given(st.binary(max_size=2000))
    def test_any_bytes(self, answer: bytes) -> None:
        check_any(answer)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([*TOLD, "other", ""]),
                st.sampled_from([": ", ":", " : ", " "]),
                st.one_of(
                    st.integers().map(str),
                    st.floats().map(str),
                    st.text(max_size=20),
                    st.from_regex(r"[-+]?[0-9._e]{1,30}", fullmatch=True),
                ),
            ),
            max_size=25,
        ),
        st.sampled_from(["\n", "\r\n", "\r"]),
    )
    def test_anything_that_looks_like_a_sample(
        self, lines: list[tuple[str, str, str]], end: str
    ) -> None:
        check_any(end.join("".join(line) for line in lines).encode("utf-8", "surrogatepass"))

    @given(
        st.builds(
            Measurement,
            total_gops=st.none() | st.integers(0, 2**63 - 1),
            live_delay_ms=st.integers(-(2**63) + 1, 2**63 - 1),
            average_upstream_kbps=st.none() | st.floats(0, 2.0**62),
            stream_info_width=st.none() | st.integers(0, 2**31 - 1),
        )
    )
    def test_what_is_written_is_read(self, measured: Measurement) -> None:
        lines = [f"{name}: {value}" for name, value in told(measured).items() if value is not None]
        self.assertEqual(told(parse_sample("\n".join(lines).encode())), told(measured))
