"""Every PostgreSQL that is here, and what is said of its address."""

from __future__ import annotations

import sys
import time
from io import StringIO

from twisted.logger import globalLogPublisher, textFileLogObserver

from tests import postgres
from tests.store.common import StoreCase, measurement, stream
from tests.waiting import until
from tvmon.streams import Sample


@postgres.needs_postgres
class VersionTests(StoreCase):
    """The same on each of them."""

    async def test_write_restart_and_read(self) -> None:
        for version in postgres.every_version():
            StoreCase.setUp(self)
            server = self.server(major=version.major)
            store = await self.up(self.start(server.url()))
            for number in range(3):
                self.board.put(stream(number))
            for count in range(1, 211):
                for number in range(3):
                    sample = Sample(time.time(), 3.0 * count, measurement(count))
                    self.board.note(stream(number).mms_stream_id, sample)
                if count == 100:
                    await self.written()
            self.board.drop(stream(2).mms_stream_id)
            await store.stopService()

            StoreCase.setUp(self)
            store = await self.up(self.start(server.url()))
            self.assertEqual([len(streams) for streams in self.loaded], [2], version)
            history = await store.history(stream(0).mms_stream_id, 200)
            self.assertEqual(
                [sample.measured for sample in history],
                [measurement(count) for count in range(210, 10, -1)],
            )
            await store.stopService()
            server.close()


class AddressTests(StoreCase):
    """What an operator reads of an address."""

    def test_a_url_that_cannot_be_one(self) -> None:
        store = self.store("postgresql://u:geheim@[half/db")
        with self.assertRaises(SystemExit) as caught:
            store.startService()
        self.assertEqual(
            str(caught.exception), "tvmon: [database] url: not a libpq URL or key=value string"
        )
        self.assertFalse(store.running)

    async def test_the_password_is_in_no_line(self) -> None:
        """Over TCP with the right password, the wrong one, and a server that is gone."""
        said = StringIO()
        observer = textFileLogObserver(said)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        server = self.server(tcp=True)
        secret = server.url().partition("tvmon:")[2].partition("@")[0]
        store = await self.up(self.start(server.url()))
        self.board.put(stream(1))
        server.stop()
        await until(lambda: store.trouble() is not None)
        troubles = [store.trouble()]
        await store.stopService()
        server.start()

        StoreCase.setUp(self)
        self.patch(sys.modules["tvmon.store.outage"], "SETTLE_SECONDS", 0.0)
        store = self.start(server.url().replace(secret, "x" + secret))
        await until(lambda: "password authentication failed" in (store.trouble() or ""))
        troubles.append(store.trouble())
        await until(lambda: "password authentication failed" in said.getvalue())
        await store.stopService()
        for words in (said.getvalue(), *map(str, troubles)):
            self.assertNotIn(secret, words)
            self.assertNotIn(postgres.PASSWORD, words)
            self.assertNotIn("Wort", words)
