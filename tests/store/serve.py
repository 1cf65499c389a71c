"""
A process that runs an embedded server, for tests that kill it.

    python -m tests.store.serve DIRECTORY

Prints the server's process id as soon as it answers, and stays until it is killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import reactor

from tvmon.store.address import Address
from tvmon.store.database import Session
from tvmon.store.embedded import Embedded
from tvmon.store.line import Line


def main(directory: str) -> None:
    embedded = Embedded(reactor, Path(directory))
    embedded.prepare()

    async def answers(session: Session) -> None:
        sys.stdout.write(f"{embedded.pid}\n")
        sys.stdout.flush()
        await session.over()

    line = Line(reactor, Address(embedded.url, "serve"), answers, lambda _: None)
    embedded.start(line.start)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
