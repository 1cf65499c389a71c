"""Streams that are sampled, and that the newest listing does not have."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from tvmon.streams import Stream


class Missing:
    """
    Those of one media server, and since when.

    :param keep_seconds: how long a stream that is missing goes on being sampled
    """

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._since: dict[int, float] = {}

    def spared(
        self,
        sampled: Mapping[int, Stream],
        listed: Iterable[Stream],
        unseen: Container[str],
        now: float,
    ) -> frozenset[int]:
        """
        The streams that are not listed and go on: unseen, or not missing for long enough.

        :param unseen: the keys of those that may be there without being listed
        """
        there = {stream.mms_stream_id for stream in listed}
        lacking = {n: stream for n, stream in sampled.items() if n not in there}
        may_be_there = {n for n, stream in lacking.items() if stream.key in unseen}
        self._since = {n: self._since.get(n, now) for n in lacking.keys() - may_be_there}
        kept = {n for n, since in self._since.items() if now - since < self._keep_seconds}
        return frozenset(may_be_there | kept)
