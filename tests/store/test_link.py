"""A connection whose socket is closed beneath Twisted's reactor, as libpq does it at times."""

from __future__ import annotations

import os
from typing import Any

from tests import postgres
from tests.store.common import StoreCase, reactor
from tvmon.store.database import integer
from tvmon.store.errors import DatabaseError


@postgres.needs_postgres
class ClosedBeneathTests(StoreCase):
    """The reactor watches no number that is no socket any more, and the next session works."""

    def stale(self) -> list[int]:
        """Numbers that the reactor believes to watch, for nobody."""
        inner: Any = reactor
        watched = set(getattr(inner, "_reads", ())) | set(getattr(inner, "_writes", ()))
        return [number for number in watched if number not in inner._selectables]

    async def test_while_it_waits(self) -> None:
        url = self.database()
        session = await self.session(url)
        os.close(session._link.fileno())
        session.close()
        self.assertEqual(self.stale(), [])
        self.assertEqual(await (await self.session(url)).query("SELECT 7", (), integer), [7])

    async def test_in_the_middle_of_a_statement(self) -> None:
        url = self.database()
        session = await self.session(url)
        asked = session.query("SELECT 1 FROM pg_sleep(30)", (), integer)
        os.close(session._link.fileno())
        session.close()
        with self.assertRaises(DatabaseError):
            await asked
        self.assertEqual(self.stale(), [])
        for _ in range(3):
            self.assertEqual(await (await self.session(url)).query("SELECT 7", (), integer), [7])
