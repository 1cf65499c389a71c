"""On what terms a media server is watched: what holds for servers of every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tvmon.servers import MediaServer
from tvmon.streams import Stream


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What holds for the streams whose name matches a pattern.

    :param match: ``*``, ``?`` and ``[abc]`` as in file names, in the same case; ``*`` takes
        slashes, too.  Compared with the stream's key and its ``unify_name``
    :param expected_kbps: what they need, kbit/s
    :param may_sleep: they may be there without being published
    """

    match: str
    expected_kbps: int | None = None
    may_sleep: bool = False

    def holds_for(self, stream: Stream) -> bool:
        """Whether the stream's name matches."""
        return any(fnmatchcase(name, self.match) for name in (stream.key, stream.unify_name))


@dataclass(frozen=True, slots=True)
class Watched:
    """
    One media server of the configuration, and on what terms it is watched.

    :param kind: the name of its kind
    :param rules: the first one that holds for a stream counts
    :param keep_missing_seconds: how long a stream that is listed no more goes on being sampled
    :param requests_at_once: how many requests it is sent at a time; 0 is no bound
    """

    server: MediaServer
    kind: str = ""
    rules: tuple[Rule, ...] = ()
    keep_missing_seconds: float = 0.0
    requests_at_once: int = 0

    @property
    def name(self) -> str:
        """The name of its section."""
        return self.server.name

    def known(self, stream: Stream) -> Stream:
        """The stream with what the configuration says of it."""
        rule = next((rule for rule in self.rules if rule.holds_for(stream)), _NO_RULE)
        return replace(
            stream,
            kind=self.kind,
            expected_kbps=rule.expected_kbps,
            may_sleep=rule.may_sleep,
        )


_NO_RULE = Rule("*")
