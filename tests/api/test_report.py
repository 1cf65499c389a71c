"""Reports over HTTP."""

from __future__ import annotations

from tests.api.support import MemoryCase
from tvmon.api.report import MOST_PARTS
from tvmon.history.subjects import ALL, Subject, of_stream

SERVER = Subject("server", "ingest")


class ReportTests(MemoryCase):
    """A server with one stream."""

    def setUp(self) -> None:
        super().setUp()
        archive = self.archive = self.world.archive
        archive.names |= {"ingest": SERVER, "ingest/live/cam1": of_stream(1000)}
        archive.files |= {ALL: "all.rrd", SERVER: "server.rrd", of_stream(1000): "stream-1000.rrd"}
        archive.parts |= {ALL: [("ingest", SERVER)], SERVER: [("cam1", of_stream(1000))]}
        self.commands = self.world.rrd.commands

    def test_whose_it_is(self) -> None:
        for path, name, file in (
            ("/report", "everything", "all.rrd"),
            ("/report?vhost=", "everything", "all.rrd"),
            ("/report?vhost=ingest", "ingest", "server.rrd"),
            ("/report?vhost=ingest/live/cam1&start=-1month", "ingest/live/cam1", "stream-1000.rrd"),
        ):
            self.commands.clear()
            self.world.now += 300
            told = self.get(path).json
            self.assertEqual(told["name"], name)
            self.assertNotIn("parts", told)
            (command,) = self.commands
            self.assertIn(f"={file}:", command)

    def test_the_parts(self) -> None:
        told = self.get("/report?each=1").json
        self.assertEqual([part["name"] for part in told["parts"]], ["ingest"])
        answer = self.get("/report?vhost=ingest&each=1&format=csv")
        self.assertEqual(answer.header("Content-Type"), "text/csv; charset=utf-8")
        self.assertEqual(answer.header("Content-Disposition"), 'attachment; filename="report.csv"')
        names = [line.partition(",")[0] for line in answer.body.decode().splitlines()]
        self.assertEqual(names, ["name", "ingest", "cam1"])

    def test_the_period(self) -> None:
        told = self.get("/report?start=202609010000&end=start%2B1hour").json
        self.assertEqual((told["start"], told["end"]), (1_788_220_800, 1_788_224_400))
        self.assertEqual(told["step"], "5m")
        day = self.get("/report").json
        self.assertEqual(day["end"] - day["start"], 86_400)
        self.assertEqual(self.get("/report?start=-1year").json["step"], "6h")

    def test_it_is_kept_until_the_boundary(self) -> None:
        self.world.now = 1_790_000_000
        first = self.get("/report")
        self.assertEqual(first.header("Cache-Control"), "private, max-age=100")
        etag = first.header("ETag") or ""
        self.assertEqual(self.get("/report", If_None_Match=etag).code, 304)
        self.assertEqual(len(self.commands), 1)

    def test_what_is_wrong_is_named(self) -> None:
        self.archive.parts[SERVER] *= MOST_PARTS + 1
        for path, code, part in (
            ("/report?vhost=nobody", 404, "vhost"),
            ("/report?start=never", 400, "start"),
            ("/report?start=now&end=-1day", 400, "start"),
            ("/report?format=png", 400, "format"),
            ("/report?each=yes", 400, "each"),
            ("/report?vhost=ingest&each=1", 400, "each"),
            ("/report?step=5m", 400, "step"),
        ):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.error["part"]), (code, part), path)
        self.assertEqual(self.commands, [])
