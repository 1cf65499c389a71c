"""``GET /metrics``."""

from __future__ import annotations

import gzip

from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from tests.api.support import HOSTILE, MemoryCase, failed, filled_board, good, stream
from tvmon.api.metrics import GAUGES

Key = tuple[str, str]


class MetricsTests(MemoryCase):
    """The numbers of all rooms and of every stream."""

    streams = tuple(stream(number) for number in range(4))

    def values(self) -> dict[Key, float]:
        """Every sample: (name, mms_stream_id) -> value."""
        found: dict[Key, float] = {}
        text = self.get("/metrics").body.decode("utf-8")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name, sample.labels.get("mms_stream_id", "")] = sample.value
        return found

    def of(self, number: int) -> dict[str, float]:
        return {
            name.removeprefix("tvmon_stream_"): value
            for (name, stream_id), value in self.values().items()
            if stream_id == str(1000 + number)
        }

    def test_the_head(self) -> None:
        answer = self.get("/metrics")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        packed = self.get("/metrics", Accept_Encoding="gzip")
        self.assertIn(b"tvmon_stream_score{", gzip.decompress(packed.body))

    def test_a_good_stream(self) -> None:
        self.clock.advance(1.5)
        self.assertEqual(
            self.of(0),
            {
                "score": 100,
                "score_level": 2,
                "upstream_kbps": 800,
                "downstream_kbps": 0,
                "live_delay_seconds": 0,
                "viewers": 0,
                "sample_age_seconds": 1.5,
                "failed": 0,
            },
        )

    def test_what_is_not_known_has_no_line(self) -> None:
        self.assertEqual(
            self.of(2), {"score": 0, "score_level": 0, "sample_age_seconds": 0, "failed": 1}
        )
        self.assertEqual(self.of(3), {})

    def test_units_are_those_of_the_names(self) -> None:
        self.board.note(1000, good(6, 600_000, live_delay_ms=-250, clients_connected=70))
        self.assertEqual(self.of(0)["live_delay_seconds"], -0.25)
        self.assertEqual(self.of(0)["viewers"], 70)

    def test_a_clock_that_is_behind_makes_no_negative_age(self) -> None:
        self.board.note(1000, failed(1000))
        self.assertEqual(self.of(0)["sample_age_seconds"], 0)

    def test_every_family_is_told_in_one_piece_with_its_kind_and_help(self) -> None:
        lines = self.get("/metrics").body.decode().splitlines()
        for gauge in GAUGES:
            starts = (f"# HELP {gauge.name} ", f"# TYPE {gauge.name} gauge", gauge.name + "{")
            places = [place for place, line in enumerate(lines) if line.startswith(starts)]
            self.assertEqual(places, [*range(places[0], places[-1] + 1)], gauge.name)

    def test_the_other_rooms_numbers_are_there(self) -> None:
        Counter("tvmon_polls", "Polls", ["server"], registry=self.world.registry).labels("x").inc()
        values = self.values()
        self.assertEqual(values["tvmon_polls_total", ""], 1)
        self.assertEqual(values["tvmon_event_clients", ""], 0)
        self.assertEqual(values["tvmon_event_clients_dropped_total", ""], 0)

    def test_requests_are_counted_by_route_and_code(self) -> None:
        self.get("/samples")
        self.get("/samples/0-0////", If_None_Match="*")
        self.get("/samples/x")
        self.get("/samples/9/history")
        self.get("/-/healthy")
        self.get("/-/ready")
        self.get("/-/x")
        self.get("/nothing/" + "x" * 100)
        self.get("/", "POST")
        text = self.get("/metrics").body.decode()
        for line in (
            'tvmon_http_requests_total{code="200",route="samples"} 1.0',
            'tvmon_http_requests_total{code="304",route="samples"} 1.0',
            'tvmon_http_requests_total{code="400",route="samples"} 1.0',
            'tvmon_http_requests_total{code="404",route="history"} 1.0',
            'tvmon_http_requests_total{code="200",route="healthy"} 1.0',
            'tvmon_http_requests_total{code="200",route="ready"} 1.0',
            'tvmon_http_requests_total{code="404",route="page"} 2.0',
            'tvmon_http_requests_total{code="405",route="page"} 1.0',
        ):
            self.assertIn(line + "\n", text)

    def test_an_api_can_take_the_place_of_another_on_the_same_registry(self) -> None:
        self.start()
        self.assertEqual(self.get("/metrics").code, 200)

    def test_names_of_any_kind_stay_within_their_label(self) -> None:
        self.world.board = filled_board(
            stream(number, name, server='ser"ver\\') for number, name in enumerate(HOSTILE)
        )
        self.start()
        names = set()
        text = self.get("/metrics").body.decode("utf-8")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "tvmon_stream_failed":
                    names.add(sample.labels["name"])
                    self.assertEqual(sample.labels["server"], 'ser"ver\\')
        shown = [n.encode("utf-8", "replace").decode() for n in HOSTILE]
        self.assertEqual(names, {name for index, name in enumerate(shown) if index % 4 != 3})

    def test_no_argument_is_known(self) -> None:
        self.assertEqual(self.get("/metrics?name[]=x").error["part"], "name[]")
