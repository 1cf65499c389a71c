"""What is sampled and what is listed -> what to start, to stop and to change.  Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from tvmon.streams import Stream


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The way from the running streams to the listed ones.  No stream is in two of the three.

    :param start: listed and not running, in the order of the listing
    :param stop: running and not listed
    :param kept: running and not listed either, yet only for the first time in a listing that may
        lack what it has
    :param change: running, and listed with another name, address or number; as listed
    :param skipped: a sentence for each listed stream that cannot be had beside another one
    """

    start: tuple[Stream, ...] = ()
    stop: tuple[Stream, ...] = ()
    change: tuple[Stream, ...] = ()
    kept: tuple[Stream, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.start or self.stop or self.change)


def plan(
    running: Mapping[int, Stream],
    listed: Iterable[Stream],
    lacked: Container[int] | None = None,
    spared: Container[int] = (),
) -> Plan:
    """
    Plan for one media server; ``running`` is by ``mms_stream_id``.

    A listing with entries that could not be used may lack a stream that is there.  It stops only
    those that the one before lacked, too: ``lacked``, which is ``None`` for a good listing.
    Those that are ``spared`` go on in any case.

    Of two listed streams with the same key the first one counts.  Of two keys with the same
    ``mms_stream_id`` the one that is running counts, else the first one: a listing in another
    order must not make one stream out of the other.
    """
    wanted: dict[int, Stream] = {}
    skipped: list[str] = []
    for stream in listed:
        number = stream.mms_stream_id
        first = wanted.get(number)
        if first is None:
            wanted[number] = stream
        elif first.key == stream.key:
            skipped.append(f'"{stream.unify_name}" is listed twice; the first one counts')
        else:
            now = running.get(number)
            if now is not None and now.key == stream.key:
                wanted[number] = stream
                other, kept = first, stream
            else:
                other, kept = stream, first
            skipped.append(
                f'"{other.unify_name}" has the same mms_stream_id, {number}, as another'
                f' stream, "{kept.unify_name}"; only the latter is watched'
            )
    missing = [
        stream
        for number, stream in running.items()
        if number not in wanted and number not in spared
    ]
    return Plan(
        start=tuple(stream for number, stream in wanted.items() if number not in running),
        stop=tuple(s for s in missing if lacked is None or s.mms_stream_id in lacked),
        kept=tuple(s for s in missing if lacked is not None and s.mms_stream_id not in lacked),
        change=tuple(
            stream for number, stream in wanted.items() if running.get(number, stream) != stream
        ),
        skipped=tuple(skipped),
    )
