"""The fakes behind real HTTP, asked by tvmon's own fetcher and ruled as end-to-end tests do it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import simplejson

from tests.sampling.fetching import LONG, FetchCase
from tests.servers.fakes_mediamtx import FakeMediaMTX
from tests.servers.fakes_serving import CONTROL, Fake, listen
from tests.servers.fakes_srs import FakeSRS
from tvmon.errors import BadAnswer
from tvmon.servers import Answer, MediaServer, Request, Survey
from tvmon.servers.mediamtx import MediaMTX
from tvmon.servers.site import Site
from tvmon.servers.srs import SRS

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class FakeTests(FetchCase):
    """A fake and a real connection."""

    def serve_fake(self, fake: Fake) -> str:
        """Its URL; it is stopped at the end of the test."""
        port = listen(self.reactor, fake)
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}"

    async def rule(self, url: str, **command: Any) -> Answer:
        """Tell a fake to do something."""
        body = simplejson.dumps(command).encode()
        return await self.get(url + CONTROL, method="POST", body=body)

    async def survey(self, server: MediaServer) -> Survey:
        async def fetch(request: Request) -> Answer:
            return await self.fetcher.fetch(request, LONG)

        survey: Survey = await server.begin().survey(fetch)  # type: ignore[union-attr]
        return survey

    async def test_a_stream_of_each(self) -> None:
        for fake, kind in ((FakeSRS(), SRS), (FakeMediaMTX(), MediaMTX)):
            url = self.serve_fake(fake)
            await self.rule(url, do="start", name="live/cam1", kbps=2000, viewers=3)
            survey = await self.survey(kind(Site("here", url)))
            self.assertEqual(survey.seen["live/cam1"].measured.clients_connected, 3)
            self.assertEqual(survey.skipped, ())

    async def test_what_it_is_told_it_does(self) -> None:
        fake = FakeSRS()
        url = self.serve_fake(fake)
        server = SRS(Site("here", url))
        await self.rule(url, do="start", name="live/cam1", viewers=1)
        await self.rule(url, do="stall", name="live/cam1")
        self.assertFalse(fake.streams["live/cam1"].flows)
        await self.rule(url, do="resume", name="live/cam1")
        self.assertTrue(fake.streams["live/cam1"].flows)
        await self.rule(url, do="stop", name="live/cam1", lingers=True)
        said = (await self.survey(server)).seen["live/cam1"].measured
        self.assertEqual((said.presence, said.clients_connected), ("absent", 1))
        await self.rule(url, do="restart")
        self.assertEqual((await self.survey(server)).seen, {})
        await self.rule(url, do="lie", what="error_code", how=100)
        with self.assertRaises(BadAnswer):
            await self.survey(server)
        state = simplejson.loads((await self.get(url + CONTROL)).body)
        self.assertEqual(state["lies"], {"error_code": 100})

    async def test_what_it_cannot_do_it_says(self) -> None:
        url = self.serve_fake(FakeSRS())
        for command in (
            {"do": "fly"},
            {"do": "stall", "name": "nothing"},
            {"do": "lie", "what": "well"},
            {"do": "start", "colour": "red"},
        ):
            self.assertEqual((await self.rule(url, **command)).status, 400, command)

    async def test_a_password(self) -> None:
        url = self.serve_fake(FakeMediaMTX(user="admin", password="right"))
        await self.survey(MediaMTX(Site("here", url, "admin", "right")))
        with self.assertRaises(BadAnswer) as raised:
            await self.survey(MediaMTX(Site("here", url, "admin", "wrong")))
        self.assertEqual(raised.exception.outcome, "auth")

    async def test_one_that_runs_by_itself(self) -> None:
        for module, kind in (("fakes_srs", SRS), ("fakes_mediamtx", MediaMTX)):
            url = self.run_fake(module)
            await self.rule(url, do="start", name="live/cam1")
            survey = await self.survey(kind(Site("here", url)))
            self.assertEqual(set(survey.seen), {"live/cam1"})

    def run_fake(self, module: str) -> str:
        """The URL of a fake in a process of its own, which ends with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", f"tests.servers.{module}"],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )

        def end() -> None:
            process.terminate()
            process.communicate(timeout=10)

        self.addCleanup(end)
        assert process.stdout is not None
        return f"http://127.0.0.1:{int(process.stdout.readline())}"
