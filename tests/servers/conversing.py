"""Talking to a fake media server by a clock of the test's own, and looking at what was told."""

from __future__ import annotations

from typing import Any

from tests.coroutines import result_of
from tests.servers.fakes_serving import Fake
from tvmon.errors import BadAnswer
from tvmon.servers import Overview, Survey
from tvmon.streams import Measurement

START = 1_767_323_045.0
"""2026-01-02T03:04:05Z."""


class Conversation:
    """
    A fake, a conversation with it, and the time.

    :ivar at: seconds since the start of the test
    :ivar survey: the newest one
    """

    def __init__(self) -> None:
        self.at = 1000.0
        self.survey = Survey({})

    def seconds(self) -> float:
        return self.at

    def now(self) -> float:
        return START + self.at

    def meet(self, fake: Fake, overview: Overview) -> Conversation:
        self.fake, self.overview = fake, overview
        return self

    def look(self, later: float = 0.0) -> Survey:
        """Ask once more, so many seconds later."""
        self.at += later
        self.fake.asked.clear()
        self.survey = result_of(_asked(self.overview, self.fake))
        return self.survey

    def refused(self) -> BadAnswer:
        """Ask, and be refused."""
        try:
            survey = self.look()
        except BadAnswer as trouble:
            return trouble
        raise AssertionError(f"an answer: {survey}")

    def said(self, key: str) -> Measurement:
        """What the newest survey says of a stream."""
        return self.survey.seen[key].measured


async def _asked(overview: Overview, fake: Any) -> Survey:
    return await overview.survey(fake.fetch)
