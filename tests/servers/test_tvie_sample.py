"""What a TVie media server says of a stream: good answers, and every recording."""

from __future__ import annotations

import unittest
from random import Random

from tests.recordings import RUNS, TVIE, body, needs_recordings, polls
from tests.servers.test_tvie_sample_faults import check_any
from tests.servers.tvie_answers import ABSENT, HEALTHY, TOLD, read_plainly, told, why
from tvmon.servers.tvie import parse_sample
from tvmon.streams import Presence


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
