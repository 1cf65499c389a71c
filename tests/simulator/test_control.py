"""Changing what is simulated while it runs."""

from __future__ import annotations

from typing import Any

import simplejson
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from tests.simulator.talking import SimulatorTestCase, path_of
from tvmon.simulator.behaviours import API_KINDS, KINDS, SERVER_KINDS, InputError, read
from tvmon.simulator.channels import Server
from tvmon.simulator.control import Control, is_local
from tvmon.simulator.media import Media
from tvmon.simulator.mix import read_mix
from tvmon.simulator.settings import Settings

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class ControlTests(SimulatorTestCase):
    """Over a real connection."""

    async def test_it_says_what_there_is(self) -> None:
        simulator = await self.simulator()
        for path in ("", "/"):
            status, answer = await self.control(simulator, "GET", path)
            self.assertEqual(status, 200)
            self.assertEqual(set(answer["behaviours"]), set(KINDS))
            self.assertEqual(set(answer["api_modes"]), set(API_KINDS))
            self.assertEqual(set(answer["server_modes"]), set(SERVER_KINDS))
            self.assertIn("PUT /control/streams/{id}", answer["paths"])

    async def test_one_stream_is_changed_and_shown(self) -> None:
        simulator = await self.simulator()
        wanted = {"behaviour": "starved", "kilobytes_per_second": 60}
        status, answer = await self.control(simulator, "PUT", "/streams/3", wanted)
        self.assertEqual(status, 200)
        self.assertEqual((answer["id"], answer["behaviour"]), (3, "starved"))
        status, answer = await self.control(simulator, "GET", "/streams/3")
        self.assertEqual((status, answer["kilobytes_per_second"]), (200, 60))
        self.assertEqual(len(answer["counters"]), 13)
        self.assertEqual(simulator.media.streams[3].behaviour.number, 60)
        self.assertEqual(simulator.media.streams[4].behaviour.name, "healthy")

    async def test_many_are_changed_at_once(self) -> None:
        simulator = await self.simulator()

        async def put(**body: Any) -> list[int]:
            status, answer = await self.control(simulator, "PUT", "/streams", body)
            self.assertEqual(status, 200, answer)
            changed: list[int] = answer["changed"]
            return changed

        self.assertEqual(await put(ids=[5, 2, 2], behaviour="down"), [5, 2])
        _, answer = await self.control(simulator, "GET", "/streams?behaviour=down")
        self.assertEqual((answer["count"], [s["id"] for s in answer["streams"]]), (2, [2, 5]))
        self.assertEqual(
            await put(**{"from": "healthy", "count": 3, "behaviour": "502"}), [1, 3, 4]
        )
        self.assertEqual(
            await put(**{"from": "502", "behaviour": "light", "share": 0.5}), [1, 3, 4]
        )
        self.assertEqual(len(await put(behaviour="healthy")), 20)
        self.assertEqual(
            {stream.behaviour.name for stream in simulator.media.streams.values()}, {"healthy"}
        )

    async def test_the_list_has_pages(self) -> None:
        simulator = await self.simulator()
        status, answer = await self.control(simulator, "GET", "/streams?offset=5&limit=3")
        self.assertEqual((status, answer["count"]), (200, 20))
        self.assertEqual([stream["id"] for stream in answer["streams"]], [6, 7, 8])

    async def test_streams_come_and_go(self) -> None:
        simulator = await self.simulator()
        status, answer = await self.control(
            simulator, "POST", "/streams", {"count": 2, "behaviour": "starved"}
        )
        self.assertEqual((status, [s["id"] for s in answer["streams"]]), (201, [21, 22]))
        stream = simulator.media.streams[21]
        talk = await self.ask(simulator, "GET", path_of(stream))
        self.assertIn(b"upstream_opened_count: 1\n", talk.body)
        status, answer = await self.control(simulator, "DELETE", "/streams/21")
        self.assertEqual((status, answer), (200, {"removed": 21}))
        self.assertEqual((await self.ask(simulator, "GET", path_of(stream))).status, 404)
        self.assertEqual((await self.control(simulator, "DELETE", "/streams/21"))[0], 404)

    async def test_a_stream_is_added_by_its_names(self) -> None:
        simulator = await self.simulator(streams=0)
        wanted = {
            "customer_name": "tvie",
            "channel_name": "новый канал",
            "display_name": "Новый канал",
            "name": "a/b",
            "behaviour": "starved",
            "kilobytes_per_second": 30,
            "needed_kilobytes_per_second": 50,
        }
        status, answer = await self.control(simulator, "POST", "/streams", wanted)
        self.assertEqual(status, 201)
        self.assertEqual(wanted | answer["streams"][0], answer["streams"][0] | wanted)
        talk = await self.ask(simulator, "GET", path_of(simulator.media.streams[1]))
        self.assertEqual(talk.status, 200)
        status, answer = await self.control(simulator, "POST", "/streams", wanted)
        self.assertEqual(status, 400)
        self.assertIn("there is a stream tvie/новый канал/a/b already", answer["error"])

    async def test_a_restart_sets_the_counters_to_zero(self) -> None:
        simulator = await self.simulator(servers=(Server("north"), Server("south")))
        status, answer = await self.control(simulator, "POST", "/servers/south/restart")
        self.assertEqual((status, answer), (200, {"restarted": 9}))
        received = [
            simulator.media.counters(stream).upstream_bytes_received < 10**7
            for stream in simulator.media.streams.values()
        ]
        self.assertEqual(received.count(True), 9)
        status, answer = await self.control(simulator, "POST", "/restart")
        self.assertEqual((status, answer), (200, {"restarted": 20}))
        for stream in simulator.media.streams.values():
            self.assertLess(simulator.media.counters(stream).upstream_bytes_received, 10**7)

    async def test_servers_are_told_apart(self) -> None:
        simulator = await self.simulator(servers=(Server("north"), Server("south")))
        fine = {"north": "ok", "south": "ok"}
        self.assertEqual(await self.control(simulator, "GET", "/servers"), (200, {"servers": fine}))
        answer = await self.control(simulator, "PUT", "/servers/south", {"mode": "hang"})
        self.assertEqual(answer, (200, {"servers": fine | {"south": "hang"}}))
        hanging = [s for s in simulator.media.streams.values() if simulator.media.hangs(s)]
        self.assertEqual(len(hanging), 9)

    async def test_the_mode_of_the_listing_is_shown(self) -> None:
        simulator = await self.simulator()
        wanted = {"mode": "slow", "seconds": 3}
        self.assertEqual(await self.control(simulator, "PUT", "/api", wanted), (200, wanted))
        self.assertEqual(await self.control(simulator, "GET", "/api"), (200, wanted))

    async def test_what_is_wrong_is_named_with_what_is_allowed(self) -> None:
        simulator = await self.simulator()
        streams = [stream.behaviour for stream in simulator.media.streams.values()]
        for method, path, body, status, words in (
            ("PUT", "/streams/1", {"behaviour": "starvd"}, 400, "allowed: healthy, light, starved"),
            ("PUT", "/streams/1", {}, 400, "behaviour is missing; allowed: healthy"),
            ("PUT", "/streams/1", {"behaviour": "down", "seconds": 1}, 400, "allowed: behaviour"),
            (
                "PUT",
                "/streams/1",
                {"behaviour": "starved", "kilobytes_per_second": -1},
                400,
                "kilobytes_per_second is -1, allowed: 0 to 1000000",
            ),
            (
                "PUT",
                "/streams/1",
                {"behaviour": "starved", "kilobytes_per_second": "20"},
                400,
                "kilobytes_per_second is not a number: '20'",
            ),
            ("PUT", "/streams/99", {"behaviour": "down"}, 404, "there is no stream 99"),
            ("PUT", "/streams", {"ids": [1, 99], "behaviour": "down"}, 404, "no stream 99"),
            ("PUT", "/streams", {"ids": [True], "behaviour": "down"}, 400, "holds True"),
            ("PUT", "/streams", {"ids": 1, "behaviour": "down"}, 400, "not a list"),
            ("PUT", "/streams", {"ids": [1], "from": "healthy"}, 400, "neither"),
            ("PUT", "/streams", {"from": "ill", "behaviour": "down"}, 400, "no behaviour 'ill'"),
            ("PUT", "/streams", {"count": -1, "behaviour": "down"}, 400, "allowed: 0 to 20"),
            ("GET", "/streams?behaviour=ill", None, 400, "there is no behaviour 'ill'"),
            ("GET", "/streams?limit=many", None, 400, "limit is not a number: 'many'"),
            ("POST", "/streams", {"count": 10**9}, 400, "allowed: 0 to 100000"),
            ("POST", "/streams", {"channel_name": ""}, 400, "not a text"),
            ("POST", "/streams", {"channel_name": "\ud800"}, 400, "not Unicode"),
            ("POST", "/streams", {"channel_name": "a", "server": "west"}, 404, "allowed: media1"),
            ("POST", "/streams", {"channel_name": "a", "colour": 1}, 400, "takes no 'colour'"),
            ("PUT", "/api", {"mode": "broken"}, 400, "allowed: ok, slow, silent, fail"),
            ("PUT", "/servers/west", {"mode": "hang"}, 404, "allowed: media1"),
            ("PUT", "/servers/media1", {"mode": "dance"}, 400, "allowed: ok, hang"),
            ("POST", "/servers/west/restart", None, 404, "allowed: media1"),
            ("PUT", "/streams/1", b"", 400, "not JSON"),
            ("PUT", "/streams/1", b"{\xff}", 400, "not JSON"),
            ("PUT", "/streams/1", b"[" * 100_000, 400, "not JSON"),
            ("PUT", "/streams/1", b'{"behaviour": NaN}', 400, "not JSON"),
            ("PUT", "/streams/1", b"[1]", 400, "not a JSON object"),
            ("PUT", "/streams/1", b" " * 5_000_000, 413, "at most 4194304 bytes"),
            ("GET", "/colours", None, 404, "404 Not Found"),
            ("GET", "/streams/first", None, 404, "404 Not Found"),
            ("PATCH", "/streams/1", None, 405, "405 Method Not Allowed"),
        ):
            said, answer = await self.control(simulator, method, path, body)
            self.assertEqual(said, status, (method, path, body, answer))
            self.assertIn(words, answer["error"], (method, path, answer))
        self.assertEqual([s.behaviour for s in simulator.media.streams.values()], streams)

    async def test_elsewhere_there_is_nothing(self) -> None:
        simulator = await self.simulator()
        for path in ("/", "/api", "/api/service", "/index.html"):
            talk = await self.ask(simulator, "GET", path)
            self.assertEqual(talk.status, 404)
            self.assertIn("GET /control", simplejson.loads(talk.body)["error"])


class LocalTests(SynchronousTestCase):
    def test_only_this_machine_is_local(self) -> None:
        for address, expected in (
            (IPv4Address("TCP", "127.0.0.1", 1), True),
            (IPv4Address("TCP", "127.8.0.1", 1), True),
            (IPv6Address("TCP", "::1", 1), True),
            (IPv6Address("TCP", "::ffff:127.0.0.1", 1), True),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 1), False),
            (IPv6Address("TCP", "fe80::1%eth0", 1), False),
            (IPv4Address("TCP", "192.0.2.1", 1), False),
            (UNIXAddress("/tmp/socket"), True),
        ):
            request = DummyRequest([b""])
            request.client = address
            self.assertEqual(is_local(request), expected, address)


class InputTests(SynchronousTestCase):
    """Whatever is sent, it is taken or named."""

    @given(st.dictionaries(st.text() | st.just("behaviour"), json_values, max_size=3))
    def test_any_object_is_a_behaviour_or_an_input_error(self, wanted: dict[str, Any]) -> None:
        try:
            made = read(wanted)
        except InputError as error:
            self.assertNotIn("\n", str(error).strip())
        else:
            self.assertEqual(read({"behaviour": made.name} | made.parameters), made)

    @given(
        st.sampled_from([kind for kind in KINDS.values() if kind.parameter]),
        st.floats() | st.integers() | st.text() | st.none() | st.booleans(),
    )
    def test_any_number_is_within_its_bounds_or_refused(self, kind: Any, number: Any) -> None:
        try:
            made = read({"behaviour": kind.name, kind.parameter.name: number})
        except InputError:
            return
        self.assertTrue(kind.parameter.least <= made.number <= kind.parameter.most)

    @given(st.dictionaries(st.sampled_from(["ids", "from", "count", "behaviour"]), json_values))
    def test_choosing_streams_takes_or_names(self, wanted: dict[str, Any]) -> None:
        media = Media(Settings(streams=5, mix=read_mix("healthy=1")), lambda: 0.0)
        try:
            chosen = Control(media)._chosen(dict(wanted))
        except InputError:
            return
        self.assertLessEqual(len(chosen), 5)
