"""What is to be told of a media server itself, beside its streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ServerReport(NamedTuple):
    """
    One media server, as it stands now.

    :param name: of its section in the configuration
    :param kind: ``nginx-rtmp`` for one
    :param trouble: what is wrong with its listing, for an operator; ``None`` where nothing is
    :param listed_time: of the newest good listing, seconds since 1970; ``None`` before the first
    :param unknown: fields of its answers that its module does not know, ``stream.bw_data``, and
        in how many answers each came
    :param missing: fields that its module needs, and that its answers lack
    """

    name: str
    kind: str
    trouble: str | None
    listed_time: float | None
    unknown: Mapping[str, int]
    missing: Mapping[str, int]
