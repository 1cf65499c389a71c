"""A clock that work moves on, and the turns of a reactor on it."""

from __future__ import annotations

from twisted.internet.task import Clock

PART = 0.003
"""What a part of some work takes, seconds."""


class Turns(Clock):
    """A clock that parts of work move on, and the turns of a reactor on it."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[float] = []

    def work(self, seconds: float = PART) -> None:
        self.rightNow += seconds

    def turn(self) -> None:
        """All that is due now; what it brings about is for the next one."""
        began = self.seconds()
        for call in [call for call in self.getDelayedCalls() if call.getTime() <= began]:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)
        self.turns.append(self.seconds() - began)

    def run(self) -> None:
        while self.getDelayedCalls():
            self.turn()
