"""
Which of an Icecast's pages is asked: the best one that is there.

The admin's statistics tell all there is.  The public ones lack the bytes and hidden mounts, and
are asked where there is no password, or where a server, or a proxy before it, does not have the
admin's.  A password that is refused is never covered up by a public page.
"""

from __future__ import annotations

from typing import NamedTuple

from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Fetch, Request
from tvmon.servers.site import Site

RETRY_SECONDS = 300.0
"""How long a poorer page is asked before the best one is tried again."""

NOT_THERE = (400, 404, 405, 410, 501)
"""How a server says that it has no such page: Icecast 2.4 says 400 to a command unknown to it."""

REFUSED = (401, 403)


class View(NamedTuple):
    """
    A page that tells of all mounts.

    :param whole: it is for the admin, and tells the bytes, and of hidden mounts
    """

    path: str
    whole: bool


WHOLE = (View("/admin/stats", whole=True), View("/admin/stats.json", whole=True))
PUBLIC = (
    View("/status-json.xsl", whole=False),
    View("/admin/publicstats", whole=False),
    View("/admin/publicstats.json", whole=False),
)
"""The first is a file that an operator may have removed; the others are there from 2.5 on."""


class Views:
    """
    The pages of one server.

    :ivar view: the one that is asked
    :ivar why: what the better ones answered, ``/admin/stats answers 404``; empty for the best
    """

    def __init__(self, site: Site) -> None:
        self.view = View("", whole=False)
        self.why = ""
        self._site = site
        self._all = PUBLIC if site.password is None else WHOLE + PUBLIC
        self._asked_at = 0.0
        self._best_asked_at = 0.0

    async def ask(self, fetch: Fetch) -> Answer:
        """A good answer of the best page that is there; BadAnswer where none is good."""
        if self.why and self._asked_at - self._best_asked_at < RETRY_SECONDS:
            answer = await self._get(fetch, self.view)
            if answer.status not in NOT_THERE + REFUSED:
                return self._good(answer)
        self.why = ""  # so that what fails now is tried from the best one on the next time, too
        lacking: list[str] = []
        refused = False
        for view in self._all:
            answer = await self._get(fetch, view)
            if not lacking:
                self._best_asked_at = answer.at
            is_refused = answer.status in REFUSED
            if answer.status not in NOT_THERE and not (is_refused and not view.whole):
                self._good(answer)
                self.view, self.why = view, ", ".join(lacking)
                return answer
            refused = refused or is_refused
            lacking.append(f"{view.path} answers {answer.status}")
        raise BadAnswer(f"{', '.join(lacking)}: {self._advice()}", "auth" if refused else "http")

    async def _get(self, fetch: Fetch, view: View) -> Answer:
        headers = self._site.authorization if view.whole else ()
        answer = await fetch(Request(self._site.url + view.path, headers=headers, wanted=("date",)))
        self._asked_at = answer.at
        return answer

    def _good(self, answer: Answer) -> Answer:
        self._site.good(answer)
        return answer

    def _advice(self) -> str:
        if self._site.password is None:
            return "give the password of the admin, or let the server show /status-json.xsl"
        return "this is no Icecast, or the URL is not its base"
