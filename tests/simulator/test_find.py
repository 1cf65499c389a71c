"""The listing: what it takes, what it answers, and how it fails when it is told to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import simplejson
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.talking import FIND, SimulatorTestCase, Talk
from tests.waiting import until
from tvmon.servers.tvie import find_channels, parse_listing
from tvmon.simulator.behaviours import API_KINDS, Behaviour, InputError, behaviour
from tvmon.simulator.channels import Server
from tvmon.simulator.find import Query, listing, read_query
from tvmon.simulator.media import Media
from tvmon.simulator.service import Simulator
from tvmon.simulator.settings import Settings

TWO_SERVERS = (Server("north"), Server("south", "10.0.0.7:8090", "cdn.example"))
EVERYTHING = Query()


def find(select: str = "", key: str = "simulator") -> bytes:
    return f"<find><user_key>{key}</user_key><select>{select}</select></find>".encode()


class QueryTests(SynchronousTestCase):
    def test_the_request_of_tvmon_is_understood(self) -> None:
        self.assertEqual(read_query(find_channels("a&b<c")), Query("a&b<c"))

    def test_everything_may_be_chosen(self) -> None:
        select = (
            "<page_size>5</page_size> <offset>10</offset>\n"
            "<sort_by> display_name </sort_by><sort_order>desc</sort_order>"
        )
        self.assertEqual(
            read_query(find(select)), Query("simulator", 5, 10, "display_name", "desc")
        )

    def test_what_is_wrong_is_named(self) -> None:
        cases = {
            b"": "not XML",
            b"find": "not XML",
            b"<find>": "not XML",
            b"\xff\xfe<\x00": "not XML",
            b"<?xml version='1.0' encoding='nonsense'?><find/>": "not XML",
            b"<list/>": "the root is 'list'; allowed: find",
            b"<!DOCTYPE find [<!ENTITY a 'b'>]><find>&a;</find>": "a document type is not taken",
            b"<find><action>delete</action></find>": "allowed: find_all_channels",
            find("<page_size>-1</page_size>"): "page_size is not a number: '-1'",
            find("<offset>many</offset>"): "offset is not a number",
            find("<sort_by>age</sort_by>"): "allowed: id, customer_name, channel_name",
            find("<sort_order>up</sort_order>"): "allowed: asc, desc",
            b"<find><user_key>a</user_key><user_key>b</user_key></find>": "is there twice",
        }
        for body, words in cases.items():
            error = self.assertRaises(InputError, read_query, body)
            self.assertIn(words, str(error))

    @given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
    def test_nothing_else_comes_of_any_bytes(self, body: bytes) -> None:
        try:
            read_query(body)
        except InputError:
            pass
        else:
            self.assertIn(b"find", body.replace(b"\x00", b""))


class ListingTests(SynchronousTestCase):
    def media(self, **given: Any) -> Media:
        return Media(Settings(**given), lambda: 0.0)

    def listed(self, media: Media, query: Query = EVERYTHING) -> list[dict[str, Any]]:
        channels: list[dict[str, Any]] = listing(media, query, "sim.example:81")["channels"]
        return channels

    def test_every_stream_is_listed_once(self) -> None:
        media = self.media(streams=200)
        ids = [int(s["id"]) for c in self.listed(media) for s in c["streams"]]
        self.assertEqual(sorted(ids), list(range(1, 201)))
        self.assertEqual({type(c["id"]) for c in self.listed(media)}, {int, str})

    def test_addresses_lead_back_unless_they_are_given(self) -> None:
        media = self.media(servers=TWO_SERVERS)
        servers = [channel["server"][0] for channel in self.listed(media)]
        north = {"name": "north", "ip_address": "sim.example:81", "host_name": ""}
        south = {"name": "south", "ip_address": "10.0.0.7:8090", "host_name": "cdn.example:81"}
        self.assertEqual(servers[:4], [north, south, north, south])

    def test_pages_put_together_are_the_whole(self) -> None:
        media = self.media(streams=50)
        whole = self.listed(media)
        for size in (1, 7, len(whole), 1000):
            pages = [
                channel
                for offset in range(0, len(whole), size)
                for channel in self.listed(media, Query("", size, offset))
            ]
            self.assertEqual(pages, whole)

    def test_the_order_may_be_chosen(self) -> None:
        media = self.media(streams=50)
        for key in ("customer_name", "channel_name", "display_name"):
            names = [channel[key] for channel in self.listed(media, Query(sort_by=key))]
            self.assertEqual(names, sorted(names))
        ids = [int(c["id"]) for c in self.listed(media, Query(sort_order="desc"))]
        self.assertTrue(all(a > b for a, b in pairwise(ids)))

    def test_a_channel_goes_with_the_last_of_its_streams(self) -> None:
        media = self.media(streams=3)
        before = [channel["channel_name"] for channel in self.listed(media)]
        gone = next(iter(media.channels().values()))
        for stream in gone:
            media.remove(stream.id)
        after = [channel["channel_name"] for channel in self.listed(media)]
        self.assertEqual(after, before[1:])

    def test_tvmon_makes_streams_of_it(self) -> None:
        media = self.media(streams=200, servers=(Server("north", None, "localhost"),))
        body = simplejson.dumps(listing(media, Query(), "127.0.0.1:8090")).encode()
        read = parse_listing(body, server="tvie", monitor_cdn=True)
        self.assertEqual(read.skipped, ())
        self.assertEqual(len(read.streams), 400)
        hosts = {stream.sample_interface.split("/")[2] for stream in read.streams}
        self.assertEqual(hosts, {"127.0.0.1:8090", "localhost:8090"})
        self.assertEqual(
            {s.stream_id for s in read.streams if "localhost" not in s.sample_interface},
            set(range(1, 201)),
        )


class FindTests(SimulatorTestCase):
    """Over a real connection."""

    async def find(self, simulator: Simulator, body: bytes, **headers: str) -> Talk:
        return await self.ask(
            simulator, "POST", FIND, body, **({"Content-Type": "text/xml"} | headers)
        )

    async def test_the_listing_leads_to_every_stream(self) -> None:
        simulator = await self.simulator()
        host = simulator.addresses[0].removeprefix("http://")
        talk = await self.find(simulator, find_channels("simulator"), Host=host)
        self.assertEqual(talk.status, 200)
        self.assertIn(b"Content-Type: application/json", talk.head)
        read = parse_listing(talk.body, server="tvie")
        self.assertEqual((len(read.streams), read.skipped), (20, ()))
        for stream in read.streams:
            self.assertTrue(stream.sample_interface.startswith(f"http://{host}/tag_live_monitor/"))
            path = stream.sample_interface.removeprefix(f"http://{host}")
            self.assertEqual((await self.ask(simulator, "GET", path)).status, 200)

    async def test_a_host_that_is_none_is_not_repeated(self) -> None:
        simulator = await self.simulator()
        for host in ("a b", "evil/../", "x@y", "", "[::1"):
            talk = await self.find(simulator, find_channels("simulator"), Host=host)
            address = simplejson.loads(talk.body)["channels"][0]["server"][0]["ip_address"]
            self.assertEqual(f"http://{address}", simulator.addresses[0])

    async def test_who_may_not_is_refused(self) -> None:
        simulator = await self.simulator(token="secret")
        long = b"<find>" + b" " * 70_000 + b"</find>"
        for body, status, words in (
            (b"<find/>", 401, b"user_key is missing"),
            (find(key="wrong"), 403, b"user_key is wrong"),
            (b"user_key=secret", 400, b"not XML"),
            (long, 413, b"at most 65536 bytes"),
        ):
            talk = await self.find(simulator, body)
            self.assertEqual(talk.status, status)
            self.assertIn(words, talk.body)
            self.assertNotIn(b"channels", talk.body)
            self.assertNotIn(b"secret", talk.body)
        self.assertEqual((await self.ask(simulator, "GET", FIND)).status, 405)

    async def test_it_fails_as_it_is_told_to(self) -> None:
        simulator = await self.simulator()

        async def told(mode: str) -> Talk:
            status, _ = await self.control(simulator, "PUT", "/api", {"mode": mode})
            self.assertEqual(status, 200)
            return await self.find(simulator, find_channels("simulator"))

        self.assertEqual((await told("fail")).status, 500)
        self.assertEqual(simplejson.loads((await told("empty")).body), {"channels": []})
        self.assertNotIn("channels", simplejson.loads((await told("no_channels")).body))
        self.assertRaises(UnicodeDecodeError, (await told("garbage")).body.decode)
        page = await told("html")
        self.assertEqual(page.status, 200)
        self.assertIn(b"text/html", page.head)
        broken = parse_listing((await told("broken_channel")).body, server="tvie")
        self.assertEqual(len(broken.skipped), 1)
        self.assertEqual(len(broken.streams), 18)
        whole = parse_listing((await told("ok")).body, server="tvie")
        self.assertEqual(len(whole.streams), 20)

    async def test_it_may_be_slow(self) -> None:
        simulator = await self.simulator()
        simulator.media.api = behaviour_of("slow", 0.1)
        talk = await self.find(simulator, find_channels("simulator"))
        self.assertEqual(len(parse_listing(talk.body, server="tvie").streams), 20)

    async def test_it_may_be_silent(self) -> None:
        simulator = await self.simulator()
        simulator.media.api = behaviour_of("silent")
        body = find_channels("simulator")
        head = f"POST {FIND} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        talk = await self.talk(simulator, head.encode() + body)
        status, _ = await self.control(simulator, "GET", "/api")
        self.assertEqual((status, talk.received, talk.ended), (200, b"", None))
        talk.hang_up()
        await until(lambda: talk.ended)


def behaviour_of(mode: str, number: float | None = None) -> Behaviour:
    return behaviour(mode, number, API_KINDS, "mode")
