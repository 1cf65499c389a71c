"""
Real recordings, replayed over a real HTTP server through the whole of tvmon.

Updater, samplers, a real PostgreSQL and the API all take part, with a clock ten times as fast.
What the API says is checked against numbers worked out here without tvmon: from the recorded
bytes, and from when the database says that each sample was taken.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any, NamedTuple

import simplejson
import treq
from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests import postgres
from tests.daemons import short_folder
from tests.fast import FastReactor
from tests.recordings import RUNS, body, needs_recordings, polls
from tests.waiting import until
from tvmon.config import load
from tvmon.daemon import Daemon

FACTOR = 10.0
POLLS = 45
FIRST_ID = 300
TOKEN = "secret-token"


class Player(Resource):
    """A TVie media server that answers each poll of a stream with its next recorded answer."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.recorded = {run: [body(raw) for _, raw in polls(run)] for run in RUNS}
        self.served = dict.fromkeys(RUNS, 0)
        self.address = ""

    def render_POST(self, request: Request) -> bytes:
        assert f"<user_key>{TOKEN}</user_key>".encode() in request.content.read()
        server = {"name": "Replay", "ip_address": self.address, "host_name": ""}
        channels = [
            {
                "customer_name": "tvie",
                "channel_name": run,
                "display_name": f"The {run}",
                "server": [server],
                "streams": [{"id": str(FIRST_ID + number), "name": "hd"}],
            }
            for number, run in enumerate(RUNS)
        ]
        return simplejson.dumps({"channels": channels}).encode()

    def render_GET(self, request: Request) -> bytes:
        run = request.path.decode().split("/")[3]
        number = self.served[run]
        self.served[run] += 1
        request.setHeader(b"content-type", b"text/plain")
        return self.recorded[run][number]

    def fields(self, run: str, number: int) -> dict[str, float]:
        """A recorded answer, read without tvmon."""
        lines = self.recorded[run][number].decode().splitlines()
        return {name: simplejson.loads(value) for name, value in (x.split(": ") for x in lines)}


FIELDS = [
    "total_gops",
    "upstream_opened_count",
    "upstream_connected_count",
    "upstream_connection_fail_count",
    "upstream_bytes_received",
    "clients_connected",
    "total_clients_served",
    "total_bytes_sent",
    "live_delay_ms",
    "stream_info_audiodatarate",
    "stream_info_videodatarate",
    "stream_info_audiocodecid",
    "stream_info_audiosamplesize",
    "stream_info_audiosamplerate",
    "stream_info_stereo",
    "stream_info_videocodecid",
    "stream_info_framerate",
    "stream_info_width",
    "stream_info_height",
]
"""The fields of an entry that a recorded answer holds as they are."""


class Row(NamedTuple):
    """A sample as the database has it."""

    number: int
    seconds: float
    received: int
    sent: int


@needs_recordings
@postgres.needs_postgres
class ReplayTests(TestCase):
    """One daemon, six recorded streams, two minutes of their time."""

    timeout = 120

    async def test_the_numbers_of_the_api_are_the_numbers_of_the_recordings(self) -> None:
        player = Player()
        upstream = reactor.listenTCP(0, Site(player), interface="127.0.0.1")
        self.addCleanup(upstream.stopListening)
        player.address = f"127.0.0.1:{upstream.getHost().port}"
        database = postgres.shared().new_database()
        daemon = self.daemon(player, postgres.shared().url(database))
        daemon.startService()
        base = f"http://127.0.0.1:{daemon.ports[0].getHost().port}"
        try:
            await until(lambda: min(player.served.values()) >= POLLS, 60, "enough polls")
            answer = await (await treq.get(f"{base}/samples", persistent=False)).json()
        finally:
            await daemon.stopService()
        rows = {run: list(self.rows(database, run)) for run in RUNS}
        self.assertEqual(answer["total_samples"], len(RUNS))
        for entry in answer["samples"]:
            run = entry["unify_name"].split("/")[2].removeprefix("The ")
            self.check_identity(player, run, entry)
            self.check_rows(player, run, rows[run])
            self.check_entry(player, run, entry, rows[run])

    def daemon(self, player: Player, url: str) -> Daemon:
        folder = short_folder()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = folder / "tvmon.conf"
        path.write_text(f"""
[web]
listen = ["tcp:0:interface=127.0.0.1"]
[database]
url = "{url}"
[[server]]
kind = "tvie"
name = "replay"
api = "http://{player.address}/api/service/media/channels/find"
token = "${{TOKEN}}"
""")
        fast = FastReactor(reactor, FACTOR)
        return Daemon(
            reactor=fast,
            now=fast.now,
            config=load(path, {"TOKEN": TOKEN}),
            read=lambda: load(path, {"TOKEN": TOKEN}),
            end=self.fail,
            web=folder,
        )

    def rows(self, database: str, run: str) -> Iterator[Row]:
        """What the database holds of one stream, oldest first."""
        found = postgres.shared().sql(
            "SELECT sample_no, extract(epoch FROM sample_time), upstream_bytes_received,"
            " total_bytes_sent FROM mms_samples JOIN mms_stream USING (mms_stream_id)"
            " WHERE stream_id = %s ORDER BY sample_no",
            FIRST_ID + RUNS.index(run),
            database=database,
        )
        return (Row(number, float(at), received, sent) for number, at, received, sent in found)

    def check_identity(self, player: Player, run: str, entry: dict[str, Any]) -> None:
        self.assertEqual(entry["stream_id"], FIRST_ID + RUNS.index(run))
        self.assertEqual(entry["unify_name"], f"Replay[{player.address}]/tvie/The {run}/hd")
        self.assertEqual(
            entry["sample_interface"], f"http://{player.address}/tag_live_monitor/tvie/{run}/hd"
        )

    def check_rows(self, player: Player, run: str, rows: list[Row]) -> None:
        """Every poll that was served is there once, in its order."""
        self.assertEqual([row.number for row in rows], list(range(1, len(rows) + 1)))
        self.assertGreaterEqual(len(rows), POLLS)
        for number, row in enumerate(rows):
            fields = player.fields(run, number)
            self.assertEqual(row.received, fields["upstream_bytes_received"])
            self.assertEqual(row.sent, fields["total_bytes_sent"])

    def check_entry(self, player: Player, run: str, entry: dict[str, Any], rows: list[Row]) -> None:
        """Fields, rates and level, at the sample that the entry was made of."""
        newest = self.newest(player, run, entry, len(rows))
        fields = player.fields(run, newest)
        for name in FIELDS:
            self.assertEqual(entry[name], fields.get(name), (run, name))
        for counter, shown in (
            ("received", entry["average_upstream_kbps"]),
            ("sent", entry["average_downstream_kbps"]),
        ):
            for seconds in (3, 10, 100):
                expected = self.rate(rows[: newest + 1], counter, seconds)
                # The API rounds to 0.001 kbit/s, the database to a microsecond of three seconds.
                tolerance = 0.001 + expected * 1e-6
                self.assertApproximates(shown[f"last_{seconds}"], expected, tolerance)
        self.assertEqual(entry["average_upstream_kbps"]["total"], fields["average_upstream_kbps"])
        level = {"upstream_down": [0], "upstream_limit_5k": [0], "upstream_up": [2]}
        self.assertIn(entry["score_level"], level.get(run, [0, 1]), (run, entry["score_reasons"]))
        self.assertEqual(bool(entry["score_reasons"]), entry["score"] < 100)

    def newest(self, player: Player, run: str, entry: dict[str, Any], count: int) -> int:
        """Which sample the entry shows; a few more were taken before the daemon stopped."""
        last = max(
            number
            for number in range(count)
            if all(player.fields(run, number).get(name) == entry[name] for name in FIELDS)
        )
        self.assertGreaterEqual(last, POLLS - 2)
        return last

    def rate(self, rows: list[Row], counter: str, seconds: int) -> float:
        """Kilobit a second between the newest row and the one nearest to so long before it."""
        newest = rows[-1]
        oldest = min(rows[:-1], key=lambda row: abs(newest.seconds - seconds - row.seconds))
        came = getattr(newest, counter) - getattr(oldest, counter)
        return came * 8 / 1000 / (newest.seconds - oldest.seconds)
