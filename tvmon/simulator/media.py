"""Everything that the simulated media servers have: their streams, and what they were told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle

from tvmon.simulator import model
from tvmon.simulator.behaviours import (
    API_KINDS,
    SERVER_KINDS,
    Behaviour,
    InputError,
    MissingError,
    behaviour,
)
from tvmon.simulator.channels import Channel
from tvmon.simulator.live import LiveStream, opening
from tvmon.simulator.mix import dealt
from tvmon.simulator.model import Counters
from tvmon.simulator.names import CUSTOMERS, FORMATS, channel_names
from tvmon.simulator.settings import MOST_STREAMS, NamedStream, Settings
from tvmon.simulator.source import LARGE, Source

Path = tuple[bytes, ...]
"""Customer, channel and stream in UTF-8: what a URL knows a stream by."""


class Media:
    """
    The servers, channels and streams, and the only place where they change.

    :param seconds: a clock that never jumps; only differences count

    :ivar streams: by their number, in its order
    :ivar api: what the listing was told to do
    :ivar modes: what each server was told to do, by its name
    """

    def __init__(self, settings: Settings, seconds: Callable[[], float]) -> None:
        self.settings = settings
        self.streams: dict[int, LiveStream] = {}
        self.api = behaviour("ok", None, API_KINDS, "mode")
        fine = behaviour("ok", None, SERVER_KINDS, "mode")
        self.modes = {server.name: fine for server in settings.servers}
        self._seconds = seconds
        self._began = seconds()
        self._paths: dict[Path, LiveStream] = {}
        self._channels: dict[tuple[str, str], Channel] = {}
        self._names = channel_names()
        self._servers = cycle(settings.servers)
        self._sizes: dict[int, int] = {}
        self._last_stream = self._last_channel = 0
        self._make_up()
        for named in settings.named:
            self._place(named, runs_already=True)

    def at(self) -> float:
        """Seconds since the simulator's start."""
        return self._seconds() - self._began

    def find(self, path: Iterable[bytes]) -> LiveStream | None:
        """The stream at the path of a URL, already decoded."""
        return self._paths.get(tuple(path))

    def hangs(self, stream: LiveStream) -> bool:
        """Whether the server of a stream does not answer at all."""
        return self.modes[stream.channel.server.name].name == "hang"

    def counters(self, stream: LiveStream) -> Counters:
        """What is said of a stream now."""
        return stream.counters(self.at())

    def stream(self, number: int) -> LiveStream:
        """The stream of this number; :class:`MissingError` where there is none."""
        if number not in self.streams:
            raise MissingError(f"there is no stream {number}")
        return self.streams[number]

    def change(self, streams: Iterable[LiveStream], wanted: Behaviour) -> None:
        """Let streams do something else from now on."""
        now = self.at()
        for stream in streams:
            stream.change(wanted, now)

    def remove(self, number: int) -> None:
        """Take a stream away; its channel goes with the last of its streams."""
        stream = self.stream(number)
        del self.streams[number]
        del self._paths[_path(stream.channel, stream.name)]
        self._sizes[stream.channel.id] -= 1
        if not self._sizes[stream.channel.id]:
            del self._channels[stream.channel.customer_name, stream.channel.name]
            del self._sizes[stream.channel.id]

    def add(self, named: NamedStream | None = None, wanted: Behaviour | None = None) -> LiveStream:
        """A new stream, its counters at zero: the one that is named, or one that is made up."""
        if len(self.streams) >= MOST_STREAMS:
            raise InputError(f"there are {MOST_STREAMS} streams already")
        if named is None:
            name, display_name = self._free_names(CUSTOMERS[0])
            named = NamedStream(
                CUSTOMERS[0],
                name,
                display_name,
                server=next(self._servers).name,
                behaviour=wanted or NamedStream().behaviour,
            )
        return self._place(named, runs_already=False)

    def restart(self, server: str | None = None) -> int:
        """Start a media server again, or all: the counters of its streams go to zero."""
        now, count = self.at(), 0
        for stream in self.streams.values():
            if server is None or stream.channel.server.name == server:
                stream.restart(now)
                count += 1
        return count

    def set_modes(self, wanted: Behaviour, server: str | None = None) -> None:
        """Tell a server, or all, what to do."""
        for name in self.modes if server is None else [server]:
            self.modes[name] = wanted

    def server(self, name: str) -> str:
        """The name, if a server has it; else :class:`MissingError`."""
        if name not in self.modes:
            raise MissingError(f"there is no server {name!r}", tuple(self.modes))
        return name

    def channels(self) -> Mapping[Channel, list[LiveStream]]:
        """Every channel with its streams, by its number."""
        listed: dict[Channel, list[LiveStream]] = {}
        for stream in self.streams.values():
            listed.setdefault(stream.channel, []).append(stream)
        return dict(sorted(listed.items(), key=lambda item: item[0].id))

    def _make_up(self) -> None:
        """The streams that are only counted in the settings."""
        settings = self.settings
        behaviours = dealt(settings.mix, settings.streams, settings.seed)
        taken = 0
        for customer, formats in zip(cycle(CUSTOMERS), cycle(FORMATS), strict=False):
            name, display_name = self._free_names(customer)
            server = next(self._servers).name
            for stream in formats:
                if taken == len(behaviours):
                    return
                named = NamedStream(customer, name, display_name, stream, server, behaviours[taken])
                taken += 1
                self._place(named, runs_already=True)

    def _free_names(self, customer: str) -> tuple[str, str]:
        """A name and a display name that no channel of this customer has."""
        return next(pair for pair in self._names if (customer, pair[0]) not in self._channels)

    def _place(self, named: NamedStream, *, runs_already: bool) -> LiveStream:
        """Put a stream where it belongs; :class:`InputError` where one is already."""
        settings, number = self.settings, self._last_stream + 1
        channel = self._channel(named)
        path = _path(channel, named.name)
        if path in self._paths:
            raise InputError(f"there is a stream {b'/'.join(path).decode()} already")
        # A link of so many kB/s starves a large stream; a small one might not even notice.
        profile = LARGE if named.behaviour.name == "starved" else None
        source = Source.drawn(settings.seed, number, profile, named.needed_kilobytes_per_second)
        if runs_already:
            chapter = opening(source, named.behaviour, settings.seed, number)
        else:
            chapter = model.begin(source, named.behaviour, self.at())
        stream = LiveStream(number, channel, named.name, source, chapter)
        self._last_stream = number
        self._last_channel = max(self._last_channel, channel.id)
        self._channels[channel.customer_name, channel.name] = channel
        self._sizes[channel.id] = self._sizes.get(channel.id, 0) + 1
        self.streams[number] = self._paths[path] = stream
        return stream

    def _channel(self, named: NamedStream) -> Channel:
        """The channel that a stream belongs to; a new one where it is the first of it."""
        key = (named.customer_name, named.channel_name)
        if key in self._channels:
            return self._channels[key]
        servers = self.settings.servers
        wanted = servers[0].name if named.server is None else self.server(named.server)
        server = next(each for each in servers if each.name == wanted)
        return Channel(
            self._last_channel + 1, *key, named.display_name or named.channel_name, server
        )


def _path(channel: Channel, stream: str) -> Path:
    names = (channel.customer_name, channel.name, stream)
    return tuple(name.encode() for name in names)
