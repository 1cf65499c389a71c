"""Graphs over HTTP: whose they are, and how long an answer holds."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.api.graphing import GraphCase, file_of
from tests.api.support import counted
from tvmon.history.plots import GLOBALS, METRICS
from tvmon.history.subjects import of_stream


class SubjectTests(GraphCase):
    """Whose graph it is."""

    def test_whom_an_address_names(self) -> None:
        for path, file in (
            ("/graph_global?target=cpu", "machine.rrd"),
            ("/graph_global?target=ssockevent", "all.rrd"),
            ("/graph/loadavg_week.png", "machine.rrd"),
            ("/graph/csockevent_dash.png", "all.rrd"),
            ("/graph_vhost?target=traffic", "all.rrd"),
            ("/graph_vhost?target=client_traffic&vhost=", "all.rrd"),
            ("/graph_vhost?target=traffic&vhost=ingest", file_of("server", "ingest")),
            ("/graph_vhost?target=traffic&vhost=edge/live", file_of("application", "edge/live")),
            ("/graph_vhost?target=traffic&vhost=edge%2F2", "stream-1002.rrd"),
            ("/graph/vhost/traffic_year2.png?vhost=ingest/1", "stream-1001.rrd"),
            ("/graph/vhost/hitratio_day.png", "all.rrd"),
            ("/graph/stream/1001.png", "stream-1001.rrd"),
            ("/graph/stream/1002.png?metric=score", "stream-1002.rrd"),
        ):
            self.assertIn(f"={file}:", self.drawn(path), path)

    def test_by_a_protocol_it_is_only_what_goes_out_by_it(self) -> None:
        for vhost, protocol, file in (
            ("", "hls", file_of("protocol", "hls")),
            ("", "mpegdash", None),
            ("ingest", "rtmp", file_of("server", "ingest")),
            ("ingest", "hls", None),
            ("ingest/live", "rtmp", file_of("application", "ingest/live")),
            ("edge", "hls", file_of("server", "edge")),
            ("ingest/1", "rtmp", "stream-1001.rrd"),
            ("edge/2", "rtmp", None),
            ("edge/2", "all", "stream-1002.rrd"),
            ("edge/live", "hls", None),  # it is a server with a slash in its name
        ):
            for path in ("/graph_vhost?target=traffic&", "/graph/vhost/traffic_week.png?"):
                command = self.drawn(f"{path}vhost={vhost}&protocol={protocol}")
                if file is None:
                    self.assertNotIn("DEF:", command, (vhost, protocol))
                else:
                    self.assertIn(f"={file}:", command)

    def test_a_stream_that_is_gone_is_known_by_its_history(self) -> None:
        entry = self.board.get(1001)
        assert entry is not None
        self.archive.streams[1001] = entry.stream
        self.board.drop(1001)
        self.assertIn("stream-1001.rrd", self.drawn("/graph/stream/1001.png"))
        named = "/graph_vhost?target=traffic&vhost=ingest/1&protocol="
        self.assertIn("stream-1001.rrd", self.drawn(f"{named}rtmp"))
        self.assertNotIn("DEF:", self.drawn(f"{named}hls"))
        del self.archive.files[of_stream(1002)]
        self.assertNotIn("DEF:", self.drawn("/graph/stream/1002.png"))
        self.board.drop(1002)
        self.commands.clear()
        self.refusal("/graph/stream/1002.png", 404, "mms_stream_id")

    def test_it_waits_until_the_board_is_filled(self) -> None:
        self.world.filled = Deferred()
        asked = self.ask("/graph/stream/1001.png")
        self.turn()
        self.assertEqual(self.commands, [])
        self.world.filled.callback(None)
        self.assertEqual(self.end(asked).code, 200)

    def test_windows_and_looks(self) -> None:
        dash = self.drawn("/graph/cpu_dash.png")
        self.assertIn("--width 205 --height 175 ", dash)
        ends = int(self.world.now) // 300 * 300 - 300
        self.assertIn(f"--start {ends - 43_200} --end {ends} ", dash)
        week = self.drawn("/graph/vhost/traffic_week.png?start=202609011722&vhost=ingest/1")
        self.assertIn("--start 1788283200 --end 1789492800 ", week)
        self.assertIn("--width 580 --height 203 ", week)
        large = self.drawn("/graph/stream/1001.png?width=1000&height=500&theme=dark&step=1h")
        self.assertIn("--width 1000 --height 500 ", large)
        self.assertIn(":AVERAGE:step=3600:", large)
        self.assertIn("BACK#13161a", large)


class AnswerTests(GraphCase):
    """Numbers, and how long an answer holds."""

    def test_json(self) -> None:
        answer = self.get("/graph/stream/1001.png?format=json&start=-1h")
        self.assertEqual(answer.header("Content-Type"), "application/json")
        told = answer.json
        self.assertEqual(
            (told["target"], told["vhost"], told["step"], told["unit"]),
            ("traffic", "ingest/1", 300, "bit/s"),
        )
        self.assertEqual(told["end"] - told["start"], 3600)
        first, second = told["series"]
        self.assertEqual((first["name"], second["name"]), ("out", "in"))
        self.assertEqual(first["points"], [[1_700_000_400, 1.0], [1_700_000_700, None]])
        for path in (
            "/graph_global?target=cpu",
            "/graph/cpu_week.png?",
            "/graph_vhost?target=sent&vhost=",
        ):
            self.assertIsNone(self.get(f"{path}&format=json").json["vhost"])

    def test_csv(self) -> None:
        answer = self.get("/graph_vhost?target=client_session&vhost=edge&format=csv")
        self.assertEqual(answer.header("Content-Type"), "text/csv; charset=utf-8")
        said = 'attachment; filename="client_session.csv"'
        self.assertEqual(answer.header("Content-Disposition"), said)
        self.assertEqual(
            answer.body.decode().splitlines()[:2],
            ["time,epoch,viewers LAST [viewers]", "2023-11-14T22:20:00Z,1700000400,1.0"],
        )

    def test_it_holds_until_the_boundary_and_is_not_sent_twice(self) -> None:
        self.world.now = 1_790_000_000.5  # 200.5 s behind one
        path = "/graph/stream/1001.png"
        first = self.get(path)
        self.assertEqual(first.header("Cache-Control"), "private, max-age=100")
        etag = first.header("ETag") or ""
        again = self.get(path, If_None_Match=etag)
        self.assertEqual((again.code, again.body), (304, b""))
        self.assertEqual(again.header("Cache-Control"), "private, max-age=100")
        self.assertEqual(len(self.commands), 1)
        self.world.now = 1_790_000_100
        self.assertEqual(self.get(path, If_None_Match=etag).code, 304)
        self.assertEqual(len(self.commands), 2)
        self.world.rrd.image += b"!"
        self.world.now += 300
        self.assertEqual(self.get(path, If_None_Match=etag).code, 200)
        self.assertEqual(self.get(path, "HEAD").body, b"")

    def test_a_client_that_goes_away_is_no_hindrance(self) -> None:
        self.world.rrd.held = []
        first, second = (self.ask("/graph/stream/1001.png") for _ in range(2))
        self.turns_until(lambda: self.world.rrd.held)
        first.cancel()
        first.addErrback(lambda _: None)
        self.world.rrd.held[0].callback(None)
        self.assertEqual(self.end(second).code, 200)
        self.assertEqual(len(self.commands), 1)

    def test_requests_are_counted_by_what_they_ask(self) -> None:
        for path, route in (
            ("/graph/stream/1001.png", "graph"),
            ("/graph_vhost?target=sent&vhost=", "graph_vhost"),
            ("/graph_global?target=cpu", "graph_global"),
            ("/history", "graph_list"),
        ):
            self.get(path)
            self.assertEqual(counted(self.api, route, "200"), 1)

    def test_which_graphs_there_are(self) -> None:
        told = self.get("/history").json
        self.assertIsNone(told["trouble"])
        self.assertEqual(told["tiers"][0], {"name": "5m", "seconds": 300, "days": 90})
        self.assertEqual([each["name"] for each in told["metrics"]], [*METRICS])
        self.assertEqual({each["name"] for each in told["global"]}, {*GLOBALS} - {"mem"})
        self.assertEqual(
            told["metrics"][0],
            {
                "name": "traffic",
                "title": "Traffic",
                "unit": "bit/s",
                "lines": [{"name": "out", "title": "Outbound"}, {"name": "in", "title": "Inbound"}],
            },
        )
        self.world.rrd.missing = "rrdtool is not installed: apt-get install rrdtool"
        self.assertEqual(self.get("/history").json["trouble"], self.world.rrd.missing)
        self.assertEqual(self.get("/history?x=1").code, 400)
