"""The service and its process: listening, refusing, stopping, and ten thousand streams."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import simplejson
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from tests.daemons import Child, get, send, short_folder, wait_for
from tests.simulator.talking import SimulatorTestCase
from tvmon.simulator.find import Query, listing
from tvmon.simulator.media import Media
from tvmon.simulator.mix import read_mix
from tvmon.simulator.service import Simulator
from tvmon.simulator.settings import Settings


class ServiceTests(SimulatorTestCase):
    async def test_it_may_listen_in_several_places(self) -> None:
        listen = ("tcp:0:interface=127.0.0.1", "tcp:0:interface=127.0.0.2")
        simulator = await self.simulator(listen=listen)
        self.assertEqual(len(simulator.addresses), 2)
        self.assertTrue(simulator.addresses[1].startswith("http://127.0.0.2:"))

    async def test_a_busy_port_is_named(self) -> None:
        simulator = await self.simulator()
        port = simulator.addresses[0].rpartition(":")[2]
        listen = ("tcp:0:interface=127.0.0.1", f"tcp:{port}:interface=127.0.0.1")
        second = Simulator(reactor, time.time, Settings(listen=listen))
        self.addCleanup(second.stopService)
        said = str(self.assertRaises(SystemExit, second.startService))
        self.assertIn(f"cannot listen on tcp:{port}:interface=127.0.0.1", said)
        self.assertIn("Address already in use", said)

    async def test_what_is_no_endpoint_is_named(self) -> None:
        for listen in ("8090", "tcp:many", "dance:8090"):
            simulator = Simulator(reactor, time.time, Settings(listen=(listen,)))
            said = str(self.assertRaises(SystemExit, simulator.startService))
            self.assertIn(f"cannot listen on {listen}: ", said)

    async def test_it_may_be_stopped_and_started_again(self) -> None:
        simulator = await self.simulator()
        await simulator.stopService()
        self.assertEqual(simulator.addresses, [])
        simulator.startService()
        status, _ = await self.control(simulator, "GET", "/api")
        self.assertEqual(status, 200)


class ManyTests(SynchronousTestCase):
    """Ten thousand streams; the bounds are ten times what an idle machine takes."""

    def test_ten_thousand_streams_are_made_and_listed_and_asked_cheaply(self) -> None:
        settings = Settings(streams=10_000, mix=read_mix("healthy=80,starved=10,down=5,light=5"))
        began = time.process_time()
        media = Media(settings, lambda: 100.0)
        made = time.process_time()
        text = simplejson.dumps(listing(media, Query(), "127.0.0.1:8090"))
        listed = time.process_time()
        for stream in media.streams.values():
            media.counters(stream)
        asked = time.process_time()
        self.assertEqual(text.count('"id"'), 10_000 + len(media.channels()))
        self.assertLess(made - began, 7.0)
        self.assertLess(listed - made, 1.5)
        self.assertLess((asked - listed) / 10_000, 0.000_2)


class ProcessTests(SynchronousTestCase):
    """``twistd tvie-simulator`` as it is run."""

    def setUp(self) -> None:
        self.folder = short_folder()
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *arguments: str) -> Child:
        child = Child(self.folder, "tvie-simulator", *arguments)
        self.addCleanup(child.stop, signal.SIGKILL)
        return child

    def test_it_serves_is_controlled_and_stops(self) -> None:
        child = self.start("--listen=tcp:0:interface=127.0.0.1", "--streams=3")
        address = child.address()
        self.assertIn(f"3 streams at {address}/", child.log)
        status, body = send("PUT", f"{address}/control/streams/1", {"behaviour": "down"})
        self.assertEqual((status, simplejson.loads(body)["behaviour"]), (200, "down"))
        status, _, body = get(f"{address}/tag_live_monitor/tvie/aurora1/hd")
        self.assertEqual((status, len(body.splitlines())), (200, 13))
        self.assertNotIn("GET /tag_live_monitor", child.log)
        child.stop()
        self.assertIn("Server Shut Down", child.log)
        self.assertNotIn("Traceback", child.log)

    def test_a_busy_port_ends_it_with_one_line(self) -> None:
        first = self.start("--listen=tcp:0:interface=127.0.0.1")
        port = first.address().rpartition(":")[2]
        log = Path(first.log_path).rename(self.folder / "first.log")
        second = self.start(f"--listen=tcp:{port}:interface=127.0.0.1")
        wait_for(lambda: second.process.poll() is not None, 20, "the second one ends")
        self.assertEqual(second.process.returncode, 1)
        self.assertIn(f"tvie-simulator: cannot listen on tcp:{port}", second.log)
        self.assertNotIn("Traceback", second.log)
        self.assertIn("20 streams at", log.read_text())

    def test_wrong_options_end_it_with_one_line(self) -> None:
        child = self.start("--mix=ill=1")
        wait_for(lambda: child.process.poll() is not None, 20, "it ends")
        self.assertEqual(child.process.returncode, 1)
        self.assertIn("tvie-simulator: options: mix: there is no behaviour 'ill'", child.log)
        self.assertNotIn("Traceback", child.log)
