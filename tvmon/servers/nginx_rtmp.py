"""
nginx with an RTMP module: nginx-rtmp-module, its forks, and nginx-http-flv-module.

One page tells of all streams, but only of those of the worker that happens to answer.  So the
conversation asks on until all workers that it knows have answered, and a :class:`View` puts
their answers together.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvmon.errors import BadAnswer, Trouble
from tvmon.servers import Answer, Drift, Fetch, Found, Kind, Probe, Request, Survey
from tvmon.servers.nginx_rtmp_stat import Stat, parse_stat, pid_of, stat_steps
from tvmon.servers.nginx_rtmp_view import View
from tvmon.servers.nginx_rtmp_workers import ASKED_IN_A_ROW
from tvmon.servers.site import OfSite, Site
from tvmon.servers.steps import in_steps
from tvmon.settings import Section
from tvmon.streams import Stream

MOST_ASKED = 4 * ASKED_IN_A_ROW
"""How often a survey asks at most, however many workers there are."""

ASKING_SECONDS = 1.0
"""How long a survey goes on asking: the next one begins half a second later."""

LOOK_SECONDS = 10.0
"""How often a server that seems to have one worker is asked whether there is another."""

PATH = "/stat"


@dataclass(frozen=True, slots=True)
class NginxRtmp(OfSite):
    """One nginx of the configuration."""

    def begin(self) -> NginxOverview:
        """Start a conversation."""
        return NginxOverview(self.site)


class NginxOverview:
    """A conversation with an nginx."""

    def __init__(self, site: Site) -> None:
        self.drift = Drift()
        self._site = site
        self._view = View(site, self.drift)
        self._in_a_row = 0  # so many connections led to no worker that was new
        self._looked: float | None = None

    async def survey(self, fetch: Fetch) -> Survey:
        """All streams now; raises Trouble and nothing else."""
        stats: dict[str, Stat] = {}
        try:
            answer = await fetch(self._request(fresh=False))
        except Trouble as trouble:
            if trouble.outcome == "refused":
                # Nobody listens, so this is no reload: no worker serves on unseen.
                self._view.forget()
            raise
        await self._take(self._site.good(answer), answer.at, stats)
        at = await self._ask_on(fetch, answer.at, stats)
        return await in_steps(self._view.merging(stats, at))

    async def _ask_on(self, fetch: Fetch, began: float, stats: dict[str, Stat]) -> float:
        """Ask the other workers, on connections of their own; when the last one answered."""
        at, workers = began, self._view.workers
        for asked in range(MOST_ASKED):
            missing = len(workers.awaited(at) - stats.keys())
            searching = self._in_a_row < ASKED_IN_A_ROW
            looking = self._looked is None or at - self._looked >= LOOK_SECONDS
            if not (missing or searching or looking):
                break
            if asked >= ASKED_IN_A_ROW * max(1, missing) or at - began >= ASKING_SECONDS:
                break
            try:
                answer = await fetch(self._request(fresh=True))
                self._looked = at = answer.at
                self._in_a_row += 1
                body = self._site.good(answer)
                pid = pid_of(body)
                workers.met(pid)
                if pid not in stats:
                    await self._take(body, at, stats)
            except Trouble:
                break  # one answer is good; what the others have is not seen this time
        return at

    def _request(self, *, fresh: bool) -> Request:
        return Request(self._site.url, headers=self._site.authorization, fresh=fresh)

    async def _take(self, body: bytes, at: float, stats: dict[str, Stat]) -> None:
        """Read an answer; one of a worker that has answered already tells nothing new."""
        stat = await in_steps(stat_steps(body, self.drift))
        if stat.pid in stats:
            return
        stats[stat.pid] = stat
        if self._view.workers.answered(stat.pid, stat.uptime, at):
            self._in_a_row = 0


def configured(section: Section) -> NginxRtmp:
    """The nginx that a ``[[server]]`` of kind ``nginx-rtmp`` describes."""
    return NginxRtmp(Site.configured(section))


def at(sample_interface: str) -> tuple[NginxRtmp, Stream]:
    """The server and the stream of a sample interface, ``http://host/stat#live/cam1``."""
    site, stream = Site.at(sample_interface)
    return NginxRtmp(site), stream


def recognise(answer: Answer, base_url: str) -> Found | None:
    """What a probe has found; ``None`` where it is no RTMP module."""
    if answer.status != 200:
        return None
    try:
        stat = parse_stat(answer.body)
    except BadAnswer:
        return None
    return Found(stat.software, {"url": f"{base_url}{PATH}"})


PROBE = Probe((80, 8080, 8000), PATH, recognise)
KIND = Kind("nginx-rtmp", configured, at, (PROBE,))
"""nginx-rtmp-module 1.1 and later, its forks, and nginx-http-flv-module."""
