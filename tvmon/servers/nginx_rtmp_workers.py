"""
Which workers of an nginx there are, each of which tells of its own streams only.

Nothing in an answer says how many workers there are.  They are told apart by their process, and
their generations by when nginx loaded its configuration, which is one moment for all workers of
a generation: after a reload new workers answer, and the old ones serve on without ever answering
again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ASKED_IN_A_ROW = 17
"""After 16 connections a worker of nginx leaves the next one to another worker."""

ALIVE_SECONDS = 60.0
"""A worker that has not answered for so long is not counted on."""

KEPT_SECONDS = 3600.0
"""How long a worker that does not answer is remembered."""

MOST_WORKERS = 256
"""How many are remembered; of more, those that answered last."""

LATER_SECONDS = 2.5
"""What is later than that is later, not the jitter of uptimes in whole seconds."""


@dataclass(slots=True)
class Worker:
    """
    One worker.

    :ivar pid: its process; empty where it does not tell
    :ivar loaded: when its configuration was loaded, on the clock of the answers; ``None`` where
        it does not tell
    :ivar at: when it answered last
    :ivar life: how many processes of this number there were before: in a container each nginx
        may have the same
    :ivar missed: so many connections in a row led to others
    :ivar viewers: of each stream that it has viewers of
    """

    pid: str
    loaded: float | None
    at: float
    life: int = 0
    missed: int = 0
    viewers: dict[str, int] = field(default_factory=dict)

    @property
    def session(self) -> str | None:
        """What tells this process from every other; ``None`` where it does not tell itself."""
        if not self.pid:
            return None
        return f"{self.pid}.{self.life}" if self.life else self.pid

    def is_later_than(self, other: Worker) -> bool:
        """Whether its configuration was loaded after that of the other."""
        if self.loaded is None or other.loaded is None:
            return False
        return self.loaded > other.loaded + LATER_SECONDS


class Workers:
    """Those that answered, by their process."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}

    def get(self, pid: str) -> Worker | None:
        """The worker of that number; ``None`` where it is not remembered."""
        return self._workers.get(pid)

    def answered(self, pid: str, uptime: int | None, at: float) -> bool:
        """Note an answer; whether it is of a worker that was not known."""
        now = Worker(pid, None if uptime is None else at - uptime, at)
        before = self._workers.pop(pid, None)
        if before is not None:
            now.life = before.life + now.is_later_than(before)
        self._workers[pid] = now  # the last one in the table is the last one that answered
        for old in list(self._workers.values()):
            if at - old.at > KEPT_SECONDS or len(self._workers) > MOST_WORKERS:
                del self._workers[old.pid]
        return before is None or now.life != before.life

    def alive(self, at: float) -> list[Worker]:
        """Those that can be expected to answer: of the newest generation, and not silent."""
        if not self._workers:
            return []
        newest = self.newest()
        return [
            worker
            for worker in self._workers.values()
            if at - worker.at <= ALIVE_SECONDS and not newest.is_later_than(worker)
        ]

    def awaited(self, at: float) -> set[str]:
        """Those of them that a few more connections may lead to."""
        alive = self.alive(at)
        most = ASKED_IN_A_ROW * len(alive)
        return {worker.pid for worker in alive if worker.missed < most}

    def met(self, pid: str) -> None:
        """A connection, which could have led to any of them, led to this one."""
        for worker in self._workers.values():
            worker.missed = 0 if worker.pid == pid else worker.missed + 1

    def newest(self) -> Worker:
        """The one that answered last of those whose configuration is the latest."""
        found: Worker | None = None
        for worker in self._workers.values():
            if found is None or not found.is_later_than(worker):
                found = worker
        assert found is not None
        return found

    def why_unseen(self, pid: str) -> str:
        """Why a stream that this worker had is not in the answers of the others."""
        newest, worker = self.newest(), self._workers.get(pid)
        if worker is not None and newest.is_later_than(worker):
            return (
                f"the server was reloaded: worker {newest.pid} does not show"
                f" what worker {pid} still serves"
            )
        return f"worker {pid}, which had it, did not answer this time"

    def clear(self) -> None:
        """Forget them all."""
        self._workers.clear()
