"""What a TVie media server says of a stream: every recording, every fault, any bytes."""

from __future__ import annotations

import unittest
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.recordings import RUNS, TVIE, body, needs_recordings, polls
from tvmon.errors import BadAnswer
from tvmon.servers.tvie import parse_sample
from tvmon.servers.tvie_sample import ALWAYS, OF_A_STREAM
from tvmon.streams import Measurement, Presence

HEALTHY = b"""total_gops: 244
upstream_opened_count: 1
upstream_connected_count: 1
upstream_connection_fail_count: 0
upstream_bytes_received: 36312983240
clients_connected: 3
total_clients_served: 31
total_bytes_sent: 500194990
live_delay_ms: -282
average_upstream_kbps: 552.598409
average_downstream_kbps: 0.000000
stream_info_audiodatarate: 47
stream_info_videodatarate: 354
stream_info_audiocodecid: 10
stream_info_audiosamplesize: 16
stream_info_audiosamplerate: 44100
stream_info_stereo: 1
stream_info_videocodecid: 7
stream_info_framerate: 24
stream_info_width: 1024
stream_info_height: 576
"""
ABSENT = (
    "stream_info_audiocodecid",
    "stream_info_audiosamplesize",
    "stream_info_audiosamplerate",
    "stream_info_stereo",
    "stream_info_videocodecid",
    "stream_info_framerate",
    "stream_info_width",
    "stream_info_height",
)


TOLD = (*ALWAYS, *OF_A_STREAM)


def told(measured: Measurement) -> dict[str, int | float | None]:
    """What a measurement holds of the fields that a TVie server tells."""
    return {name: getattr(measured, name) for name in TOLD}


def read_plainly(text: str) -> dict[str, int | float | None]:
    """A recording read a second way: what the parser says is checked against it."""
    lines = dict(line.split(": ") for line in text.splitlines())
    values: dict[str, int | float | None] = {}
    for name in TOLD:
        value = lines.get(name)
        values[name] = None if value is None else float(value) if "." in value else int(value)
    return values


def why(answer: bytes) -> str:
    """Why this is no sample."""
    measured, trouble = outcome(answer)
    assert measured is None, "it is a sample"
    assert trouble is not None
    return trouble.reason


def outcome(answer: bytes) -> tuple[Measurement | None, BadAnswer | None]:
    """The measurement, or why there is none."""
    try:
        return parse_sample(answer), None
    except BadAnswer as trouble:
        return None, trouble


class GoodTests(unittest.TestCase):
    """Samples."""

    def test_a_healthy_stream(self) -> None:
        measured = parse_sample(HEALTHY)
        self.assertEqual(told(measured), read_plainly(HEALTHY.decode()))
        self.assertEqual(measured.live_delay_ms, -282)
        self.assertEqual(measured.upstream_bytes_received, 36312983240)
        self.assertEqual(measured.declared_kbps, 401)

    def test_what_is_not_told_is_none(self) -> None:
        measured = parse_sample(b"total_gops: 1")
        self.assertEqual(told(measured), dict.fromkeys(TOLD) | {"total_gops": 1})

    def test_what_is_not_known_is_left_alone(self) -> None:
        more = "packet_loss: 0.5\npacket_loss: 1\nnote: läuft: gut\n\n".encode()
        self.assertEqual(parse_sample(HEALTHY + more), parse_sample(HEALTHY))

    def test_blanks_and_line_ends_of_other_systems_do_no_harm(self) -> None:
        for answer in (
            HEALTHY.replace(b"\n", b"\r\n"),
            HEALTHY.replace(b": ", b":"),
            HEALTHY.replace(b": ", b" :\t "),
            HEALTHY.strip(),
            b"\n\n" + HEALTHY,
        ):
            self.assertEqual(parse_sample(answer), parse_sample(HEALTHY))

    def test_the_order_of_the_lines_is_free(self) -> None:
        lines = HEALTHY.splitlines()
        Random(1).shuffle(lines)
        self.assertEqual(parse_sample(b"\n".join(lines)), parse_sample(HEALTHY))

    def test_numbers_up_to_their_bounds(self) -> None:
        for name, value in (
            ("total_gops", 2**63 - 1),
            ("live_delay_ms", -(2**63) + 1),
            ("stream_info_width", 2**31 - 1),
            ("total_bytes_sent", 0),
        ):
            measured = parse_sample(f"{name}: {value}".encode())
            self.assertEqual(getattr(measured, name), value)

    def test_rates_may_be_whole_numbers_and_have_exponents(self) -> None:
        for text, value in (("5", 5.0), ("1e3", 1000.0), ("1465840.000000", 1465840.0)):
            measured = parse_sample(f"average_upstream_kbps: {text}".encode())
            self.assertEqual(measured.average_upstream_kbps, value)
            self.assertIsInstance(measured.average_upstream_kbps, float)

    def test_there_is_no_minus_zero(self) -> None:
        self.assertEqual(
            repr(parse_sample(b"average_upstream_kbps: -0.0").average_upstream_kbps), "0.0"
        )


@needs_recordings
class RecordingTests(unittest.TestCase):
    """What a real server said."""

    def test_every_recording_is_what_it_says(self) -> None:
        for run in RUNS:
            for second, response in polls(run):
                with self.subTest(run, second=second):
                    text = body(response)
                    self.assertEqual(told(parse_sample(text)), read_plainly(text.decode()))

    def test_with_no_stream_eight_fields_are_unknown_and_the_rates_are_0(self) -> None:
        for _, response in polls("upstream_down"):
            measured = parse_sample(body(response))
            self.assertEqual(measured.declared_kbps, 0)
            self.assertEqual(measured.presence, Presence.ABSENT)
            self.assertEqual(measured.live_delay_ms, 999999)
            unknown = {name for name in TOLD if getattr(measured, name) is None}
            self.assertEqual(unknown, set(ABSENT))

    def test_the_page_of_a_proxy_is_told_as_one(self) -> None:
        page = body((TVIE / "http_response_502.txt").read_bytes())
        self.assertEqual(why(page), "an HTML page instead of a sample")

    def test_a_recording_with_any_bytes_changed_is_read_or_refused(self) -> None:
        random = Random(7)
        for run in RUNS:
            for _, response in polls(run)[::10]:
                for _ in range(40):
                    mutated = bytearray(body(response))
                    for _ in range(random.randint(1, 4)):
                        at = random.randrange(len(mutated))
                        match random.randrange(4):
                            case 0:
                                mutated[at] = random.randrange(256)
                            case 1:
                                del mutated[at : at + random.randint(1, 30)]
                            case 2:
                                mutated[at:at] = random.randbytes(3)
                            case _:
                                mutated[at:at] = mutated[: random.randint(1, 80)]
                    check_any(bytes(mutated))


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
