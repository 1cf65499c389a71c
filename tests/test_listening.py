"""Opening ports: all or none, with one line for what is wrong."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from tvmon.listening import CannotListen, Listening


class ListeningTests(TestCase):
    """On real sockets."""

    async def test_opens_and_closes(self) -> None:
        listening = Listening(reactor)
        listening.open(["tcp:0:interface=127.0.0.1"], Factory())
        port = listening.ports[0].getHost().port
        await listening.close()
        self.assertEqual(listening.ports, [])
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))

    async def test_a_busy_port_is_named_and_what_is_open_can_be_closed(self) -> None:
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            taken = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
            listening = Listening(reactor)
            with self.assertRaises(CannotListen) as caught:
                listening.open(["tcp:0:interface=127.0.0.1", taken], Factory())
            self.assertEqual(
                str(caught.exception), f"cannot listen on {taken}: Address already in use"
            )
            opened = listening.ports[0].getHost().port
            await listening.close()
            self.assertEqual(listening.ports, [])
            with socket.socket() as free:
                free.bind(("127.0.0.1", opened))

    async def test_what_is_no_endpoint_is_named(self) -> None:
        for wrong in ("tcp:notaport", "nonsense:1", ""):
            with self.assertRaises(CannotListen, msg=wrong) as caught:
                Listening(reactor).open([wrong], Factory())
            self.assertTrue(str(caught.exception).startswith(f"cannot listen on {wrong}: "))

    async def test_a_unix_socket(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="tvmon-"))
        self.addCleanup(folder.rmdir)
        listening = Listening(reactor)
        listening.open([f"unix:{folder / 's'}"], Factory())
        self.assertTrue((folder / "s").is_socket())
        await listening.close()
