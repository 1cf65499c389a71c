"""``GET /tag_live_monitor/{customer}/{channel}/{stream}``: what a media server says of a stream."""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.http import datetimeToString
from twisted.web.server import Request

from tvmon.simulator import faults
from tvmon.simulator.held import Held
from tvmon.simulator.leaf import Leaf
from tvmon.simulator.live import LiveStream
from tvmon.simulator.media import Media
from tvmon.simulator.model import Counters
from tvmon.simulator.source import PROFILES, Profile

SERVER = b"TVie TSS/v2.0.0.0 (CentOS-55-x86-64)"
EXPIRES = b"Mon, 26 Jul 1997 05:00:00 GMT"

_ALWAYS = "".join(
    f"{name}: {'%.6f' if name.startswith('average') else '%d'}\n" for name in Counters._fields
).encode()


def _format(profile: Profile) -> bytes:
    """The lines that are said only of a stream that there is."""
    return (
        "stream_info_audiocodecid: 10\n"
        "stream_info_audiosamplesize: 16\n"
        "stream_info_audiosamplerate: 44100\n"
        "stream_info_stereo: 1\n"
        "stream_info_videocodecid: 7\n"
        f"stream_info_framerate: {profile.framerate}\n"
        f"stream_info_width: {profile.width}\n"
        f"stream_info_height: {profile.height}\n"
    ).encode()


_WHOLE = {profile: _ALWAYS + _format(profile) for profile in PROFILES}


def body_of(profile: Profile, counters: Counters) -> bytes:
    """The lines as the server writes them: 13 where there is no stream, else 21."""
    if not counters.stream_info_audiodatarate:
        return _ALWAYS % counters
    return _WHOLE[profile] % counters


class Answers(Leaf):
    """
    Everything below ``/tag_live_monitor``.

    :param now: wall clock, seconds since 1970; for the dates in the head
    """

    methods = (b"GET", b"HEAD")

    def __init__(self, media: Media, held: Held, now: Callable[[], float]) -> None:
        super().__init__()
        self._media = media
        self._held = held
        self._now = now
        self._second = -1
        self._date = b""

    def render_GET(self, request: Request) -> bytes | int:
        """One stream."""
        media = self._media
        stream = media.find(request.postpath or ())
        if stream is not None:
            stream.polls += 1
            if media.hangs(stream):
                return faults.silence()
        self._head(request)
        if stream is None:
            request.setResponseCode(404)
            return b"no such stream\n"
        behaviour = stream.behaviour
        if behaviour.kind.is_fault:
            return faults.answer(request, behaviour, self._held, lambda: self._body(stream))
        return self._body(stream)

    def _body(self, stream: LiveStream) -> bytes:
        return body_of(stream.source.profile, self._media.counters(stream))

    def _head(self, request: Request) -> None:
        """The head as recorded, but for ``Connection``, which is a matter of the settings."""
        second = int(self._now())
        if second != self._second:
            self._second, self._date = second, datetimeToString(second)
        headers = request.responseHeaders
        headers.setRawHeaders(b"Date", [self._date])
        headers.setRawHeaders(b"Content-Type", [b"text/plain"])
        headers.setRawHeaders(b"Expires", [EXPIRES])
        headers.setRawHeaders(b"Server", [SERVER])
        headers.setRawHeaders(b"Last-Modified", [self._date])
        headers.setRawHeaders(b"Pragma", [b"no-cache"])
        headers.setRawHeaders(b"Cache-Control", [b"no-store, must-revalidate"])
        if self._media.settings.close:
            headers.setRawHeaders(b"Connection", [b"close"])
            request.channel.persistent = 0
