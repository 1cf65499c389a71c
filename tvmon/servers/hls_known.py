"""The playlists of the configuration, what is known of them, and which streams they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from tvmon.servers import Answer
from tvmon.servers.hls_playlist import MasterPlaylist
from tvmon.servers.hls_renditions import Rendition, renditions
from tvmon.streams import Stream
from tvmon.words import cleaned

NAME_CHARACTERS = 80
"""How long the name of a playlist may be."""

KEEP_GONE_SECONDS = 3600.0
"""How long a rendition stays listed, and bad, that its master playlist names no more."""

MOST_GONE = 100
"""How many such renditions of one master playlist are kept."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """
    A playlist of the configuration.

    :param url: its query may hold a token, and is shown nowhere
    """

    name: str
    url: str = field(repr=False)


class Known:
    """
    What is known of one playlist.

    :ivar renditions: by their names; ``None`` where it is no master playlist, or not known
    :ivar is_single: it is one stream by itself
    :ivar gone: renditions that were there, and since when they are not, monotonic seconds
    :ivar read_at: when it was read last as a master playlist
    :ivar trouble: why the master playlist could not be read when it was to be
    """

    def __init__(self, playlist: Playlist) -> None:
        self.playlist = playlist
        self.renditions: Mapping[str, Rendition] | None = None
        self.skipped: tuple[str, ...] = ()
        self.is_single = False
        self.gone: dict[str, float] = {}
        self.read_at = float("-inf")
        self.trouble: str | None = None

    def learn(self, master: MasterPlaylist, answer: Answer) -> None:
        """Take in a master playlist."""
        base = answer.url or self.playlist.url
        before = self.renditions or {}
        self.renditions, self.skipped = renditions(master, base)
        gone = {name: self.gone.get(name, answer.at) for name in (*self.gone, *before)}
        kept = [
            (name, since)
            for name, since in gone.items()
            if name not in self.renditions and answer.at - since < KEEP_GONE_SECONDS
        ]
        self.gone = dict(kept[-MOST_GONE:])
        self.read_at, self.trouble, self.is_single = answer.at, None, False

    def is_one(self) -> None:
        """It is a stream by itself."""
        self.renditions, self.skipped, self.gone = None, (), {}
        self.trouble, self.is_single = None, True

    def names(self) -> tuple[str, ...]:
        """The names of its renditions; one empty one where it has none, or none is known."""
        return (*(self.renditions or ()), *self.gone) or ("",)

    def streams(self, server: str) -> tuple[Stream, ...]:
        """The streams that it is."""
        return tuple(stream_of(server, self.playlist, name) for name in self.names())


def stream_of(server: str, playlist: Playlist, rendition: str) -> Stream:
    """A stream; nothing of it tells what is in a query."""
    public = playlist.url.partition("?")[0]
    key = f"{playlist.name}/{rendition}" if rendition else playlist.name
    shown = cleaned(f"{server}/{key}", 2 * NAME_CHARACTERS + 300)
    return Stream.of(
        server, key, None, shown, f"{public}#{quote(rendition)}" if rendition else public
    )
