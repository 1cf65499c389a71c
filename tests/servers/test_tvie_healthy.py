"""A healthy stream's answer is read all at once: it says what it says when it is read by lines."""

from __future__ import annotations

import unittest

from hypothesis import example, given
from hypothesis import strategies as st

from tests.recordings import RUNS, body, needs_recordings, polls
from tests.servers.tvie_answers import HEALTHY, outcome
from tvmon.servers import Drift
from tvmon.servers.tvie import parse_sample

LINES = HEALTHY.decode().splitlines()
NAMES = [line.split(": ")[0] for line in LINES]
numbers = st.sampled_from(
    (
        *("", "-", "-0", "-5", "--5", "+5", " 5", "5 ", "5\r", "1_0", "007", "0x1f", "1e3", "nan"),
        *("-nan", "inf", "1.5", ".5", "5.", ".", "1.5.5", "-0.0", "-1.5", "0" * 31, "2147483647"),
        *("2147483648", "9" * 18, "9" * 19, "9223372036854775807", "9223372036854775808"),
        *("9" * 31, "9" * 5000, "5: 5", "5\n5", "5\n", "a", "\x00", "\u0662", "\xb2"),
    )
)
whole = st.integers(0, 2**40).map(str)
values = st.lists(st.tuples(st.sampled_from(NAMES), numbers | whole), max_size=3)
edits = st.lists(
    st.tuples(st.integers(0, len(HEALTHY)), st.integers(0, 12), st.binary(max_size=6)), max_size=2
)


class HealthyTests(unittest.TestCase):
    """One line end more at its end, and an answer is read line by line."""

    def is_the_same(self, answer: bytes) -> None:
        measured, trouble = outcome(answer)
        by_lines, reason = outcome(answer + b"\n\n")
        self.assertEqual(repr(measured), repr(by_lines))
        self.assertEqual(str(trouble), str(reason))

    @needs_recordings
    def test_every_recording(self) -> None:
        for run in RUNS:
            for _, response in polls(run):
                self.is_the_same(body(response))

    @given(values)
    @example([("stream_info_audiodatarate", "0"), ("stream_info_videodatarate", "0")])
    @example([("total_gops", "0" * 31)])
    def test_any_numbers(self, values: list[tuple[str, str]]) -> None:
        told = dict(line.split(": ") for line in LINES) | dict(values)
        self.is_the_same("".join(f"{name}: {told[name]}\n" for name in told).encode())

    @given(edits)
    def test_any_edit(self, edits: list[tuple[int, int, bytes]]) -> None:
        answer = bytearray(HEALTHY)
        for at, gone, new in edits:
            answer[at : at + gone] = new
        self.is_the_same(bytes(answer))

    def test_names_and_line_ends_where_they_do_not_belong(self) -> None:
        first, second = LINES[:2]
        for wrong in (
            first.replace(": ", "\n"),
            f"{first}: {second}",
            f"{NAMES[0]}: {first}",
            f"{second}\n{first}",
            first.split(": ")[1],
            f" {first}",
            f"{first}\n",
        ):
            answer = HEALTHY.replace(first.encode(), wrong.encode())
            self.is_the_same(answer)
            self.is_the_same(answer.replace(second.encode() + b"\n", b""))
        for more in (b"5", b"\r", b"total_gops: 5"):
            self.is_the_same(HEALTHY + more)
            self.is_the_same(more + b"\n" + HEALTHY)

    def test_it_has_nothing_that_is_missing_or_unknown(self) -> None:
        drift = Drift()
        self.assertEqual(parse_sample(HEALTHY, drift), parse_sample(HEALTHY))
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))
        parse_sample(HEALTHY.replace(b"width", b"girth"), drift)
        self.assertEqual(drift.unknown, {"sample.stream_info_girth": 1})
