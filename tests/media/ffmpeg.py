"""
Encoders and players: ffmpeg, with pictures so small that a dozen run on two cores.

A dead encoder is :meth:`~tests.media.process.Process.kill`, one that ends as it should is
``stop``, and one that hangs is ``freeze``.
"""

from __future__ import annotations

import shutil
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from tests.media.process import Process

PROGRAM = shutil.which("ffmpeg")
QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error")
PICTURE = ("-re", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=10")
TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100")
KEY_FRAME_SECONDS = 2
H264 = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"),
    *("-pix_fmt", "yuv420p", "-g", str(10 * KEY_FRAME_SECONDS), "-threads", "1"),
    *("-b:v", "60k", "-maxrate", "60k", "-bufsize", "60k"),
)
AAC = ("-c:a", "aac", "-b:a", "32k", "-ac", "1")
AUDIO = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "32k", "-content_type", "audio/mpeg", "-f", "mp3"),
    "ogg": ("-c:a", "libvorbis", "-b:a", "48k", "-content_type", "application/ogg", "-f", "ogg"),
}

needs_ffmpeg = unittest.skipUnless(PROGRAM, "no ffmpeg")


class Ffmpeg(Process):
    """An ffmpeg that says nothing but errors."""

    def __init__(self, arguments: Sequence[str]) -> None:
        assert PROGRAM
        self.folder = Path(tempfile.mkdtemp(prefix="tvmon-ffmpeg-"))
        super().__init__([PROGRAM, *QUIET, *arguments], self.folder / "log")

    def close(self) -> None:
        """Kill it: nobody is to be told, and the clean end waits for servers that may be gone."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Publisher(Ffmpeg):
    """
    Publishes by RTMP: a picture with a tone, about 100 kbit/s.

    :param urls: as the servers' ``rtmp`` names them; to several, each packet goes to all of them
    """

    def __init__(self, *urls: str) -> None:
        outputs = "|".join(f"[f=flv:onfail=ignore]{url}" for url in urls)
        to = ("-f", "flv", *urls)
        if len(urls) > 1:
            to = ("-flags", "+global_header", "-map", "0:v", "-map", "1:a", "-f", "tee", outputs)
        super().__init__([*PICTURE, *TONE, *H264, *AAC, *to])


class Source(Ffmpeg):
    """
    Publishes a tone to an Icecast, about 40 kbit/s.

    :param url: as the server's ``source`` names it
    :param name: of the station, in its own words
    :param codec: ``mp3`` or ``ogg``
    """

    def __init__(self, url: str, *, name: str = "", codec: str = "mp3") -> None:
        station = ("-ice_name", name) if name else ()
        super().__init__([*TONE, *AUDIO[codec], *station, url])


class Player(Ffmpeg):
    """Plays a stream and discards it."""

    def __init__(self, url: str) -> None:
        live = ("-rtmp_live", "live") if url.startswith("rtmp:") else ()
        super().__init__([*live, "-i", url, "-c", "copy", "-f", "null", "-"])
