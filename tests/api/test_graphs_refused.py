"""Graphs over HTTP that cannot be had: what is said of them."""

from __future__ import annotations

from urllib.parse import quote

from tests.api.graphing import HOSTILE, GraphCase
from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.history.rrd import RrdError
from tvmon.history.subjects import of_stream


class RefusalTests(GraphCase):
    """What is not answered, and why."""

    def test_what_is_not_known_is_404_and_names_what_is(self) -> None:
        for path, part, allowed in (
            ("/graph_global?target=disk", "target", GLOBALS),
            ("/graph_vhost?target=filecount", "target", TARGETS),
            ("/graph_vhost?target=mem&vhost=ingest", "target", TARGETS),
            ("/graph_vhost?target=client_http_res_detail", "target", TARGETS),
            ("/graph/stream/1001.png?metric=client_session", "metric", METRICS),
            ("/graph/disk_week.png", "target", GLOBALS),
            ("/graph/vhost/cpu_week.png", "target", TARGETS),
        ):
            answer = self.refusal(path, 404, part)
            self.assertEqual(answer.error["allowed"], [*allowed])
        self.refusal("/graph_vhost?target=traffic&vhost=nobody", 404, "vhost")
        self.refusal("/graph/vhost/traffic_week.png?vhost=ingest/9", 404, "vhost")
        self.refusal("/graph/stream/99.png", 404, "mms_stream_id")
        self.refusal("/graph/cpu_decade.png", 404, "path")
        for path in ("/graph/stream/1001", "/graph/stream/1001.gif", "/graph/stream/1001.png/"):
            self.refusal(path, 404, None)

    def test_what_is_wrong_is_400_and_named(self) -> None:
        for path, part in (
            ("/graph_global", "target"),
            ("/graph_vhost?vhost=ingest", "target"),
            ("/graph_global?target=cpu&vhost=ingest", "vhost"),
            ("/graph_global?target=cpu&protocol=hls", "protocol"),
            ("/graph_vhost?target=score&protocol=hls", "protocol"),
            ("/graph_vhost?target=client_res_complete&protocol=rtmp", "protocol"),
            ("/graph_vhost?target=traffic&protocol=quic", "protocol"),
            ("/graph_vhost?target=traffic&target=score", "target"),
            ("/graph/stream/cam1.png", "mms_stream_id"),
            ("/graph/stream/1001.png?step=7m", "step"),
            ("/graph/stream/1001.png?step=5m&start=-80days&format=csv", "step"),
            ("/graph/stream/1001.png?start=noonish", "start"),
            ("/graph/stream/1001.png?end=-1parsec", "end"),
            ("/graph/cpu_week.png?start=202613011722", "start"),
            ("/graph/cpu_week.png?step=5m", "step"),
            ("/graph/stream/1001.png?theme=blue", "theme"),
            ("/graph/stream/1001.png?width=99", "width"),
            ("/graph/stream/1001.png?height=1201", "height"),
            ("/graph/stream/1001.png?format=gif", "format"),
            ("/graph/stream/1001.png?color=red", "color"),
            ("/graph/stream/1001.png?start=%ff", "query"),
        ):
            self.refusal(path, 400, part)

    def test_hostile_words_never_reach_rrdtool(self) -> None:
        # What is asked is looked at, character by character, by the one that only notes.
        for word in HOSTILE:
            text = quote(word, safe="")
            for path in (
                f"/graph_global?target={text}",
                f"/graph_vhost?target={text}",
                f"/graph_vhost?target=traffic&vhost={text}",
                f"/graph_vhost?target=traffic&protocol={text}",
                f"/graph/{text}_week.png",
                f"/graph/cpu_{text}.png",
                f"/graph/vhost/traffic_week.png?vhost={text}",
                f"/graph/stream/{text}.png",
                f"/report?vhost={text}",
                *(
                    f"/graph/stream/1001.png?{part}={text}"
                    for part in ("metric", "step", "start", "end", "theme", "width", "format")
                ),
            ):
                answer = self.get(path)
                self.assertIn(answer.code, (400, 404), path)
                self.assertEqual(self.commands, [], path)
        # The name of somebody that is there is told, and not asked with.
        self.archive.names[HOSTILE[0]] = of_stream(1001)
        path = f"/graph_vhost?target=traffic&format=json&vhost={quote(HOSTILE[0])}"
        self.assertEqual(self.get(path).json["vhost"], HOSTILE[0])
        self.assertEqual(len(self.commands), 1)

    def test_what_is_too_long_is_not_even_read(self) -> None:
        for path in ("/graph/stream/1.png?start=", "/graph_vhost?target=traffic&vhost=", "/graph/"):
            self.assertEqual(self.get(path + "x" * 10_000).code, 414)
        self.assertEqual(self.commands, [])

    def test_without_rrdtool_it_is_503_and_says_what_to_install(self) -> None:
        self.world.rrd.missing = "rrdtool is not installed: apt-get install rrdtool"
        for path in (
            "/graph/stream/1001.png",
            "/graph_global?target=cpu&format=json",
            "/graph_vhost?target=traffic&protocol=rtmp&format=csv",
            "/graph/cpu_week.png",
            "/report",
            "/report?vhost=ingest&each=1&format=csv",
        ):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.header("Retry-After")), (503, "30"), path)
            self.assertEqual(answer.error["message"], self.world.rrd.missing)
            self.assertEqual(answer.header("Cache-Control"), "no-cache")

    def test_a_file_that_cannot_be_read_is_503_and_said_once_in_the_log(self) -> None:
        self.world.rrd.held = []
        asked = self.ask("/graph/stream/1001.png")
        self.turns_until(lambda: self.world.rrd.held)
        self.world.rrd.held[0].errback(RrdError("no such file"))
        self.assertEqual(self.end(asked).code, 503)
        self.assertEqual(self.flushLoggedErrors(RrdError), [])

    def test_more_rows_than_can_be_read_are_refused(self) -> None:
        for path in (
            "/graph_vhost?target=traffic&start=now&end=4102444800&step=5m",
            "/graph/stream/1001.png?start=-1day&end=%2B20years&step=5m",
            "/graph_vhost?target=traffic&start=-1month&step=5m&format=json",
            "/report?start=315532800&end=4102444800",
        ):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.error["part"]), (400, "step"), path)
            self.assertIn("rows", answer.error["message"])
