"""``tvmon list``: the streams of configured media servers."""

from __future__ import annotations

import socket

from tests.cli.support import ServedTests, TellsAll
from tvmon.servers.tvie import TVie
from tvmon.servers.watched import Watched
from tvmon.streams import Stream


class ListTests(ServedTests):
    """``tvmon list``."""

    def setUp(self) -> None:
        super().setUp()
        self.upstream.channels = [
            {
                "customer_name": "tvie",
                "channel_name": name,
                "display_name": display,
                "server": [{"name": "M", "ip_address": "192.0.2.7", "host_name": ""}],
                "streams": [{"id": number, "name": "hd"}],
            }
            for number, name, display in ((7, "a", "新闻"), (1234, "b", "news"))
        ]
        self.east = Watched(TVie("east", f"http://{self.host}/find", "t"), "tvie")

    async def test_every_stream_in_columns(self) -> None:
        self.assertEqual(await self.list(self.east), 0)
        self.assertEqual(
            self.out.getvalue(),
            "server  kind  id    name                       sample_interface\n"
            "east    tvie  7     M[192.0.2.7]/tvie/新闻/hd  http://192.0.2.7/tag_live_monitor/tvie/a/hd\n"
            "east    tvie  1234  M[192.0.2.7]/tvie/news/hd  http://192.0.2.7/tag_live_monitor/tvie/b/hd\n",
        )
        self.assertEqual(self.err.getvalue(), "")

    async def test_what_is_left_out_is_told_aside(self) -> None:
        del self.upstream.channels[0]["server"]
        self.assertEqual(await self.list(self.east), 0)
        self.assertEqual(len(self.out.getvalue().splitlines()), 2)
        self.assertEqual(
            self.err.getvalue(), 'east: channel 1 ("a") is left out: it has no "server"\n'
        )

    async def test_a_server_that_fails_keeps_none_of_the_others_from_being_listed(self) -> None:
        unused = socket.socket()
        self.addCleanup(unused.close)
        unused.bind(("127.0.0.1", 0))  # and never listens
        west = Watched(TVie("west", f"http://127.0.0.1:{unused.getsockname()[1]}/find", "t"))
        self.assertEqual(await self.list(west, self.east), 1)
        self.assertEqual(len(self.out.getvalue().splitlines()), 3)
        self.assertEqual(self.err.getvalue(), "west: the listing failed: connection refused\n")

    async def test_servers_in_their_order_and_those_without_streams(self) -> None:
        extra = Stream.of("extra", "1", 1, "one", "http://h/1")
        self.upstream.channels = []
        servers = (Watched(TVie("extra", "", "", extra_streams=(extra,)), "tvie"), self.east)
        self.assertEqual(await self.list(*servers), 0)
        self.assertIn("\nextra   tvie  1   one   http://h/1\n", self.out.getvalue())
        self.assertEqual(self.err.getvalue(), "east: lists no streams\n")

    async def test_no_servers(self) -> None:
        self.assertEqual(await self.list(), 0)
        self.assertEqual(self.out.getvalue(), "")
        self.assertEqual(self.err.getvalue(), "the configuration names no media servers\n")

    async def test_a_server_that_tells_all_its_streams_at_once(self) -> None:
        self.upstream.told = [
            {
                "streams": {"live/a": 1, "live/b": 2},
                "unseen": {"live/c": "worker 2 did not answer"},
                "new": 1,
            }
        ]
        url = f"http://{self.host}/all"
        self.assertEqual(await self.list(Watched(TellsAll("all", url), "tells-all")), 0)
        self.assertEqual(
            self.out.getvalue(),
            "server  kind       id  name        sample_interface\n"
            f"all     tells-all  -   all/live/a  {url}#live/a\n"
            f"all     tells-all  -   all/live/b  {url}#live/b\n",
        )
        self.assertEqual(
            self.err.getvalue(),
            "all: live/c may be there, too: worker 2 did not answer\n"
            "all: its answers have fields that tvmon does not know: server.new\n",
        )

    async def test_a_module_that_fails_keeps_none_of_the_others_from_being_listed(self) -> None:
        self.upstream.told = [{"wrong": "geheim"}]
        broken = Watched(TellsAll("broken", f"http://{self.host}/all?token=geheim"))
        self.upstream.channels = []
        self.assertEqual(await self.list(broken, self.east), 1)
        self.assertEqual(
            self.err.getvalue(),
            "broken: the listing failed: internal error: KeyError: 'streams'\n"
            "east: lists no streams\n",
        )
